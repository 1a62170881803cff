/* A disk and a system that fail: each call of reading, writing, opening, mapping, synchronising and renaming fails in turn,
 * alone and with all behind it. What comes out is what comes out otherwise, or an error with a sentence, and no file that
 * is incomplete; the next time it is right. Calls that are interrupted or do less than they were asked change nothing. */
#include "tests/faults/shim.h"
#include "tests/files.h"
#include "tests/support.h"

#include <errno.h>
#include <hone.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static const struct {
    enum fault_call call;
    int error;
    const char *name;
    bool changes_nothing;
} ways[] = {
    {FAULT_OPEN, EMFILE, "open: too many files", false}, {FAULT_OPEN, EIO, "open: I/O error", false},
    {FAULT_READ, EIO, "read: I/O error", false},         {FAULT_READ, 0, "read: a part", true},
    {FAULT_WRITE, ENOSPC, "write: no space", false},     {FAULT_WRITE, EIO, "write: I/O error", false},
    {FAULT_FSYNC, EIO, "fsync: I/O error", false},       {FAULT_RENAME, EIO, "rename: I/O error", false},
    {FAULT_MMAP, ENOMEM, "mmap: no memory", false},
};
enum { N_WAYS = sizeof ways / sizeof *ways, MOST = 200 };

struct answer {
    enum hone_status status;
    char sentence[1024];
    uint64_t digest;
};

static void disarm(void)
{
    for (int i = 0; i < FAULT_N; i++)
        atomic_store(&faults->calls[i].at, 0);
}

static void keep(struct answer *a, enum hone_status status, const struct hone_error *err, uint64_t digest)
{
    *a = (struct answer){.status = status, .digest = digest};
    if (status != HONE_OK)
        memcpy(a->sentence, err->message, sizeof a->sentence);
}

static void convert(const char *folder, struct answer *a)
{
    struct hone_error err = {0};
    const char *out = temp_path("out.gguf");
    unlink(out);
    enum hone_status status = hone_convert(fixture(folder), out, NULL, &err);
    disarm();
    keep(a, status, &err, file_digest(out));
}

static void embed(const char *folder, struct answer *a)
{
    struct hone_error err = {0};
    struct hone_model *model;
    const struct hone_text text = {"a text", 6};
    float out[256] = {0};
    enum hone_status status =
        hone_model_open(&model, fixture(folder), &(struct hone_options){.n_threads = 1}, &err);
    disarm();
    if (status == HONE_OK)
        status = hone_embed(model, &text, 1, NULL, out, NULL, &err);
    hone_model_close(&model);
    keep(a, status, &err, status == HONE_OK ? XXH3_64bits(out, sizeof out) : 0);
}

static const struct task {
    const char *name, *folder;
    void (*run)(const char *folder, struct answer *a);
} tasks[] = {{"convert bert-embed", "bert-embed", convert},
             {"convert causal", "causal", convert},
             {"convert t5", "t5", convert},
             {"embed bert-embed", "bert-embed", embed},
             {"embed gte", "gte", embed}};

static bool check(const struct task *task, int way, long at, const struct answer *right,
                  const struct answer *a)
{
    bool same = a->status == right->status && a->digest == right->digest;
    bool failed = a->status != HONE_OK && a->sentence[0] && a->digest == 0;
    if (same || (failed && !ways[way].changes_nothing))
        return true;
    print_message("%s, %s, call %ld: status %d, digest %llx '%s'\n", task->name, ways[way].name, at,
                  (int)a->status, (unsigned long long)a->digest, a->sentence);
    return false;
}

static void every_call(void **state)
{
    const struct task *task = *state;
    struct answer right, a;
    size_t n_wrong = 0;
    task->run(task->folder, &right);
    assert_int_equal(right.status, HONE_OK);
    for (int way = 0; way < N_WAYS; way++) {
        enum fault_call call = ways[way].call;
        atomic_store(&faults->calls[call].n, 0);
        task->run(task->folder, &a);
        long n = atomic_load(&faults->calls[call].n);
        size_t n_left = count_temp_files();
        for (long at = 1; at <= n && at <= MOST; at++)
            for (int more = 0; more < 2; more++) {
                atomic_store(&faults->calls[call].error, ways[way].error);
                atomic_store(&faults->calls[call].more, more);
                atomic_store(&faults->calls[call].at, at);
                task->run(task->folder, &a);
                n_wrong += !check(task, way, at, &right, &a);
                n_wrong += count_temp_files() > n_left;
            }
        task->run(task->folder, &a);
        n_wrong += !check(task, way, 0, &right, &a);
        print_message("%s, %s: %ld calls\n", task->name, ways[way].name, n);
    }
    assert_int_equal(n_wrong, 0);
}

int main(void)
{
    enum { N_TASKS = sizeof tasks / sizeof *tasks };
    struct CMUnitTest tests[N_TASKS];
    for (size_t i = 0; i < N_TASKS; i++)
        tests[i] = (struct CMUnitTest){tasks[i].name, every_call, NULL, NULL, (void *)(uintptr_t)&tasks[i]};
    return cmocka_run_group_tests_name("a disk that fails", tests, NULL, NULL);
}
