/* hone_quantize: which tensor gets which type, importance matrices, what is kept. */
#include "runtime/gguf/gguf.h"
#include "tests/files.h"

#include <hone.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 256, N_ROWS = 8 };

static float values[N * N_ROWS];

static void add(struct gguf *g, const char *name, uint64_t n_cols, uint64_t n_rows)
{
    assert_true(gguf_add_tensor(g, &(struct gguf_tensor){.name = name,
                                                         .type = quant_type_by_id(QUANT_F32),
                                                         .n_dims = n_rows ? 2 : 1,
                                                         .dims = {n_cols, n_rows},
                                                         .data = values}));
}

static void add_layer(struct gguf *g, size_t layer, uint64_t n_cols)
{
    static const char *const names[] = {"attn_q", "attn_v",   "attn_output",
                                        "ffn_up", "ffn_down", "attn_rel_b"};
    char name[64];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(name, sizeof name, "blk.%zu.%s.weight", layer, names[i]);
        add(g, name, n_cols, N_ROWS);
    }
    snprintf(name, sizeof name, "blk.%zu.attn_norm.weight", layer);
    add(g, name, n_cols, 0);
}

/* A model of that shape, without sense, in `path`. */
static void make_model(const char *path, size_t n_layers, size_t n_groups, bool has_output, uint64_t n_cols)
{
    struct gguf *g = gguf_new("model");
    for (int i = 0; i < N * N_ROWS; i++)
        values[i] = sinf((float)(i * i));
    assert_true(gguf_set_string(g, "general.architecture", "llama"));
    assert_true(gguf_set_u32(g, "general.file_type", 0));
    assert_true(gguf_set_u32(g, "llama.attention.head_count", 8));
    assert_true(gguf_set_u32(g, "llama.attention.head_count_kv", (uint32_t)(8 / n_groups)));
    add(g, "token_embd.weight", n_cols, N_ROWS);
    if (has_output)
        add(g, "output.weight", n_cols, N_ROWS);
    for (size_t i = 0; i < n_layers; i++)
        add_layer(g, i, n_cols);
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
}

static struct gguf *quantize(const char *in, const char *type, const struct hone_quantize_options *options)
{
    struct gguf *g;
    struct hone_error err = {0};
    const char *out = temp_path("out.gguf");
    if (hone_quantize(in, out, type, options, &err) != HONE_OK)
        fail_msg("%s", err.message);
    assert_int_equal(gguf_open(&g, out, NULL), HONE_OK);
    return g;
}

static const char *type_in(const struct gguf *g, const char *format, size_t layer)
{
    char name[64];
    snprintf(name, sizeof name, format, layer);
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    assert_non_null(t);
    return t->type->name;
}

static void expect(const struct gguf *g, const char *name, const char *type)
{
    const struct gguf_tensor *t = gguf_find_tensor(g, name);
    assert_non_null(t);
    assert_string_equal(t->type->name, type);
}

static void test_kept(void **state)
{
    (void)state;
    const char *in = temp_path("in.gguf");
    make_model(in, 2, 1, true, N);
    struct gguf *g = quantize(in, "q4_0", NULL);
    expect(g, "blk.1.attn_norm.weight", "f32");
    expect(g, "blk.1.attn_rel_b.weight", "f32");
    expect(g, "blk.1.attn_q.weight", "q4_0");
    expect(g, "token_embd.weight", "q4_0");
    expect(g, "output.weight", "q6_k");
    size_t file_type = 0, version = 0;
    assert_int_equal(gguf_get_size(g, "general.file_type", 99, &file_type, NULL), HONE_OK);
    assert_int_equal(gguf_get_size(g, "general.quantization_version", 99, &version, NULL), HONE_OK);
    assert_true(file_type == 2 && version == 2);
    gguf_close(&g);
}

