/* Operations on rows: each instruction set against the scalar versions. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static double larger(double a, double b)
{
    return a > b ? a : b;
}

enum { MAX_N = 4100 };

static const struct kernels *scalar(void)
{
    return kernels_of(CPU_SCALAR);
}

static float *guarded_floats(size_t n, enum data data)
{
    float *x = guard_alloc(n * sizeof *x);
    random_floats(x, n, data);
    return x;
}

static float *guarded_copy(const float *x, size_t n)
{
    float *copy = guard_alloc(n * sizeof *copy);
    memcpy(copy, x, n * sizeof *copy);
    return copy;
}

static void check_bits(const char *what, const float *got, const float *want, size_t n, enum data data)
{
    for (size_t i = 0; i < n; i++)
        if (!same_float(got[i], want[i]))
            fail_msg("%s, n %zu, %s: element %zu is %a, not %a", what, n, data_name(data), i, (double)got[i],
                     (double)want[i]);
}

/* One operation each: the bits are given. */
static void check_add_mul_scale(const struct kernels *k, size_t n, enum data data)
{
    const float *x = guarded_floats(n, data);
    float *want = guarded_floats(n, data), *got = guarded_copy(want, n);
    scalar()->add(want, x, n);
    k->add(got, x, n);
    check_bits("add", got, want, n, data);
    scalar()->mul(want, x, n);
    k->mul(got, x, n);
    check_bits("mul", got, want, n, data);
    const float s = random_uniform(-3, 3);
    scalar()->scale(want, s, n);
    k->scale(got, s, n);
    check_bits("scale", got, want, n, data);
    guard_free_all();
}

static void check_max(const struct kernels *k, size_t n, enum data data)
{
    const float *x = guarded_floats(n, data);
    const float want = scalar()->max(x, n), got = k->max(x, n);
    if (!(got == want)) /* zeros of either sign are equal, and there is no NaN */
        fail_msg("max, n %zu, %s: %a, not %a", n, data_name(data), (double)got, (double)want);
    guard_free_all();
}

/* |error| <= n u sum |x y|, u = 2^-24, whatever the order; products below 2^-126 may lose more. */
static void check_dot(const struct kernels *k, size_t n, enum data data)
{
    const float *x = guarded_floats(n, data), *y = guarded_floats(n, DATA_NORMAL);
    double want = 0, magnitude = 0;
    for (size_t i = 0; i < n; i++) {
        want += (double)x[i] * (double)y[i];
        magnitude += fabs((double)x[i] * (double)y[i]);
    }
    const float got = k->dot(x, y, n);
    const double bound = (double)n * (magnitude * 0x1p-24 + 0x1p-149);
    if (!(fabs((double)got - want) <= bound) && magnitude < 3e38)
        fail_msg("dot, n %zu, %s: %a, not %a", n, data_name(data), (double)got, want);
    guard_free_all();
}

/* In ULP: a few for what is done with each element, and what the sum over n may be off, whose terms are added in
 * chains of n / 4 or fewer and round up and down in turn. */
static double bound_ulps(size_t n)
{
    return 8 + (double)n / 16;
}

static void check_softmax(const struct kernels *k, size_t n, enum data data)
{
    float *want = guarded_floats(n, data);
    for (size_t i = 0; data == DATA_INFINITE && i < n; i++) /* a mask */
        want[i] = i % 3 == 1 ? -INFINITY : want[i] == INFINITY ? 1 : want[i];
    float *got = guarded_copy(want, n);
    scalar()->softmax(want, n);
    k->softmax(got, n);
    for (size_t i = 0; i < n; i++)
        if (!same_float(got[i], want[i]) &&
            !(fabs((double)got[i] - (double)want[i]) <= bound_ulps(n) * ulp_of(want[i])))
            fail_msg("softmax, n %zu, %s: element %zu is %a, not %a", n, data_name(data), i, (double)got[i],
                     (double)want[i]);
    guard_free_all();
}

