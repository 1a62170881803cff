/* Rotary scaling as GGUF files and config.json say it: what the keys mean, and what is refused by its name. */
#include "runtime/load/import/folder.h"
#include "runtime/load/load.h"
#include "runtime/nn/rope.h"
#include "tests/support.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A Llama of 12 elements a head and 256 tokens; keys are set by the caller. */
static struct net model_of(struct gguf *g)
{
    struct net m = {.gguf = g, .arch = arch_by_name("llama")};
    m.hp.head_dim = 12;
    m.hp.max_length = 256;
    m.hp.rope_base = 500;
    return m;
}

static void no_scaling(void **state)
{
    (void)state;
    struct hone_error err;
    struct gguf *g = gguf_new("test");
    struct net m = model_of(g);
    assert_ok(rope_load(&m, &err), &err);
    assert_true(m.hp.rope_scaling.factor == 1 && m.hp.rope_scaling.length == 0 &&
                m.hp.rope_scaling.magnitude == 1);
    gguf_close(&g);
}

/* A factor without a type is linear; its key had another name once. */
static void linear(void **state)
{
    (void)state;
    static const char *const keys[] = {"llama.rope.scaling.factor", "llama.rope.scale_linear"};
    struct hone_error err;
    float plain[6], scaled[6];
    for (size_t i = 0; i < 2; i++) {
        struct gguf *g = gguf_new("test");
        struct net m = model_of(g);
        assert_true(gguf_set_f32(g, keys[i], 4));
        assert_ok(rope_load(&m, &err), &err);
        rope_frequencies(plain, 12, 500, NULL, NULL);
        rope_frequencies(scaled, 12, 500, NULL, &m.hp.rope_scaling);
        for (size_t k = 0; k < 6; k++)
            assert_true(scaled[k] == plain[k] / 4);
        gguf_close(&g);
    }
}

/* llama.cpp multiplies cosines and sines by it whatever the type is, but for none. */
static void linear_magnitude(void **state)
{
    (void)state;
    struct hone_error err;
    struct gguf *g = gguf_new("test");
    struct net m = model_of(g);
    assert_true(gguf_set_f32(g, "llama.rope.scaling.attn_factor", 1.5F));
    assert_ok(rope_load(&m, &err), &err);
    assert_true(m.hp.rope_scaling.magnitude == 1.5F);
    gguf_close(&g);
}

/* Fast pairs stay, slow ones are divided, and the context grows. */
static void yarn(void **state)
{
    (void)state;
    struct hone_error err;
    float plain[6], scaled[6];
    struct gguf *g = gguf_new("test");
    struct net m = model_of(g);
    assert_true(gguf_set_string(g, "llama.rope.scaling.type", "yarn") &&
                gguf_set_f32(g, "llama.rope.scaling.factor", 8) &&
                gguf_set_u32(g, "llama.rope.scaling.original_context_length", 128));
    assert_ok(rope_load(&m, &err), &err);
    assert_int_equal(m.hp.max_length, 1024);
    assert_true(fabsf(m.hp.rope_scaling.magnitude - (1 + 0.1F * logf(8))) < 1e-6F);
    rope_frequencies(plain, 12, 500, NULL, NULL);
    rope_frequencies(scaled, 12, 500, NULL, &m.hp.rope_scaling);
    assert_true(scaled[0] == plain[0]);
    assert_true(scaled[5] == plain[5] / 8);
    for (size_t k = 0; k < 6; k++)
        assert_true(scaled[k] <= plain[k] && scaled[k] >= plain[k] / 8);
    gguf_close(&g);
}

/* The magnitude by llama.cpp's key, which is on top of the usual one, and by its converter's. */
static void yarn_magnitude(void **state)
{
    (void)state;
    static const char *const keys[] = {"llama.rope.scaling.yarn_attn_factor",
                                       "llama.rope.scaling.attn_factor"};
    const float want[] = {1.25F, 1.25F * (1 + 0.1F * logf(8))};
    struct hone_error err;
    for (size_t i = 0; i < 2; i++) {
        struct gguf *g = gguf_new("test");
        struct net m = model_of(g);
        assert_true(gguf_set_string(g, "llama.rope.scaling.type", "yarn") &&
                    gguf_set_f32(g, "llama.rope.scaling.factor", 8) && gguf_set_f32(g, keys[i], 1.25F));
        assert_ok(rope_load(&m, &err), &err);
        assert_true(fabsf(m.hp.rope_scaling.magnitude - want[i]) < 1e-6F);
        gguf_close(&g);
    }
}

