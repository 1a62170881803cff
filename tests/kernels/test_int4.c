/* int4 products and what feeds them: the scalar versions against their definition, every instruction set against the
 * scalar versions, bit for bit. How a level packs weights is its own affair, so packing is seen through products. */
#include "tests/products.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct kernels *scalar(void)
{
    return kernels_of(CPU_SCALAR);
}

/* ---- activations to bytes ---- */

/* Each byte stands for its element to within half a step, and a little for the rounded steps. */
static void check_bytes_mean_block(const int8_t *q, const struct s8_block *block, const float *x, size_t n)
{
    bool finite = true;
    int sum = 0;
    for (size_t i = 0; i < n; i++) {
        finite = finite && isfinite(x[i]);
        sum += q[i];
    }
    assert_true(finite || isnan(block->scale));
    if (!finite || block->scale < FLT_MIN)
        return;
    assert_true(block->sum == block->scale * (float)sum);
    assert_int_equal(block->less, -128 * sum);
    for (size_t i = 0; i < n; i++) {
        const double step = (double)block->scale;
        if (!(fabs(step * q[i] - (double)x[i]) <= step * 0.5001))
            fail_msg("quantize_s8, n %zu: byte %d for %a, scale %a", n, q[i], (double)x[i], step);
    }
}

static void check_row(const struct kernels *k, size_t n, int kind)
{
    const size_t n_blocks = (n + I4_BLOCK - 1) / I4_BLOCK;
    const float *x = random_row(n, kind);
    int8_t *want = guard_alloc(n_blocks * I4_BLOCK), *got = guard_alloc(n_blocks * I4_BLOCK);
    struct s8_block *want_blocks = guard_alloc(n_blocks * sizeof *want_blocks),
                    *got_blocks = guard_alloc(n_blocks * sizeof *got_blocks);
    scalar()->quantize_s8(want, want_blocks, x, n);
    k->quantize_s8(got, got_blocks, x, n);
    for (size_t b = 0; b < n_blocks; b++) {
        const size_t at = b * I4_BLOCK;
        check_bytes_mean_block(want + at, &want_blocks[b], x + at, n - at < I4_BLOCK ? n - at : I4_BLOCK);
        if (!same_float(got_blocks[b].scale, want_blocks[b].scale) ||
            !same_float(got_blocks[b].sum, want_blocks[b].sum) || got_blocks[b].less != want_blocks[b].less)
            fail_msg("quantize_s8, n %zu, kind %d, block %zu: scale %a, sum %a, not %a and %a", n, kind, b,
                     (double)got_blocks[b].scale, (double)got_blocks[b].sum, (double)want_blocks[b].scale,
                     (double)want_blocks[b].sum);
    }
    for (size_t i = 0; i < n_blocks * I4_BLOCK; i++)
        if (got[i] != want[i])
            fail_msg("quantize_s8, n %zu, kind %d: byte %zu is %d, not %d", n, kind, i, got[i], want[i]);
    guard_free_all();
}

static void check_rows(const struct kernels *k)
{
    each_row(k, check_row);
}

static void test_rows(void **state)
{
    (void)state;
    check_rows(scalar());
    each_level(check_rows);
}

/* ---- products ---- */

static uint16_t *random_halves(size_t n, enum data kind)
{
    float *x = guard_alloc(n * sizeof *x);
    uint16_t *y = guard_alloc(n * sizeof *y);
    random_floats(x, n, kind);
    scalar()->f32_to_f16(y, x, n);
    return y;
}

static struct operands random_operands(size_t m, size_t n, size_t depth)
{
    struct operands o = {.m = m, .n = n, .k = depth};
    const size_t n_blocks = depth / I4_BLOCK, n_a = extent(m, depth, o.ld_a = depth + random_below(70));
    const enum bytes kind_a = (enum bytes)random_below(BYTES_N_KINDS),
                     kind_b = (enum bytes)random_below(BYTES_N_KINDS);
    o.ld_c = n + random_below(20);
    int8_t *a = o.a = guard_alloc(n_a);
    uint8_t *b = o.b = guard_alloc(n * depth);
    struct s8_block *blocks = o.blocks = guard_alloc(m * n_blocks * sizeof *blocks);
    o.scales = random_halves(n * n_blocks, (enum data)random_below(DATA_NAN + 1));
    o.offsets = random_halves(n * n_blocks, (enum data)random_below(DATA_NAN + 1));
    o.bias = random_below(3) ? guard_alloc(n * sizeof *o.bias) : NULL;
    for (size_t i = 0; i < n_a; i++)
        a[i] = (int8_t)random_byte(kind_a, -127, 127);
    for (size_t i = 0; i < n * depth; i++)
        b[i] = (uint8_t)random_byte(kind_b, 0, 15);
    if (o.bias)
        random_floats(o.bias, n, random_below(4) ? DATA_NORMAL : (enum data)random_below(DATA_NAN + 1));
    const enum data kind = random_below(2) ? DATA_NORMAL : (enum data)random_below(DATA_NAN + 1);
    for (size_t i = 0; i < m * n_blocks; i++) {
        random_floats(&blocks[i].scale, 1, kind);
        random_floats(&blocks[i].sum, 1, kind);
        blocks[i].less = 0;
        for (size_t e = 0; e < I4_BLOCK; e++)
            blocks[i].less -= 128 * a[i / n_blocks * o.ld_a + i % n_blocks * I4_BLOCK + e];
    }
    return o;
}

static size_t panel_size(const struct kernels *k, size_t depth)
{
    return k->panel_i4 * (depth / I4_BLOCK) * I4_BLOCK_SIZE;
}

