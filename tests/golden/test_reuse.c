/* Every model of the fixtures that generates: what it writes, and how probable each token is, are the same bits when a prefix
 * is known already, when a text was preempted, when keys, values and states come from a file, and when beams share what they
 * have in common. Families differ in what they keep of a text (windows, latents, states, borrowed keys), so this goes over all
 * of them. */
#include "runtime/generate/generator.h"
#include "runtime/infer/model.h"
#include "tests/support.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A prompt has two blocks of the cache and more, and what is written begins a fourth one; the cache of one that is short of
 * room has twelve, of which all texts together need fifteen. */
enum { N_PROMPT = 75, N_NEW = 24, N_TEXTS = 3, BLOCK = 32, ROOM = 12 * BLOCK, MAX_MODELS = 256 };
enum { MAX_SOURCE = 45 }; /* the least that an encoder of the fixtures reads */

struct texts {
    int32_t ids[N_TEXTS][N_PROMPT];
    struct hone_generation list[N_TEXTS];
    struct hone_beams beams;
};

static struct hone_model *open_model(const char *name, size_t kv_tokens)
{
    struct hone_error err;
    struct hone_model *model;
    char path[512], file[512];
    struct hone_options options = {.compute = HONE_COMPUTE_F32, .n_threads = 1, .kv_tokens = kv_tokens};
    snprintf(path, sizeof path, "%s", fixture(name));
    snprintf(file, sizeof file, "tests/fixtures/%s/model.gguf", name);
    const char *which = access(file, R_OK) == 0 ? file : path;
    assert_ok(hone_model_open(&model, which, &options, &err), &err);
    return model;
}

static size_t n_prompt(const struct hone_model *model)
{
    return hone_model_info(model)->has_decoder ? MAX_SOURCE : N_PROMPT;
}

/* The first two begin alike; the last is searched for by beams. */
static void make_texts(struct texts *t, const struct hone_model *model)
{
    const size_t n_vocab = hone_model_info(model)->n_input_vocab;
    t->beams = (struct hone_beams){.n = 3, .length_penalty = 1};
    for (size_t i = 0; i < N_TEXTS; i++) {
        for (size_t k = 0; k < N_PROMPT; k++)
            t->ids[i][k] = (int32_t)((7 + 13 * k + k * k + (k < 40 && i < 2 ? 0 : 5 * i)) % n_vocab);
        t->list[i] = (struct hone_generation){.sampling = HONE_SAMPLING_DEFAULTS,
                                              .ids = t->ids[i],
                                              .n_ids = n_prompt(model),
                                              .max_tokens = N_NEW,
                                              .past_end = true,
                                              .logprobs = i + 1 < N_TEXTS,
                                              .beams = i + 1 < N_TEXTS ? NULL : &t->beams};
        t->list[i].sampling.temperature = 0;
    }
}

static void release(struct texts *t)
{
    for (size_t i = 0; i < N_TEXTS; i++)
        hone_generation_release(&t->list[i]);
}

static void assert_same(const char *name, const char *how, const struct hone_generation *a,
                        const struct hone_generation *b)
{
    const struct hone_generated *x = &a->results[0], *y = &b->results[0];
    if (x->n_ids != y->n_ids || memcmp(x->ids, y->ids, x->n_ids * sizeof *x->ids) != 0)
        fail_msg("%s: %s changes what is written", name, how);
    if (x->logprobs && memcmp(x->logprobs, y->logprobs, x->n_ids * sizeof *x->logprobs) != 0)
        fail_msg("%s: %s changes the bits of logits", name, how);
    if (memcmp(&x->score, &y->score, sizeof x->score) != 0)
        fail_msg("%s: %s changes a score from %a to %a", name, how, (double)x->score, (double)y->score);
}

static void write_one(struct hone_model *model, struct hone_generation *g)
{
    struct hone_error err;
    assert_ok(hone_generate(model, g, 1, NULL, &err), &err);
}

/* Each by a model that knows nothing yet. */
static void write_plain(const char *name, struct texts *t)
{
    for (size_t i = 0; i < N_TEXTS; i++) {
        struct hone_model *model = open_model(name, 0);
        if (i == 0)
            make_texts(t, model);
        write_one(model, &t->list[i]);
        assert_int_equal(t->list[i].n_cached, 0);
        hone_model_close(&model);
    }
}

/* One after the other, twice: they find what the ones before left. */
static void check_prefixes(const char *name, const struct texts *plain)
{
    struct texts t;
    struct hone_model *model = open_model(name, 0);
    for (size_t round = 0; round < 2; round++) {
        make_texts(&t, model);
        for (size_t i = 0; i < N_TEXTS; i++) {
            write_one(model, &t.list[i]);
            assert_same(name, "a known prefix", &plain->list[i], &t.list[i]);
        }
        release(&t);
    }
    hone_model_close(&model);
}

