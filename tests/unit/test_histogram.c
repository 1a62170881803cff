/* Values counted by size: of all time and of the last minutes, whoever adds them. */
#include "runtime/base/histogram.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE 60000000000u

static struct histogram *new_histogram(void)
{
    return calloc(1, sizeof(struct histogram));
}

static void within(double value, double expected)
{
    if (value < expected * (1 - 1.0 / 16) || value > expected * (1 + 1.0 / 16))
        fail_msg("%g, expected about %g", value, expected);
}

static void percentiles(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    for (uint64_t i = 1; i <= 1000; i++)
        histogram_add(h, i * 10, 5);
    struct hone_sizes s = histogram_sizes(h, 5);
    assert_int_equal(s.n, 1000);
    assert_int_equal(s.recent.n, 1000);
    within(s.p50, 5000);
    within(s.recent.p50, 5000);
    within(s.p95, 9500);
    within(s.recent.p99, 9900);
    assert_float_equal(s.mean, 5005, 1e-9);
    assert_float_equal(s.recent.mean, 5005, 1e-9);
    assert_float_equal(s.max, 10000, 0);
    assert_float_equal(s.recent.max, 10000, 0);
    free(h);
}

/* Memory is taken, and nothing is told: neither before the first value nor behind some. */
static void touching_counts_nothing(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    histogram_touch(h);
    assert_int_equal(histogram_sizes(h, 5).n, 0);
    histogram_add(h, 70, 5);
    histogram_touch(h);
    struct hone_sizes s = histogram_sizes(h, 5);
    assert_int_equal(s.n, 1);
    assert_int_equal(s.recent.n, 1);
    assert_float_equal(s.max, 70, 0);
    free(h);
}

/* A slow past is forgotten after five minutes, and is part of the whole for ever. */
static void the_past_is_forgotten(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    uint64_t begun = 100 * (uint64_t)MINUTE;
    for (int i = 0; i < 1000; i++)
        histogram_add_ns(h, 1000000000, begun); /* a second */
    for (uint64_t minute = 1; minute <= 12; minute++) {
        uint64_t now = begun + minute * MINUTE;
        for (int i = 0; i < 10; i++)
            histogram_add_ns(h, 1000000, now + MINUTE / 2);
        struct hone_latency l = histogram_latency(h, now + MINUTE - 1);
        bool remembers = minute < HISTOGRAM_MINUTES;
        uint64_t n_recent = 10 * (remembers ? minute : HISTOGRAM_MINUTES) + (remembers ? 1000 : 0);
        assert_int_equal(l.n, 1000 + 10 * minute);
        assert_int_equal(l.recent.n, n_recent);
        within(l.p95_ms, 1000);
        within(l.recent.p95_ms, remembers ? 1000 : 1);
        within(l.recent.max_ms, remembers ? 1000 : 1);
        if (!remembers)
            within(l.recent.mean_ms, 1);
        assert_float_equal(l.max_ms, 1000, 0);
    }
    free(h);
}

static void silence(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    assert_int_equal(histogram_latency(h, 0).recent.n, 0);
    histogram_add(h, 7, 0);
    assert_int_equal(histogram_sizes(h, 4 * (uint64_t)MINUTE).recent.n, 1);
    assert_int_equal(histogram_sizes(h, 5 * (uint64_t)MINUTE).recent.n, 0);
    assert_int_equal(histogram_sizes(h, 1000 * (uint64_t)MINUTE).recent.n, 0);
    assert_int_equal(histogram_sizes(h, 1000 * (uint64_t)MINUTE).n, 1);
    histogram_add(h, 9, 1000 * (uint64_t)MINUTE);
    struct hone_sizes s = histogram_sizes(h, 1003 * (uint64_t)MINUTE);
    assert_int_equal(s.recent.n, 1);
    assert_float_equal(s.recent.mean, 9, 0);
    /* two values, with silent minutes between, and the first of them just out of sight */
    histogram_add(h, 11, 1003 * (uint64_t)MINUTE);
    assert_int_equal(histogram_sizes(h, 1004 * (uint64_t)MINUTE).recent.n, 2);
    assert_int_equal(histogram_sizes(h, 1005 * (uint64_t)MINUTE).recent.n, 1);
    free(h);
}

#define N_THREADS 4
#define N_VALUES  200000

static void *add_many(void *h)
{
    for (uint64_t i = 0; i < N_VALUES; i++)
        histogram_add(h, i % 100, i * (20 * (uint64_t)MINUTE) / N_VALUES);
    return NULL;
}

static void many_threads(void **state)
{
    (void)state;
    struct histogram *h = new_histogram();
    pthread_t threads[N_THREADS];
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_create(&threads[i], NULL, add_many, h);
    for (int i = 0; i < 1000; i++) {
        struct hone_sizes s = histogram_sizes(h, 10 * (uint64_t)MINUTE);
        assert_true(s.recent.n <= s.n && s.recent.p99 <= 103 && s.recent.mean <= 1e6);
    }
    for (size_t i = 0; i < N_THREADS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(histogram_sizes(h, 0).n, N_THREADS * N_VALUES);
    free(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(percentiles),           cmocka_unit_test(touching_counts_nothing),
        cmocka_unit_test(the_past_is_forgotten), cmocka_unit_test(silence),
        cmocka_unit_test(many_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
