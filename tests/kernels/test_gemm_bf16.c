/* bfloat16 products: each instruction set against sums in double, and bit for bit against itself where the contract
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
    uint16_t *a, *b, *packed;
    float *bias, *c;
};

static size_t packed_size(const struct kernels *k, size_t n, size_t depth)
{
    return (n + k->panel_bf16 - 1) / k->panel_bf16 * k->panel_bf16 * ((depth + 1) / 2 * 2);
}

static uint16_t packed_element(const struct kernels *k, const struct product *p, size_t j, size_t i)
{
    const size_t panel = k->panel_bf16, k_even = (p->k + 1) / 2 * 2;
    return p->packed[j / panel * panel * k_even + (i / 2 * panel + j % panel) * 2 + i % 2];
}

static void check_packed(const struct kernels *k, const struct product *p)
{
    const size_t panel = k->panel_bf16, rows = (p->n + panel - 1) / panel * panel;
    for (size_t j = 0; j < rows; j++)
        for (size_t i = 0; i < (p->k + 1) / 2 * 2; i++)
            if (packed_element(k, p, j, i) != (j < p->n && i < p->k ? p->b[j * p->ld_b + i] : 0))
                fail_msg("%s: pack_bf16, n %zu, k %zu: element %zu of row %zu is wrong", k->name, p->n, p->k,
                         i, j);
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

static struct product random_product(const struct kernels *k, size_t m, size_t n, size_t depth,
                                     enum data data)
{
    struct product p = {.m = m, .n = n, .k = depth};
    const size_t k_even = (depth + 1) / 2 * 2;
    p.ld_c = n + random_below(20), p.ld_a = k_even + random_below(20), p.ld_b = depth + random_below(20);
    p.a = random_bf16(extent(m, k_even, p.ld_a), data);
    p.b = random_bf16(extent(n, depth, p.ld_b), DATA_NORMAL);
    p.bias = random_below(2) ? guard_alloc(n * sizeof(float)) : NULL;
    p.packed = guard_alloc((packed_size(k, n, depth) * sizeof *p.packed + 63) / 64 * 64);
    p.c = guard_alloc(extent(m, n, p.ld_c) * sizeof(float));
    if (p.bias)
        random_floats(p.bias, n, DATA_NORMAL);
    random_floats(p.c, extent(m, n, p.ld_c), DATA_NAN);
    k->pack_bf16(p.packed, p.b, p.ld_b, n, depth);
    check_packed(k, &p);
    return p;
}

/* |error| <= (k + 2) u (|bias| + sum |a b|), u = 2^-23: instructions may cut instead of rounding. */
static void check_element(const struct kernels *k, const struct product *p, size_t i, size_t j)
{
    double want = p->bias ? (double)p->bias[j] : 0, magnitude = fabs(want);
    for (size_t x = 0; x < p->k; x++) {
        const double term = (double)widen(p->a[i * p->ld_a + x]) * (double)widen(p->b[j * p->ld_b + x]);
        want += term;
        magnitude += fabs(term);
    }
    const double bound = (double)(p->k + 2) * (magnitude * 0x1p-23 + 0x1p-100);
    const double error = fabs((double)p->c[i * p->ld_c + j] - want);
    if (!(error <= bound) && magnitude < 3e38)
        fail_msg("%s: gemm_bf16 %zu x %zu x %zu: c[%zu][%zu] is %a, not %a", k->name, p->m, p->k, p->n, i, j,
                 (double)p->c[i * p->ld_c + j], want);
}

static void check_product(const struct kernels *k, size_t m, size_t n, size_t depth, enum data data)
{
    struct product p = random_product(k, m, n, depth, data);
    const size_t size = extent(m, n, p.ld_c);
    float *before = guard_alloc(size * sizeof(float));
    memcpy(before, p.c, size * sizeof(float));
    k->gemm_bf16(p.c, p.ld_c, p.a, p.ld_a, p.packed, p.bias, m, n, depth);
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
    k->gemm_bf16(p.c, p.ld_c, p.a, p.ld_a, p.packed, p.bias, m, n, depth);
    for (int round = 0; round < 6; round++) {
        const size_t row = random_below(m), rows = 1 + random_below(m - row);
        const size_t panel = random_below((n + k->panel_bf16 - 1) / k->panel_bf16),
                     col = panel * k->panel_bf16;
        const size_t cols = 1 + random_below(n - col);
        float *c = guard_alloc(rows * cols * sizeof(float));
        k->gemm_bf16(c, cols, p.a + row * p.ld_a, p.ld_a, p.packed + col * ((depth + 1) / 2 * 2),
                     p.bias ? p.bias + col : NULL, rows, cols, depth);
        for (size_t i = 0; i < rows; i++)
            if (memcmp(c + i * cols, p.c + (row + i) * p.ld_c + col, cols * sizeof(float)) != 0)
                fail_msg(
                    "%s: gemm_bf16 %zu x %zu x %zu: row %zu differs in rows %zu to %zu, columns %zu to %zu",
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
                          (enum data)random_below(DATA_BITS));
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
    each_version(offsetof(struct kernels, gemm_bf16), check_level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
