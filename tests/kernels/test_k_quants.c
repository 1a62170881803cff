/* Products of K-quants: the scalar versions against their definition, every instruction set against the scalar versions,
 * bit for bit. How weights are packed is seen through products. */
#include "tests/products.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HALF = I4_BLOCK / 2 };

static const struct kernels *scalar(void)
{
    return kernels_of(CPU_SCALAR);
}

/* ---- operands ---- scales: the numbers of blocks, [n, k / I4_BLOCK, 2] bytes; offsets: d and less of superblocks */

static const int8_t *numbers_of(const struct operands *o, size_t j, size_t block)
{
    return (const int8_t *)o->scales + (j * (o->k / I4_BLOCK) + block) * 2;
}

static void add_sums(struct s8_super *super, const int8_t *q)
{
    for (size_t e = 0; e < K_SUPER; e++) {
        super->sums[e / I4_BLOCK] = (int16_t)(super->sums[e / I4_BLOCK] + q[e]);
        super->less_16[e / HALF] = (int16_t)(super->less_16[e / HALF] - 16 * q[e]);
    }
}

static void random_rows(struct operands *o)
{
    const size_t n_supers = o->k / K_SUPER, n_a = extent(o->m, o->k, o->ld_a = o->k + random_below(70));
    const enum data kind = random_below(2) ? DATA_NORMAL : (enum data)random_below(DATA_NAN + 1);
    const enum bytes bytes = (enum bytes)random_below(BYTES_N_KINDS);
    int8_t *a = o->a = guard_alloc(n_a);
    struct s8_super *supers = o->blocks = guard_alloc(o->m * n_supers * sizeof *supers);
    for (size_t i = 0; i < n_a; i++)
        a[i] = (int8_t)random_byte(bytes, -127, 127);
    for (size_t i = 0; i < o->m * n_supers; i++) {
        supers[i] = (struct s8_super){0};
        random_floats(&supers[i].scale, 1, kind);
        add_sums(&supers[i], a + i / n_supers * o->ld_a + i % n_supers * K_SUPER);
    }
}

/* Gives the halves of each block one scale in the first superblocks, as formats with a scale for 32 elements do. */
static void even_scales(struct operands *o, size_t n_supers)
{
    for (size_t j = 0; j < o->n; j++) {
        for (size_t i = 0; i < n_supers * (K_SUPER / I4_BLOCK); i++) {
            int8_t *scales = (int8_t *)o->scales + (j * (o->k / I4_BLOCK) + i) * 2;
            scales[1] = scales[0];
        }
    }
}

static struct operands random_operands(unsigned bits, size_t m, size_t n, size_t depth)
{
    struct operands o = {.m = m, .n = n, .k = depth, .ld_c = n + random_below(20)};
    const size_t n_halves = n * (depth / K_SUPER) * 2, n_numbers = n * (depth / I4_BLOCK) * 2;
    const enum bytes kind_b = (enum bytes)random_below(BYTES_N_KINDS),
                     kind_s = (enum bytes)random_below(BYTES_N_KINDS);
    float *halves = guard_alloc(n_halves * sizeof *halves);
    uint8_t *b = o.b = guard_alloc(n * depth);
    int8_t *s = guard_alloc(n_numbers);
    random_rows(&o);
    o.scales = (uint16_t *)s;
    o.offsets = guard_alloc(n_halves * sizeof *o.offsets);
    o.bias = random_below(3) ? guard_alloc(n * sizeof *o.bias) : NULL;
    for (size_t i = 0; i < n * depth; i++)
        b[i] = (uint8_t)random_byte(kind_b, 0, bits == K_LEVELS ? N_LEVELS - 1 : (1 << bits) - 1);
    for (size_t i = 0; i < n_numbers; i++)
        s[i] = (int8_t)random_byte(kind_s, -128, 127);
    if (bits == K_LEVELS)
        even_scales(&o, random_below(depth / K_SUPER + 1));
    random_floats(halves, n_halves, (enum data)random_below(DATA_NAN + 1));
    scalar()->f32_to_f16(o.offsets, halves, n_halves);
    if (o.bias)
        random_floats(o.bias, n, random_below(4) ? DATA_NORMAL : (enum data)random_below(DATA_NAN + 1));
    return o;
}

/* ---- the three products ---- */

static void pack(unsigned bits, const struct kernels *k, void *packed, const struct operands *o, size_t j,
                 size_t n)
{
    k->pack_k(packed, bits, (uint8_t *)o->b + j * o->k, numbers_of(o, j, 0),
              o->offsets + j * (o->k / K_SUPER) * 2, n, o->k);
}

