/* Every choice that a model file can name, put into every family: a pooling whose head the family does not have, an
 * activation, a scaling, a kind of tokens, small numbers where sizes belong. Each file is refused with a sentence or opens
 * and computes; none ends the process. */
#include "tests/exercise.h"
#include "tests/files.h"
#include "tests/support.h"

#include "runtime/load/import/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const families[] = {"bert-embed",   "bert-cross",     "splade",        "colbert",
                                       "modernbert",   "nomic",          "jina",          "jina-code",
                                       "gte",          "mpnet-classify", "causal",        "llama3",
                                       "qwen2-window", "qwen3-rerank",   "gemma3-images", "t5"};

/* What GGUF files choose from, and some beyond. */
static const char *const names[] = {
    "none", "mean",  "cls",    "last",    "max",   "splade",    "tokens",  "gelu",    "relu", "silu",
    "tanh", "geglu", "swiglu", "linear",  "yarn",  "longrope",  "softmax", "sigmoid", "bert", "llama",
    "gpt2", "t5",    "rwkv",   "default", "qwen2", "llama-bpe", "",        "no such"};
enum { N_NAMES = sizeof names / sizeof *names, N_NUMBERS = 10 };

/* Keys that files may have beside their own; %s is the architecture. */
static const struct {
    const char *format;
    bool is_text;
} more[] = {{"%s.pooling_type", false},
            {"%s.classifier.pooling_type", false},
            {"%s.attention.sliding_window_pattern", false},
            {"%s.attention.sliding_window", false},
            {"%s.attention.head_count_kv", false},
            {"%s.attention.key_length", false},
            {"%s.rope.dimension_count", false},
            {"%s.rope.scaling.type", true},
            {"%s.hidden_activation", true},
            {"hone.activation", true},
            {"hone.head_activation", true},
            {"hone.head_pooling", true},
            {"hone.score_activation", true},
            {"hone.dense_2.activation", true},
            {"tokenizer.ggml.pre", true}};

static bool is_array_of_tokens(const struct gguf_value *v)
{
    return v->is_array && v->type == GGUF_I32;
}

/* The value of that kind with choice i. */
static bool set_choice(struct gguf *g, const char *key, const struct gguf_value *old, size_t i)
{
    if (old->type == GGUF_STRING)
        return gguf_set_string(g, key, names[i]);
    if (old->type == GGUF_F32)
        return gguf_set_f32(g, key, (float[]){0, -1, NAN, INFINITY, 1e30F, 1, 2, -INFINITY, 1e-30F, 0.5F}[i]);
    if (old->type == GGUF_BOOL)
        return gguf_set_bool(g, key, i & 1);
    if (!is_array_of_tokens(old))
        return gguf_set_u32(g, key, (uint32_t)i);
    int32_t *types = calloc(old->n + 1, sizeof *types);
    for (size_t k = 0; k < old->n; k++)
        types[k] = (int32_t)i;
    bool ok = gguf_set_array(g, key, GGUF_I32, types, old->n);
    free(types);
    return ok;
}

static void open_and_use(const char *path, size_t *n_open, size_t *n_refused)
{
    struct hone_model *model;
    struct hone_error err = {0};
    struct outcome outcomes[EXERCISE_N];
    enum hone_status status = hone_model_open(&model, path, &(struct hone_options){.n_threads = 1}, &err);
    if (status != HONE_OK) {
        assert_int_equal(status, HONE_BAD_MODEL);
        assert_true(strlen(err.message) > 0);
        (*n_refused)++;
        return;
    }
    (*n_open)++;
    exercise_model(model, outcomes);
    for (size_t i = 0; i < EXERCISE_N; i++)
        assert_true(outcomes[i].status == HONE_OK || strlen(outcomes[i].sentence) > 0);
    hone_model_close(&model);
}

