/* Searches for the scale, and the minimum, with which a run of numbers is least changed when each becomes one of a few
 * levels. The error is the sum of w (x - y)^2; x should be near 1 in magnitude, so that its squares are numbers too.
 *
 * Scales by least squares for levels that are known, levels by rounding for a scale that is known, in turns (S. Lloyd,
 * Least squares quantization in PCM, 1982), from many first guesses side by side. */
#ifndef QUANT_FIT_H
#define QUANT_FIT_H

#include <stdbool.h>
#include <stdint.h>

/* So many are weighed side by side, each in an element of a vector, or of two or four. */
#define FIT_MAX_TRIED 16

/* The levels a number may take: all integers from low to high, or the 16 of an ascending table. */
struct fit_levels {
    int low, high;
    const int8_t *table; /* NULL: integers */
};

/* What a level stands for: y = scale * level - min. */
struct fit {
    float scale, min;
};

/* x, w [n], n at most 256. The best scale (of either sign; 0 for nothing but zeros) where min is 0. */
struct fit fit_scale(const float *x, const float *w, int n, const struct fit_levels *levels);

/* The best scale >= 0 and min, which is >= 0 too unless any_min, for integers from 0. */
struct fit fit_range(const float *x, const float *w, int n, int high, bool any_min);

/* Index of the best of n_tried fits, at most FIT_MAX_TRIED; its error in *error. */
int fit_best(const float *x, const float *w, int n, const struct fit_levels *levels, const struct fit *tried,
             int n_tried, float *error);

/* The nearest level of each x. */
void fit_choose(int8_t *q, const float *x, int n, const struct fit_levels *levels, struct fit fit);

/* Brings x near 1 by a power of two, so that squares and sums of it are numbers too: out[n] = x 2^-exponent, and
 * weights[n] of at most 1 from importance, where NULL is all the same. Returns false where x holds an infinity or
 * NaN. */
bool fit_prepare(float *out, float *weights, int *exponent, const float *x, const float *importance, int n);

/* A scale for such numbers as a file will hold it, in binary16. */
float fit_round(float d, int exponent);

#endif