static void refused(struct gguf *g, const char *words)
{
    struct hone_error err = {0};
    struct net m = model_of(g);
    assert_int_equal(rope_load(&m, &err), HONE_BAD_MODEL);
    if (!strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
    gguf_close(&g);
}

static void refused_files(void **state)
{
    (void)state;
    struct gguf *g = gguf_new("test");
    assert_true(gguf_set_string(g, "llama.rope.scaling.type", "longrope"));
    refused(g, "'longrope' is not supported");
    g = gguf_new("test");
    assert_true(gguf_set_u32(g, "llama.rope.dimension_count", 7));
    refused(g, "expected an even number up to the heads' 12");
    g = gguf_new("test");
    assert_true(gguf_set_u32(g, "llama.rope.dimension_count", 14));
    refused(g, "expected an even number up to the heads' 12");
    g = gguf_new("test");
    assert_true(gguf_set_f32(g, "llama.rope.scaling.factor", -2));
    refused(g, "'llama.rope.scaling.factor' should be a number above 0");
    g = gguf_new("test");
    assert_true(gguf_set_string(g, "llama.rope.scaling.type", "yarn") &&
                gguf_set_f32(g, "llama.rope.scaling.yarn_ext_factor", 0.5F));
    refused(g, "yarn_ext_factor");
}

/* import_rope on a config.json of these options; "": it is taken. */
static void folder(const char *options, const char *words)
{
    struct hone_error err = {0};
    json_error_t at;
    const struct arch *llama = arch_by_name("llama");
    struct folder f = {.dir = "test", .arch = llama, .form = llama->forms[0], .g = gguf_new("test")};
    f.config = json_loads(options, 0, &at);
    assert_non_null(f.config);
    assert_true(gguf_set_u32(f.g, "llama.embedding_length", 48) &&
                gguf_set_u32(f.g, "llama.attention.head_count", 4) &&
                gguf_set_f32(f.g, "llama.rope.freq_base", 1e4F));
    assert_ok(import_rope_names(&f, &err), &err);
    enum hone_status status = import_rope(&f, &err);
    assert_int_equal(status, *words ? HONE_BAD_MODEL : HONE_OK);
    if (*words && !strstr(err.message, words))
        fail_msg("'%s' does not say '%s'", err.message, words);
    json_decref(f.config);
    gguf_close(&f.g);
}

static void folders(void **state)
{
    (void)state;
    folder("{\"rope_scaling\": null}", "");
    folder("{\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}}", "");
    folder("{\"rope_scaling\": {\"type\": \"linear\"}}", "'factor' of the rotary scaling is missing");
    folder("{\"rope_scaling\": {\"type\": \"linear\", \"factor\": \"2\"}}", "should be a number above 0");
    folder("{\"rope_scaling\": {\"rope_type\": \"longrope\", \"long_factor\": []}}",
           "'original_max_position_embeddings' of the rotary scaling is missing");
    folder("{\"original_max_position_embeddings\": 8, \"max_position_embeddings\": 64, \"rope_scaling\": "
           "{\"rope_type\": \"longrope\", \"long_factor\": [1]}}",
           "'long_factor' of the rotary scaling should have 6 numbers");
    folder("{\"rope_parameters\": {\"rope_type\": \"proportional\", \"partial_rotary_factor\": 0.25}}", "");
    folder("{\"rope_parameters\": {\"rope_type\": \"proportional\", \"partial_rotary_factor\": 2}}",
           "'partial_rotary_factor'");
    folder("{\"rope_parameters\": {\"rope_type\": \"logarithmic\"}}", "'logarithmic' is not supported");
    folder("{\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0, \"truncate\": false}}", "");
    folder("{\"partial_rotary_factor\": 0.5}", "models of this type rotate whole heads");
    folder("{\"partial_rotary_factor\": 0.3}", "'partial_rotary_factor'");
    folder("{\"partial_rotary_factor\": 1.5}", "'partial_rotary_factor'");
    folder("{\"max_position_embeddings\": 64, \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0}}", "");
    folder(
        "{\"max_position_embeddings\": 64, \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 4.0}}",
        "'low_freq_factor' of the rotary scaling is missing");
}

/* Gemma 3's largest model is the one of 62 layers, and divides scores otherwise. */
static void divisors(void **state)
{
    (void)state;
    const struct arch *gemma = arch_by_name("gemma3"), *llama = arch_by_name("llama");
    assert_true(hparams_attn_divisor(gemma, 62, 5376, 32, 128) == 168);
    assert_true(hparams_attn_divisor(gemma, 48, 3840, 16, 256) == 256);
    assert_true(hparams_attn_divisor(llama, 62, 5376, 32, 128) == 128);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_scaling), cmocka_unit_test(linear),         cmocka_unit_test(linear_magnitude),
        cmocka_unit_test(yarn),       cmocka_unit_test(yarn_magnitude), cmocka_unit_test(refused_files),
        cmocka_unit_test(folders),    cmocka_unit_test(divisors),
    };
    return cmocka_run_group_tests_name("rotary scaling", tests, NULL, NULL);
}
