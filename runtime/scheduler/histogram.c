#include "runtime/scheduler/histogram.h"

#define STEP_BITS 4
_Static_assert(1 << STEP_BITS == HISTOGRAM_STEPS, "steps are a power of two");

static size_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_STEPS)
        return ns;
    unsigned power = 63 - (unsigned)__builtin_clzll(ns) - STEP_BITS;
    return (power + 1) * HISTOGRAM_STEPS + (ns >> power) - HISTOGRAM_STEPS;
}

/* The smallest duration that is in no earlier bucket. */
static uint64_t start_of(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    size_t power = bucket / HISTOGRAM_STEPS - 1;
    return (HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << power;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
    atomic_fetch_add_explicit(&h->buckets[bucket_of(ns)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, ns, memory_order_relaxed);
    uint64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);
    while (max < ns && !atomic_compare_exchange_weak_explicit(&h->max, &max, ns, memory_order_relaxed,
                                                              memory_order_relaxed)) {
    }
}

/* In ms, the middle of the bucket that the duration of that rank is in. */
static double quantile(const uint64_t *counts, uint64_t n, double q)
{
    uint64_t rank = (uint64_t)(q * (double)n), seen = 0;
    size_t bucket = 0;
    while (bucket + 1 < HISTOGRAM_BUCKETS && (seen += counts[bucket]) <= rank)
        bucket++;
    uint64_t start = start_of(bucket),
             width = bucket + 1 < HISTOGRAM_BUCKETS ? start_of(bucket + 1) - start : 0;
    return 1e-6 * ((double)start + (double)width / 2);
}

struct hone_latency histogram_read(const struct histogram *h)
{
    uint64_t counts[HISTOGRAM_BUCKETS];
    struct hone_latency out = {0};
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        out.n += counts[i] = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    if (out.n == 0)
        return out;
    out.mean_ms = 1e-6 * (double)atomic_load_explicit(&h->sum, memory_order_relaxed) / (double)out.n;
    out.max_ms = 1e-6 * (double)atomic_load_explicit(&h->max, memory_order_relaxed);
    out.p50_ms = quantile(counts, out.n, 0.50);
    out.p95_ms = quantile(counts, out.n, 0.95);
    out.p99_ms = quantile(counts, out.n, 0.99);
    return out;
}
