/* Attention: each instruction set against sums in double, and bit for bit against itself where the contract says
 * that a query row does not depend on its company. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Which of the two slots is checked: attention_bf16 takes operands that are rounded first, here and in the reference. */
static bool narrow;

static double as_taken(float x)
{
    uint16_t bits;
    if (narrow) {
        kernels_of(CPU_SCALAR)->f32_to_bf16(&bits, &x, 1);
        kernels_of(CPU_SCALAR)->bf16_to_f32(&x, &bits, 1);
    }
    return (double)x;
}

/* scale * q k, one element. */
static double product(const struct attention_args *args, size_t row, size_t j, size_t d)
{
    const float q = args->q[row * args->ld_q + d], k = args->k[j * args->ld_kv + d];
    return narrow ? as_taken(q * args->scale) * as_taken(k) : (double)q * (double)k * (double)args->scale;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* q, k, v and out as they lie in a run of tokens: rows of all heads. */
static struct attention_args random_args(const struct kernels *k, size_t n_q, size_t n_k, size_t head_dim,
                                         enum data data)
{
    const size_t ld_q = head_dim + random_below(30), ld_kv = head_dim + random_below(30);
    float *q = guard_alloc(n_q ? ((n_q - 1) * ld_q + head_dim) * sizeof(float) : 0);
    float *kv[2];
    const size_t n_kv = n_k ? (n_k - 1) * ld_kv + head_dim : 0;
    for (int i = 0; i < 2; i++)
        kv[i] = guard_alloc(n_kv * sizeof(float));
    random_floats(q, n_q ? (n_q - 1) * ld_q + head_dim : 0, data);
    random_floats(kv[0], n_kv, data);
    random_floats(kv[1], n_kv, DATA_NORMAL);
    return (struct attention_args){
        .q = q,
        .k = kv[0],
        .v = kv[1],
        .ld_q = ld_q,
        .ld_kv = ld_kv,
        .n_q = n_q,
        .n_k = n_k,
        .head_dim = head_dim,
        .scale = 1 / sqrtf((float)head_dim),
        .scratch = guard_alloc(k->attention_scratch(n_k, head_dim) * sizeof(float)),
    };
}

/* A bias of rows or of distances, and a window in which every row sees a key; each or not. */
static void add_extras(struct attention_args *args, bool biased, bool windowed)
{
    const size_t n_q = args->n_q, n_k = args->n_k;
    if (n_q == 0 || n_k == 0)
        return;
    if (biased) {
        const bool by_distance = random_below(2);
        const size_t ld = n_k + random_below(3), n = by_distance ? n_q - 1 + n_k : (n_q - 1) * ld + n_k;
        float *bias = guard_alloc(n * sizeof *bias);
        random_floats(bias, n, DATA_NORMAL);
        args->bias = by_distance ? bias + n_q - 1 : bias;
        args->ld_bias = by_distance ? -1 : (ptrdiff_t)ld;
    }
    if (windowed) {
        struct attention_window *w = guard_alloc(sizeof *w);
        w->first = random_below(n_k);
        w->right = random_below(4) ? random_below(n_k) : SIZE_MAX;
        w->left = random_below(4) ? n_q + random_below(n_k) : SIZE_MAX;
        if (n_q <= n_k) { /* as within one sequence: then narrow windows leave every row its own key */
            w->first = random_below(n_k - n_q + 1);
            w->left = random_below(4) ? random_below(40) : SIZE_MAX;
            w->right = random_below(4) ? random_below(40) : random_below(2) ? 0 : SIZE_MAX;
        }
        args->window = w;
    }
}

static bool sees(const struct attention_args *args, size_t row, size_t key)
{
    const struct attention_window *w = args->window;
    if (!w)
        return true;
    const size_t here = w->first + row;
    return key <= here ? here - key <= w->left : key - here <= w->right;
}

static void run(const struct kernels *k, struct attention_args *args, float *out, size_t ld_out)
{
    args->out = out;
    args->ld_out = ld_out;
    (narrow ? k->attention_bf16 : k->attention)(args);
}

/* One row by its definition. */
static void reference(double *out, double *weights, const struct attention_args *args, size_t row)
{
    double max = -(double)INFINITY, sum = 0;
    for (size_t j = 0; j < args->n_k; j++) {
        weights[j] = 0;
        for (size_t d = 0; d < args->head_dim; d++)
            weights[j] += product(args, row, j, d);
        if (args->bias)
            weights[j] += (double)args->bias[(ptrdiff_t)row * args->ld_bias + (ptrdiff_t)j];
        if (!sees(args, row, j))
            weights[j] = -(double)INFINITY;
        max = larger(max, weights[j]);
    }
    for (size_t j = 0; j < args->n_k; j++)
        sum += weights[j] = exp(weights[j] - max);
    for (size_t d = 0; d < args->head_dim; d++) {
        out[d] = 0;
        for (size_t j = 0; j < args->n_k; j++)
            out[d] += weights[j] / sum * as_taken(args->v[j * args->ld_kv + d]);
    }
}

/* A score may be off by u (head_dim + 2) sum |q k| scale, u = 2^-24, which is as much relative to its weight; summing
 * n_k values adds another n_k u. What is averaged is below `largest` in magnitude. A weight that is rounded to bfloat16 is
 * off by 2^-8, here and in the sum that it is divided by. */
static double bound(const struct attention_args *args, size_t row, double largest)
{
    double worst = 0;
    for (size_t j = 0; j < args->n_k; j++) {
        double magnitude = 0;
        for (size_t d = 0; d < args->head_dim; d++)
            magnitude += fabs(product(args, row, j, d));
        if (args->bias)
            magnitude += fabs((double)args->bias[(ptrdiff_t)row * args->ld_bias + (ptrdiff_t)j]);
        worst = larger(worst, magnitude);
    }
    const double rounding = 0x1p-24 * (2 * (double)(args->head_dim + 2) * worst + (double)args->n_k + 16);
    return largest * (rounding + (narrow ? 2 * 0x1p-8 : 0));
}

static void check_shape(const struct kernels *k, size_t n_q, size_t n_k, size_t head_dim, enum data data,
                        unsigned extras)
{
    struct attention_args args = random_args(k, n_q, n_k, head_dim, data);
    add_extras(&args, extras & 1, extras & 2);
    const size_t ld_out = head_dim + random_below(30), size = n_q ? (n_q - 1) * ld_out + head_dim : 0;
    float *out = guard_alloc(size * sizeof *out), *before = guard_alloc(size * sizeof *before);
    random_floats(out, size, DATA_NAN);
    memcpy(before, out, size * sizeof *out);
    double *want = guard_alloc(head_dim * sizeof *want), *weights = guard_alloc(n_k * sizeof *weights);
    run(k, &args, out, ld_out);
    double largest = 0;
    for (size_t j = 0; j < n_k; j++)
        for (size_t d = 0; d < head_dim; d++)
            largest = larger(largest, fabs((double)args.v[j * args.ld_kv + d]));
    for (size_t i = 0; i < n_q; i++) {
        reference(want, weights, &args, i);
        const double limit = bound(&args, i, largest);
        for (size_t d = 0; d < head_dim; d++)
            if (!(fabs((double)out[i * ld_out + d] - want[d]) <= limit))
                fail_msg(
                    "%s: attention%s, n_q %zu, n_k %zu, head_dim %zu, %s, extras %u: out[%zu][%zu] is %g, "
                    "not %g (+- %g)",
                    k->name, narrow ? "_bf16" : "", n_q, n_k, head_dim, data_name(data), extras, i, d,
                    (double)out[i * ld_out + d], want[d], limit);
    }
    for (size_t x = 0; x < size; x++)
        if (x % ld_out >= head_dim)
            assert_memory_equal(&out[x], &before[x], sizeof *out);
    guard_free_all();
}

/* Query rows alone or among others have the same bits. */
static void check_company(const struct kernels *k, size_t n_q, size_t n_k, size_t head_dim, unsigned extras)
{
    struct attention_args args = random_args(k, n_q, n_k, head_dim, DATA_NORMAL);
    add_extras(&args, extras & 1, extras & 2);
    float *all = guard_alloc(n_q * head_dim * sizeof *all);
    run(k, &args, all, head_dim);
    for (int round = 0; round < 8; round++) {
        const size_t row = random_below(n_q), rows = 1 + random_below(n_q - row);
        struct attention_args some = args;
        struct attention_window window;
        if (args.bias)
            some.bias += (ptrdiff_t)row * args.ld_bias;
        if (args.window) {
            window = *args.window;
            window.first += row;
            some.window = &window;
        }
        some.q += row * args.ld_q;
        some.n_q = rows;
        float *out = guard_alloc(rows * head_dim * sizeof *out);
        run(k, &some, out, head_dim);
        assert_memory_equal(out, all + row * head_dim, rows * head_dim * sizeof *out);
    }
    guard_free_all();
}

/* Scores far apart, all on one key, or infinite. */
static void check_extremes(const struct kernels *k, size_t n_k, size_t head_dim)
{
    struct attention_args args = random_args(k, 3, n_k, head_dim, DATA_NORMAL);
    float *q = guard_alloc(3 * head_dim * sizeof *q), *keys = guard_alloc(n_k * head_dim * sizeof *keys);
    float *out = guard_alloc(3 * head_dim * sizeof *out);
    const size_t chosen = random_below(n_k);
    for (size_t d = 0; d < head_dim; d++)
        q[d] = 1e4f, q[head_dim + d] = -1e18f, q[2 * head_dim + d] = 0;
    for (size_t j = 0; j < n_k; j++)
        for (size_t d = 0; d < head_dim; d++)
            keys[j * head_dim + d] = j == chosen ? 0 : j % 2 ? -1e3f : -3e38f;
    args.q = q, args.k = keys, args.ld_q = head_dim;
    const size_t ld_v = args.ld_kv;
    float *v = guard_alloc(n_k * head_dim * sizeof *v);
    for (size_t j = 0; j < n_k; j++)
        memcpy(v + j * head_dim, args.v + j * ld_v, head_dim * sizeof *v);
    args.v = v, args.ld_kv = head_dim;
    run(k, &args, out, head_dim);
    for (size_t d = 0; d < head_dim; d++) {
        double mean = 0;
        for (size_t j = 0; j < n_k; j++)
            mean += as_taken(v[j * head_dim + d]) / (double)n_k;
        const double got = (double)out[d];
        assert_true(fabs(got - as_taken(v[chosen * head_dim + d])) <= 1e-6 * fabs(got));
        assert_true(fabs((double)out[2 * head_dim + d] - mean) < 1e-5);
    }
    guard_free_all();
}

/* A NaN anywhere in a query spoils its own row alone. */
static void check_nan(const struct kernels *k)
{
    struct attention_args args = random_args(k, 20, 40, 32, DATA_NORMAL);
    float *q = guard_alloc(20 * 32 * sizeof *q), *out = guard_alloc(20 * 32 * sizeof *out);
    random_floats(q, 20 * 32, DATA_NORMAL);
    q[7 * 32 + 5] = NAN;
    args.q = q, args.ld_q = 32;
    run(k, &args, out, 32);
    for (size_t i = 0; i < 20 * 32; i++)
        assert_int_equal(isnan(out[i]) != 0, i / 32 == 7);
    guard_free_all();
}

static void check_level(const struct kernels *k)
{
    static const size_t lengths[] = {0, 1, 2, 3, 5, 8, 13, 16, 20, 31, 33, 64, 86, 130, 255, 256, 257, 600};
    static const size_t dims[] = {1, 3, 8, 16, 31, 32, 33, 48, 64, 80, 96, 128};
    const size_t n_lengths = sizeof lengths / sizeof *lengths, n_dims = sizeof dims / sizeof *dims;
    for (size_t i = 0; i < n_lengths; i++)
        for (size_t j = 0; j < n_dims; j++) {
            guard_at_end = random_below(2);
            for (unsigned extras = 0; extras < 4; extras++)
                check_shape(k, lengths[random_below(n_lengths - 4)], lengths[i], dims[j], DATA_NORMAL,
                            extras);
        }
    for (enum data data = 0; data < DATA_N_FINITE; data++)
        if (data != DATA_HUGE && data != DATA_BITS) /* their products overflow */
            check_shape(k, 20, 300, 32, data, 0);
    for (unsigned round = 0; round < 40; round++) {
        const size_t n_k = 1 + random_below(700);
        check_company(k, 1 + random_below(round % 8 < 4 ? 60 : n_k), n_k, dims[random_below(n_dims)],
                      round % 4);
    }
    for (int round = 0; round < 10; round++)
        check_extremes(k, 1 + random_below(600), dims[random_below(n_dims)]);
    check_nan(k);
}

static void test_levels(void **state)
{
    (void)state;
    narrow = false;
    check_level(kernels_of(CPU_SCALAR));
    each_version(offsetof(struct kernels, attention), check_level);
}

static void check_bf16(const struct kernels *k)
{
    if (k->attention_bf16 != k->attention)
        check_level(k);
}

static void test_bf16(void **state)
{
    (void)state;
    narrow = true;
    each_version(offsetof(struct kernels, attention_bf16), check_bf16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_bf16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
