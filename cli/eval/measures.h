/* How good a ranking is, as trec_eval computes it: documents by falling score (float32), those of one score by falling
 * name; what is not judged is of grade 0, and relevant is a grade of 1 and more. Queries count that are in both. */
#ifndef CLI_EVAL_MEASURES_H
#define CLI_EVAL_MEASURES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum measure { MEASURE_NDCG, MEASURE_MAP, MEASURE_MRR, MEASURE_RECALL, MEASURE_RECALL_100, N_MEASURES };

struct measures {
    size_t n;                   /* queries */
    size_t n_missing;           /* judged ones that the run does not have */
    double *values[N_MEASURES]; /* [n] in the order of judgements */
    const char **queries;       /* [n] they live as long as the judgements */
    double mean[N_MEASURES];
};

/* cut: documents that nDCG and recall look at. False: out of memory. To be released in any case. */
bool measures_compute(struct measures *m, const json_t *qrels, const json_t *run, size_t cut);
void measures_release(struct measures *m);

/* How probable a difference of means at least as large would be if it were chance which of two runs got which value
 * (Fisher's test by randomisation over the queries that both have, two-sided). *n: how many these are. */
double measures_p_value(const struct measures *a, const struct measures *b, enum measure which, size_t *n);

#endif
