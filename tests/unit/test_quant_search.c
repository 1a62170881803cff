/* Types whose scales are searched: the error is no larger than what llama.cpp's search leaves
 * (tests/fixtures/make_quant_errors.py), and blocks keep what they can hold. */
#include "quant/types.h"
#include "tests/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEN = 2048 };

static double error_of(const struct quant_type *type, const float *x, const float *importance)
{
    static float y[LEN];
    static unsigned char blocks[LEN * sizeof(float)];
    double changes = 0, squares = 0;
    type->quantize(blocks, x, LEN, importance);
    type->dequantize(y, blocks, LEN);
    for (int i = 0; i < LEN; i++) {
        double w = importance ? (double)importance[i] : 1, change = (double)x[i] - (double)y[i];
        changes += w * change * change;
        squares += w * (double)x[i] * (double)x[i];
    }
    return changes / squares;
}

static void test_errors(void **state)
{
    (void)state;
    size_t size;
    float *weights = load_file("tests/fixtures/quant/weights.f32", &size);
    float *importance = load_file("tests/fixtures/quant/importance.f32", &size);
    char *lines = load_file("tests/fixtures/quant/errors.txt", &size), name[16], word[16];
    int n_lines = 0, n, kind;
    double expected;
    for (char *p = lines; sscanf(p, "%15s %d %15s %lf%n", name, &kind, word, &expected, &n) == 4; p += n) {
        const float *x = weights + (size_t)kind * LEN;
        double got = error_of(quant_type_by_name(name), x, strcmp(word, "plain") == 0 ? NULL : importance);
        if (!(got <= expected))
            fail_msg("%s, kind %d, %s: error %g, llama.cpp's %g", name, kind, word, got, expected);
        n_lines++;
    }
    assert_int_equal(n_lines, (7 + 11) * 6);
    free(weights);
    free(importance);
    free(lines);
}

static void for_each_type(void (*check)(const struct quant_type *type))
{
    const struct quant_type *type;
    for (size_t t = 0; (type = quant_type_at(t)); t++)
        if (type->quantize)
            check(type);
}

/* One value in all places comes back, within a step of binary16 scales that are not denormal. */
static void check_constant(const struct quant_type *type)
{
    static const float values[] = {0, -0.0f, 1, -1, 0x1p-4f, -0x1p10f};
    for (size_t v = 0; v < sizeof values / sizeof *values; v++) {
        float x[256], y[256];
        unsigned char blocks[sizeof x];
        for (int i = 0; i < 256; i++)
            x[i] = values[v];
        type->quantize(blocks, x, 256, NULL);
        type->dequantize(y, blocks, 256);
        for (int i = 0; i < 256; i++)
            if (fabsf(y[i] - x[i]) > 0x1p-7f * fabsf(x[i]))
                fail_msg("%s: %g became %g", type->name, (double)x[i], (double)y[i]);
    }
}

static void test_constant(void **state)
{
    (void)state;
    for_each_type(check_constant);
}

/* Values of a block that was quantized once are on its levels; a second time changes them little. */
static void check_again(const struct quant_type *type)
{
    size_t size;
    float *x = load_file("tests/fixtures/quant/weights.f32", &size), *y = malloc(LEN * sizeof *y);
    unsigned char *blocks = malloc(LEN * sizeof(float));
    double once = error_of(type, x, NULL);
    type->quantize(blocks, x, LEN, NULL);
    type->dequantize(y, blocks, LEN);
    assert_true(error_of(type, y, NULL) <= once);
    free(blocks);
    free(x);
    free(y);
}

static void test_again(void **state)
{
    (void)state;
    for_each_type(check_again);
}

/* Importances of any magnitude mean the same; those of no column at all, or only of a few, do no harm. */
static void check_importance(const struct quant_type *type)
{
    static float some[LEN];
    size_t size;
    float *x = load_file("tests/fixtures/quant/weights.f32", &size);
    unsigned char a[LEN * sizeof(float)], b[LEN * sizeof(float)];
    size_t n = LEN / type->block_len * type->block_size;
    static const float factors[] = {0x1p-100f, 0x1p100f};
    for (int i = 0; i < LEN; i++)
        some[i] = 1 + (float)(i % 7);
    type->quantize(a, x, LEN, some);
    for (size_t f = 0; f < 2; f++) {
        for (int i = 0; i < LEN; i++)
            some[i] = (1 + (float)(i % 7)) * factors[f];
        type->quantize(b, x, LEN, some);
        assert_memory_equal(a, b, n);
    }
    for (int i = 0; i < LEN; i++)
        some[i] = i % 40 == 0 ? 1 : 0;
    type->quantize(a, x, LEN, some);
    type->dequantize(x, a, LEN);
    for (int i = 0; i < LEN; i++)
        assert_true(fabsf(x[i]) < 1);
    free(x);
}

static void test_importance(void **state)
{
    (void)state;
    for_each_type(check_importance);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),
        cmocka_unit_test(test_constant),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_importance),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
