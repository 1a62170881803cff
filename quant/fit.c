#include "quant/fit.h"

#include "quant/half.h"

#include <math.h>

/* Guesses that are improved side by side, one a lane of each loop. */
enum { N = 24, TURNS = 3 };

/* To the nearest integer of low to high; low for NaN. Adding 1.5 * 2^23 leaves no room for a fraction. */
static inline float to_level(float x, float low, float high)
{
    x = x > low ? x : low;
    x = x < high ? x : high;
    return (x + 0x1.8p23f) - 0x1.8p23f;
}

/* The nearest of 16 values: the lowest, and a step up for each middle between two that is passed. */
static inline void table_levels(float *q, float x, const float *factor, const int8_t *table, int n_tried)
{
    for (int j = 0; j < n_tried; j++)
        q[j] = table[0];
    for (int k = 0; k < 15; k++) {
        float middle = (float)(table[k] + table[k + 1]) / 2, step = (float)(table[k + 1] - table[k]);
        for (int j = 0; j < n_tried; j++)
            q[j] += x * factor[j] > middle ? step : 0;
    }
}

/* q[j]: x's level where it is x factor[j] + offset[j] rounded. */
static inline void levels_of(float *q, float x, const float *factor, const float *offset,
                             const struct fit_levels *levels, int n_tried)
{
    const float low = (float)levels->low, high = (float)levels->high;
    if (levels->table)
        table_levels(q, x, factor, levels->table, n_tried);
    else
        for (int j = 0; j < n_tried; j++)
            q[j] = to_level(x * factor[j] + offset[j], low, high);
}

/* 0 where x is. Divides only by what is not 0, so that the compiler may do it for several at once; so below. */
static inline float inverse(float x)
{
    return (x != 0 ? 1.0f : 0.0f) / (x != 0 ? x : 1.0f);
}

static inline float positive(float x)
{
    return x > 0 ? x : 1;
}

/* ---- improving guesses ---- */

/* Sums over the run, of each guess where they depend on its levels q. */
struct fit_sums {
    float w, x, xx; /* of w, w x, w x^2 */
    float q[N], qq[N], xq[N];
};

struct guesses {
    float scale[N], min[N], error[N];
};

static void sum_up(struct fit_sums *s, const float *x, const float *w, int n, const struct fit_levels *levels,
                   const struct guesses *g)
{
    float factor[N], offset[N], q[N];
    *s = (struct fit_sums){0};
    for (int j = 0; j < N; j++) {
        factor[j] = inverse(g->scale[j]);
        offset[j] = g->min[j] * factor[j];
    }
    for (int i = 0; i < n; i++) {
        const float wi = w[i], wx = w[i] * x[i];
        s->w += wi;
        s->x += wx;
        s->xx += wx * x[i];
        levels_of(q, x[i], factor, offset, levels, N);
        for (int j = 0; j < N; j++) {
            s->q[j] += wi * q[j];
            s->qq[j] += wi * q[j] * q[j];
            s->xq[j] += wx * q[j];
        }
    }
}

/* Least squares. */
static void solve_scales(struct guesses *g, const struct fit_sums *s)
{
    for (int j = 0; j < N; j++) {
        g->scale[j] = s->xq[j] / positive(s->qq[j]);
        g->error[j] = s->xx - g->scale[j] * s->xq[j];
    }
}

static void solve_ranges(struct guesses *g, const struct fit_sums *s, bool any_min)
{
    const float least = any_min ? -INFINITY : 0;
    for (int j = 0; j < N; j++) {
        float det = s->w * s->qq[j] - s->q[j] * s->q[j];
        float scale = (s->w * s->xq[j] - s->x * s->q[j]) / positive(det);
        float min = (scale * s->q[j] - s->x) / positive(s->w);
        float alone = s->xq[j] / positive(s->qq[j]); /* the scale for no minimum */
        bool fits = (det > 0) & (scale > 0) & (min >= least);
        g->scale[j] = scale = fits ? scale : alone > 0 ? alone : 0;
        g->min[j] = min = fits ? min : 0;
        g->error[j] = s->xx + scale * (scale * s->qq[j] - 2 * (s->xq[j] + min * s->q[j])) +
                      min * (min * s->w + 2 * s->x);
    }
}

static struct fit best_of(const struct guesses *g)
{
    int best = 0;
    for (int j = 1; j < N; j++)
        if (g->error[j] < g->error[best])
            best = j;
    return (struct fit){g->scale[best], g->min[best]};
}

struct fit fit_scale(const float *x, const float *w, int n, const struct fit_levels *levels)
{
    struct guesses g = {0};
    struct fit_sums s;
    const float spread = levels->table ? 0.1f : 0.9f / (float)levels->high;
    float max = 0;
    for (int i = 0; i < n; i++)
        max = fabsf(x[i]) > fabsf(max) ? x[i] : max;
    if (max == 0)
        return (struct fit){0, 0};
    /* The largest number near either end of the levels. */
    for (int j = 0; j < N; j++) {
        const int pair = j / 2, last = N / 2 - 1;
        float stretch = 1 + spread * (float)(2 * pair - last) / (float)last;
        g.scale[j] = max / (stretch * (float)(j % 2 ? levels->high : levels->low));
    }
    for (int turn = 0; turn < TURNS; turn++) {
        sum_up(&s, x, w, n, levels, &g);
        solve_scales(&g, &s);
    }
    return best_of(&g);
}

