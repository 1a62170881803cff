/* Memory that runs out at every point. Each task is done in a process of its own, once for each allocation in it that
 * fails, alone or with all that follow: the answer is the right one, or an error with a sentence; the next time, when there
 * is memory again, it is right. AddressSanitizer's builds look for what was lost on the way, too.
 *
 * HONE_FAULT_POINTS: how many points of a task are tried (25); 0: all. HONE_FAULT_FIRST: from which on. An argument is the
 * one task to try; with two more, the number of an allocation and 0 or 1 for what follows, it is done in this process, for
 * a debugger (break fault_now). */
#include "tests/exercise.h"
#include "tests/faults/shim.h"
#include "tests/files.h"
#include "tests/support.h"

#include <hone.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/lsan_interface.h>
static bool has_leaks(void)
{
    return __lsan_do_recoverable_leak_check() != 0;
}
/* The sanitizer itself does not survive a thread that begins without memory. */
static const bool threads_need_memory = true;
#else
static bool has_leaks(void)
{
    return false;
}
static const bool threads_need_memory = false;
#endif

/* What a task came to: a status, its sentence, and a number that stands for the results. */
struct result {
    struct outcome outcomes[EXERCISE_N];
    size_t n;
};

struct task {
    const char *name;
    const char *model; /* a fixture */
    /* Before memory fails; what it leaves in *state `run` works with. */
    void (*prepare)(const struct task *task, void **state);
    void (*run)(const struct task *task, void *state, struct result *result);
    void (*end)(void *state);
};

static struct outcome *add(struct result *result, enum hone_status status, const struct hone_error *err,
                           uint64_t digest)
{
    struct outcome *o = &result->outcomes[result->n++];
    *o = (struct outcome){.status = status, .digest = status == HONE_OK ? digest : 0};
    if (status != HONE_OK)
        memcpy(o->sentence, err->message, sizeof o->sentence);
    return o;
}

/* ---- tasks ---- */

static const struct hone_options one_thread = {.n_threads = 1};

static void open_model(const struct task *task, void *state, struct result *result)
{
    (void)state;
    struct hone_error err = {0};
    struct hone_model *model;
    enum hone_status status = hone_model_open(&model, fixture(task->model), &one_thread, &err);
    size_t n = status == HONE_OK ? hone_model_info(model)->n_params : 0;
    add(result, status, &err, n);
    hone_model_close(&model);
}

static void prepare_model(const struct task *task, void **state)
{
    struct hone_error err = {0};
    assert_ok(hone_model_open((struct hone_model **)state, fixture(task->model), &one_thread, &err), &err);
}

static void end_model(void *state)
{
    struct hone_model *model = state;
    hone_model_close(&model);
}

static void use_model(const struct task *task, void *state, struct result *result)
{
    (void)task;
    exercise_model(state, result->outcomes);
    result->n = EXERCISE_N;
}

static void convert(const struct task *task, void *state, struct result *result)
{
    (void)state;
    struct hone_error err = {0};
    const char *out = temp_path("converted.gguf");
    unlink(out);
    enum hone_status status = hone_convert(fixture(task->model), out, "q8_0", &err);
    long at = atomic_exchange(&faults->memory_at, 0);
    uint64_t digest = file_digest(out);
    if (status != HONE_OK && digest != 0)
        status = HONE_CANCELLED; /* a failure, and a file: wrong */
    atomic_store(&faults->memory_at, at);
    add(result, status, &err, digest);
}

/* One request of each kind through a scheduler with caches. */
static void serve(const struct task *task, void *state, struct result *result)
{
    (void)task;
    struct hone_error err = {0};
    struct hone_scheduler *s;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    const struct hone_text texts[] = {{"a text", 6}, {"another one", 11}};
    float out[2][256] = {{0}};
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        options.cache_bytes[i] = 1 << 16;
    struct hone_request r = {.kind = HONE_REQUEST_EMBED, .texts = texts, .n_texts = 2, .out = out[0]};
    r.how.normalize = -1;
    enum hone_status status = hone_scheduler_open(&s, state, &options, &err);
    if (status == HONE_OK)
        status = hone_submit_and_wait(s, &r, &err);
    add(result, status, &err, XXH3_64bits(out, sizeof out));
    hone_scheduler_close(&s);
}

