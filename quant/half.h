/* Single 16-bit floats, for the scales of block formats. Whole rows go through the kernels' conversions. */
#ifndef QUANT_HALF_H
#define QUANT_HALF_H

#include <stdint.h>
#include <string.h>

static inline uint32_t float_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline float float_of_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* IEEE binary16. The float whose exponent is moved into place is right but for the bias, which a product mends
 * exactly, subnormals included. */
static inline float half_to_float(uint16_t h)
{
    uint32_t sign = (uint32_t)(h & 0x8000) << 16, rest = (uint32_t)(h & 0x7fff) << 13;
    if (rest >= 0x7c00u << 13) /* infinity, NaN */
        return float_of_bits(sign | 0x7f800000u | rest);
    return float_of_bits(sign | float_bits(float_of_bits(rest) * 0x1p112f));
}

/* To nearest, ties to even. */
static inline uint16_t float_to_half(float x)
{
    uint32_t bits = float_bits(x), magnitude = bits & 0x7fffffffu;
    uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    if (magnitude > 0x7f800000u) /* NaN: quiet */
        return sign | 0x7e00 | (magnitude >> 13 & 0x3ff);
    if (magnitude >= 0x47800000u) /* 2^16 and up */
        return sign | 0x7c00;
    if (magnitude < 0x38800000u) /* below 2^-14: adding 2^-1 rounds at the subnormals' last bit, 2^-24 */
        return sign | (uint16_t)(float_bits(float_of_bits(magnitude) + 0.5f) - 0x3f000000u);
    return sign | (uint16_t)((magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

static inline float load_half(const void *p)
{
    uint16_t h;
    memcpy(&h, p, sizeof h);
    return half_to_float(h);
}

static inline void store_half(void *p, float x)
{
    uint16_t h = float_to_half(x);
    memcpy(p, &h, sizeof h);
}

#endif
