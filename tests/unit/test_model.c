/* Model files that are not what they claim: each is refused with a sentence that names what is wrong. */
#include "tests/support.h"

#include "runtime/load/import/import.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What to change while a file is copied. */
struct change {
    const char *drop_tensor, *drop_key;
    const char *drop_keys; /* all that start so */
    const char *reshape;   /* this tensor loses its last row or element */
    const char *set_key;   /* to `value`, whether it is there or not */
    uint32_t value;
};

static bool is(const char *name, const char *wanted)
{
    return wanted && strcmp(name, wanted) == 0;
}

/* A copy of the fixture `name` as a GGUF file with one thing changed. To be freed. */
static char *changed(const char *name, const struct change *c)
{
    struct hone_error err;
    struct gguf *from, *to = gguf_new("copy");
    char *path = temporary("changed.gguf");
    assert_ok(import_folder(&from, fixture(name), false, &err), &err);
    for (size_t i = 0; i < gguf_n_keys(from); i++) {
        const char *key = gguf_key(from, i);
        if (!is(key, c->drop_key) && !is(key, c->set_key) &&
            !(c->drop_keys && strncmp(key, c->drop_keys, strlen(c->drop_keys)) == 0))
            assert_true(gguf_set_value(to, key, gguf_value_at(from, i)));
    }
    if (c->set_key)
        assert_true(gguf_set_u32(to, c->set_key, c->value));
    for (size_t i = 0; i < gguf_n_tensors(from); i++) {
        struct gguf_tensor t = *gguf_tensor_at(from, i);
        if (is(t.name, c->reshape)) {
            uint64_t *last = &t.dims[t.n_dims - 1];
            t.size = t.size / *last * (*last - 1);
            (*last)--;
        }
        if (!is(t.name, c->drop_tensor))
            assert_true(gguf_add_tensor(to, &t));
    }
    assert_ok(gguf_write(to, path, NULL, &err), &err);
    gguf_close(&to);
    gguf_close(&from);
    return path;
}

/* Expects HONE_BAD_MODEL and a sentence with `words` in it. */
static void refused(const char *name, struct change c, const char *words)
{
    struct hone_error err = {0};
    struct hone_model *model;
    char *path = changed(name, &c);
    assert_int_equal(hone_model_open(&model, path, NULL, &err), HONE_BAD_MODEL);
    assert_null(model);
    print_message("%s\n", err.message);
    assert_non_null(strstr(err.message, words));
    assert_non_null(strstr(err.message, path));
    free(path);
}

static void unchanged_opens(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model;
    char *path = changed("bert-cross", &(struct change){0});
    assert_ok(hone_model_open(&model, path, NULL, &err), &err);
    hone_model_close(&model);
    hone_model_close(&model); /* NULL by now */
    free(path);
}

/* What llama.cpp's converter writes: none of hone's keys, and no id of the first token. */
static void bare_file_is_the_same(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *whole, *bare;
    struct hone_text texts[] = {{"The quick brown fox", 19}, {"naïve café", 12}, {"", 0}};
    float a[3 * 32], b[3 * 32];
    char *path = changed("bert-embed",
                         &(struct change){.drop_keys = "hone.", .drop_key = "tokenizer.ggml.cls_token_id"});
    assert_ok(hone_model_open(&whole, fixture("bert-embed"), NULL, &err), &err);
    assert_ok(hone_model_open(&bare, path, NULL, &err), &err);
    assert_ok(hone_embed(whole, texts, 3, NULL, a, NULL, &err), &err);
    assert_ok(hone_embed(bare, texts, 3, NULL, b, NULL, &err), &err);
    assert_memory_equal(a, b, sizeof a);
    hone_model_close(&whole);
    hone_model_close(&bare);
    free(path);
}

