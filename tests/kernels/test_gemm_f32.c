/* float32 products: each instruction set against sums in double, and bit for bit against itself where the contract
 * says that a row does not depend on its company. */
#include "tests/products.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* One product: c and a with gaps between their rows, b likewise. */
struct product {
    size_t m, n, k, ld_c, ld_a, ld_b;
    float *a, *b, *bias, *packed, *c;
};

static size_t packed_size(const struct kernels *k, size_t n, size_t depth)
{
    return (n + k->panel_f32 - 1) / k->panel_f32 * k->panel_f32 * depth;
}

static void check_packed(const struct kernels *k, const struct product *p)
{
    for (size_t j = 0; j < packed_size(k, p->n, 1); j++)
        for (size_t i = 0; i < p->k; i++) {
            const float want = j < p->n ? p->b[j * p->ld_b + i] : 0;
            const float got =
                p->packed[j / k->panel_f32 * k->panel_f32 * p->k + i * k->panel_f32 + j % k->panel_f32];
            if (!same_float(got, want))
                fail_msg("%s: pack_f32, n %zu, k %zu: element %zu of row %zu is wrong", k->name, p->n, p->k,
                         i, j);
        }
}

static struct product random_product(const struct kernels *k, size_t m, size_t n, size_t depth,
                                     enum data data)
{
    struct product p = {.m = m, .n = n, .k = depth};
    p.ld_c = n + random_below(20), p.ld_a = depth + random_below(20), p.ld_b = depth + random_below(20);
    p.a = guard_alloc(extent(m, depth, p.ld_a) * sizeof(float));
    p.b = guard_alloc(extent(n, depth, p.ld_b) * sizeof(float));
    p.bias = random_below(2) ? guard_alloc(n * sizeof(float)) : NULL;
    p.packed = guard_alloc(packed_size(k, n, depth) * sizeof(float));
    p.c = guard_alloc(extent(m, n, p.ld_c) * sizeof(float));
    random_floats(p.a, extent(m, depth, p.ld_a), data);
    random_floats(p.b, extent(n, depth, p.ld_b), DATA_NORMAL);
    if (p.bias)
        random_floats(p.bias, n, DATA_NORMAL);
    random_floats(p.c, extent(m, n, p.ld_c), DATA_NAN);
    k->pack_f32(p.packed, p.b, p.ld_b, n, depth);
    check_packed(k, &p);
    return p;
}

/* |error| <= (k + 1) u (|bias| + sum |a b|), u = 2^-24, for any order of summation; denormal results lose more. */
static void check_element(const struct kernels *k, const struct product *p, size_t i, size_t j)
{
    double want = p->bias ? (double)p->bias[j] : 0, magnitude = fabs(want);
    for (size_t x = 0; x < p->k; x++) {
        const double term = (double)p->a[i * p->ld_a + x] * (double)p->b[j * p->ld_b + x];
        want += term;
        magnitude += fabs(term);
    }
    const double bound = (double)(p->k + 1) * (magnitude * 0x1p-24 + 0x1p-149);
    const double error = fabs((double)p->c[i * p->ld_c + j] - want);
    if (!(error <= bound) && magnitude < 3e38)
        fail_msg("%s: gemm_f32 %zu x %zu x %zu: c[%zu][%zu] is %a, not %a", k->name, p->m, p->k, p->n, i, j,
                 (double)p->c[i * p->ld_c + j], want);
}

static void check_product(const struct kernels *k, size_t m, size_t n, size_t depth, enum data data)
{
    struct product p = random_product(k, m, n, depth, data);
    const size_t size = extent(m, n, p.ld_c);
    float *before = guard_alloc(size * sizeof(float));
    memcpy(before, p.c, size * sizeof(float));
    k->gemm_f32(p.c, p.ld_c, p.a, p.ld_a, p.packed, p.bias, m, n, depth);
    for (size_t x = 0; x < size; x++) {
        const size_t i = x / p.ld_c, j = x % p.ld_c;
        if (j < n)
            check_element(k, &p, i, j);
        else
            assert_memory_equal(&p.c[x], &before[x], sizeof(float));
    }
    guard_free_all();
}

/* Some rows and some columns alone have the bits that they have in the whole. */
static void check_company(const struct kernels *k, size_t m, size_t n, size_t depth)
{
    const struct product p = random_product(k, m, n, depth, DATA_NORMAL);
    k->gemm_f32(p.c, p.ld_c, p.a, p.ld_a, p.packed, p.bias, m, n, depth);
    for (int round = 0; round < 6; round++) {
        const size_t row = random_below(m), rows = 1 + random_below(m - row);
        const size_t panel = random_below((n + k->panel_f32 - 1) / k->panel_f32), col = panel * k->panel_f32;
        const size_t cols = 1 + random_below(n - col);
        float *c = guard_alloc(rows * cols * sizeof(float));
        k->gemm_f32(c, cols, p.a + row * p.ld_a, p.ld_a, p.packed + col * depth, p.bias ? p.bias + col : NULL,
                    rows, cols, depth);
        for (size_t i = 0; i < rows; i++)
            if (memcmp(c + i * cols, p.c + (row + i) * p.ld_c + col, cols * sizeof(float)) != 0)
                fail_msg(
                    "%s: gemm_f32 %zu x %zu x %zu: row %zu differs in rows %zu to %zu, columns %zu to %zu",
                    k->name, m, depth, n, row + i, row, row + rows, col, col + cols);
    }
    guard_free_all();
}

static void check_level(const struct kernels *k)
{
    static const size_t sizes[] = {0,  1,  2,  3,  4,  5,  7,  8,  11, 12, 13, 15,
                                   16, 17, 24, 25, 31, 32, 33, 40, 63, 65, 97, 130};
    const size_t n_sizes = sizeof sizes / sizeof *sizes;
    for (size_t i = 0; i < n_sizes; i++)
        for (size_t j = 0; j < n_sizes; j++) {
            guard_at_end = random_below(2);
            check_product(k, sizes[i], sizes[j], sizes[random_below(n_sizes)],
                          (enum data)random_below(DATA_N_FINITE));
            check_product(k, sizes[i], sizes[random_below(n_sizes)], sizes[j], DATA_NORMAL);
        }
    check_product(k, 150, 70, 800, DATA_NORMAL);
    check_product(k, 13, 35, 1600, DATA_WIDE);
    check_product(k, 3, 300, 1000, DATA_NORMAL);
    check_company(k, 30, 100, 70);
    check_company(k, 150, 70, 800);
    check_company(k, 7, 300, 1600);
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
