/* int8 products and what feeds them: the scalar versions against their definition, every instruction set against the
 * scalar versions, bit for bit. How a level packs weights is its own affair, so packing is seen through products. */
#include "kernels/scalar/scalar.h"
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
static void check_bytes_mean_block(const uint8_t *q, const struct u8_block *block, const float *x, size_t n)
{
    bool finite = true;
    for (size_t i = 0; i < n; i++)
        finite = finite && isfinite(x[i]);
    assert_true(block->zero >= 0 && block->zero <= 255);
    assert_true(finite || isnan(block->scale));
    if (!finite || !isfinite(block->scale) || block->scale < FLT_MIN)
        return;
    for (size_t i = 0; i < n; i++) {
        const double step = (double)block->scale, got = step * (q[i] - block->zero);
        if (!(fabs(got - (double)x[i]) <= step * 0.5001 + step / 2 * (q[i] == 0 || q[i] == 255)))
            fail_msg("quantize_u8, n %zu: byte %d for %a, scale %a, zero %d", n, q[i], (double)x[i], step,
                     block->zero);
    }
}

/* What becomes bytes, and how many elements rotation mixes in a block of n. */
static const float *rotated(const struct kernels *k, const float *x, size_t n)
{
    float *y = guard_alloc(n * sizeof *y);
    memcpy(y, x, n * sizeof *y);
    if (k->i8_block != I8_BLOCK)
        scalar_rotate_i8(y, n);
    return y;
}

static size_t mixed(const struct kernels *k, size_t n)
{
    return k->i8_block == I8_BLOCK ? 1 : scalar_rotation(n);
}

static void check_row(const struct kernels *k, size_t n, int kind)
{
    const size_t n_blocks = i8_blocks(k, n);
    const float *x = random_row(n, kind), *y = rotated(k, x, n);
    uint8_t *want = guard_alloc(i8_row_size(n)), *got = guard_alloc(i8_row_size(n));
    struct u8_block *want_blocks = guard_alloc(n_blocks * sizeof *want_blocks),
                    *got_blocks = guard_alloc(n_blocks * sizeof *got_blocks);
    scalar_like(k)->quantize_u8(want, want_blocks, x, n);
    k->quantize_u8(got, got_blocks, x, n);
    for (size_t b = 0; b < n_blocks; b++) {
        const size_t at = b * k->i8_block, size = n - at < k->i8_block ? n - at : k->i8_block;
        struct u8_block block = want_blocks[b];
        block.scale *= (float)mixed(k, size);
        if (!(block.scale > 0 && block.scale < FLT_MIN * 64)) /* what is denormal cannot be multiplied back */
            check_bytes_mean_block(want + at, &block, y + at, size);
        if (!same_float(got_blocks[b].scale, want_blocks[b].scale) ||
            got_blocks[b].zero != want_blocks[b].zero)
            fail_msg("quantize_u8, n %zu, kind %d, block %zu: scale %a, zero %d, not %a and %d", n, kind, b,
                     (double)got_blocks[b].scale, got_blocks[b].zero, (double)want_blocks[b].scale,
                     want_blocks[b].zero);
    }
    for (size_t i = 0; i < n; i++)
        if (got[i] != want[i])
            fail_msg("quantize_u8, n %zu, kind %d: byte %zu is %d, not %d, for %a", n, kind, i, got[i],
                     want[i], (double)x[i]);
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
    each_version(offsetof(struct kernels, quantize_u8), check_rows);
}

/* ---- products ---- */

static void random_weights(int8_t *b, size_t n, enum bytes kind)
{
    for (size_t i = 0; i < n; i++)
        b[i] = (int8_t)random_byte(kind, -127, 127);
}

static void random_bytes(uint8_t *a, size_t n, enum bytes kind)
{
    for (size_t i = 0; i < n; i++)
        a[i] = (uint8_t)random_byte(kind, 0, 255);
}

