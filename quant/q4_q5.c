#include "quant/blocks.h"
#include "quant/fit.h"
#include "quant/half.h"

#include <math.h>

enum { BLOCK_LEN = 32, HALF_LEN = BLOCK_LEN / 2 };

/* ---- to float32 ---- */

/* Elements i and i + 16 of a block. */
static void unpack4(float *x, const uint8_t *q, float d, int offset, float min)
{
    for (int i = 0; i < HALF_LEN; i++) {
        x[i] = d * (float)((q[i] & 15) - offset) + min;
        x[i + HALF_LEN] = d * (float)((q[i] >> 4) - offset) + min;
    }
}

static void unpack5(float *x, const uint8_t *high_bytes, const uint8_t *q, float d, int offset, float min)
{
    uint32_t high;
    memcpy(&high, high_bytes, sizeof high);
    for (int i = 0; i < HALF_LEN; i++) {
        int low_half = (q[i] & 15) | (int)(high >> i & 1) << 4;
        int high_half = (q[i] >> 4) | (int)(high >> (i + HALF_LEN) & 1) << 4;
        x[i] = d * (float)(low_half - offset) + min;
        x[i + HALF_LEN] = d * (float)(high_half - offset) + min;
    }
}

/* Adding -0 changes no number, not even a zero's sign. */
#define NO_MIN -0.0f

void dequantize_q4_0(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 18)
        unpack4(dst + i, block + 2, load_half(block), 8, NO_MIN);
}

void dequantize_q4_1(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 20)
        unpack4(dst + i, block + 4, load_half(block), 0, load_half(block + 2));
}

void dequantize_q5_0(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 22)
        unpack5(dst + i, block + 2, block + 6, load_half(block), 16, NO_MIN);
}

void dequantize_q5_1(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 24)
        unpack5(dst + i, block + 4, block + 8, load_half(block), 0, load_half(block + 2));
}

/* ---- from float32 ---- */

static float inverse(float d)
{
    return d == 0 ? 0 : 1 / d;
}

/* x cut to an integer of 0 to max; what is none (infinities, NaN) becomes 0. */
static uint8_t level(float x, int max)
{
    int i = fabsf(x) < 1024 ? (int)x : 0;
    return (uint8_t)(i < 0 ? 0 : i > max ? max : i);
}

/* The first element of the largest magnitude, or the first NaN. */
static float largest(const float *x)
{
    float max = x[0];
    for (int i = 1; i < BLOCK_LEN; i++)
        if (fabsf(x[i]) > fabsf(max) || (isnan(x[i]) && !isnan(max)))
            max = x[i];
    return max;
}

static void find_range(const float *x, float *min, float *max)
{
    *min = *max = x[0];
    for (int i = 1; i < BLOCK_LEN; i++) {
        if (x[i] < *min || isnan(x[i]))
            *min = x[i];
        if (x[i] > *max || isnan(x[i]))
            *max = x[i];
    }
}

static void pack4(uint8_t *q, const uint8_t *levels)
{
    for (int i = 0; i < HALF_LEN; i++)
        q[i] = (uint8_t)((levels[i] & 15) | levels[i + HALF_LEN] << 4);
}

static void pack_high(uint8_t *high_bytes, const uint8_t *levels)
{
    uint32_t high = 0;
    for (int i = 0; i < BLOCK_LEN; i++)
        high |= (uint32_t)(levels[i] >> 4) << i;
    memcpy(high_bytes, &high, sizeof high);
}

static const float *part(const float *importance, size_t i)
{
    return importance ? importance + i : NULL;
}

/* The two functions below give importance its due. */