/* A copy of `from` whose `key` has choice i. */
static void try_choice(const struct gguf *from, const char *key, const struct gguf_value *old, size_t i,
                       size_t *n_open, size_t *n_refused)
{
    struct hone_error err = {0};
    const char *path = temp_path("choice.gguf");
    struct gguf *to = gguf_new(path);
    for (size_t k = 0; k < gguf_n_keys(from); k++)
        if (strcmp(gguf_key(from, k), key) != 0)
            assert_true(gguf_set_value(to, gguf_key(from, k), gguf_value_at(from, k)));
    assert_true(set_choice(to, key, old, i));
    for (size_t k = 0; k < gguf_n_tensors(from); k++)
        assert_true(gguf_add_tensor(to, gguf_tensor_at(from, k)));
    assert_ok(gguf_write(to, path, NULL, &err), &err);
    gguf_close(&to);
    open_and_use(path, n_open, n_refused);
}

static void try_all(const struct gguf *from, const char *key, const struct gguf_value *old, size_t *n_open,
                    size_t *n_refused)
{
    size_t n = old->type == GGUF_STRING ? N_NAMES : old->type == GGUF_BOOL ? 2 : N_NUMBERS;
    for (size_t i = 0; i < n; i++)
        try_choice(from, key, old, i, n_open, n_refused);
}

/* Choices lie in short values: long texts are pipelines and templates, which have fuzz tests of their own. */
static bool may_be_choice(const struct gguf_value *v)
{
    if (v->type == GGUF_STRING)
        return !v->is_array && v->strings[0].size < 64;
    return !v->is_array || is_array_of_tokens(v);
}

static void every_choice(void **state)
{
    struct hone_error err = {0};
    struct gguf *g;
    struct hone_text arch = {"", 0};
    size_t n_open = 0, n_refused = 0;
    assert_ok(import_folder(&g, fixture(*state), false, &err), &err);
    assert_ok(gguf_get_text(g, "general.architecture", &arch, &err), &err);
    for (size_t i = 0; i < gguf_n_keys(g); i++)
        if (may_be_choice(gguf_value_at(g, i)))
            try_all(g, gguf_key(g, i), gguf_value_at(g, i), &n_open, &n_refused);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        char key[128], name[32];
        const struct gguf_value any = {.type = more[i].is_text ? GGUF_STRING : GGUF_U32, .n = 1};
        snprintf(name, sizeof name, "%.*s", (int)arch.size, arch.data);
        const char *colon = strstr(more[i].format, "%s");
        snprintf(key, sizeof key, "%s%s", colon ? name : "", colon ? colon + 2 : more[i].format);
        if (!gguf_find(g, key))
            try_all(g, key, &any, &n_open, &n_refused);
    }
    gguf_close(&g);
    print_message("%zu opened, %zu refused\n", n_open, n_refused);
    assert_true(n_open > 0 && n_refused > 0);
}

/* What led here: a byte that asks for weights of words where there is no head that makes them. */
static void head_that_is_not_there(void **state)
{
    (void)state;
    struct hone_error err = {0};
    struct gguf *g;
    struct hone_model *model;
    const char *path = temp_path("headless.gguf");
    assert_ok(import_folder(&g, fixture("jina"), false, &err), &err);
    struct gguf *to = gguf_new(path);
    for (size_t i = 0; i < gguf_n_keys(g); i++)
        if (strcmp(gguf_key(g, i), "jina-bert-v2.pooling_type") != 0)
            assert_true(gguf_set_value(to, gguf_key(g, i), gguf_value_at(g, i)));
    assert_true(gguf_set_u32(to, "jina-bert-v2.pooling_type", 7));
    for (size_t i = 0; i < gguf_n_tensors(g); i++)
        assert_true(gguf_add_tensor(to, gguf_tensor_at(g, i)));
    assert_ok(gguf_write(to, path, NULL, &err), &err);
    gguf_close(&to);
    gguf_close(&g);
    assert_int_equal(hone_model_open(&model, path, NULL, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "SPLADE"));
    assert_non_null(strstr(err.message, "jina-bert-v2"));
}

int main(void)
{
    struct CMUnitTest tests[sizeof families / sizeof *families + 1] = {
        cmocka_unit_test(head_that_is_not_there)};
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        tests[i + 1] =
            (struct CMUnitTest){families[i], every_choice, NULL, NULL, (void *)(uintptr_t)families[i]};
    return cmocka_run_group_tests_name("choices", tests, NULL, NULL);
}
