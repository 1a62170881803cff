/* Attention over a cache: each instruction set against sums in double, and a row's bits against its own in other
 * company. */
#include "tests/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { MAX_KEYS = 1400, MAX_TILES = MAX_KEYS / 32 + 1 };

/* Which of the two slots is checked: tile_attention_bf16 takes operands that are rounded first, here and in the
 * reference. */
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

/* A cache with what it stands for, and the queries. */
struct problem {
    struct tile_attention_args args;
    struct kv_tile tiles[MAX_TILES];
    double *keys, *values; /* [first + n_q, head_dim] */
};

/* Random bytes of the type, and what they mean, into `meaning` [n, head_dim]. */
static void *random_part(const struct tile_attention_args *args, bool is_keys, size_t n, float **scales,
                         double *meaning)
{
    static const size_t sizes[] = {4, 2, 1};
    const struct kernels *scalar = kernels_of(CPU_SCALAR);
    const size_t n_elements = args->tile_len * args->head_dim;
    char *part = guard_alloc(n_elements * sizes[args->type]);
    *scales = args->type == KV_INT8 ? guard_alloc(args->tile_len * sizeof **scales) : NULL;
    memset(part, 0xff, n_elements * sizes[args->type]); /* NaN where nothing has been written */
    for (size_t i = 0; i < n * args->head_dim; i++) {
        float x = random_uniform(-2, 2);
        const size_t row = i / args->head_dim, d = i % args->head_dim, group = row / KV_GROUP;
        const size_t at = is_keys ? (group * args->head_dim + d) * KV_GROUP + row % KV_GROUP : i;
        if (args->type == KV_F32)
            ((float *)part)[i] = x;
        else if (args->type == KV_F16) {
            scalar->f32_to_f16((uint16_t *)part + at, &x, 1);
            scalar->f16_to_f32(&x, (uint16_t *)part + at, 1);
        } else {
            if (d == 0)
                (*scales)[row] = random_uniform(0.001f, 0.02f);
            ((int8_t *)part)[at] = (int8_t)((int)random_below(255) - 127);
            x = (*scales)[row] * (float)((int8_t *)part)[at];
        }
        meaning[i] = as_taken(x);
    }
    return part;
}

static void fill(struct problem *p, const struct tile_attention_args *shape)
{
    p->args = *shape;
    struct tile_attention_args *a = &p->args;
    const size_t n_keys = a->first + a->n_q, width = a->n_heads * a->head_dim;
    a->ld_q = width + random_below(20);
    float *q = guard_alloc((a->n_q - 1) * a->ld_q * sizeof *q + width * sizeof *q);
    random_floats(q, (a->n_q - 1) * a->ld_q + width, DATA_NORMAL);
    p->keys = guard_alloc(n_keys * a->head_dim * sizeof *p->keys);
    p->values = guard_alloc(n_keys * a->head_dim * sizeof *p->values);
    for (size_t i = 0; i < n_keys; i += a->tile_len) {
        struct kv_tile *tile = &p->tiles[i / a->tile_len];
        const size_t n = n_keys - i < a->tile_len ? n_keys - i : a->tile_len;
        tile->keys = random_part(a, true, n, &tile->key_scales, p->keys + i * a->head_dim);
        tile->values = random_part(a, false, n, &tile->value_scales, p->values + i * a->head_dim);
    }
    if (a->bias) { /* no place for more distances than there are */
        float *bias = guard_alloc(a->n_heads * n_keys * sizeof *bias);
        random_floats(bias, a->n_heads * n_keys, DATA_NORMAL);
        a->ld_bias = n_keys;
        a->bias = bias + (a->bias_of_keys ? 0 : n_keys - 1);
    }
    if (a->sinks) {
        float *sinks = guard_alloc(a->n_heads * sizeof *sinks);
        random_floats(sinks, a->n_heads, DATA_NORMAL);
        sinks[random_below(a->n_heads)] = random_below(2) ? 30 : -30;
        a->sinks = sinks;
    }
    a->q = q;
    a->tiles = p->tiles;
}

static void run(const struct kernels *k, struct tile_attention_args *args, float *out, size_t ld_out)
{
    args->out = out;
    args->ld_out = ld_out;
    args->scratch = guard_alloc((k->tile_attention_scratch(args->head_dim) + 15) / 16 * 64);
    (narrow ? k->tile_attention_bf16 : k->tile_attention)(args);
}

/* One head of a query by its definition. */
static void reference(const struct problem *p, size_t query, size_t head, double *out, double *weights)
{
    const struct tile_attention_args *a = &p->args;
    const size_t here = a->first + query, begin = here > a->left ? here - a->left : 0;
    const float *q = a->q + query * a->ld_q + head * a->head_dim;
    double max = a->sinks ? (double)a->sinks[head] : -(double)INFINITY, sum = 0;
    for (size_t j = begin; j <= here; j++) {
        double s = 0;
        for (size_t d = 0; d < a->head_dim; d++)
            s += (narrow ? as_taken(q[d] * a->scale) : (double)q[d] * (double)a->scale) *
                 p->keys[j * a->head_dim + d];
        weights[j] = a->cap > 0 ? (double)a->cap * tanh(s / (double)a->cap) : s;
        if (a->bias)
            weights[j] +=
                (double)a->bias[(ptrdiff_t)(head * a->ld_bias + j) - (a->bias_of_keys ? 0 : (ptrdiff_t)here)];
        max = weights[j] > max ? weights[j] : max;
    }
    for (size_t j = begin; j <= here; j++)
        sum += weights[j] = exp(weights[j] - max);
    if (a->sinks)
        sum += exp((double)a->sinks[head] - max);
    for (size_t d = 0; d < a->head_dim; d++) {
        out[d] = 0;
        for (size_t j = begin; j <= here; j++)
            out[d] += weights[j] / sum * p->values[j * a->head_dim + d];
    }
}

