/* Rotary position embedding: the scalar versions against rotations in double, each instruction set against them bit for
 * bit. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

typedef void (*rope_fn)(float *, const float *, size_t, size_t, size_t);

static float *random_row(size_t n, enum data data)
{
    float *x = guard_alloc(n * sizeof *x);
    random_floats(x, n, data);
    return x;
}

static float *copy_row(const float *x, size_t n)
{
    float *copy = guard_alloc(n * sizeof *copy);
    memcpy(copy, x, n * sizeof *copy);
    return copy;
}

/* Element i of a pair, 0 or 1. */
static size_t element(size_t pair, size_t i, size_t n_pairs, bool halves)
{
    return halves ? i * n_pairs + pair : 2 * pair + i;
}

static void check_scalar(size_t n_heads, size_t head_dim, size_t n_pairs, bool halves)
{
    const struct kernels *k = kernels_of(CPU_SCALAR);
    const size_t n = n_heads * head_dim;
    float *x = random_row(n, DATA_NORMAL), *before = copy_row(x, n);
    float *turn = guard_alloc(2 * n_pairs * sizeof *turn);
    for (size_t i = 0; i < n_pairs; i++) {
        const float angle = random_uniform(-9, 9);
        turn[i] = cosf(angle);
        turn[n_pairs + i] = sinf(angle);
    }
    (halves ? k->rope_halves : k->rope_pairs)(x, turn, n_heads, head_dim, n_pairs);
    for (size_t head = 0; head < n_heads; head++) {
        const float *a = before + head * head_dim, *b = x + head * head_dim;
        for (size_t i = 0; i < n_pairs; i++) {
            const size_t re = element(i, 0, n_pairs, halves), im = element(i, 1, n_pairs, halves);
            const double c = (double)turn[i], sine = (double)turn[n_pairs + i];
            const double real = (double)a[re] * c - (double)a[im] * sine;
            const double imaginary = (double)a[re] * sine + (double)a[im] * c;
            const double bound = 4 * 0x1p-24 * hypot((double)a[re], (double)a[im]);
            assert_true(fabs((double)b[re] - real) <= bound && fabs((double)b[im] - imaginary) <= bound);
        }
        assert_memory_equal(a + 2 * n_pairs, b + 2 * n_pairs, (head_dim - 2 * n_pairs) * sizeof *a);
    }
    guard_free_all();
}

static void check_same(rope_fn got, rope_fn want, size_t n_heads, size_t head_dim, size_t n_pairs)
{
    const size_t n = n_heads * head_dim;
    float *x = random_row(n, DATA_NORMAL), *y = copy_row(x, n);
    const float *turn = random_row(2 * n_pairs, DATA_NORMAL);
    got(x, turn, n_heads, head_dim, n_pairs);
    want(y, turn, n_heads, head_dim, n_pairs);
    assert_memory_equal(x, y, n * sizeof *x);
    guard_free_all();
}

static void check_level(const struct kernels *k)
{
    const struct kernels *scalar = kernels_of(CPU_SCALAR);
    for (size_t head_dim = 0; head_dim < 140; head_dim++) {
        const size_t n_heads = random_below(5),
                     n_pairs = random_below(3) ? head_dim / 2 : random_below(head_dim / 2 + 1);
        guard_at_end = random_below(2);
        check_same(k->rope_halves, scalar->rope_halves, n_heads, head_dim, n_pairs);
        check_same(k->rope_pairs, scalar->rope_pairs, n_heads, head_dim, n_pairs);
    }
}

static void test_scalar(void **state)
{
    (void)state;
    for (size_t head_dim = 2; head_dim < 40; head_dim++)
        for (int halves = 0; halves < 2; halves++)
            check_scalar(1 + random_below(4), head_dim, random_below(head_dim / 2 + 1), halves);
}

static void test_levels(void **state)
{
    (void)state;
    each_level(check_level);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_scalar), cmocka_unit_test(test_levels)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
