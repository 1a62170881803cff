/* Values, counted by size: each bucket is at most a 16th wider than the values in it. Any number of threads may add and
 * read at once; nobody waits. Durations are kept in 1024ths of a millisecond, so that powers of two of milliseconds are
 * where buckets meet. */
#ifndef RUNTIME_SERVE_HISTOGRAM_H
#define RUNTIME_SERVE_HISTOGRAM_H

#include <hone/hone.h>
#include <hone/scheduler.h>

#include <stdatomic.h>

#define HISTOGRAM_STEPS   16 /* buckets from one power of two to the next */
#define HISTOGRAM_BUCKETS (33 * HISTOGRAM_STEPS)

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* larger values are in the last */
    _Atomic uint64_t sum, max;
};

void histogram_add(struct histogram *h, uint64_t value);
void histogram_add_ns(struct histogram *h, uint64_t ns);
struct hone_latency histogram_latency(const struct histogram *h); /* of durations */
struct hone_sizes histogram_sizes(const struct histogram *h);

#endif