#define PRODUCT(bits)                                                                                        \
    static size_t panel_size_##bits(const struct kernels *k, size_t depth)                                   \
    {                                                                                                        \
        return k->panel_k * (depth / K_SUPER) * k_super_size(bits);                                          \
    }                                                                                                        \
    static void pack_##bits(const struct kernels *k, void *packed, const struct operands *o, size_t j,       \
                            size_t n)                                                                        \
    {                                                                                                        \
        pack(bits, k, packed, o, j, n);                                                                      \
    }                                                                                                        \
    static void multiply_##bits(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,    \
                                const void *packed, struct part p)                                           \
    {                                                                                                        \
        k->gemm_s8k##bits(c, ld_c, (int8_t *)o->a + p.row * o->ld_a, o->ld_a,                                \
                          (struct s8_super *)o->blocks + p.row * (o->k / K_SUPER), packed,                   \
                          o->bias ? o->bias + p.col : NULL, p.n_rows, p.n_cols, o->k);                       \
    }
PRODUCT(4)
PRODUCT(5)
PRODUCT(6)

/* What codes choose from: with the ends of what they may be. */
static const int8_t levels[N_LEVELS] = {-127, -104, 127, -65, -49, 0,  -22, -10,
                                        1,    13,   25,  38,  53,  69, 89,  113};

static size_t panel_size_levels(const struct kernels *k, size_t depth)
{
    return k->panel_k * (depth / K_SUPER) * k_super_size(K_LEVELS);
}

static void pack_levels(const struct kernels *k, void *packed, const struct operands *o, size_t j, size_t n)
{
    pack(K_LEVELS, k, packed, o, j, n);
}

static void multiply_levels(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                            const void *packed, struct part p)
{
    k->gemm_s8kl(c, ld_c, (int8_t *)o->a + p.row * o->ld_a, o->ld_a,
                 (struct s8_super *)o->blocks + p.row * (o->k / K_SUPER), packed, levels,
                 o->bias ? o->bias + p.col : NULL, p.n_rows, p.n_cols, o->k);
}

static const struct product_kind of_levels = {"gemm_s8kl", offsetof(struct kernels, panel_k),
                                              panel_size_levels, pack_levels, multiply_levels};

static const struct product_kind products[] = {
    {"gemm_s8k4", offsetof(struct kernels, panel_k), panel_size_4, pack_4, multiply_4},
    {"gemm_s8k5", offsetof(struct kernels, panel_k), panel_size_5, pack_5, multiply_5},
    {"gemm_s8k6", offsetof(struct kernels, panel_k), panel_size_6, pack_6, multiply_6},
};

static const unsigned all_bits[] = {4, 5, 6, K_LEVELS};

static const struct product_kind *product_of(unsigned bits)
{
    return bits == K_LEVELS ? &of_levels : &products[bits - 4];
}

static void check_product(const struct kernels *k, unsigned bits, size_t m, size_t n, size_t depth)
{
    guard_at_end = random_below(2);
    const struct operands o = random_operands(bits, m, n, depth);
    product_check_scalar(product_of(bits), k, &o);
    guard_free_all();
}

static void check_company(const struct kernels *k, unsigned bits, size_t m, size_t n, size_t depth)
{
    const struct operands o = random_operands(bits, m, n, depth);
    product_check_company(product_of(bits), k, &o);
    guard_free_all();
}

static void check_parts(const struct kernels *k, unsigned bits, size_t n, size_t depth)
{
    const struct operands o = random_operands(bits, 0, n, depth);
    product_check_parts(product_of(bits), k, &o);
    guard_free_all();
}

static void check_products(const struct kernels *k)
{
    static const size_t sizes[] = {0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 97};
    const size_t n_sizes = sizeof sizes / sizeof *sizes;
    for (size_t b = 0; b < sizeof all_bits / sizeof *all_bits; b++) {
        const unsigned bits = all_bits[b];
        for (size_t m = 0; m <= 26; m++)
            for (size_t i = 0; i < n_sizes; i++)
                check_product(k, bits, m, sizes[i], K_SUPER * random_below(3));
        for (int round = 0; round < 8; round++)
            check_product(k, bits, 1 + random_below(30), 1 + random_below(70),
                          K_SUPER * (1 + random_below(12)));
        check_product(k, bits, 270, 70, K_SUPER);
        check_product(k, bits, 45, 40, 9 * K_SUPER);
        check_company(k, bits, 30, 150, K_SUPER);
        check_company(k, bits, 5, 300, 4 * K_SUPER);
        check_company(k, bits, 45, 40, 5 * K_SUPER);
        check_parts(k, bits, 300, K_SUPER);
    }
}