static void test_mixture(void **state)
{
    (void)state;
    const char *in = temp_path("in.gguf");
    make_model(in, 16, 1, false, N);
    struct gguf *g = quantize(in, "q4_k_m", NULL);
    expect(g, "token_embd.weight", "q6_k");
    /* The first and last eighth of 16 layers, and every third between. */
    static const char more[] = "##..#..#..#..###";
    for (size_t i = 0; i < 16; i++) {
        const char *type = more[i] == '#' ? "q6_k" : "q4_k";
        assert_string_equal(type_in(g, "blk.%zu.attn_v.weight", i), type);
        assert_string_equal(type_in(g, "blk.%zu.ffn_down.weight", i), type);
        assert_string_equal(type_in(g, "blk.%zu.attn_q.weight", i), "q4_k");
        assert_string_equal(type_in(g, "blk.%zu.attn_output.weight", i), "q4_k");
        assert_string_equal(type_in(g, "blk.%zu.ffn_up.weight", i), "q4_k");
    }
    gguf_close(&g);
    g = quantize(in, "Q3_K_M", NULL);
    for (size_t i = 0; i < 16; i++) {
        assert_string_equal(type_in(g, "blk.%zu.attn_v.weight", i), i < 2 ? "q5_k" : "q4_k");
        assert_string_equal(type_in(g, "blk.%zu.ffn_down.weight", i), i < 1 ? "q5_k" : "q4_k");
        assert_string_equal(type_in(g, "blk.%zu.attn_output.weight", i), "q4_k");
        assert_string_equal(type_in(g, "blk.%zu.attn_q.weight", i), "q3_k");
    }
    gguf_close(&g);
}

static void test_groups(void **state)
{
    (void)state;
    const char *in = temp_path("in.gguf");
    static const char *const types[] = {"q3_k", "q3_k", "q4_k"};
    for (size_t i = 0; i < 3; i++) {
        make_model(in, 1, (size_t)1 << i, true, N);
        struct gguf *g = quantize(in, "q2_k", NULL);
        expect(g, "blk.0.attn_v.weight", types[i]);
        expect(g, "token_embd.weight", "q2_k");
        gguf_close(&g);
    }
}

static void test_fallbacks(void **state)
{
    (void)state;
    static const struct {
        uint64_t n_cols;
        const char *type, *most, *output;
    } cases[] = {
        {96, "q4_k", "q5_0", "q8_0"}, {96, "q5_k_s", "q5_1", "q8_0"},   {96, "q6_k", "q8_0", "q8_0"},
        {96, "q2_k", "q4_0", "q8_0"}, {96, "iq4_xs", "iq4_nl", "q8_0"}, {96, "q4_0", "q4_0", "q8_0"},
        {40, "q4_k", "f16", "f16"},   {40, "q8_0", "f16", "f16"},       {40, "bf16", "bf16", "bf16"}};
    const char *in = temp_path("in.gguf");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_model(in, 1, 1, true, cases[i].n_cols);
        struct gguf *g = quantize(in, cases[i].type, NULL);
        expect(g, "blk.0.attn_q.weight", cases[i].most);
        expect(g, "output.weight", cases[i].output);
        gguf_close(&g);
    }
}

/* ---- importance ---- */

struct told {
    size_t n, n_weighted;
    double error;
    uint64_t n_done, n_bytes;
};

static void on_tensor(void *arg, const struct hone_quantized *q)
{
    struct told *told = arg;
    told->n++;
    told->n_weighted += q->weighted;
    if (strcmp(q->name, "blk.0.attn_q.weight") == 0)
        told->error = q->error;
}

static bool on_progress(void *arg, uint64_t n_done, uint64_t n_bytes)
{
    struct told *told = arg;
    assert_true(n_done >= told->n_done && n_done <= n_bytes);
    told->n_done = n_done;
    told->n_bytes = n_bytes;
    return true;
}

/* The first half of the columns matters 1000 times as much. */
static float importance_of(int column)
{
    return column < N / 2 ? 1000 : 1;
}

static void make_old(const char *path, size_t n)
{
    static const char name[] = "blk.0.attn_q.weight";
    char data[64 + N * sizeof(float)], *p = data;
    int32_t numbers[] = {1, sizeof name - 1, 10, (int32_t)n};
    memcpy(p, numbers, 8);
    memcpy(p + 8, name, sizeof name - 1);
    p += 8 + sizeof name - 1;
    memcpy(p, numbers + 2, 8);
    p += 8;
    for (size_t i = 0; i < n; i++, p += sizeof(float)) {
        float sum = 10 * importance_of((int)i);
        memcpy(p, &sum, sizeof sum);
    }
    store_file(path, data, (size_t)(p - data));
}

