/* Durations, counted by size: each bucket is at most a 16th wider than the durations in it. Any number of threads may
 * add and read at once; nobody waits. */
#ifndef RUNTIME_SCHEDULER_HISTOGRAM_H
#define RUNTIME_SCHEDULER_HISTOGRAM_H

#include "runtime/hone.h"

#include <stdatomic.h>

#define HISTOGRAM_STEPS   16 /* buckets from one power of two to the next */
#define HISTOGRAM_BUCKETS (61 * HISTOGRAM_STEPS)

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS];
    _Atomic uint64_t sum, max; /* ns */
};

void histogram_add(struct histogram *h, uint64_t ns);
struct hone_latency histogram_read(const struct histogram *h);

#endif
