/* Recurrences and convolutions over time: the scalar versions against a plain one in double, each instruction set against
 * them; and the same bits in whatever pieces the tokens come. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static float *row(size_t n)
{
    float *x = guard_alloc(n * sizeof *x);
    random_floats(x, n, DATA_NORMAL);
    return x;
}

static float *copy(const float *x, size_t n)
{
    float *to = guard_alloc(n * sizeof *to);
    memcpy(to, x, n * sizeof *to);
    return to;
}

static size_t n_state(const struct recurrence_args *a)
{
    return (a->n_values + STATE_PANEL - 1) / STATE_PANEL * STATE_PANEL * a->n_keys;
}

/* Keys are short enough for a delta rule to stay bounded. */
static struct recurrence_args random_args(size_t n_tokens, size_t n_keys, size_t n_values, bool delta)
{
    const size_t extra = random_below(5), ld = 2 * n_keys + n_values + extra;
    float *in = row(n_tokens * ld), *gates = guard_alloc(2 * n_tokens * sizeof *gates);
    for (size_t i = 0; i < n_tokens * ld; i++)
        in[i] /= sqrtf((float)n_keys + 1) * 2;
    for (size_t i = 0; i < 2 * n_tokens; i++)
        gates[i] = random_uniform(0, 1);
    struct recurrence_args a = {.q = in,
                                .k = in + n_keys,
                                .v = in + 2 * n_keys,
                                .decay = gates,
                                .weight = gates + 1,
                                .ld_in = ld,
                                .ld_out = n_values + extra,
                                .ld_gates = 2,
                                .n_tokens = n_tokens,
                                .n_keys = n_keys,
                                .n_values = n_values,
                                .delta = delta};
    a.state = row(n_state(&a));
    for (size_t i = 0; i < n_state(&a); i++)
        if (i / STATE_PANEL / n_keys * STATE_PANEL + i % STATE_PANEL >= n_values)
            a.state[i] = 0;
    a.out = row(n_tokens ? (n_tokens - 1) * a.ld_out + n_values : 0);
    return a;
}

/* By the definition, in double. */
static void plain(const struct recurrence_args *a, double *state, double *out)
{
    for (size_t t = 0; t < a->n_tokens; t++)
        for (size_t j = 0; j < a->n_values; j++) {
            const float *q = a->q + t * a->ld_in, *k = a->k + t * a->ld_in;
            double said = 0, sum = 0;
            for (size_t i = 0; i < a->n_keys; i++) {
                state[j * a->n_keys + i] *= (double)a->decay[t * a->ld_gates];
                said += state[j * a->n_keys + i] * (double)k[i];
            }
            double u = (double)a->v[t * a->ld_in + j] - (a->delta ? said : 0);
            u *= (double)a->weight[t * a->ld_gates];
            for (size_t i = 0; i < a->n_keys; i++) {
                state[j * a->n_keys + i] += (double)k[i] * u;
                sum += state[j * a->n_keys + i] * (double)q[i];
            }
            out[t * a->n_values + j] = sum;
        }
}

static void check_plain(const struct kernels *k, struct recurrence_args a)
{
    double *state = malloc((a.n_values * a.n_keys + 1) * sizeof *state),
           *out = malloc((a.n_values * a.n_tokens + 1) * sizeof *out);
    assert_true(state && out);
    for (size_t j = 0; j < a.n_values; j++)
        for (size_t i = 0; i < a.n_keys; i++)
            state[j * a.n_keys + i] =
                (double)a.state[j / STATE_PANEL * STATE_PANEL * a.n_keys + i * STATE_PANEL + j % STATE_PANEL];
    plain(&a, state, out);
    k->recurrence(&a);
    /* Sums of n_keys products of numbers around 1, and states that some hundred tokens have rounded. */
    const double bound = 0x1p-24 * (double)(a.n_keys + 8) * 16;
    for (size_t t = 0; t < a.n_tokens; t++)
        for (size_t j = 0; j < a.n_values; j++)
            assert_true(fabs((double)a.out[t * a.ld_out + j] - out[t * a.n_values + j]) <= bound);
    for (size_t i = 0; i < n_state(&a); i++)
        if (i / STATE_PANEL / a.n_keys * STATE_PANEL + i % STATE_PANEL >= a.n_values)
            assert_true(a.state[i] == 0);
    free(state);
    free(out);
}