struct fit fit_range(const float *x, const float *w, int n, int high, bool any_min)
{
    const struct fit_levels levels = {0, high, NULL};
    struct guesses g;
    struct fit_sums s;
    float min = any_min ? x[0] : 0, max = x[0];
    for (int i = 0; i < n; i++) {
        min = x[i] < min ? x[i] : min;
        max = x[i] > max ? x[i] : max;
    }
    if (max <= min)
        return (struct fit){0, -min};
    for (int j = 0; j < N; j++) {
        g.scale[j] = (max - min) / ((float)high - 1 + 2 * (float)j / (N - 1));
        g.min[j] = -min;
    }
    for (int turn = 0; turn < TURNS; turn++) {
        sum_up(&s, x, w, n, &levels, &g);
        solve_ranges(&g, &s, any_min);
    }
    return best_of(&g);
}

/* ---- comparing ---- */

static inline int best_tried(const float *x, const float *w, int n, const struct fit_levels *levels,
                             const struct fit *tried, int n_tried, float *error)
{
    float factor[FIT_MAX_TRIED], offset[FIT_MAX_TRIED], scale[FIT_MAX_TRIED], min[FIT_MAX_TRIED];
    float q[FIT_MAX_TRIED], errors[FIT_MAX_TRIED] = {0};
    for (int j = 0; j < n_tried; j++) {
        scale[j] = tried[j].scale;
        min[j] = tried[j].min;
        factor[j] = inverse(scale[j]);
        offset[j] = min[j] * factor[j];
    }
    for (int i = 0; i < n; i++) {
        levels_of(q, x[i], factor, offset, levels, n_tried);
        for (int j = 0; j < n_tried; j++) {
            float e = x[i] - (scale[j] * q[j] - min[j]);
            errors[j] += w[i] * e * e;
        }
    }
    int best = 0;
    for (int j = 1; j < n_tried; j++)
        if (errors[j] < errors[best])
            best = j;
    *error = errors[best];
    return best;
}

int fit_best(const float *x, const float *w, int n, const struct fit_levels *levels, const struct fit *tried,
             int n_tried, float *error)
{
    /* Loops of a length that the compiler knows. */
    if (n_tried == FIT_MAX_TRIED)
        return best_tried(x, w, n, levels, tried, FIT_MAX_TRIED, error);
    return best_tried(x, w, n, levels, tried, n_tried, error);
}

void fit_choose(int8_t *q, const float *x, int n, const struct fit_levels *levels, struct fit fit)
{
    const float factor = inverse(fit.scale), offset = fit.min * factor;
    for (int i = 0; i < n; i++) {
        float level;
        levels_of(&level, x[i], &factor, &offset, levels, 1);
        q[i] = (int8_t)level;
    }
}

/* ---- magnitudes ---- */

static float largest_magnitude(const float *x, int n)
{
    float max = 0;
    for (int i = 0; i < n; i++)
        max = fabsf(x[i]) > max ? fabsf(x[i]) : max;
    return max;
}

/* Weights of n numbers near 1. Without importance a large number counts up to twice as much as a small one: what it is
 * multiplied with is not known, but models suffer more from its error (llama.cpp does so too, more strongly). */
static void choose_weights(float *weights, const float *x, const float *importance, int n)
{
    const float most = importance ? largest_magnitude(importance, n) : 0;
    float squares = 0;
    for (int i = 0; i < n; i++)
        squares += x[i] * x[i];
    const float rms = sqrtf(squares / (float)n);
    for (int i = 0; i < n; i++)
        weights[i] = most > 0 && most <= 0x1p126f ? importance[i] / most : 2 * rms + fabsf(x[i]);
}

bool fit_prepare(float *out, float *weights, int *exponent, const float *x, const float *importance, int n)
{
    float max = largest_magnitude(x, n), sum = 0;
    for (int i = 0; i < n; i++)
        sum += x[i] - x[i]; /* NaN for what is none, and for infinities */
    if (sum != 0)
        return false;
    *exponent = 0;
    if (max > 0)
        frexpf(max, exponent);
    *exponent = *exponent < -126 ? -126 : *exponent > 126 ? 126 : *exponent;
    const float factor = ldexpf(1, -*exponent);
    for (int i = 0; i < n; i++)
        out[i] = x[i] * factor;
    choose_weights(weights, out, importance, n);
    return true;
}

float fit_round(float d, int exponent)
{
    return ldexpf(half_to_float(float_to_half(ldexpf(d, exponent))), -exponent);
}
