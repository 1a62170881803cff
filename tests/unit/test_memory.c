/* Mistakes with memory of our own making end the process: in builds with AddressSanitizer what is touched beside or after
 * its time, and in every build of the tests what is taken beyond what was reserved. Each is made in a child. */
#ifndef HONE_ASSERT
#define HONE_ASSERT /* as what this is linked with */
#endif

#include "tests/support.h"

#include "runtime/base/assert.h"
#include "runtime/base/pages.h"
#include "runtime/base/poison.h"
#include "runtime/infer/model.h"
#include "runtime/nn/kv/cache.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child says on stderr before it ends; *status as waitpid has it. */
static const char *run_child(void (*mistake)(void), int *status)
{
    static char said[65536];
    int fds[2];
    size_t n = 0;
    ssize_t got;
    assert_int_equal(pipe(fds), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        signal(SIGABRT, SIG_DFL); /* cmocka's would go on */
        mistake();
        _exit(0);
    }
    close(fds[1]);
    while (n < sizeof said - 1 && (got = read(fds[0], said + n, sizeof said - 1 - n)) > 0)
        n += (size_t)got;
    said[n] = '\0';
    close(fds[0]);
    assert_int_equal(waitpid(child, status, 0), child);
    return said;
}

static void check_dies(void (*mistake)(void), const char *wanted)
{
    int status;
    const char *said = run_child(mistake, &status);
    assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    if (!strstr(said, wanted))
        print_message("%s\n", said);
    assert_non_null(strstr(said, wanted));
}

static void check_poisoned(void (*mistake)(void))
{
    if (POISON_ZONE == 0)
        skip();
    check_dies(mistake, "use-after-poison");
}

/* ---- assertions ---- */

static int one = 1;

static void assert_what_is_not(void)
{
    ASSERT(one == 2);
}

static void assertions_end_the_process(void **state)
{
    (void)state;
    check_dies(assert_what_is_not, "tests/unit/test_memory.c:");
    check_dies(assert_what_is_not, ": not so: one == 2");
}

/* ---- workspaces ---- */

static struct workspace ws;

/* For n_tokens with 84 floats and 64 bytes each, and two threads. */
static void reserve(size_t n_tokens)
{
    struct hone_error err;
    assert_ok(workspace_reserve(&ws, n_tokens, 84, 64, 2, 100, &err), &err);
}

static void take_too_much(void)
{
    reserve(4);
    (void)workspace_take(&ws, 4, 172); /* 688 floats of 336 */
}

static void take_too_much_in_parts(void)
{
    reserve(4);
    for (size_t i = 0; i < 3; i++)
        (void)workspace_take(&ws, 4, 30);
}

static void no_more_than_was_reserved(void **state)
{
    (void)state;
    check_dies(take_too_much, "ws->n_taken <= ws->n_reserved");
    check_dies(take_too_much_in_parts, "ws->n_taken <= ws->n_reserved");
}

static void write_behind_a_block(void)
{
    reserve(4);
    float *first = workspace_take(&ws, 4, 42);
    (void)workspace_take(&ws, 4, 42);
    ((volatile float *)first)[4 * 42] = 1;
}

static void write_to_a_block_of_the_last_pass(void)
{
    reserve(8);
    volatile float *old = workspace_take(&ws, 8, 84);
    reserve(4);
    (void)workspace_take(&ws, 4, 84);
    old[7 * 84] = 1;
}

static void write_behind_bytes(void)
{
    reserve(8);
    reserve(4);
    ((volatile char *)ws.bytes)[4 * 64] = 1;
}

static void write_behind_scratch(void)
{
    reserve(4);
    ((volatile float *)ws.scratch)[100] = 1;
}

static void workspaces_are_poisoned(void **state)
{
    (void)state;
    check_poisoned(write_behind_a_block);
    check_poisoned(write_to_a_block_of_the_last_pass);
    check_poisoned(write_behind_bytes);
    check_poisoned(write_behind_scratch);
    workspace_release(&ws);
}