/* Two pieces instead of one. */
static void check_pieces(const struct kernels *k, struct recurrence_args a)
{
    struct recurrence_args b = a;
    b.state = copy(a.state, n_state(&a));
    b.out = row(a.n_tokens ? (a.n_tokens - 1) * a.ld_out + a.n_values : 0);
    k->recurrence(&a);
    b.n_tokens = random_below(a.n_tokens + 1);
    k->recurrence(&b);
    struct recurrence_args rest = b;
    rest.n_tokens = a.n_tokens - b.n_tokens;
    rest.q += b.n_tokens * a.ld_in;
    rest.k += b.n_tokens * a.ld_in;
    rest.v += b.n_tokens * a.ld_in;
    rest.decay += b.n_tokens * a.ld_gates;
    rest.weight += b.n_tokens * a.ld_gates;
    rest.out += b.n_tokens * a.ld_out;
    k->recurrence(&rest);
    assert_memory_equal(a.state, b.state, n_state(&a) * sizeof *a.state);
    for (size_t t = 0; t < a.n_tokens; t++)
        assert_memory_equal(a.out + t * a.ld_out, b.out + t * a.ld_out, a.n_values * sizeof *a.out);
}

static void check_recurrence(const struct kernels *k)
{
    for (int i = 0; i < 60; i++) {
        const size_t n_tokens = random_below(40), n_keys = 1 + random_below(i % 4 ? 20 : 130),
                     n_values = 1 + random_below(i % 3 ? 20 : 70);
        guard_at_end = random_below(2);
        check_plain(k, random_args(n_tokens, n_keys, n_values, random_below(2)));
        check_pieces(k, random_args(n_tokens, n_keys, n_values, random_below(2)));
        guard_free_all();
    }
}

static size_t n_scanned(const struct selective_scan_args *a)
{
    return (a->n_values + STATE_PANEL - 1) / STATE_PANEL * STATE_PANEL * a->n_keys;
}

static struct selective_scan_args random_scan(size_t n_tokens, size_t n_keys, size_t n_values)
{
    const size_t extra = random_below(5);
    struct selective_scan_args a = {.ld_keys = 2 * n_keys + extra,
                                    .ld_values = n_values + extra,
                                    .n_tokens = n_tokens,
                                    .n_keys = n_keys,
                                    .n_values = n_values};
    a.q = row(n_tokens * a.ld_keys);
    a.k = n_tokens ? a.q + n_keys : a.q;
    a.x = row(n_tokens * a.ld_values);
    float *times = row(n_tokens * a.ld_values), *decay = row(n_scanned(&a));
    for (size_t i = 0; i < n_tokens * a.ld_values; i++)
        times[i] *= random_below(8) ? 3 : 30;
    a.times = times;
    a.state = row(n_scanned(&a));
    for (size_t i = 0; i < n_scanned(&a); i++) {
        const bool behind = i / STATE_PANEL / n_keys * STATE_PANEL + i % STATE_PANEL >= n_values;
        decay[i] = behind ? 0 : -fabsf(decay[i]);
        a.state[i] = behind ? 0 : a.state[i];
    }
    a.decay = decay;
    a.skip = row(n_values);
    a.out = row(n_tokens ? (n_tokens - 1) * a.ld_values + n_values : 0);
    return a;
}

