/* What a scheduler counts. Any number of threads may add and read at once; nobody waits. */
#ifndef RUNTIME_SERVE_COUNTERS_H
#define RUNTIME_SERVE_COUNTERS_H

#include "runtime/base/histogram.h"
#include "runtime/serve/job.h"

struct counters {
    _Atomic uint64_t taken, busy, ok, failed, late, cancelled; /* requests */
    _Atomic uint64_t fast, batches;
    _Atomic uint64_t texts, tokens, truncated, invalid, refused;
    struct histogram queue[HONE_N_PRIORITIES], total[HONE_N_PRIORITIES], batch;
    struct histogram batch_requests, batch_texts, batch_tokens;
    _Atomic uint64_t steps, prompt_tokens, cached_tokens, generated;
    struct histogram first_token, between_tokens, step;
};

/* histogram_touch of all of them. */
void counters_touch(struct counters *c);
void counters_add(_Atomic uint64_t *counter, uint64_t n);
/* What a batch of n_requests was, and the ns that it took, up to `now`. */
void counters_add_batch(struct counters *c, size_t n_requests, const struct hone_stats *stats, uint64_t ns,
                        uint64_t now);
/* The job's reply at `now`. */
void counters_add_reply(struct counters *c, const struct job *job, enum hone_status status, uint64_t now);

/* All that counters know of *out. */
void counters_read(const struct counters *c, struct hone_scheduler_stats *out, uint64_t now);

#endif