/* What could change numbers is known, or refused by its name; `force` tells what it passes over. */
static void unknown_keys(void **state)
{
    static const struct change unknown[] = {
        {.set_key = "bert.frobnicate", .value = 3},
        {.set_key = "bert.attention.clamp_kqv", .value = 8},
        {.set_key = "bert.attention.head_count_kv", .value = 2},
        {.set_key = "bert.expert_gating_func", .value = 2},
        {.set_key = "bert.rope.freq_base_swa", .value = 500},
        {.set_key = "bert.use_parallel_residual", .value = 1},
        {.set_key = "tokenizer.ggml.normalizer.nfd", .value = 1},
        {.set_key = "hone.frobnicate", .value = 1},
        {.set_key = "bert.rope.scaling.factor", .value = 2},
        {.set_key = "bert.rope.scaling.attn_factor", .value = 2},
        {.set_key = "bert.rope.scale_linear", .value = 2},
        {.set_key = "general.sampling.penalty_last_n", .value = 8},
    };
    static const struct change known[] = {
        {.set_key = "bert.attention.clamp_kqv", .value = 0},
        {.set_key = "bert.attention.head_count_kv", .value = 4},
        {.set_key = "bert.expert_gating_func", .value = 1},
        {.set_key = "bert.use_parallel_residual", .value = 0},
        {.set_key = "bert.vocab_size", .value = 7},
        {.set_key = "bert.rope.scaling.factor", .value = 1},
        {.set_key = "bert.rope.dimension_count", .value = 2}, /* it rotates nothing */
        {.set_key = "general.frobnicate", .value = 7},
        {.set_key = "llama.frobnicate", .value = 7},
        {.set_key = "bertha.frobnicate", .value = 7},
    };
    struct hone_error err;
    struct hone_model *model;
    (void)state;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        refused("bert-embed", unknown[i], unknown[i].set_key);
        char *path = changed("bert-embed", &unknown[i]);
        assert_ok(hone_model_open(&model, path,
                                  &(struct hone_options){.size = sizeof(struct hone_options), .force = true},
                                  &err),
                  &err);
        assert_non_null(strstr(hone_model_remark(model, 0), unknown[i].set_key));
        assert_null(hone_model_remark(model, 1));
        hone_model_close(&model);
        free(path);
    }
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        char *path = changed("bert-embed", &known[i]);
        assert_ok(hone_model_open(&model, path, NULL, &err), &err);
        hone_model_close(&model);
        free(path);
    }
}

/* Of those that rotate, all of a head or what the key says. */
static void rotated_part(void **state)
{
    (void)state;
    refused("nomic", (struct change){.set_key = "nomic-bert.rope.dimension_count", .value = 2},
            "'nomic-bert.rope.dimension_count' is 2");
}

static void missing_tensor(void **state)
{
    (void)state;
    refused("bert-embed", (struct change){.drop_tensor = "blk.1.ffn_up.weight"},
            "'blk.1.ffn_up.weight' is missing");
    refused("bert-embed", (struct change){.drop_tensor = "token_embd.weight"}, "vocabulary has");
}

static void missing_head(void **state)
{
    (void)state;
    refused("bert-cross", (struct change){.drop_tensor = "cls.output.weight"}, "hone convert");
    refused("bert-cross", (struct change){.drop_tensor = "cls.weight"}, "'cls.weight' is missing");
}

static void wrong_shape(void **state)
{
    (void)state;
    refused("bert-embed", (struct change){.reshape = "blk.0.attn_q.weight"}, "expected [32, 32]");
    refused("bert-embed", (struct change){.reshape = "blk.0.attn_q.bias"}, "expected [32, 1]");
    refused("bert-embed", (struct change){.reshape = "token_embd.weight"}, "the vocabulary has");
}

static void wrong_numbers(void **state)
{
    (void)state;
    refused("bert-embed", (struct change){.drop_key = "bert.block_count"}, "'bert.block_count' is missing");
    refused("bert-embed", (struct change){.set_key = "bert.block_count", .value = 0}, "expected 1 to");
    refused("bert-embed", (struct change){.set_key = "bert.block_count", .value = UINT32_MAX},
            "bert.block_count");
    refused("bert-embed", (struct change){.set_key = "bert.attention.head_count", .value = 5},
            "5 attention heads");
    refused("bert-embed", (struct change){.set_key = "bert.embedding_length", .value = 64}, "expected [");
    refused("bert-embed", (struct change){.set_key = "tokenizer.ggml.tokens", .value = 1},
            "array of strings");
    refused("bert-embed", (struct change){.drop_key = "tokenizer.ggml.tokens"}, "no vocabulary");
    refused("bert-embed", (struct change){.drop_key = "general.architecture"}, "architecture");
}

/* ---- calls that make no sense, texts that are too long ---- */

static struct hone_model *open_fixture(const char *name, const struct hone_options *options)
{
    struct hone_error err;
    struct hone_model *model;
    assert_ok(hone_model_open(&model, fixture(name), options, &err), &err);
    return model;
}

