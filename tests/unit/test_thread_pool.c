/* Threads that share work: each item is done once, by whoever has time. */
#include "runtime/base/thread_pool.h"
#include "tests/support.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST_ITEMS   1000
#define MOST_THREADS 8

struct count {
    atomic_uchar n_done[MOST_ITEMS];
    atomic_uchar is_busy[MOST_THREADS]; /* by the number of a piece's thread */
    atomic_uint n_clashes;
};

static void count_items(const void *arg, struct work_range items)
{
    struct count *c = *(struct count *const *)arg;
    c->n_clashes += c->is_busy[items.thread]++;
    for (size_t i = items.first; i < items.end; i++)
        c->n_done[i]++;
    c->is_busy[items.thread]--;
}

/* Whether all of n items are done once. */
static bool counts_well(int n_threads, size_t n, size_t n_pieces)
{
    struct count *c = calloc(1, sizeof *c);
    thread_pool_run(n_threads, n, n_pieces, count_items, &c);
    bool well = c->n_clashes == 0;
    for (size_t i = 0; i < MOST_ITEMS; i++)
        well &= c->n_done[i] == (i < n);
    free(c);
    return well;
}

static void test_each_item_once(void **state)
{
    (void)state;
    static const size_t ns[] = {0, 1, 2, 3, 7, 8, 9, 63, 64, 1000};
    for (int n_threads = 1; n_threads <= MOST_THREADS; n_threads++)
        for (size_t i = 0; i < sizeof ns / sizeof *ns; i++)
            for (size_t n_pieces = 0; n_pieces < 20; n_pieces++)
                assert_true(counts_well(n_threads, ns[i], n_pieces));
}

static void *call_often(void *failed)
{
    for (int i = 0; i < 2000; i++)
        if (!counts_well(2 + i % 3, (size_t)i % MOST_ITEMS, (size_t)i % 5))
            *(atomic_bool *)failed = true;
    return NULL;
}

/* More callers than calls that can have helpers at once. */
static void test_many_callers(void **state)
{
    (void)state;
    enum { N = 24 };
    pthread_t threads[N];
    atomic_bool failed = false;
    for (int i = 0; i < N; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, call_often, &failed), 0);
    for (int i = 0; i < N; i++)
        pthread_join(threads[i], NULL);
    assert_false(failed);
}

static void call_within(const void *arg, struct work_range items)
{
    for (size_t i = items.first; i < items.end; i++)
        if (!counts_well(3, 10 + i, 0))
            *(*(atomic_bool *const *)arg) = true;
}

static void test_within_a_piece(void **state)
{
    (void)state;
    atomic_bool failed = false, *arg = &failed;
    for (int i = 0; i < 200; i++)
        thread_pool_run(4, 40, 0, call_within, &arg);
    assert_false(failed);
}

static void wait_long(const void *arg, struct work_range items)
{
    (void)arg;
    usleep(items.first == 0 ? 1000 : 3000);
}

/* Those who wait for each other sleep, and wake. */
static void test_sleepers(void **state)
{
    (void)state;
    for (int i = 0; i < 50; i++)
        thread_pool_run(2, 2, 2, wait_long, NULL);
}

/* A child has no helpers, until it makes its own: which neither ThreadSanitizer nor qemu allows a child of several
 * threads. */
static void test_child(void **state)
{
    (void)state;
#ifdef __SANITIZE_THREAD__
    skip();
#endif
    if (getenv("EMULATOR"))
        skip();
    assert_true(counts_well(4, 100, 0));
    pid_t child = fork();
    if (child == 0)
        _exit(counts_well(4, 100, 0) ? 0 : 1);
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_item_once), cmocka_unit_test(test_many_callers),
        cmocka_unit_test(test_within_a_piece), cmocka_unit_test(test_sleepers),
        cmocka_unit_test(test_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
