/* bfloat16 products: each instruction set against sums in double, and bit for bit against itself where the contract
 * says that a row does not depend on its company. */
#include "tests/products.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t panel_size(const struct kernels *k, size_t depth)
{
    return k->panel_bf16 * round_up(depth, 2) * sizeof(uint16_t);
}

static void pack(const struct kernels *k, void *packed, const struct operands *o, size_t j, size_t n)
{
    const uint16_t *b = (uint16_t *)o->b + j * o->ld_b, *elements = packed;
    const size_t panel = k->panel_bf16, k_even = round_up(o->k, 2);
    k->pack_bf16(packed, b, o->ld_b, n, o->k);
    for (size_t row = 0; row < round_up(n, panel); row++)
        for (size_t i = 0; i < k_even; i++)
            if (elements[row / panel * panel * k_even + (i / 2 * panel + row % panel) * 2 + i % 2] !=
                (row < n && i < o->k ? b[row * o->ld_b + i] : 0))
                fail_msg("%s: pack_bf16, n %zu, k %zu: element %zu of row %zu is wrong", k->name, n, o->k, i,
                         row);
}

static void multiply(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                     const void *packed, struct part p)
{
    k->gemm_bf16(c, ld_c, (uint16_t *)o->a + p.row * o->ld_a, o->ld_a, packed,
                 o->bias ? o->bias + p.col : NULL, p.n_rows, p.n_cols, o->k);
}

static uint16_t *random_bf16(size_t n, enum data data)
{
    float *x = guard_alloc(n * sizeof *x);
    uint16_t *y = guard_alloc(n * sizeof *y);
    random_floats(x, n, data);
    kernels_of(CPU_SCALAR)->f32_to_bf16(y, x, n);
    return y;
}

static float widen(uint16_t x)
{
    float y;
    kernels_of(CPU_SCALAR)->bf16_to_f32(&y, &x, 1);
    return y;
}

static double a_at(const struct operands *o, size_t i, size_t x)
{
    return (double)widen(((uint16_t *)o->a)[i * o->ld_a + x]);
}

static double b_at(const struct operands *o, size_t j, size_t x)
{
    return (double)widen(((uint16_t *)o->b)[j * o->ld_b + x]);
}

static struct operands random_operands(size_t m, size_t n, size_t depth, enum data data)
{
    struct operands o = {.m = m, .n = n, .k = depth};
    const size_t k_even = round_up(depth, 2);
    o.ld_c = n + random_below(20), o.ld_a = k_even + random_below(20), o.ld_b = depth + random_below(20);
    o.a = random_bf16(extent(m, k_even, o.ld_a), data);
    o.b = random_bf16(extent(n, depth, o.ld_b), DATA_NORMAL);
    o.bias = random_below(2) ? guard_alloc(n * sizeof(float)) : NULL;
    if (o.bias)
        random_floats(o.bias, n, DATA_NORMAL);
    return o;
}

static void check_level(const struct kernels *k)
{
    static const struct float_product product = {
        .kind = {"gemm_bf16", offsetof(struct kernels, panel_bf16), panel_size, pack, multiply},
        .random = random_operands,
        .a = a_at,
        .b = b_at,
        .terms = 2,
        .unit = 0x1p-23, /* instructions may cut instead of rounding */
        .least = 0x1p-100,
        .n_data = DATA_BITS,
    };
    float_product_check(&product, k);
}

static void test_levels(void **state)
{
    (void)state;
    check_level(kernels_of(CPU_SCALAR));
    each_version(offsetof(struct kernels, gemm_bf16), check_level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