/* By the definition, in double; an error is measured by the size of what is added up. */
static void check_plain_scan(const struct kernels *k, struct selective_scan_args a)
{
    double *state = malloc((n_scanned(&a) + 1) * sizeof *state);
    float *out = copy(a.out, a.n_tokens ? (a.n_tokens - 1) * a.ld_values + a.n_values : 0);
    assert_non_null(state);
    for (size_t i = 0; i < n_scanned(&a); i++)
        state[i] = (double)a.state[i];
    struct selective_scan_args b = a;
    b.out = out;
    k->selective_scan(&b);
    for (size_t t = 0; t < a.n_tokens; t++)
        for (size_t j = 0; j < a.n_values; j++) {
            const double x = (double)a.x[t * a.ld_values + j], in = (double)a.times[t * a.ld_values + j];
            const double time = in > 0 ? in + log1p(exp(-in)) : log1p(exp(in));
            double sum = x * (double)a.skip[j], size = fabs(sum);
            for (size_t i = 0; i < a.n_keys; i++) {
                const size_t at =
                    j / STATE_PANEL * STATE_PANEL * a.n_keys + i * STATE_PANEL + j % STATE_PANEL;
                state[at] =
                    exp((double)a.decay[at] * time) * state[at] + time * x * (double)a.k[t * a.ld_keys + i];
                sum += state[at] * (double)a.q[t * a.ld_keys + i];
                size += fabs(state[at]) + time * fabs(x);
            }
            assert_true(fabs((double)out[t * a.ld_values + j] - sum) <= 0x1p-24 * 200 * (1 + size));
        }
    for (size_t i = 0; i < n_scanned(&a); i++)
        if (i / STATE_PANEL / a.n_keys * STATE_PANEL + i % STATE_PANEL >= a.n_values)
            assert_true(a.state[i] == 0);
    free(state);
}

/* Two pieces instead of one, the second with its results in the place of its times. */
static void check_scan_pieces(const struct kernels *k, struct selective_scan_args a)
{
    struct selective_scan_args b = a;
    float *times = copy(a.times, a.n_tokens * a.ld_values);
    b.state = copy(a.state, n_scanned(&a));
    k->selective_scan(&a);
    b.times = b.out = times;
    b.n_tokens = random_below(a.n_tokens + 1);
    k->selective_scan(&b);
    struct selective_scan_args rest = b;
    rest.n_tokens = a.n_tokens - b.n_tokens;
    rest.q += b.n_tokens * a.ld_keys;
    rest.k += b.n_tokens * a.ld_keys;
    rest.x += b.n_tokens * a.ld_values;
    rest.times = rest.out = times + b.n_tokens * a.ld_values;
    k->selective_scan(&rest);
    assert_memory_equal(a.state, b.state, n_scanned(&a) * sizeof *a.state);
    for (size_t t = 0; t < a.n_tokens; t++)
        assert_memory_equal(a.out + t * a.ld_values, times + t * a.ld_values, a.n_values * sizeof *a.out);
}

static void check_scan(const struct kernels *k)
{
    for (int i = 0; i < 60; i++) {
        const size_t n_tokens = random_below(40), n_keys = 1 + random_below(20),
                     n_values = 1 + random_below(70);
        guard_at_end = random_below(2);
        check_plain_scan(k, random_scan(n_tokens, n_keys, n_values));
        check_scan_pieces(k, random_scan(n_tokens, n_keys, n_values));
        guard_free_all();
    }
}

static void check_convolution(const struct kernels *k)
{
    for (size_t n = 0; n < 70; n++) {
        const float *rows[6];
        const size_t n_rows = 1 + random_below(6);
        guard_at_end = random_below(2);
        const float *weights = row(n_rows * n), *bias = random_below(2) ? row(n) : NULL;
        float *out = row(n);
        for (size_t i = 0; i < n_rows; i++)
            rows[i] = random_below(4) ? row(n) : NULL;
        k->convolution(out, rows, n_rows, weights, bias, n);
        for (size_t c = 0; c < n; c++) {
            double sum = bias ? (double)bias[c] : 0, size = fabs(sum);
            for (size_t i = 0; i < n_rows; i++) {
                const double x = rows[i] ? (double)weights[i * n + c] * (double)rows[i][c] : 0;
                sum += x;
                size += fabs(x);
            }
            assert_true(fabs((double)out[c] - sum) <= 0x1p-24 * 2 * (double)(n_rows + 1) * size);
        }
        guard_free_all();
    }
}

static void test_recurrence(void **state)
{
    (void)state;
    each_level(check_recurrence);
}

static void test_scan(void **state)
{
    (void)state;
    each_level(check_scan);
}

static void test_convolution(void **state)
{
    (void)state;
    each_level(check_convolution);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_recurrence), cmocka_unit_test(test_scan),
                                       cmocka_unit_test(test_convolution)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
