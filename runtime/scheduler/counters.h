/* What a scheduler counts. Any number of threads may add and read at once; nobody waits. */
#ifndef RUNTIME_SCHEDULER_COUNTERS_H
#define RUNTIME_SCHEDULER_COUNTERS_H

#include "runtime/scheduler/histogram.h"
#include "runtime/scheduler/job.h"

struct counters {
    _Atomic uint64_t taken, busy, ok, failed, late, cancelled, fast, batches;
    _Atomic uint64_t texts, tokens, truncated, invalid, refused;
    struct histogram queue[HONE_N_PRIORITIES], total[HONE_N_PRIORITIES], batch;
};

void count(_Atomic uint64_t *counter, uint64_t n);
void count_texts(struct counters *c, const struct hone_stats *stats);
/* The job's reply at `now`. */
void count_reply(struct counters *c, const struct job *job, enum hone_status status, uint64_t now);

/* All that counters know of *out. */
void counters_read(const struct counters *c, struct hone_scheduler_stats *out);

#endif
