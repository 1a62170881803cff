#include "runtime/serve/histogram.h"

#define STEP_BITS  4
#define UNITS_A_MS 1024
#define NS_A_MS    1000000
#define BOUND_0    (UNITS_A_MS / 16)
_Static_assert(1 << STEP_BITS == HISTOGRAM_STEPS, "steps are a power of two");

static size_t bucket_of(uint64_t value)
{
    if (value < HISTOGRAM_STEPS)
        return value;
    unsigned power = 63 - (unsigned)__builtin_clzll(value) - STEP_BITS;
    size_t bucket = (power + 1) * HISTOGRAM_STEPS + (value >> power) - HISTOGRAM_STEPS;
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

/* The smallest value that is in no earlier bucket. */
static uint64_t start_of(size_t bucket)
{
    if (bucket < HISTOGRAM_STEPS)
        return bucket;
    size_t power = bucket / HISTOGRAM_STEPS - 1;
    return (HISTOGRAM_STEPS + bucket % HISTOGRAM_STEPS) << power;
}

void histogram_add(struct histogram *h, uint64_t value)
{
    atomic_fetch_add_explicit(&h->buckets[bucket_of(value)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
    uint64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);
    while (max < value && !atomic_compare_exchange_weak_explicit(&h->max, &max, value, memory_order_relaxed,
                                                                 memory_order_relaxed)) {
    }
}

void histogram_add_ns(struct histogram *h, uint64_t ns)
{
    histogram_add(h, ns < UINT64_MAX / UNITS_A_MS ? ns * UNITS_A_MS / NS_A_MS : UINT64_MAX / NS_A_MS);
}

/* What was counted at one moment, about: others may be adding. */
struct histogram_snapshot {
    uint64_t counts[HISTOGRAM_BUCKETS], n;
    double sum, max;
};

static void take(const struct histogram *h, struct histogram_snapshot *out)
{
    out->n = 0;
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
        out->n += out->counts[i] = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
    out->sum = (double)atomic_load_explicit(&h->sum, memory_order_relaxed);
    out->max = (double)atomic_load_explicit(&h->max, memory_order_relaxed);
}

/* The middle of the bucket that the value of that rank is in, but no more than the largest value. */
static double quantile(const struct histogram_snapshot *s, double q)
{
    uint64_t rank = (uint64_t)(q * (double)s->n), seen = 0;
    size_t bucket = 0;
    while (bucket + 1 < HISTOGRAM_BUCKETS && (seen += s->counts[bucket]) <= rank)
        bucket++;
    double last = (double)start_of(bucket + 1) - 1, middle = ((double)start_of(bucket) + last) / 2;
    return middle < s->max ? middle : s->max;
}

double hone_latency_bound(size_t i)
{
    return i < HONE_N_BOUNDS ? (double)((uint64_t)BOUND_0 << i) / UNITS_A_MS : 0;
}

struct hone_latency histogram_latency(const struct histogram *h)
{
    struct hone_latency out = {0};
    struct histogram_snapshot s;
    take(h, &s);
    if (s.n == 0)
        return out;
    out.n = s.n;
    out.sum_ms = s.sum / UNITS_A_MS;
    out.mean_ms = out.sum_ms / (double)s.n;
    out.max_ms = s.max / UNITS_A_MS;
    out.p50_ms = quantile(&s, 0.50) / UNITS_A_MS;
    out.p95_ms = quantile(&s, 0.95) / UNITS_A_MS;
    out.p99_ms = quantile(&s, 0.99) / UNITS_A_MS;
    uint64_t seen = 0;
    for (size_t i = 0, bucket = 0; i < HONE_N_BOUNDS; i++) {
        for (; bucket < HISTOGRAM_BUCKETS && start_of(bucket) < (uint64_t)BOUND_0 << i; bucket++)
            seen += s.counts[bucket];
        out.at_most[i] = seen;
    }
    return out;
}

struct hone_sizes histogram_sizes(const struct histogram *h)
{
    struct histogram_snapshot s;
    take(h, &s);
    if (s.n == 0)
        return (struct hone_sizes){0};
    return (struct hone_sizes){.n = s.n,
                               .mean = s.sum / (double)s.n,
                               .p50 = quantile(&s, 0.50),
                               .p95 = quantile(&s, 0.95),
                               .p99 = quantile(&s, 0.99),
                               .max = s.max};
}
