/* Values, counted by size: each bucket is at most a 16th wider than the values in it. Any number of threads may add and
 * read at once; nobody waits. Durations are kept in 1024ths of a millisecond, so that powers of two of milliseconds are
 * where buckets meet. */
#ifndef RUNTIME_BASE_HISTOGRAM_H
#define RUNTIME_BASE_HISTOGRAM_H

#include <hone/hone.h>
#include <hone/scheduler.h>

#include <stdatomic.h>

#define HISTOGRAM_STEPS   16 /* buckets from one power of two to the next */
#define HISTOGRAM_BUCKETS (33 * HISTOGRAM_STEPS)

#define HISTOGRAM_MINUTES 5 /* that percentiles of the last time are taken over */

struct histogram {
    _Atomic uint64_t buckets[HISTOGRAM_BUCKETS]; /* larger values are in the last */
    _Atomic uint64_t sum, max;
    /* A copy of the buckets for each minute, made when its first value comes: what came since then is the difference. So each
     * value is counted once, in the whole. Values that several threads add while one makes the copy may count for the minute
     * before or after. A minute without values has no copy. */
    struct histogram_minute {
        _Atomic uint64_t number; /* of the minute, from 1 on; 0: none */
        _Atomic uint64_t sum;
        _Atomic uint32_t buckets[HISTOGRAM_BUCKETS]; /* their low halves */
    } minutes[HISTOGRAM_MINUTES];                    /* minute i at i % HISTOGRAM_MINUTES */
};

/* Takes the pages of its memory, which its first values would wait for otherwise: they cost a page fault each. */
void histogram_touch(struct histogram *h);
/* now: ns of a clock that does not go back. */
void histogram_add(struct histogram *h, uint64_t value, uint64_t now);
void histogram_add_ns(struct histogram *h, uint64_t ns, uint64_t now);
struct hone_latency histogram_latency(const struct histogram *h, uint64_t now); /* of durations */
struct hone_sizes histogram_sizes(const struct histogram *h, uint64_t now);

#endif