/* In ULP of the largest result: elements near the mean have lost as much. */
static void check_layer_norm(const struct kernels *k, size_t n, enum data data)
{
    const float *x = guarded_floats(n, data), *gamma = guarded_floats(n, DATA_NORMAL);
    const float *beta = random_below(2) ? guarded_floats(n, DATA_NORMAL) : NULL;
    const float eps = random_below(2) ? 1e-5f : 1e-12f;
    float *want = guard_alloc(n * sizeof *want), *got = guarded_copy(x, n);
    scalar()->layer_norm(want, x, gamma, beta, n, eps);
    const bool in_place = random_below(2);
    k->layer_norm(got, in_place ? got : x, gamma, beta, n, eps);
    double largest = 1;
    for (size_t i = 0; i < n; i++)
        largest = larger(largest, fabs((double)want[i]));
    for (size_t i = 0; i < n; i++)
        if (!same_float(got[i], want[i]) &&
            !(fabs((double)got[i] - (double)want[i]) <= bound_ulps(n) * ulp_of((float)largest)))
            fail_msg("layer_norm, n %zu, %s: element %zu is %g, not %g", n, data_name(data), i,
                     (double)got[i], (double)want[i]);
    guard_free_all();
}

static void check_rms_norm(const struct kernels *k, size_t n, enum data data)
{
    const float *x = guarded_floats(n, data), *gamma = guarded_floats(n, DATA_NORMAL);
    const float eps = random_below(2) ? 1e-5f : 1e-12f;
    float *want = guard_alloc(n * sizeof *want), *got = guarded_copy(x, n);
    scalar()->rms_norm(want, x, gamma, n, eps);
    k->rms_norm(got, random_below(2) ? got : x, gamma, n, eps);
    for (size_t i = 0; i < n; i++)
        if (!same_float(got[i], want[i]) &&
            !(fabs((double)got[i] - (double)want[i]) <= bound_ulps(n) * ulp_of(want[i])))
            fail_msg("rms_norm, n %zu, %s: element %zu is %g, not %g", n, data_name(data), i, (double)got[i],
                     (double)want[i]);
    guard_free_all();
}

static void check_size(const struct kernels *k, size_t n)
{
    for (int end = 0; end < 2; end++) {
        guard_at_end = end;
        for (enum data data = 0; data < DATA_N_FINITE; data++) {
            check_add_mul_scale(k, n, data);
            check_max(k, n, data);
            check_dot(k, n, data);
            check_softmax(k, n, data);
            if (n > 0)
                check_layer_norm(k, n, data);
            if (n > 0)
                check_rms_norm(k, n, data);
        }
        check_max(k, n, DATA_INFINITE);
        check_max(k, n, DATA_NAN);
        check_softmax(k, n, DATA_INFINITE);
        check_softmax(k, n, DATA_NAN);
        check_add_mul_scale(k, n, DATA_INFINITE);
        check_add_mul_scale(k, n, DATA_NAN);
        if (n > 0)
            check_layer_norm(k, n, DATA_NAN);
    }
}

static void check_level(const struct kernels *k)
{
    for (size_t n = 0; n < 70; n++)
        check_size(k, n);
    static const size_t sizes[] = {127, 128, 129, 312, 384, 385, 768, 1000, 1024, 4096, MAX_N};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_size(k, sizes[i]);
}

static void test_levels(void **state)
{
    (void)state;
    each_level(check_level);
}

/* Rows whose result is known: equal elements normalise to beta, and shifting a softmax changes nothing. */
static void test_known_values(void **state)
{
    (void)state;
    for (unsigned level = 0; level < CPU_N_LEVELS; level++) {
        const struct kernels *k = kernels_of((enum cpu_level)level);
        if (!k)
            continue;
        float x[100], gamma[100], beta[100], y[100];
        for (int i = 0; i < 100; i++)
            x[i] = 123.456f, gamma[i] = 2, beta[i] = (float)i;
        k->layer_norm(y, x, gamma, beta, 100, 1e-5f);
        for (int i = 0; i < 100; i++)
            assert_true(fabsf(y[i] - beta[i]) < 1e-4f);
        for (int i = 0; i < 100; i++)
            x[i] = i < 50 ? 0 : 1e30f;
        k->layer_norm(y, x, gamma, beta, 100, 1e-5f);
        for (int i = 0; i < 100; i++)
            assert_true(fabsf(y[i] - beta[i] - (i < 50 ? -2 : 2)) < 1e-4f);
        for (int i = 0; i < 100; i++)
            y[i] = 1e9f;
        k->softmax(y, 100);
        for (int i = 0; i < 100; i++)
            assert_true(fabsf(y[i] - 0.01f) < 1e-8f);
        y[0] = -1e30f, y[1] = 0, y[2] = 1, y[3] = -INFINITY;
        k->softmax(y, 4);
        assert_true(y[0] == 0 && y[3] == 0);
        assert_true(fabsf(y[1] - 0.26894142f) < 1e-7f && fabsf(y[2] - 0.73105858f) < 1e-7f);
        assert_true(k->max(x, 0) == -INFINITY && k->dot(x, x, 0) == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_levels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