/* Scores of up to a hundred are off by 1e-5, and so is, relatively, what they weigh. A weight that is rounded to bfloat16
 * is off by 2^-8, here and in the sum that it is divided by; values are up to 2.54. */
static void check_shape(const struct kernels *k, const struct tile_attention_args *shape)
{
    struct problem p;
    fill(&p, shape);
    const size_t width = p.args.n_heads * p.args.head_dim, ld_out = width + random_below(10);
    float *out = guard_alloc(((p.args.n_q - 1) * ld_out + width) * sizeof *out);
    double *want = guard_alloc(p.args.head_dim * sizeof *want);
    double *weights = guard_alloc((p.args.first + p.args.n_q) * sizeof *weights);
    run(k, &p.args, out, ld_out);
    for (size_t i = 0; i < p.args.n_q; i++)
        for (size_t head = 0; head < p.args.n_heads; head++) {
            reference(&p, i, head, want, weights);
            for (size_t d = 0; d < p.args.head_dim; d++) {
                const double got = (double)out[i * ld_out + head * p.args.head_dim + d];
                if (!(fabs(got - want[d]) <= (narrow ? 2.54 * 2 * 0x1p-8 : 3e-5)))
                    fail_msg("%s%s: n_q %zu from %zu, left %zu, %zu heads of %zu, type %d, cap %g: query %zu "
                             "head %zu "
                             "element %zu is %g, not %g",
                             k->name, narrow ? ", bf16" : "", p.args.n_q, p.args.first, p.args.left,
                             p.args.n_heads, p.args.head_dim, (int)p.args.type, (double)p.args.cap, i, head,
                             d, got, want[d]);
            }
        }
    guard_free_all();
}

/* Some queries alone have the bits that they have among all. */
static void check_company(const struct kernels *k, const struct tile_attention_args *shape)
{
    struct problem p;
    fill(&p, shape);
    const size_t width = p.args.n_heads * p.args.head_dim;
    float *all = guard_alloc(p.args.n_q * width * sizeof *all);
    run(k, &p.args, all, width);
    for (int round = 0; round < 6; round++) {
        struct tile_attention_args some = p.args;
        const size_t row = random_below(p.args.n_q);
        some.n_q = round == 0 ? 1 : 1 + random_below(p.args.n_q - row);
        some.first += row;
        some.q += row * some.ld_q;
        float *out = guard_alloc(some.n_q * width * sizeof *out);
        run(k, &some, out, width);
        assert_memory_equal(out, all + row * width, some.n_q * width * sizeof *out);
    }
    guard_free_all();
}

static struct tile_attention_args random_shape(void)
{
    static const float some;
    static const size_t dims[] = {1, 7, 16, 32, 40, 64, 80, 96, 128, 256}, lens[] = {32, 64, 128, 256};
    static const size_t firsts[] = {0, 1, 31, 32, 200, 255, 256, 257, 600, 1000};
    struct tile_attention_args a = {
        .n_q = 1 + random_below(random_below(3) ? 3 : 300),
        .n_heads = 1 + random_below(random_below(2) ? 2 : 9),
        .head_dim = dims[random_below(10)],
        .first = firsts[random_below(10)],
        .left = random_below(2) ? SIZE_MAX : random_below(400),
        .tile_len = lens[random_below(4)],
        .type = (enum kv_type)random_below(3),
        .cap = random_below(4) ? 0 : 5,
    };
    while (a.n_q * a.n_heads * a.head_dim * (a.first + a.n_q) > 1 << 20 && a.n_q + a.first > 1) {
        a.n_q = (a.n_q + 1) / 2;
        a.first = a.n_q == 1 ? a.first / 2 : a.first;
    }
    a.scale = 1 / sqrtf((float)a.head_dim);
    a.bias = random_below(2) ? &some : NULL; /* fill puts its own there */
    a.bias_of_keys = random_below(2);
    a.sinks = random_below(3) ? NULL : &some;
    return a;
}

static void check_level(const struct kernels *k)
{
    for (int round = 0; round < 40; round++) {
        guard_at_end = random_below(2);
        const struct tile_attention_args shape = random_shape();
        check_shape(k, &shape);
        check_company(k, &shape);
    }
}

static void test_levels(void **state)
{
    (void)state;
    narrow = false;
    check_level(kernels_of(CPU_SCALAR));
    each_version(offsetof(struct kernels, tile_attention), check_level);
}

static void check_bf16(const struct kernels *k)
{
    if (k->tile_attention_bf16 != k->tile_attention)
        check_level(k);
}

static void test_bf16(void **state)
{
    (void)state;
    narrow = true;
    each_version(offsetof(struct kernels, tile_attention_bf16), check_bf16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_bf16)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