/* Requests to generate: within a schema, within a grammar, and with what goes beside the text. */
static void serve_generations(const struct task *task, void *state, struct result *result)
{
    (void)task;
    struct hone_error err = {0};
    struct hone_scheduler *s;
    struct hone_scheduler_options options = HONE_SCHEDULER_DEFAULTS;
    const struct hone_text stop = {"zz", 2};
    struct hone_generation how[] = {
        {.json_schema =
             "{\"type\":\"object\",\"properties\":{\"a\":{\"enum\":[1,\"x\"]}},\"required\":[\"a\"]}"},
        {.grammar = "root ::= [a-c]{2,4} | \"no\""},
        {.logprobs = true, .n_logprobs = 2, .stops = &stop, .n_stops = 1, .n_draft = 2},
    };
    enum hone_status status = hone_scheduler_open(&s, state, &options, &err);
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        struct hone_generation *g = &how[i];
        g->prompt = (struct hone_text){"a text", 6};
        g->max_tokens = 6;
        g->sampling = (struct hone_sampling)HONE_SAMPLING_DEFAULTS;
        g->sampling.temperature = 0;
        struct hone_request r = {.kind = HONE_REQUEST_GENERATE, .generation = g};
        if (s)
            status = hone_submit_and_wait(s, &r, &err);
        add(result, status, &err, status == HONE_OK ? XXH3_64bits(g->text, g->text_size) : 0);
        hone_generation_release(g);
    }
    hone_scheduler_close(&s);
}

static void label(const struct task *task, void *state, struct result *result)
{
    (void)task;
    struct hone_error err = {0};
    const struct hone_text texts[] = {{"a text", 6}, {"another one", 11}}, labels[] = {{"x", 1}, {"y", 1}};
    float out[4] = {0};
    enum hone_status status = hone_zero_shot(state, texts, 2, labels, 2, NULL, NULL, out, NULL, &err);
    add(result, status, &err, XXH3_64bits(out, sizeof out));
}

static void fill(const struct task *task, void *state, struct result *result)
{
    (void)task;
    struct hone_error err = {0};
    const struct hone_text texts[] = {{"a [MASK] b", 10}, {"[MASK]", 6}};
    struct hone_word *words;
    size_t *starts;
    enum hone_status status = hone_fill_masks(state, texts, 2, 2, NULL, &words, &starts, NULL, &err);
    add(result, status, &err, status == HONE_OK ? XXH3_64bits(words, starts[2] * sizeof *words) : 0);
    hone_free(words);
    hone_free(starts);
}

static void name(const struct task *task, void *state, struct result *result)
{
    (void)task;
    struct hone_error err = {0};
    const struct hone_text texts[] = {{"Anna in Rome", 12}, {"a", 1}};
    struct hone_entity *found;
    size_t *starts;
    enum hone_status status = hone_find_entities(state, texts, 2, NULL, NULL, &found, &starts, NULL, &err);
    uint64_t digest = 0;
    for (size_t i = 0; status == HONE_OK && i < starts[2]; i++)
        digest += XXH3_64bits_withSeed(&found[i].start, sizeof found[i].start, i);
    add(result, status, &err, digest);
    hone_free(found);
    hone_free(starts);
}

static const struct task tasks[] = {
    {"open bert-embed", "bert-embed", NULL, open_model, NULL},
    {"open causal", "causal", NULL, open_model, NULL},
    {"open t5", "t5", NULL, open_model, NULL},
    {"open qwen3-rerank", "qwen3-rerank", NULL, open_model, NULL},
    {"use bert-embed", "bert-embed", prepare_model, use_model, end_model},
    {"use bert-cross", "bert-cross", prepare_model, use_model, end_model},
    {"use splade", "splade", prepare_model, use_model, end_model},
    {"use colbert", "colbert", prepare_model, use_model, end_model},
    {"use causal", "causal", prepare_model, use_model, end_model},
    {"use t5", "t5", prepare_model, use_model, end_model},
    {"use qwen3-rerank", "qwen3-rerank", prepare_model, use_model, end_model},
    {"convert bert-embed", "bert-embed", NULL, convert, NULL},
    {"convert llama3", "llama3", NULL, convert, NULL},
    {"requests", "bert-embed", prepare_model, serve, end_model},
    {"requests to generate", "causal", prepare_model, serve_generations, end_model},
    {"label by nli", "nli", prepare_model, label, end_model},
    {"fill by fill-bert", "fill-bert", prepare_model, fill, end_model},
    {"name by ner-bert", "ner-bert", prepare_model, name, end_model},
};

/* ---- one process ---- */

/* Shared with the child. */
struct report {
    struct result result;
    long n_points;
    bool wrong_later, leaks, done;
};