static void make_new(const char *path)
{
    static float sums[N];
    static const float count = 10;
    struct gguf *g = gguf_new("imatrix");
    for (int i = 0; i < N; i++)
        sums[i] = count * importance_of(i);
    struct gguf_tensor t = {.type = quant_type_by_id(QUANT_F32),
                            .n_dims = 2,
                            .name = "blk.0.attn_q.weight.in_sum2",
                            .dims = {N, 1},
                            .data = sums};
    assert_true(gguf_set_string(g, "general.type", "imatrix"));
    assert_true(gguf_add_tensor(g, &t));
    t = (struct gguf_tensor){
        .type = t.type, .n_dims = 2, .name = "blk.0.attn_q.weight.counts", .dims = {1, 1}, .data = &count};
    assert_true(gguf_add_tensor(g, &t));
    assert_int_equal(gguf_write(g, path, NULL, NULL), HONE_OK);
    gguf_close(&g);
}

/* The squared error of the columns that matter. */
static double first_half_error(const struct gguf *g)
{
    static float x[N * N_ROWS];
    const struct gguf_tensor *t = gguf_find_tensor(g, "blk.0.attn_q.weight");
    double sum = 0;
    t->type->dequantize(x, t->data, N * N_ROWS);
    for (int i = 0; i < N * N_ROWS; i++)
        if (i % N < N / 2)
            sum += pow((double)x[i] - (double)values[i], 2);
    return sum;
}

static void test_importance(void **state)
{
    (void)state;
    static const char *const types[] = {"q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q6_k", "q2_k", "iq4_xs"};
    char in[256], old[256], new[256];
    const char *const files[] = {old, new};
    snprintf(in, sizeof in, "%s", temp_path("in.gguf"));
    snprintf(old, sizeof old, "%s", temp_path("old.dat"));
    snprintf(new, sizeof new, "%s", temp_path("new.gguf"));
    make_model(in, 1, 1, true, N);
    make_old(files[0], N);
    make_new(files[1]);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct told told = {0};
        struct hone_quantize_options options = {
            .on_tensor = on_tensor, .on_progress = on_progress, .arg = &told};
        struct gguf *plain = quantize(in, types[i], &options), *weighted[2];
        assert_true(told.n == gguf_n_tensors(plain) && told.n_weighted == 0 && told.error > 0);
        assert_true(told.n_done == told.n_bytes);
        double before = first_half_error(plain);
        gguf_close(&plain);
        for (size_t f = 0; f < 2; f++) {
            told = (struct told){0};
            options.imatrix = files[f];
            weighted[f] = quantize(in, types[i], &options);
            assert_int_equal(told.n_weighted, 1);
        }
        const struct gguf_tensor *a = gguf_find_tensor(weighted[0], "blk.0.attn_q.weight");
        const struct gguf_tensor *b = gguf_find_tensor(weighted[1], "blk.0.attn_q.weight");
        assert_memory_equal(a->data, b->data, a->size);
        assert_true(first_half_error(weighted[0]) <= before);
        gguf_close(&weighted[0]);
        gguf_close(&weighted[1]);
    }
}

static bool stop_at_once(void *arg, uint64_t n_done, uint64_t n_bytes)
{
    (void)n_done;
    (void)n_bytes;
    ++*(size_t *)arg;
    return false;
}

static void test_interrupted(void **state)
{
    (void)state;
    const char *in = temp_path("in.gguf"), *out = temp_path("never.gguf");
    struct hone_error err;
    size_t n = 0;
    struct hone_quantize_options options = {.on_progress = stop_at_once, .arg = &n};
    make_model(in, 1, 1, true, N);
    assert_int_equal(hone_quantize(in, out, "q4_0", &options, &err), HONE_CANCELLED);
    assert_int_equal(err.status, HONE_CANCELLED);
    assert_int_equal(n, 1);
    assert_int_equal(access(out, F_OK), -1);
}

static void test_wrong_importance(void **state)
{
    (void)state;
    const char *in = temp_path("in.gguf"), *file = temp_path("old.dat"), *out = temp_path("never.gguf");
    struct hone_error err;
    struct hone_quantize_options options = {.imatrix = file};
    make_model(in, 1, 1, true, N);
    make_old(file, N - 1);
    assert_int_equal(hone_quantize(in, out, "q4_0", &options, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "blk.0.attn_q.weight has 255 values, expected 256"));
    options.imatrix = in;
    assert_int_equal(hone_quantize(in, out, "q4_0", &options, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "not an importance matrix"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_mixture),
        cmocka_unit_test(test_groups),
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_importance),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_wrong_importance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