static void pack(const struct kernels *k, void *packed, const struct operands *o, size_t j, size_t n)
{
    const size_t n_blocks = o->k / I4_BLOCK;
    k->pack_i4(packed, (uint8_t *)o->b + j * o->k, o->scales + j * n_blocks, o->offsets + j * n_blocks, n,
               o->k);
}

static void multiply(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                     const void *packed, struct part p)
{
    k->gemm_s8i4(c, ld_c, (int8_t *)o->a + p.row * o->ld_a, o->ld_a,
                 (struct s8_block *)o->blocks + p.row * (o->k / I4_BLOCK), packed,
                 o->bias ? o->bias + p.col : NULL, p.n_rows, p.n_cols, o->k);
}

/* What a product of levels chooses from: with the ends of what they may be. */
static const int8_t levels[N_LEVELS] = {-127, -104, 127, -65, -49, 0,  -22, -10,
                                        1,    13,   25,  38,  53,  69, 89,  113};

static void multiply_levels(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                            const void *packed, struct part p)
{
    k->gemm_s8l4(c, ld_c, (int8_t *)o->a + p.row * o->ld_a, o->ld_a,
                 (struct s8_block *)o->blocks + p.row * (o->k / I4_BLOCK), packed, levels,
                 o->bias ? o->bias + p.col : NULL, p.n_rows, p.n_cols, o->k);
}

static const struct product_kind product = {"gemm_s8i4", offsetof(struct kernels, panel_i4), panel_size, pack,
                                            multiply},
                                 of_levels = {"gemm_s8l4", offsetof(struct kernels, panel_i4), panel_size,
                                              pack, multiply_levels};

static void check_product(const struct kernels *k, size_t m, size_t n, size_t depth)
{
    guard_at_end = random_below(2);
    const struct operands o = random_operands(m, n, depth);
    product_check_scalar(&product, k, &o);
    product_check_scalar(&of_levels, k, &o);
    guard_free_all();
}

static void check_company(const struct kernels *k, size_t m, size_t n, size_t depth)
{
    const struct operands o = random_operands(m, n, depth);
    product_check_company(&product, k, &o);
    product_check_company(&of_levels, k, &o);
    guard_free_all();
}

static void check_packing_by_parts(const struct kernels *k, size_t n, size_t depth)
{
    const struct operands o = random_operands(0, n, depth);
    product_check_parts(&product, k, &o);
    guard_free_all();
}

static void check_products(const struct kernels *k)
{
    static const size_t sizes[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97, 127, 128, 129};
    const size_t n_sizes = sizeof sizes / sizeof *sizes;
    for (size_t m = 0; m <= 40; m++)
        for (size_t i = 0; i < n_sizes; i++)
            check_product(k, m, sizes[i], I4_BLOCK * random_below(6));
    static const size_t depths[] = {384, 1024, 1536, 4096};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        for (int round = 0; round < 4; round++)
            check_product(k, 1 + random_below(40), 1 + random_below(70), depths[i]);
    check_product(k, 270, 130, 64);
    check_product(k, 1, 515, 512);
    check_company(k, 30, 150, 64);
    check_company(k, 150, 70, 384);
    check_company(k, 5, 300, 1024);
    check_packing_by_parts(k, 300, 64);
    check_packing_by_parts(k, 515, 128);
}

/* The definition. */
static float defined(const struct operands *o, size_t i, size_t j)
{
    const size_t n_blocks = o->k / I4_BLOCK;
    float y = o->bias ? o->bias[j] : 0;
    for (size_t b = 0; b < n_blocks; b++) {
        const struct s8_block block = ((struct s8_block *)o->blocks)[i * n_blocks + b];
        float scale, offset;
        scalar()->f16_to_f32(&scale, &o->scales[j * n_blocks + b], 1);
        scalar()->f16_to_f32(&offset, &o->offsets[j * n_blocks + b], 1);
        int sum = 0;
        for (size_t t = b * I4_BLOCK; t < (b + 1) * I4_BLOCK; t++)
            sum += ((int8_t *)o->a)[i * o->ld_a + t] * ((uint8_t *)o->b)[j * o->k + t];
        y = fmaf(block.sum, offset, fmaf((float)sum, block.scale * scale, y));
    }
    return y;
}

static float defined_levels(const struct operands *o, size_t i, size_t j)
{
    const size_t n_blocks = o->k / I4_BLOCK;
    float y = o->bias ? o->bias[j] : 0;
    for (size_t b = 0; b < n_blocks; b++) {
        const uint32_t bits = o->scales[j * n_blocks + b] | (uint32_t)o->offsets[j * n_blocks + b] << 16;
        float scale;
        int sum = 0;
        memcpy(&scale, &bits, sizeof scale);
        for (size_t t = b * I4_BLOCK; t < (b + 1) * I4_BLOCK; t++)
            sum += ((int8_t *)o->a)[i * o->ld_a + t] * levels[((uint8_t *)o->b)[j * o->k + t]];
        y = fmaf((float)sum, ((struct s8_block *)o->blocks)[i * n_blocks + b].scale * scale, y);
    }
    return y;
}

static void check_definition(size_t m, size_t n, size_t depth)
{
    const struct operands o = random_operands(m, n, depth);
    product_check_definition(&product, kernels_of(CPU_SCALAR), &o, defined);
    product_check_definition(&of_levels, kernels_of(CPU_SCALAR), &o, defined_levels);
    guard_free_all();
}

static void test_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < 200; i++)
        check_definition(random_below(20), random_below(40), I4_BLOCK * random_below(5));
    each_level(check_products);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