static bool same(const struct result *a, const struct result *b)
{
    bool ok = a->n == b->n;
    for (size_t i = 0; ok && i < a->n; i++)
        ok = a->outcomes[i].status == b->outcomes[i].status && a->outcomes[i].digest == b->outcomes[i].digest;
    return ok;
}

static void child(const struct task *task, long at, bool more, const struct result *right, struct report *out)
{
    void *state = NULL;
    struct result again = {.n = 0};
    if (task->prepare)
        task->prepare(task, &state);
    atomic_store(&faults->memory_more, more);
    atomic_store(&faults->n_memory, 0);
    atomic_store(&faults->memory_at, at);
    task->run(task, state, &out->result);
    atomic_store(&faults->memory_at, 0);
    out->n_points = atomic_load(&faults->n_memory);
    if (right) {
        task->run(task, state, &again);
        out->wrong_later = !same(&again, right);
    }
    if (task->end)
        task->end(state);
    out->leaks = has_leaks();
    out->done = true;
}

static bool run_child(const struct task *task, long at, bool more, const struct result *right,
                      struct report *out)
{
    memset(out, 0, sizeof *out);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(20);
        child(task, at, more, right, out);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (status != 0 || !out->done)
        print_message("%s, allocation %ld%s: ended with status %#x\n", task->name, at,
                      more ? " and more" : "", status);
    return status == 0 && out->done;
}

/* Whether each outcome is the right one, or an error that says what is wrong. */
static bool check(const struct task *task, long at, bool more, const struct result *right,
                  const struct report *r)
{
    bool ok = !r->wrong_later && !r->leaks;
    for (size_t i = 0; i < right->n; i++) {
        const struct outcome *o = &r->result.outcomes[i], *want = &right->outcomes[i];
        bool right_one = i < r->result.n && o->status == want->status && o->digest == want->digest;
        bool failed = i < r->result.n && o->status == HONE_FAILED && o->sentence[0];
        if (!right_one && !failed)
            print_message("outcome %zu: status %d, digest %llx, expected %d, %llx: '%s'\n", i, (int)o->status,
                          (unsigned long long)o->digest, (int)want->status, (unsigned long long)want->digest,
                          o->sentence);
        ok = ok && (right_one || failed);
    }
    if (!ok)
        print_message("%s, allocation %ld%s:%s%s\n", task->name, at, more ? " and more" : "",
                      r->wrong_later ? " wrong afterwards" : "", r->leaks ? " leaks" : "");
    return ok;
}

static void every_point(void **state)
{
    const struct task *task = *state;
    if ((task->run == serve || task->run == serve_generations) && threads_need_memory)
        skip();
    const char *text = getenv("HONE_FAULT_POINTS");
    long n_tried = text ? strtol(text, NULL, 10) : 25, n_done = 0, n_wrong = 0;
    struct report *r = mmap(NULL, sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(r != MAP_FAILED);
    assert_true(run_child(task, 0, false, NULL, r));
    struct result right = r->result;
    long n = r->n_points;
    assert_true(n > 0);
    /* Steps that meet other points than those of a table that doubles. */
    long step = n_tried > 0 && n > n_tried ? n / n_tried : 1;
    const char *first = getenv("HONE_FAULT_FIRST");
    for (long at = first ? strtol(first, NULL, 10) : 1; at <= n; at += step, n_done++)
        for (int more = 0; more < 2; more++) {
            bool ok = run_child(task, at, more, &right, r) && check(task, at, more, &right, r);
            n_wrong += !ok;
        }
    print_message("%s: %ld of %ld allocations, each alone and with all behind it\n", task->name, n_done, n);
    munmap(r, sizeof *r);
    assert_int_equal(n_wrong, 0);
}

int main(int argc, char **argv)
{
    enum { N_TASKS = sizeof tasks / sizeof *tasks };
    struct CMUnitTest tests[N_TASKS];
    temp_path("made before any child"); /* whose end must not take it away */
    for (size_t i = 0; i < N_TASKS; i++)
        tests[i] = (struct CMUnitTest){tasks[i].name, every_point, NULL, NULL, (void *)(uintptr_t)&tasks[i]};
    for (size_t i = 0; i < N_TASKS && argc == 4; i++)
        if (strcmp(tasks[i].name, argv[1]) == 0) {
            static struct report report;
            child(&tasks[i], strtol(argv[2], NULL, 10), argv[3][0] == '1', NULL, &report);
            return 0;
        }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    return cmocka_run_group_tests_name("memory that runs out", tests, NULL, NULL);
}