static void random_scales(uint16_t *scales, size_t n, enum data kind)
{
    float *x = guard_alloc(n * sizeof *x);
    random_floats(x, n, kind);
    scalar()->f32_to_bf16(scales, x, n);
}

static struct operands random_operands(const struct kernels *k, size_t m, size_t n, size_t depth)
{
    struct operands o = {.m = m, .n = n, .k = depth};
    const size_t n_blocks = i8_blocks(k, depth), width = i8_row_size(depth);
    o.ld_c = n + random_below(20), o.ld_a = width + random_below(70), o.ld_b = depth + random_below(20);
    o.a = guard_alloc(extent(m, width, o.ld_a));
    o.b = guard_alloc(extent(n, depth, o.ld_b));
    struct u8_block *blocks = o.blocks = guard_alloc(m * n_blocks * sizeof *blocks);
    o.scales = guard_alloc(n * n_blocks * sizeof *o.scales);
    o.bias = random_below(3) ? guard_alloc(n * sizeof *o.bias) : NULL;
    random_bytes(o.a, extent(m, width, o.ld_a), (enum bytes)random_below(BYTES_N_KINDS));
    random_weights(o.b, extent(n, depth, o.ld_b), (enum bytes)random_below(BYTES_N_KINDS));
    random_scales(o.scales, n * n_blocks, (enum data)random_below(DATA_NAN + 1));
    if (o.bias)
        random_floats(o.bias, n, random_below(4) ? DATA_NORMAL : (enum data)random_below(DATA_NAN + 1));
    const enum data kind = random_below(2) ? DATA_NORMAL : (enum data)random_below(DATA_NAN + 1);
    for (size_t i = 0; i < m * n_blocks; i++) {
        random_floats(&blocks[i].scale, 1, kind);
        blocks[i].zero = random_below(4) ? (int32_t)random_below(256) : random_below(2) ? 0 : 255;
    }
    return o;
}

static void pack(const struct kernels *k, void *packed, const struct operands *o, size_t j, size_t n)
{
    k->pack_i8(packed, (int8_t *)o->b + j * o->ld_b, o->ld_b, o->scales + j * i8_blocks(k, o->k), n, o->k);
}

static void multiply(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                     const void *packed, struct part p)
{
    k->gemm_u8i8(c, ld_c, (uint8_t *)o->a + p.row * o->ld_a, o->ld_a,
                 (struct u8_block *)o->blocks + p.row * i8_blocks(k, o->k), packed,
                 o->bias ? o->bias + p.col : NULL, p.n_rows, p.n_cols, o->k);
}

static const struct product_kind product = {"gemm_u8i8", offsetof(struct kernels, panel_i8), i8_panel_size,
                                            pack, multiply};

static void check_product(const struct kernels *k, size_t m, size_t n, size_t depth)
{
    guard_at_end = random_below(2);
    const struct operands o = random_operands(k, m, n, depth);
    product_check_scalar(&product, k, &o);
    guard_free_all();
}

/* Every byte and weight as large as it may be. */
static void check_saturation(const struct kernels *k, size_t depth)
{
    for (int kinds = 0; kinds < 4; kinds++) {
        const struct operands o = random_operands(k, 3 + random_below(40), 33, depth);
        struct u8_block *blocks = o.blocks;
        random_bytes(o.a, extent(o.m, i8_row_size(depth), o.ld_a), kinds & 1 ? BYTES_HIGH : BYTES_LOW);
        random_weights(o.b, extent(o.n, o.k, o.ld_b), kinds & 2 ? BYTES_HIGH : BYTES_LOW);
        for (size_t i = 0; i < o.m * i8_blocks(k, depth); i++) {
            blocks[i].scale = 1;
            blocks[i].zero = i % 3 == 0 ? 0 : i % 3 == 1 ? 255 : 128;
        }
        random_scales(o.scales, o.n * i8_blocks(k, depth), DATA_EQUAL);
        product_check_scalar(&product, k, &o);
        guard_free_all();
    }
}

