/* Every type's conversions against what the Python package `gguf` computed (tests/fixtures/make_quant.py), bit for
 * bit; any NaN equals any other. */
#include "kernels/kernels.h"
#include "quant/types.h"
#include "tests/files.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_BLOCK_LEN 256

static void *load(const char *name, const char *suffix, size_t *size)
{
    char path[128];
    snprintf(path, sizeof path, "tests/fixtures/quant/%s.%s", name, suffix);
    return load_file(path, size);
}

static void check_floats(const char *name, const float *got, const float *expected, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (memcmp(&got[i], &expected[i], sizeof *got) && !(isnan(got[i]) && isnan(expected[i])))
            fail_msg("%s: element %zu is %a, expected %a", name, i, (double)got[i], (double)expected[i]);
}

static void check_bytes(const struct quant_type *type, const unsigned char *got,
                        const unsigned char *expected, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (got[i] != expected[i])
            fail_msg("%s: byte %zu of block %zu is %u, expected %u", type->name, i % type->block_size,
                     i / type->block_size, got[i], expected[i]);
}

static void test_dequantize(void **state)
{
    (void)state;
    const struct quant_type *type;
    for (size_t t = 0; (type = quant_type_at(t)); t++) {
        if (type->id == QUANT_F32)
            continue;
        size_t size, floats_size;
        unsigned char *blocks = load(type->name, "blocks", &size);
        float *expected = load(type->name, "f32", &floats_size);
        size_t n = size / type->block_size * type->block_len;
        assert_int_equal(floats_size, n * sizeof(float));
        float *got = malloc(floats_size);
        type->dequantize(got, blocks, n);
        check_floats(type->name, got, expected, n);
        free(expected);
        free(blocks);
        free(got);
    }
}

/* Types that the package writes. */
static void test_quantize(void **state)
{
    (void)state;
    static const char *const names[] = {"f16", "bf16", "q8_0", "q4_0", "q4_1", "q5_0", "q5_1"};
    size_t source_size;
    float *source = load("source", "f32", &source_size);
    size_t n = source_size / sizeof *source;
    for (size_t t = 0; t < sizeof names / sizeof *names; t++) {
        const struct quant_type *type = quant_type_by_name(names[t]);
        size_t size;
        unsigned char *expected = load(type->name, "quantized", &size);
        assert_int_equal(size, n / type->block_len * type->block_size);
        unsigned char *got = malloc(size);
        type->quantize(got, source, n, NULL);
        check_bytes(type, got, expected, size);
        free(got);
        free(expected);
    }
    free(source);
}

/* Blocks at an odd address, more than one chunk of them. */
static void test_unaligned(void **state)
{
    (void)state;
    size_t source_size;
    float *source = load("source", "f32", &source_size);
    const struct quant_type *type;
    for (size_t t = 0; (type = quant_type_at(t)); t++) {
        if (!type->quantize)
            continue;
        size_t n = 3 * MAX_BLOCK_LEN, size = n / type->block_len * type->block_size;
        unsigned char *aligned = malloc(size), *odd = malloc(size + 1);
        float *floats = malloc(n * sizeof *floats), *again = malloc(n * sizeof *floats);
        type->quantize(aligned, source, n, NULL);
        type->quantize(odd + 1, source, n, NULL);
        assert_memory_equal(aligned, odd + 1, size);
        type->dequantize(floats, aligned, n);
        type->dequantize(again, odd + 1, n);
        check_floats(type->name, again, floats, n);
        free(aligned);
        free(odd);
        free(floats);
        free(again);
    }
    free(source);
}

/* NaN and infinities among the numbers do not become something finite unnoticed. */
static void test_hostile_floats(void **state)
{
    (void)state;
    const struct quant_type *type;
    for (size_t t = 0; (type = quant_type_at(t)); t++) {
        if (!type->quantize)
            continue;
        float x[MAX_BLOCK_LEN] = {0}, back[MAX_BLOCK_LEN];
        unsigned char block[MAX_BLOCK_LEN * sizeof(float)];
        for (int i = 0; i < MAX_BLOCK_LEN; i++)
            x[i] = i % 3 == 0 ? INFINITY : i % 3 == 1 ? -INFINITY : NAN;
        type->quantize(block, x, MAX_BLOCK_LEN, NULL);
        type->dequantize(back, block, MAX_BLOCK_LEN);
        assert_true(isnan(back[2]));
    }
}

