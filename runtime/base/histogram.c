#include "runtime/base/histogram.h"

#define STEP_BITS   4    /* 16 steps from one power of two to the next: a value is told to 1/16 of itself */
#define UNITS_A_MS  1024 /* about a microsecond each, of which powers of two are the bounds */
#define NS_A_MS     1000000
#define NS_A_MINUTE 60000000000u
#define PAGE        4096              /* bytes, at least */
#define BOUND_0     (UNITS_A_MS / 16) /* of hone_latency_bound(0) */
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

static uint64_t minute_of(uint64_t now)
{
    return now / NS_A_MINUTE + 1;
}

/* The first thread that comes in a minute notes what was before. */
static void begin_minute(struct histogram *h, uint64_t number)
{
    struct histogram_minute *m = &h->minutes[number % HISTOGRAM_MINUTES];
    uint64_t before = atomic_load_explicit(&m->number, memory_order_relaxed);
    if (before >= number || !atomic_compare_exchange_strong(&m->number, &before, number))
        return;
    atomic_store_explicit(&m->sum, atomic_load_explicit(&h->sum, memory_order_relaxed), memory_order_relaxed);
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        atomic_store_explicit(&m->buckets[i], (uint32_t)n, memory_order_relaxed);
    }
}

void histogram_touch(struct histogram *h)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS; i += PAGE / sizeof *h->buckets)
        atomic_fetch_add_explicit(&h->buckets[i], 0, memory_order_relaxed);
    for (size_t i = 0; i < HISTOGRAM_MINUTES; i++) /* each is smaller than a page */
        atomic_fetch_add_explicit(&h->minutes[i].sum, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->minutes[HISTOGRAM_MINUTES - 1].buckets[HISTOGRAM_BUCKETS - 1], 0,
                              memory_order_relaxed);
}

void histogram_add(struct histogram *h, uint64_t value, uint64_t now)
{
    begin_minute(h, minute_of(now));
    atomic_fetch_add_explicit(&h->buckets[bucket_of(value)], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum, value, memory_order_relaxed);
    uint64_t max = atomic_load_explicit(&h->max, memory_order_relaxed);
    while (max < value && !atomic_compare_exchange_weak_explicit(&h->max, &max, value, memory_order_relaxed,
                                                                 memory_order_relaxed)) {
    }
}

void histogram_add_ns(struct histogram *h, uint64_t ns, uint64_t now)
{
    histogram_add(h, ns < UINT64_MAX / UNITS_A_MS ? ns * UNITS_A_MS / NS_A_MS : UINT64_MAX / NS_A_MS, now);
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

/* The note of the earliest minute that is recent; NULL: nothing came in these. */
static const struct histogram_minute *earliest(const struct histogram *h, uint64_t now)
{
    const struct histogram_minute *found = NULL;
    uint64_t number = minute_of(now);
    for (uint64_t i = 0; i < HISTOGRAM_MINUTES && i < number; i++) {
        const struct histogram_minute *m = &h->minutes[(number - i) % HISTOGRAM_MINUTES];
        if (m->number == number - i)
            found = m;
    }
    return found;
}

/* What of all came recently; the largest within its bucket. */
static void take_recent(const struct histogram *h, uint64_t now, const struct histogram_snapshot *all,
                        struct histogram_snapshot *out)
{
    const struct histogram_minute *m = earliest(h, now);
    out->n = 0;
    out->max = out->sum = 0;
    for (size_t i = 0; m && i < HISTOGRAM_BUCKETS; i++) {
        int32_t n =
            (int32_t)((uint32_t)all->counts[i] - m->buckets[i]); /* < 0: the note is newer than `all` */
        out->n += out->counts[i] = n > 0 ? (uint64_t)n : 0;
        if (n > 0)
            out->max = (double)start_of(i + 1) - 1;
    }
    if (m && all->sum > (double)m->sum)
        out->sum = all->sum - (double)m->sum;
    out->max = out->max < all->max ? out->max : all->max;
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

struct hone_latency histogram_latency(const struct histogram *h, uint64_t now)
{
    struct hone_latency out = {0};
    struct histogram_snapshot s, recent;
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
    take_recent(h, now, &s, &recent);
    if (recent.n == 0)
        return out;
    out.recent.n = recent.n;
    out.recent.mean_ms = recent.sum / (double)recent.n / UNITS_A_MS;
    out.recent.p50_ms = quantile(&recent, 0.50) / UNITS_A_MS;
    out.recent.p95_ms = quantile(&recent, 0.95) / UNITS_A_MS;
    out.recent.p99_ms = quantile(&recent, 0.99) / UNITS_A_MS;
    out.recent.max_ms = recent.max / UNITS_A_MS;
    return out;
}

struct hone_sizes histogram_sizes(const struct histogram *h, uint64_t now)
{
    struct histogram_snapshot s, recent;
    take(h, &s);
    if (s.n == 0)
        return (struct hone_sizes){0};
    struct hone_sizes out = {.n = s.n,
                             .mean = s.sum / (double)s.n,
                             .p50 = quantile(&s, 0.50),
                             .p95 = quantile(&s, 0.95),
                             .p99 = quantile(&s, 0.99),
                             .max = s.max};
    take_recent(h, now, &s, &recent);
    if (recent.n == 0)
        return out;
    out.recent.n = recent.n;
    out.recent.mean = recent.sum / (double)recent.n;
    out.recent.p50 = quantile(&recent, 0.50);
    out.recent.p95 = quantile(&recent, 0.95);
    out.recent.p99 = quantile(&recent, 0.99);
    out.recent.max = recent.max;
    return out;
}