/* A text that goes on where another one ended: what was written is a prefix, too. */
static void check_going_on(const char *name, const struct texts *plain)
{
    enum { N_KNOWN = N_NEW - 2, N = N_PROMPT + N_KNOWN };
    int32_t ids[N];
    struct texts t;
    const struct hone_generated *all = &plain->list[0].results[0], *rest;
    struct hone_model *model = open_model(name, 0);
    make_texts(&t, model);
    write_one(model, &t.list[0]);
    release(&t);
    make_texts(&t, model);
    memcpy(ids, t.ids[0], sizeof t.ids[0]);
    memcpy(ids + N_PROMPT, all->ids, N_KNOWN * sizeof *ids);
    t.list[0].ids = ids;
    t.list[0].n_ids = N;
    t.list[0].max_tokens = N_NEW - N_KNOWN;
    write_one(model, &t.list[0]);
    rest = &t.list[0].results[0];
    if (t.list[0].n_cached != N / BLOCK * BLOCK)
        fail_msg("%s: of %d tokens %zu are known", name, N, t.list[0].n_cached);
    if (memcmp(rest->ids, all->ids + N_KNOWN, rest->n_ids * sizeof *ids) != 0 ||
        memcmp(rest->logprobs, all->logprobs + N_KNOWN, rest->n_ids * sizeof *rest->logprobs) != 0)
        fail_msg("%s: a prefix that was written changes what follows", name);
    release(&t);
    hone_model_close(&model);
}

/* By which no step takes longer than another. */
static uint64_t now(void *arg)
{
    return *(uint64_t *)arg += 1000;
}

static void on_end(void *arg, struct hone_generation *g, enum hone_status status, const char *message)
{
    (void)g;
    if (status != HONE_OK)
        fail_msg("%s: %s", (const char *)arg, message);
}

/* All at once, with so little room that they wait for each other; and all are preempted six times. */
static void check_preemption(const char *name, const struct texts *plain)
{
    struct hone_error err;
    struct texts t;
    struct generator *gen;
    struct hone_stats stats = {0};
    uint64_t time = 0;
    const struct clock clock = {.now = now, .arg = &time};
    struct hone_model *model = open_model(name, ROOM);
    make_texts(&t, model);
    pthread_mutex_lock(&model->lock);
    assert_ok(generator_new(&gen, model, &clock, on_end, (void *)name, &err), &err);
    for (size_t i = 0; i < N_TEXTS; i++)
        assert_ok(generator_add(gen, &t.list[i], NULL, &err), &err);
    for (size_t step = 1; generator_n_texts(gen) > 0; step++) {
        generator_step(gen, &stats);
        if (step % 9 == 0 && step <= 6 * 9)
            generator_pause(gen);
    }
    generator_free(gen);
    pthread_mutex_unlock(&model->lock);
    for (size_t i = 0; i < N_TEXTS; i++)
        assert_same(name, "preemption", &plain->list[i], &t.list[i]);
    release(&t);
    hone_model_close(&model);
}

static void check_file(const char *name, const struct texts *plain)
{
    struct hone_error err;
    struct texts t;
    char *path = temporary("reuse.kv");
    size_t n_saved = 0, n_loaded = 0;
    struct hone_model *model = open_model(name, 0), *other = open_model(name, 0);
    make_texts(&t, model);
    write_one(model, &t.list[0]);
    assert_ok(hone_kv_save(model, t.ids[0], N_PROMPT, path, &n_saved, &err), &err);
    assert_ok(hone_kv_load(other, path, &n_loaded, &err), &err);
    assert_int_equal(n_loaded, n_saved);
    assert_true(n_saved >= BLOCK);
    release(&t);
    make_texts(&t, other);
    write_one(other, &t.list[0]);
    assert_true(t.list[0].n_cached >= BLOCK);
    assert_same(name, "what a file has", &plain->list[0], &t.list[0]);
    release(&t);
    hone_model_close(&model);
    hone_model_close(&other);
    unlink(path);
    free(path);
}

static void test_model(void **state)
{
    const char *name = *state;
    struct texts plain;
    write_plain(name, &plain);
    check_prefixes(name, &plain);
    check_preemption(name, &plain);
    struct hone_model *model = open_model(name, 0);
    const bool has_encoder = hone_model_info(model)->has_decoder;
    hone_model_close(&model);
    if (!has_encoder) {
        check_going_on(name, &plain);
        check_file(name, &plain);
    }
    release(&plain);
}

static bool generates(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/golden.json", fixture(name));
    if (name[0] == '.' || access(path, R_OK) != 0)
        return false;
    json_t *golden = read_json(path);
    const char *kind = json_string_value(json_object_get(golden, "kind"));
    const bool does = kind && (strcmp(kind, "causal") == 0 || strcmp(kind, "seq2seq") == 0);
    json_decref(golden);
    return does;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct CMUnitTest *)a)->name, ((const struct CMUnitTest *)b)->name);
}

/* The folders are the table: a new family is in it as soon as it has a fixture. */
int main(void)
{
    static struct CMUnitTest tests[MAX_MODELS];
    size_t n = 0;
    struct dirent *entry;
    DIR *dir = opendir(fixture(""));
    while (dir && (entry = readdir(dir)) && n < MAX_MODELS)
        if (generates(entry->d_name)) {
            char *name = strdup(entry->d_name);
            tests[n++] = (struct CMUnitTest){.name = name, .test_func = test_model, .initial_state = name};
        }
    if (dir)
        closedir(dir);
    qsort(tests, n, sizeof *tests, by_name);
    int failed = n == 0 || _cmocka_run_group_tests("models that generate", tests, n, NULL, NULL);
    for (size_t i = 0; i < n; i++)
        free(tests[i].initial_state);
    return failed;
}