/* n elements as blocks, and as floats again. Of types that nothing is made of: any bits, but a finite scale, which comes
 * first. */
static void make_blocks(const struct quant_type *type, unsigned char *blocks, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = sinf((float)(i * i)) * (float)(1 + i % 50);
    if (type->quantize)
        type->quantize(blocks, x, n, NULL);
    for (size_t i = 0; i < n / type->block_len * type->block_size && !type->quantize; i++)
        blocks[i] = i % type->block_size == 1 && type->block_len == 256
                        ? (unsigned char)(0x20 + i / type->block_size)
                        : (unsigned char)(i * i * 2654435761u >> 13);
    type->dequantize(x, blocks, n);
}

/* What the parts of four-bit types stand for is what dequantize gives. */
static void test_nibbles(void **state)
{
    (void)state;
    const struct quant_type *type;
    size_t n_types = 0;
    for (size_t t = 0; (type = quant_type_at(t)); t++) {
        if (!type->nibbles)
            continue;
        enum { N = 4 * MAX_BLOCK_LEN };
        float x[N], scales[N / 32], offsets[N / 32];
        unsigned char blocks[N * sizeof(float)];
        uint8_t q[N];
        make_blocks(type, blocks, x, N);
        type->nibbles(q, scales, offsets, blocks, N);
        for (int i = 0; i < N; i++) {
            assert_in_range(q[i], 0, 15);
            float got = scales[i / 32] * (type->levels ? type->levels[q[i]] : (float)q[i]) + offsets[i / 32];
            if (type->levels)
                assert_true(got == x[i]);
            else
                assert_true(fabsf(got - x[i]) <= 1e-6f * (fabsf(x[i]) + fabsf(offsets[i / 32])));
        }
        n_types++;
    }
    assert_int_equal(n_types, 4);
}

/* What levels and numbers of K-quants stand for is what dequantize gives, to the bit. */
static void test_levels(void **state)
{
    (void)state;
    enum { N = 4 * 256 };
    const struct quant_type *type;
    size_t n_types = 0;
    for (size_t t = 0; (type = quant_type_at(t)); t++) {
        float x[N], d, less;
        unsigned char blocks[N * sizeof(float)];
        uint8_t q[N];
        int8_t s[N / 16];
        uint16_t halves[N / 128];
        if (!type->codes)
            continue;
        make_blocks(type, blocks, x, N);
        type->codes(q, s, halves, blocks, N);
        for (int i = 0; i < N; i++) {
            kernels_of(CPU_SCALAR)->f16_to_f32(&d, &halves[i / 256 * 2], 1);
            kernels_of(CPU_SCALAR)->f16_to_f32(&less, &halves[i / 256 * 2 + 1], 1);
            assert_in_range(q[i], 0, (1 << type->bits) - 1);
            const int8_t *pair = s + i / 32 * 2;
            const uint32_t bits = halves[i / 256 * 2] | (uint32_t)halves[i / 256 * 2 + 1] << 16;
            if (type->levels)
                memcpy(&d, &bits, sizeof d);
            float got = type->levels     ? d * pair[i / 16 % 2] * type->levels[q[i]]
                        : type->bits < 6 ? d * pair[0] * (float)q[i] + less * pair[1]
                                         : d * pair[i / 16 % 2] * (float)(q[i] - 32);
            assert_true(got == x[i]);
        }
        n_types++;
    }
    assert_int_equal(n_types, 7);
}

static void test_table(void **state)
{
    (void)state;
    const struct quant_type *type;
    size_t t = 0;
    for (; (type = quant_type_at(t)); t++) {
        assert_ptr_equal(quant_type_by_id(type->id), type);
        assert_ptr_equal(quant_type_by_name(type->name), type);
        assert_non_null(type->dequantize);
        assert_int_equal(MAX_BLOCK_LEN % type->block_len, 0);
        assert_true(type->block_size <= type->block_len * sizeof(float));
    }
    assert_null(quant_type_at(t + 1));
    assert_null(quant_type_by_id(4)); /* a format that GGUF has withdrawn */
    assert_null(quant_type_by_id(UINT32_MAX));
    assert_null(quant_type_by_name("Q8_0"));
    assert_null(quant_type_by_name(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),          cmocka_unit_test(test_dequantize),
        cmocka_unit_test(test_quantize),       cmocka_unit_test(test_unaligned),
        cmocka_unit_test(test_hostile_floats), cmocka_unit_test(test_nibbles),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
