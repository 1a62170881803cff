/* A rerank request of a model that embeds, as texts of one job: the query first, then the documents. So they are computed together
 * with those of other requests, and their vectors are kept and found as those of any text; only how near they are is the
 * request's own. */
#ifndef RUNTIME_SERVE_COMPARED_H
#define RUNTIME_SERVE_COMPARED_H

#include "runtime/infer/ragged.h"
#include "runtime/infer/rerank.h"
#include "runtime/serve/caches.h"

#include <hone/scheduler.h>

struct compared {
    struct hone_request given;           /* as it came */
    struct hone_model *asking, *reading; /* that read the query and the documents: two routes, or one model */
    struct request query, documents;     /* what is computed of each */
    struct comparison comparison;
    struct hone_text *texts; /* [given.n_texts + 1] */
    float *rows;    /* the same, by the width of a vector; NULL where each token or word has something */
    float *weights; /* [2, width] of the vocabulary's words, of query and document; NULL: no such model */
    bool *done;     /* the same */
    bool *
        scored; /* [given.n_texts] the score was found, where rows are NULL: what it is made of is not kept */
};

/* What a document's score is called, of a request as it came; and whether such are kept. */
struct row_key compared_score_key(const struct caches *c, const struct hone_request *given, size_t i);
bool compared_keeps_scores(const struct caches *c, const struct hone_request *given);

/* Looks for the score of text i, which is document i - 1. */
bool compared_find(struct compared *c, struct caches *caches, size_t i, struct token_run *run);

/* Whether all of its scores were found, so that nobody needs its query either. */
bool compared_is_scored(const struct compared *c);

/* Whether it may be such a one. */
bool compared_can(const struct hone_model *model, const struct hone_request *request);

/* To be freed with compared_free, after a failure too. */
enum hone_status compared_new(struct compared **out, struct hone_model *model,
                              const struct hone_request *request, struct hone_error *err);
void compared_free(struct compared *c);

/* Makes the request one of all its texts, whose results go to *c. */
void compared_take(struct compared *c, struct hone_request *request);

/* What was given gets its results, which are kept where that is worth it. runs: of all texts; vectors:
 * of tokens or words; else NULL. */
void compared_finish(struct compared *c, struct caches *caches, const struct token_run *runs,
                     const struct ragged_text *vectors);

#endif
