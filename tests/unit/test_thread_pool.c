/* Threads that share work: each item is done once, by whoever has time. */
#include "runtime/base/cgroup.h"
#include "runtime/base/thread_pool.h"
#include "tests/files.h"
#include "tests/support.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* ---- what control groups let a process have ---- */

/* `name` is a path below the folder of temporary files, whose folders are made. */
static void store_line(const char *name, const char *line)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", temp_path(name));
    for (char *at = strchr(folder + strlen(temp_path("")), '/'); at; at = strchr(at + 1, '/')) {
        *at = 0;
        mkdir(folder, 0755);
        *at = '/';
    }
    store_file(temp_path(name), line, strlen(line));
}

static struct cgroup_limits read_groups(const char *groups, const char *root)
{
    store_line("groups", groups);
    return cgroup_read(temp_path("groups"), temp_path(root));
}

static void test_one_tree_of_groups(void **state)
{
    (void)state;
    store_line("two/cpu.max", "max 100000\n");
    store_line("two/a.slice/cpu.max", "150000 100000\n");
    store_line("two/a.slice/memory.max", "3000000000\n");
    store_line("two/a.slice/b/cpu.max", "800000 100000\n");
    store_line("two/a.slice/b/memory.max", "max\n");
    store_line("two/a.slice/b/memory.high", "2000000000\n");
    struct cgroup_limits own = read_groups("0::/a.slice/b\n", "two");
    assert_int_equal(own.threads, 2);
    assert_int_equal(own.memory, 2000000000);
    struct cgroup_limits above = read_groups("0::/a.slice\n", "two");
    assert_int_equal(above.threads, 2);
    assert_int_equal(above.memory, 3000000000);
    struct cgroup_limits root = read_groups("0::/\n", "two");
    assert_int_equal(root.threads, INT_MAX);
    assert_true(root.memory == SIZE_MAX);
}

static void test_a_tree_of_groups_for_each_controller(void **state)
{
    (void)state;
    store_line("one/cpu/x/cpu.cfs_quota_us", "50000\n");
    store_line("one/cpu/x/cpu.cfs_period_us", "100000\n");
    store_line("one/memory/memory.limit_in_bytes", "9223372036854771712\n");
    store_line("one/memory/x/memory.limit_in_bytes", "536870912\n");
    struct cgroup_limits limits = read_groups("5:cpuacct,cpu:/x\n4:cpuset:/x\n3:memory:/x\n", "one");
    assert_int_equal(limits.threads, 1);
    assert_int_equal(limits.memory, 536870912);
    limits = read_groups("4:cpuset:/x\n2:memory:/elsewhere\n", "one");
    assert_int_equal(limits.threads, INT_MAX);
    assert_true(limits.memory == 9223372036854771712u);
}

static void test_groups_that_cannot_be_read(void **state)
{
    (void)state;
    struct cgroup_limits limits = cgroup_read(temp_path("none"), temp_path("none"));
    assert_int_equal(limits.threads, INT_MAX);
    limits = read_groups("nonsense\n0:\n::\n0::\n", "none");
    assert_int_equal(limits.threads, INT_MAX);
    assert_true(limits.memory == SIZE_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_item_once),
        cmocka_unit_test(test_many_callers),
        cmocka_unit_test(test_within_a_piece),
        cmocka_unit_test(test_sleepers),
        cmocka_unit_test(test_child),
        cmocka_unit_test(test_one_tree_of_groups),
        cmocka_unit_test(test_a_tree_of_groups_for_each_controller),
        cmocka_unit_test(test_groups_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
