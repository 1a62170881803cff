/* float32 products: each instruction set against sums in double, and bit for bit against itself where the contract
 * says that a row does not depend on its company. */
#include "tests/products.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static size_t panel_size(const struct kernels *k, size_t depth)
{
    return k->panel_f32 * depth * sizeof(float);
}

static double a_at(const struct operands *o, size_t i, size_t x)
{
    return (double)((float *)o->a)[i * o->ld_a + x];
}

static double b_at(const struct operands *o, size_t j, size_t x)
{
    return (double)((float *)o->b)[j * o->ld_b + x];
}

static void pack(const struct kernels *k, void *packed, const struct operands *o, size_t j, size_t n)
{
    const float *b = (float *)o->b + j * o->ld_b, *elements = packed;
    const size_t panel = k->panel_f32;
    k->pack_f32(packed, b, o->ld_b, n, o->k);
    for (size_t row = 0; row < round_up(n, panel); row++)
        for (size_t i = 0; i < o->k; i++)
            if (!same_float(elements[row / panel * panel * o->k + i * panel + row % panel],
                            row < n ? b[row * o->ld_b + i] : 0))
                fail_msg("%s: pack_f32, n %zu, k %zu: element %zu of row %zu is wrong", k->name, n, o->k, i,
                         row);
}

static void multiply(const struct kernels *k, float *c, size_t ld_c, const struct operands *o,
                     const void *packed, struct part p)
{
    k->gemm_f32(c, ld_c, (float *)o->a + p.row * o->ld_a, o->ld_a, packed, o->bias ? o->bias + p.col : NULL,
                p.n_rows, p.n_cols, o->k);
}

static struct operands random_operands(size_t m, size_t n, size_t depth, enum data data)
{
    struct operands o = {.m = m, .n = n, .k = depth};
    o.ld_c = n + random_below(20), o.ld_a = depth + random_below(20), o.ld_b = depth + random_below(20);
    o.a = guard_alloc(extent(m, depth, o.ld_a) * sizeof(float));
    o.b = guard_alloc(extent(n, depth, o.ld_b) * sizeof(float));
    o.bias = random_below(2) ? guard_alloc(n * sizeof(float)) : NULL;
    random_floats(o.a, extent(m, depth, o.ld_a), data);
    random_floats(o.b, extent(n, depth, o.ld_b), DATA_NORMAL);
    if (o.bias)
        random_floats(o.bias, n, DATA_NORMAL);
    return o;
}

static void check_level(const struct kernels *k)
{
    static const struct float_product product = {
        .kind = {"gemm_f32", offsetof(struct kernels, panel_f32), panel_size, pack, multiply},
        .random = random_operands,
        .a = a_at,
        .b = b_at,
        .terms = 1, /* for any order of summation; denormal results lose more */
        .unit = 0x1p-24,
        .least = 0x1p-149,
        .n_data = DATA_N_FINITE,
    };
    float_product_check(&product, k);
}

static void test_levels(void **state)
{
    (void)state;
    check_level(kernels_of(CPU_SCALAR));
    each_version(offsetof(struct kernels, gemm_f32), check_level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
