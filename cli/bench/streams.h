/* Texts that a scheduler generates for several clients, measured. */
#ifndef CLI_BENCH_STREAMS_H
#define CLI_BENCH_STREAMS_H

#include <hone.h>

/* n streams of n_tokens each, after short prompts: tokens a second of all together. */
enum hone_status streams_rate(struct hone_scheduler *scheduler, struct hone_model *model, size_t n,
                              size_t n_tokens, double *rate, struct hone_error *err);

/* Between two tokens of a stream, ms. */
struct streams_gaps {
    double p50, p95, max;
    size_t n;
};

/* The same while nothing else is done, and while somebody's prompt of n_prompt tokens is processed, which takes *seconds.
 */
enum hone_status streams_beside_prompt(struct hone_scheduler *scheduler, struct hone_model *model, size_t n,
                                       size_t n_prompt, struct streams_gaps *before,
                                       struct streams_gaps *during, double *seconds, struct hone_error *err);

#endif