static void wrong_task(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_text text = {"fox", 3};
    float out[64];
    struct hone_model *embed = open_fixture("bert-embed", NULL),
                      *classify = open_fixture("bert-classify", NULL);
    assert_int_equal(hone_classify(embed, &text, NULL, 1, NULL, out, NULL, &err), HONE_USAGE);
    assert_int_equal(hone_rerank(classify, text, &text, 1, NULL, out, NULL, &err), HONE_USAGE);
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.prompt = "nobody";
    assert_int_equal(hone_embed(embed, &text, 1, &run, out, NULL, &err), HONE_USAGE);
    assert_non_null(strstr(err.message, "query"));
    run.prompt = NULL;
    run.pooling = "sum";
    assert_int_equal(hone_embed(embed, &text, 1, &run, out, NULL, &err), HONE_USAGE);
    hone_model_close(&embed);
    hone_model_close(&classify);
}

static void count_refusal(void *arg, size_t index, const char *sentence)
{
    *(size_t *)arg += index;
    assert_non_null(strstr(sentence, "expected at most 8"));
}

static void too_long(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_text texts[] = {{"x", 1}, {"fox fox fox fox fox fox fox fox fox", 35}, {"", 0}};
    float out[3 * 32];
    struct hone_stats stats = {0};
    struct hone_model *model = open_fixture("bert-embed", &(struct hone_options){.max_length = 8});
    assert_ok(hone_embed(model, texts, 3, NULL, out, &stats, &err), &err);
    assert_int_equal(stats.n_truncated, 1);
    assert_int_equal(stats.n_texts, 3);
    hone_model_close(&model);
    model = open_fixture("bert-embed", &(struct hone_options){.max_length = 8, .strict = true});
    assert_int_equal(hone_embed(model, texts, 3, NULL, out, NULL, &err), HONE_REFUSED);
    size_t refused_index = 0;
    struct hone_run_options run = HONE_RUN_DEFAULTS;
    run.on_refused = count_refusal;
    run.refused_arg = &refused_index;
    stats = (struct hone_stats){0};
    assert_ok(hone_embed(model, texts, 3, &run, out, &stats, &err), &err);
    assert_int_equal(refused_index, 1);
    assert_int_equal(stats.n_refused, 1);
    assert_true(isnan(out[32]) && isnan(out[63]) && !isnan(out[0]) && !isnan(out[64]));
    hone_model_close(&model);
}

static void no_texts(void **state)
{
    (void)state;
    struct hone_error err;
    struct hone_model *model = open_fixture("bert-embed", NULL);
    assert_ok(hone_embed(model, NULL, 0, NULL, NULL, NULL, &err), &err);
    hone_model_close(&model);
}

struct patience {
    size_t n_calls, last, enough; /* enough: the call that says no */
};

static bool lose_patience(void *arg, size_t n_done)
{
    struct patience *p = arg;
    assert_true(n_done > p->last);
    p->last = n_done;
    return ++p->n_calls != p->enough;
}

/* A call ends soon after it was told to, and the model is as good as before. */
static void interrupted(void **state)
{
    enum { N = 2000, WIDTH = 32 };
    (void)state;
    struct hone_error err;
    static struct hone_text texts[N];
    static float out[N * WIDTH], wanted[N * WIDTH];
    for (size_t i = 0; i < N; i++)
        texts[i] = (struct hone_text){"the quick brown fox jumps over the lazy dog", 9 + i % 34};
    for (int n_threads = 1; n_threads <= 2; n_threads++) {
        struct hone_model *model = open_fixture("bert-embed", &(struct hone_options){.n_threads = n_threads});
        struct patience p = {.enough = 3};
        struct hone_run_options run = HONE_RUN_DEFAULTS;
        run.on_progress = lose_patience;
        run.progress_arg = &p;
        assert_int_equal(hone_embed(model, texts, N, &run, out, NULL, &err), HONE_CANCELLED);
        assert_int_equal(err.status, HONE_CANCELLED);
        assert_int_equal(p.n_calls, 3);
        assert_true(p.last < N);
        p = (struct patience){0};
        assert_ok(hone_embed(model, texts, N, &run, out, NULL, &err), &err);
        assert_true(p.n_calls > 3);
        assert_ok(hone_embed(model, texts, N, NULL, wanted, NULL, &err), &err);
        assert_memory_equal(out, wanted, sizeof out);
        hone_model_close(&model);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(interrupted),
        cmocka_unit_test(unchanged_opens),
        cmocka_unit_test(bare_file_is_the_same),
        cmocka_unit_test(unknown_keys),
        cmocka_unit_test(rotated_part),
        cmocka_unit_test(missing_tensor),
        cmocka_unit_test(missing_head),
        cmocka_unit_test(wrong_shape),
        cmocka_unit_test(wrong_numbers),
        cmocka_unit_test(wrong_task),
        cmocka_unit_test(too_long),
        cmocka_unit_test(no_texts),
    };
    return cmocka_run_group_tests_name("models", tests, NULL, NULL);
}