static float search_symmetric(uint8_t *levels, const float *x, int n_levels, const float *importance)
{
    const struct fit_levels form = {-n_levels / 2, n_levels / 2 - 1, NULL};
    float near[BLOCK_LEN], w[BLOCK_LEN];
    int8_t q[BLOCK_LEN];
    int exponent;
    memset(levels, 0, BLOCK_LEN);
    if (!fit_prepare(near, w, &exponent, x, importance, BLOCK_LEN))
        return NAN;
    float d = fit_round(fit_scale(near, w, BLOCK_LEN, &form).scale, exponent);
    fit_choose(q, near, BLOCK_LEN, &form, (struct fit){d, 0});
    for (int i = 0; i < BLOCK_LEN; i++)
        levels[i] = (uint8_t)(q[i] - form.low);
    return ldexpf(d, exponent);
}

static float search_range(uint8_t *levels, const float *x, int n_levels, const float *importance, float *min)
{
    const struct fit_levels form = {0, n_levels - 1, NULL};
    float near[BLOCK_LEN], w[BLOCK_LEN];
    int8_t q[BLOCK_LEN];
    int exponent;
    memset(levels, 0, BLOCK_LEN);
    *min = NAN;
    if (!fit_prepare(near, w, &exponent, x, importance, BLOCK_LEN))
        return NAN;
    struct fit fit = fit_range(near, w, BLOCK_LEN, form.high, true);
    fit = (struct fit){fit_round(fit.scale, exponent), fit_round(fit.min, exponent)};
    fit_choose(q, near, BLOCK_LEN, &form, fit);
    for (int i = 0; i < BLOCK_LEN; i++)
        levels[i] = (uint8_t)q[i];
    *min = ldexpf(-fit.min, exponent);
    return ldexpf(fit.scale, exponent);
}

/* The largest element becomes level 0, which is -n_levels / 2. */
static float choose_symmetric(uint8_t *levels, const float *x, int n_levels, const float *importance)
{
    if (importance)
        return search_symmetric(levels, x, n_levels, importance);
    const int half = n_levels / 2;
    float d = largest(x) / (float)-half, scale = inverse(d);
    for (int i = 0; i < BLOCK_LEN; i++)
        levels[i] = level(x[i] * scale + ((float)half + 0.5f), n_levels - 1);
    return d;
}

static float choose_range(uint8_t *levels, const float *x, int n_levels, const float *importance, float *min)
{
    float max;
    if (importance)
        return search_range(levels, x, n_levels, importance, min);
    find_range(x, min, &max);
    float d = (max - *min) / (float)(n_levels - 1), scale = inverse(d);
    for (int i = 0; i < BLOCK_LEN; i++)
        levels[i] = level((x[i] - *min) * scale + 0.5f, n_levels - 1);
    return d;
}

void quantize_q4_0(void *dst, const float *src, size_t n, const float *importance)
{
    uint8_t *block = dst, levels[BLOCK_LEN];
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 18) {
        store_half(block, choose_symmetric(levels, src + i, 16, part(importance, i)));
        pack4(block + 2, levels);
    }
}

void quantize_q4_1(void *dst, const float *src, size_t n, const float *importance)
{
    uint8_t *block = dst, levels[BLOCK_LEN];
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 20) {
        float min;
        store_half(block, choose_range(levels, src + i, 16, part(importance, i), &min));
        store_half(block + 2, min);
        pack4(block + 4, levels);
    }
}

void quantize_q5_0(void *dst, const float *src, size_t n, const float *importance)
{
    uint8_t *block = dst, levels[BLOCK_LEN];
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 22) {
        store_half(block, choose_symmetric(levels, src + i, 32, part(importance, i)));
        pack_high(block + 2, levels);
        pack4(block + 6, levels);
    }
}

void quantize_q5_1(void *dst, const float *src, size_t n, const float *importance)
{
    uint8_t *block = dst, levels[BLOCK_LEN];
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 24) {
        float min;
        store_half(block, choose_range(levels, src + i, 32, part(importance, i), &min));
        store_half(block + 2, min);
        pack_high(block + 4, levels);
        pack4(block + 8, levels);
    }
}