/* What is handed out may be touched, all of it. */
static void workspaces_hold_what_they_promise(void **state)
{
    (void)state;
    float *blocks[WORKSPACE_BLOCKS];
    struct workspace_list list = {.n = 0};
    struct hone_error err;
    for (size_t i = 0; i < WORKSPACE_BLOCKS; i++)
        workspace_add(&list, &blocks[i], i + 1);
    for (size_t n = 1; n < 40; n += 13) {
        assert_ok(workspace_reserve(&ws, n, workspace_floats(&list), 3 * n, 3, 17, &err), &err);
        workspace_take_all(&ws, n, &list);
        for (size_t i = 0; i < WORKSPACE_BLOCKS; i++) {
            assert_int_equal((uintptr_t)blocks[i] % 64, 0);
            memset(blocks[i], 1, n * (i + 1) * sizeof(float));
        }
        memset(ws.bytes, 1, 3 * n * n);
        for (size_t i = 0; i < 3; i++)
            memset(ws.scratch + i * ws.scratch_size, 1, 17 * sizeof(float));
    }
    workspace_release(&ws);
}

/* ---- the KV cache ---- */

static struct kv_cache *cache;
static struct kv_seq *seq;

static void open_cache(void)
{
    struct hone_error err;
    const struct kv_shape shape = {2, 2, 8, 32, KV_F32, 0, NULL};
    assert_ok(kv_new(&cache, &shape, 4, &err), &err);
    assert_ok(kv_seq_new(cache, &seq, 0, NULL, 0, &err), &err);
    assert_true(kv_seq_reserve(cache, seq, 3));
}

static volatile char sink;

static void read_an_idle_block(void)
{
    open_cache();
    uint32_t idle = kv_seq_blocks(seq)[0] == 0 ? 1 : 0;
    sink = block_data(cache, idle)[0];
}

static void read_what_was_given_up(void)
{
    open_cache();
    uint32_t block = kv_seq_blocks(seq)[0];
    kv_seq_free(cache, seq);
    sink = block_data(cache, block)[0];
}

static void write_behind_a_kv_block(void)
{
    open_cache();
    char *data = block_data(cache, kv_seq_blocks(seq)[0]);
    memset(data, 0, cache->block_size); /* which is its own */
    ((volatile char *)data)[cache->block_size] = 1;
}

static void kv_blocks_are_poisoned(void **state)
{
    (void)state;
    check_poisoned(read_an_idle_block);
    check_poisoned(read_what_was_given_up);
    check_poisoned(write_behind_a_kv_block);
}

static void free_twice(void)
{
    open_cache();
    struct kv_seq copy = *seq;
    copy.blocks = malloc(sizeof *copy.blocks);
    copy.blocks[0] = seq->blocks[0];
    kv_seq_free(cache, seq);
    kv_seq_truncate(cache, &copy, 0);
}

static void blocks_are_given_back_once(void **state)
{
    (void)state;
    check_dies(free_twice, "n_refs > 0");
}

/* ---- weights, pages ---- */

static void read_behind_a_matrix(void)
{
    struct hone_error err;
    struct hone_model *model;
    struct hone_options options = {.n_threads = 1};
    assert_ok(hone_model_open(&model, fixture("bert-embed"), &options, &err), &err);
    const struct dense *d = model->net.weights.dense[0];
    sink = ((const char *)d->packed)[dense_packed_size(d)];
}

static void read_behind_pages(void)
{
    const char *pages = pages_alloc(100);
    sink = pages[100];
}

static void weights_and_pages_are_poisoned(void **state)
{
    (void)state;
    check_poisoned(read_behind_a_matrix);
    check_poisoned(read_behind_pages);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(assertions_end_the_process),     cmocka_unit_test(no_more_than_was_reserved),
        cmocka_unit_test(workspaces_are_poisoned),        cmocka_unit_test(workspaces_hold_what_they_promise),
        cmocka_unit_test(kv_blocks_are_poisoned),         cmocka_unit_test(blocks_are_given_back_once),
        cmocka_unit_test(weights_and_pages_are_poisoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
