#include "kernels/scalar/scalar.h"

#include <string.h>

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static float f32_of_f16(uint16_t h)
{
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, mantissa = h & 0x3ff;
    if (exponent == 0) { /* zero and denormals: mantissa * 2^-24, exact */
        const float x = (float)mantissa * 0x1p-24f;
        return sign ? -x : x;
    }
    if (exponent == 31) /* NaN is made quiet, as the hardware does it */
        return float_of(sign | 0x7f800000 | mantissa << 13 | (mantissa ? 0x400000 : 0));
    return float_of(sign | (exponent + 112) << 23 | mantissa << 13);
}

/* x / 2^shift, to nearest, ties to even. */
static uint32_t shift_to_even(uint32_t x, unsigned shift)
{
    return (x + (1u << (shift - 1)) - 1 + (x >> shift & 1)) >> shift;
}

static uint16_t f16_of_f32(float x)
{
    const uint32_t bits = bits_of(x), magnitude = bits & 0x7fffffff;
    const uint16_t sign = bits >> 16 & 0x8000;
    if (magnitude > 0x7f800000) /* NaN */
        return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
    if (magnitude >= 0x477ff000) /* 65520 and more round to infinity */
        return sign | 0x7c00;
    if (magnitude >= 0x38800000) /* 2^-14: normal in both; a carry out of the mantissa raises the exponent */
        return (uint16_t)(sign | shift_to_even(magnitude - (112u << 23), 13));
    if (magnitude < 0x33000000) /* below 2^-25 */
        return sign;
    /* A denormal: the mantissa with its hidden bit, in units of 2^-24. */
    return (uint16_t)(sign | shift_to_even((magnitude & 0x7fffff) | 0x800000, 126 - (magnitude >> 23)));
}

static uint16_t bf16_of_f32(float x)
{
    const uint32_t bits = bits_of(x);
    if ((bits & 0x7fffffff) > 0x7f800000) /* NaN: rounding could make it an infinity */
        return (uint16_t)(bits >> 16 | 0x40);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

void scalar_f16_to_f32(float *dst, const uint16_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = f32_of_f16(src[i]);
}

void scalar_bf16_to_f32(float *dst, const uint16_t *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = float_of((uint32_t)src[i] << 16);
}

void scalar_f32_to_f16(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = f16_of_f32(src[i]);
}

void scalar_f32_to_bf16(uint16_t *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = bf16_of_f32(src[i]);
}
