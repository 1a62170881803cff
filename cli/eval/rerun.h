/* Runs that a model makes: of documents that another run has found, or of all. */
#ifndef CLI_EVAL_RERUN_H
#define CLI_EVAL_RERUN_H

#include "cli/options.h"

#include <jansson.h>

struct rerun {
    json_t *run;            /* {QUERY: {DOCUMENT: score}} */
    double seconds;         /* that the model took, without reading files */
    double slowest, median; /* seconds a query */
    size_t n_pairs;
};

/* Scores the documents of `run` for their queries, as hone rerank does. What is wrong has been reported. */
enum hone_status rerun_rerank(struct rerun *out, const struct options *options, const json_t *run,
                              const json_t *queries, const json_t *corpus);
/* Embeds all of both, and ranks by cosine: the top_n best of each query. */
enum hone_status rerun_search(struct rerun *out, const struct options *options, const json_t *queries,
                              const json_t *corpus, size_t top_n);
void rerun_release(struct rerun *r);

/* Writes a run in TREC's form to options->output (NULL: standard output): best first. */
enum hone_status rerun_write(const json_t *run, const char *path);

#endif
