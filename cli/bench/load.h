/* Texts to measure a scheduler with, and ways of sending them. */
#ifndef CLI_BENCH_LOAD_H
#define CLI_BENCH_LOAD_H

#include <hone.h>

struct load {
    struct hone_model *model;
    struct hone_text *texts; /* [n] */
    size_t n, n_tokens;      /* n_tokens: of all, special ones included */
    size_t width;            /* numbers a text */
    float *out;              /* [n, width] */
    struct hone_run_options how;
};

/* n texts, text i of about lengths[i % n_lengths] tokens. After a failure too, load_release. */
enum hone_status load_make(struct load *l, struct hone_model *model, const size_t *lengths, size_t n_lengths,
                           size_t n, struct hone_error *err);
void load_release(struct load *l);

/* Text i alone: its embedding, or its labels. */
struct hone_request load_request(const struct load *l, size_t i);

/* Texts first to first + n in one call of the library. */
enum hone_status load_offline(const struct load *l, size_t first, size_t n, struct hone_error *err);

struct load_times {
    double seconds;
    double slowest;      /* the slowest client's throughput, by the mean of all */
    double longest_wait; /* of a request in the queue, ms */
};

/* n_clients send all texts, each its share, one after the other. */
enum hone_status load_by_clients(const struct load *l, struct hone_scheduler *scheduler, size_t n_clients,
                                 struct load_times *out, struct hone_error *err);

struct load_trace {
    double seconds; /* from the first request to the last reply */
    double p50_ms, p95_ms, p99_ms;
};

/* Text i is sent after at[i] seconds. */
enum hone_status load_by_trace(const struct load *l, struct hone_scheduler *scheduler, const double *at,
                               struct load_trace *out, struct hone_error *err);

#endif