static void check_company(const struct kernels *k, size_t m, size_t n, size_t depth)
{
    const struct operands o = random_operands(k, m, n, depth);
    product_check_company(&product, k, &o);
    guard_free_all();
}

static void check_packing_by_parts(const struct kernels *k, size_t n, size_t depth)
{
    const struct operands o = random_operands(k, 0, n, depth);
    product_check_parts(&product, k, &o);
    guard_free_all();
}

static void check_products(const struct kernels *k)
{
    static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,  12, 13, 15,  16,  17,  23, 31,
                                   32, 33, 47, 48, 49, 63, 64, 65, 66, 97, 127, 128, 129, 130};
    const size_t n_sizes = sizeof sizes / sizeof *sizes;
    for (size_t m = 0; m <= 70; m++)
        for (int round = 0; round < 4; round++)
            check_product(k, m, random_below(140), sizes[random_below(n_sizes)]);
    for (size_t i = 0; i < n_sizes; i++)
        for (size_t j = 0; j < n_sizes; j++)
            check_product(k, random_below(20), sizes[i], sizes[j]);
    static const size_t depths[] = {384, 385, 1000, 1023, 1536, 3072, 4099};
    for (size_t i = 0; i < sizeof depths / sizeof *depths; i++)
        for (int round = 0; round < 4; round++)
            check_product(k, 1 + random_below(40), 1 + random_below(70), depths[i]);
    check_product(k, 150, 65, 300);
    check_product(k, 270, 130, 65);
    check_product(k, 1, 515, 511);
    check_saturation(k, 1023);
    check_saturation(k, 128);
    check_company(k, 30, 150, 70);
    check_company(k, 150, 70, 385);
    check_company(k, 5, 300, 1000);
    check_company(k, 70, 70, 1025);
    for (size_t i = 0; i < 8; i++) /* about the ends of long blocks, and squares of every height */
        check_product(k, 33 + 5 * i, 30 + i, 2048 - 70 + 20 * i);
    check_packing_by_parts(k, 300, 67);
    check_packing_by_parts(k, 515, 128);
}

/* The definition, in wide integers. */
static float defined_by(const struct operands *o, size_t i, size_t j, size_t block_len)
{
    const size_t n_blocks = (o->k + block_len - 1) / block_len;
    float y = o->bias ? o->bias[j] : 0;
    for (size_t b = 0; b < n_blocks; b++) {
        const struct u8_block block = ((struct u8_block *)o->blocks)[i * n_blocks + b];
        float scale;
        scalar()->bf16_to_f32(&scale, &o->scales[j * n_blocks + b], 1);
        int64_t sum = 0;
        for (size_t t = b * block_len; t < o->k && t < (b + 1) * block_len; t++)
            sum += (int64_t)(((uint8_t *)o->a)[i * o->ld_a + t] - block.zero) *
                   ((int8_t *)o->b)[j * o->ld_b + t];
        y = fmaf((float)sum, block.scale * scale, y);
    }
    return y;
}

static float defined(const struct operands *o, size_t i, size_t j)
{
    return defined_by(o, i, j, I8_BLOCK);
}

static float defined_long(const struct operands *o, size_t i, size_t j)
{
    return defined_by(o, i, j, I8_LONG);
}

static void check_definition(size_t m, size_t n, size_t depth)
{
    const struct kernels long_blocks = {.i8_block = I8_LONG}, *like = scalar_like(&long_blocks);
    const struct operands o = random_operands(scalar(), m, n, depth), p = random_operands(like, m, n, depth);
    product_check_definition(&product, scalar(), &o, defined);
    product_check_definition(&product, like, &p, defined_long);
    guard_free_all();
}

static void test_products(void **state)
{
    (void)state;
    for (size_t i = 0; i < 200; i++)
        check_definition(random_below(20), random_below(40), random_below(100));
    check_definition(2, 9, 65536);
    check_definition(3, 9, 1025);
    check_definition(3, 9, 3000);
    check_saturation(scalar(), 1023);
    each_version(offsetof(struct kernels, gemm_u8i8), check_products);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
