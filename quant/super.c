#include "quant/super.h"

#include <math.h>

/* A superblock's numbers near 1, see fit_prepare. */
struct super_source {
    float x[SUPER_LEN], w[SUPER_LEN];
    int exponent;
};

/* The integer below a / b, or the nearest to that from low to high. */
static int below(float a, float b, int low, int high)
{
    float x = b != 0 ? floorf(a / b) : 0;
    return x >= (float)high ? high : x > (float)low ? (int)x : low;
}

static int at_most(int x, int high)
{
    return x < high ? x : high;
}

/* ---- scales ---- */

/* All sub-blocks' integers for this d, each the best of the four around its scale; returns the error. */
static float choose_scales(struct super_block *b, const struct super_source *s, const struct super_form *f,
                           const struct fit *fits, float d)
{
    float sum = 0, error;
    b->d = d;
    for (int i = 0; i < SUPER_LEN / f->sub_len; i++) {
        const float *x = s->x + i * f->sub_len, *w = s->w + i * f->sub_len;
        int first = below(fits[i].scale, d, f->scale_low + 1, f->scale_high) - 1;
        struct fit tried[4];
        for (int j = 0; j < 4; j++)
            tried[j] = (struct fit){d * (float)at_most(first + j, f->scale_high), 0};
        int best = fit_best(x, w, f->sub_len, &f->levels, tried, 4, &error);
        b->scales[i] = (int8_t)at_most(first + best, f->scale_high);
        fit_choose(b->q + i * f->sub_len, x, f->sub_len, &f->levels, tried[best]);
        sum += error;
    }
    return sum;
}

/* The d that suits b's integers best. */
static float solve_d(const struct super_block *b, const struct super_source *s, const struct super_form *f)
{
    double xy = 0, yy = 0;
    for (int i = 0; i < SUPER_LEN; i++) {
        const int sub = i / f->sub_len, y = b->scales[sub] * b->q[i];
        const double wy = (double)s->w[i] * y;
        xy += wy * (double)s->x[i];
        yy += wy * y;
    }
    return yy > 0 ? (float)(xy / yy) : 0;
}

static void finish(struct super_block *b, int exponent)
{
    b->d = ldexpf(b->d, exponent);
    b->dmin = ldexpf(b->dmin, exponent);
}

static void set_nan(struct super_block *b)
{
    *b = (struct super_block){.d = NAN, .dmin = NAN};
}

/* Integers for d, then d for the integers, in turn while the error falls; the bound is for its time. */
enum { MAX_TURNS = 4 };

void super_fit_scales(struct super_block *b, const float *x, const float *importance,
                      const struct super_form *f)
{
    struct super_source s;
    struct super_block guess = {0};
    struct fit fits[SUPER_MAX_SUBS];
    float best = INFINITY, extreme = 0;
    set_nan(b);
    if (!fit_prepare(s.x, s.w, &s.exponent, x, importance, SUPER_LEN))
        return;
    for (int i = 0; i < SUPER_LEN / f->sub_len; i++) {
        fits[i] = fit_scale(s.x + i * f->sub_len, s.w + i * f->sub_len, f->sub_len, &f->levels);
        extreme = fabsf(fits[i].scale) > fabsf(extreme) ? fits[i].scale : extreme;
    }
    float d = extreme / (float)f->scale_low;
    for (int turn = 0; turn < MAX_TURNS; turn++) {
        float error = choose_scales(&guess, &s, f, fits, fit_round(d, s.exponent));
        if (!(error < best))
            break;
        best = error;
        *b = guess;
        d = solve_d(b, &s, f);
    }
    finish(b, s.exponent);
}

/* ---- ranges ---- */

/* All sub-blocks' integers for this d and dmin, each pair the best of the 16 around its range; returns the error. */
static float choose_ranges(struct super_block *b, const struct super_source *s, const struct super_form *f,
                           const struct fit *fits, float d, float dmin)
{
    float sum = 0, error;
    b->d = d;
    b->dmin = dmin;
    for (int i = 0; i < SUPER_LEN / f->sub_len; i++) {
        const float *x = s->x + i * f->sub_len, *w = s->w + i * f->sub_len;
        int scale = below(fits[i].scale, d, 1, f->scale_high) - 1;
        int min = below(fits[i].min, dmin, 1, f->scale_high) - 1;
        struct fit tried[16];
        for (int j = 0; j < 16; j++)
            tried[j] = (struct fit){d * (float)at_most(scale + j / 4, f->scale_high),
                                    dmin * (float)at_most(min + j % 4, f->scale_high)};
        int best = fit_best(x, w, f->sub_len, &f->levels, tried, 16, &error);
        b->scales[i] = (int8_t)at_most(scale + best / 4, f->scale_high);
        b->mins[i] = (uint8_t)at_most(min + best % 4, f->scale_high);
        fit_choose(b->q + i * f->sub_len, x, f->sub_len, &f->levels, tried[best]);
        sum += error;
    }
    return sum;
}

/* The d and dmin that suit b's integers best, where there are such. */
static void solve_d_dmin(const struct super_block *b, const struct super_source *s,
                         const struct super_form *f, float *d, float *dmin)
{
    double yy = 0, ym = 0, mm = 0, xy = 0, xm = 0;
    for (int i = 0; i < SUPER_LEN; i++) {
        const int sub = i / f->sub_len;
        const double w = (double)s->w[i], x = (double)s->x[i], m = b->mins[sub], y = b->scales[sub] * b->q[i];
        yy += w * y * y;
        ym += w * y * m;
        mm += w * m * m;
        xy += w * x * y;
        xm += w * x * m;
    }
    double det = yy * mm - ym * ym;
    if (det <= 0)
        return;
    double new_d = (xy * mm - xm * ym) / det, new_dmin = (xy * ym - xm * yy) / det;
    if (new_d > 0 && new_dmin >= 0) {
        *d = (float)new_d;
        *dmin = (float)new_dmin;
    }
}

void super_fit_ranges(struct super_block *b, const float *x, const float *importance,
                      const struct super_form *f)
{
    struct super_source s;
    struct super_block guess = {0};
    struct fit fits[SUPER_MAX_SUBS];
    float best = INFINITY, d = 0, dmin = 0;
    set_nan(b);
    if (!fit_prepare(s.x, s.w, &s.exponent, x, importance, SUPER_LEN))
        return;
    for (int i = 0; i < SUPER_LEN / f->sub_len; i++) {
        int at = i * f->sub_len;
        fits[i] = fit_range(s.x + at, s.w + at, f->sub_len, f->levels.high, false);
        d = fits[i].scale > d ? fits[i].scale : d;
        dmin = fits[i].min > dmin ? fits[i].min : dmin;
    }
    d /= (float)f->scale_high;
    dmin /= (float)f->scale_high;
    for (int turn = 0; turn < MAX_TURNS; turn++) {
        float error =
            choose_ranges(&guess, &s, f, fits, fit_round(d, s.exponent), fit_round(dmin, s.exponent));
        if (!(error < best))
            break;
        best = error;
        *b = guess;
        solve_d_dmin(b, &s, f, &d, &dmin);
    }
    finish(b, s.exponent);
}