/* The definition. */
static float defined(unsigned bits, const struct operands *o, size_t i, size_t j)
{
    const size_t n_supers = o->k / K_SUPER;
    float y = o->bias ? o->bias[j] : 0, d[2];
    for (size_t x = 0; x < n_supers; x++) {
        const float scale = ((struct s8_super *)o->blocks)[i * n_supers + x].scale;
        const int8_t *a = (int8_t *)o->a + i * o->ld_a + x * K_SUPER;
        const uint8_t *q = (uint8_t *)o->b + j * o->k + x * K_SUPER;
        int sum = 0, offsets = 0;
        for (size_t e = 0; e < K_SUPER; e++) {
            const int8_t *s = numbers_of(o, j, x * (K_SUPER / I4_BLOCK) + e / I4_BLOCK);
            const int8_t by_half = s[e / HALF % 2];
            sum += a[e] * (bits < 6           ? s[0] * q[e]
                           : bits == K_LEVELS ? by_half * levels[q[e]]
                                              : by_half * (q[e] - 32));
            offsets += a[e] * s[1];
        }
        const uint16_t *halves = o->offsets + (j * n_supers + x) * 2;
        const uint32_t whole = halves[0] | (uint32_t)halves[1] << 16;
        scalar()->f16_to_f32(d, halves, 2);
        if (bits == K_LEVELS)
            memcpy(d, &whole, sizeof whole);
        y = fmaf((float)sum, scale * d[0], y);
        if (bits < 6)
            y = fmaf((float)offsets, scale * d[1], y);
    }
    return y;
}

static float defined_4(const struct operands *o, size_t i, size_t j)
{
    return defined(4, o, i, j);
}

static float defined_5(const struct operands *o, size_t i, size_t j)
{
    return defined(5, o, i, j);
}

static float defined_6(const struct operands *o, size_t i, size_t j)
{
    return defined(6, o, i, j);
}

static float defined_levels(const struct operands *o, size_t i, size_t j)
{
    return defined(K_LEVELS, o, i, j);
}

static void test_definition(void **state)
{
    (void)state;
    float (*const definitions[])(const struct operands *o, size_t i, size_t j) = {defined_4, defined_5,
                                                                                  defined_6, defined_levels};
    for (size_t b = 0; b < sizeof all_bits / sizeof *all_bits; b++)
        for (size_t round = 0; round < 60; round++) {
            const struct operands o =
                random_operands(all_bits[b], random_below(20), random_below(40), K_SUPER * random_below(3));
            product_check_definition(product_of(all_bits[b]), kernels_of(CPU_SCALAR), &o, definitions[b]);
            guard_free_all();
        }
}

/* ---- activations to bytes ---- */

/* Each byte stands for its element to within half a step, and a little for the rounded steps. */
static void check_super(const int8_t *q, const struct s8_super *super, const float *x)
{
    struct s8_super sums = {.scale = super->scale};
    bool finite = true;
    for (size_t e = 0; e < K_SUPER; e++)
        finite = finite && isfinite(x[e]);
    assert_true(finite || isnan(super->scale));
    add_sums(&sums, q);
    assert_memory_equal(super->sums, sums.sums, sizeof sums.sums);
    assert_memory_equal(super->less_16, sums.less_16, sizeof sums.less_16);
    for (size_t e = 0; e < K_SUPER && finite && super->scale >= FLT_MIN; e++) {
        const double step = (double)super->scale;
        if (!(fabs(step * q[e] - (double)x[e]) <= step * 0.5001))
            fail_msg("quantize_k: byte %d for %a, scale %a", q[e], (double)x[e], step);
    }
}

static void check_row(const struct kernels *k, size_t n, int kind)
{
    n = n % 5 * K_SUPER;
    const float *x = random_row(n, kind);
    int8_t *want = guard_alloc(n), *got = guard_alloc(n);
    struct s8_super *want_supers = guard_alloc(n / K_SUPER * sizeof *want_supers),
                    *got_supers = guard_alloc(n / K_SUPER * sizeof *got_supers);
    scalar()->quantize_k(want, want_supers, x, n);
    k->quantize_k(got, got_supers, x, n);
    for (size_t s = 0; s < n / K_SUPER; s++) {
        check_super(want + s * K_SUPER, &want_supers[s], x + s * K_SUPER);
        if (!same_float(got_supers[s].scale, want_supers[s].scale))
            fail_msg("quantize_k, n %zu, kind %d: scale %a, not %a", n, kind, (double)got_supers[s].scale,
                     (double)want_supers[s].scale);
        assert_memory_equal(got_supers[s].sums, want_supers[s].sums, sizeof want_supers[s].sums);
        assert_memory_equal(got_supers[s].less_16, want_supers[s].less_16, sizeof want_supers[s].less_16);
    }
    assert_memory_equal(got, want, n);
    guard_free_all();
}

static void check_rows(const struct kernels *k)
{
    each_row(k, check_row);
}

static void test_rows(void **state)
{
    (void)state;
    each_level(check_rows);
}

static void test_levels(void **state)
{
    (void)state;
    each_level(check_products);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_rows), cmocka_unit_test(test_definition),
                                       cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
