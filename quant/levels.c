/* Types whose elements are a scale times one of at most sixteen levels, taken apart for products that look levels up. A code
 * of three bits and a sign is one of sixteen as well, so the points of the IQ3 grids become codes of single elements. */
#include "quant/blocks.h"
#include "quant/half.h"

#include <math.h>
#include <string.h>

enum { SUPER_LEN = 256, HALF = 16, N_HALVES = SUPER_LEN / HALF };

/* Denser near zero. */
const int8_t levels_iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
/* Numbers of one sign, two exponent bits and one mantissa bit, twice as large; halves of the scale make up for it. */
const int8_t levels_mxfp4[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
const int8_t levels_iq3_xxs[16] = {4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62};
const int8_t levels_iq3_s[16] = {1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};
const int8_t levels_q3_k[16] = {-4, -3, -2, -1, 0, 1, 2, 3};

/* ---- blocks of 32 ---- */

static void unpack(uint8_t *q, const uint8_t *bytes)
{
    for (size_t i = 0; i < 16; i++) {
        q[i] = bytes[i] & 15;
        q[i + 16] = bytes[i] >> 4;
    }
}

void nibbles_iq4_nl(uint8_t *q, float *scales, float *offsets, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 32, block += 18) {
        unpack(q + i, block + 2);
        *scales++ = load_half(block);
        *offsets++ = 0;
    }
}

void nibbles_mxfp4(uint8_t *q, float *scales, float *offsets, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 32, block += 17) {
        unpack(q + i, block + 1);
        *scales++ = ldexpf(1, block[0] - 128);
        *offsets++ = 0;
    }
}

/* ---- superblocks ---- */

/* What is to be known of a type: d and the scales of all halves of a superblock, from its bytes. */
struct super_type {
    size_t size;
    const int8_t *levels;
    float (*scales)(int8_t scales[N_HALVES], const uint8_t *block);
    void (*dequantize)(float *dst, const void *src, size_t n);
};

/* The codes of levels that make x, of a half; where its scale is zero any would. */
static void find_codes(uint8_t *codes, const float *x, float scale, const uint8_t code_of[256])
{
    for (size_t e = 0; e < HALF; e++) {
        const float level = rintf(x[e] / scale);
        codes[e] = level >= -128 && level <= 127 ? code_of[(int)level + 128] : 0;
    }
}

static void take_apart(const struct super_type *type, uint8_t *codes, int8_t *scales, uint16_t *super_scales,
                       const void *src, size_t n)
{
    const uint8_t *block = src;
    uint8_t code_of[256] = {0};
    float x[SUPER_LEN];
    for (size_t i = 0; i < 16; i++)
        code_of[type->levels[i] + 128] = (uint8_t)i;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += type->size, scales += N_HALVES, super_scales += 2) {
        const float d = type->scales(scales, block);
        uint32_t bits;
        memcpy(&bits, &d, sizeof bits);
        super_scales[0] = (uint16_t)bits;
        super_scales[1] = (uint16_t)(bits >> 16);
        type->dequantize(x, block, SUPER_LEN);
        for (size_t half = 0; half < N_HALVES; half++)
            find_codes(codes + i + half * HALF, x + half * HALF, d * (float)scales[half], code_of);
    }
}

static float scales_iq4_xs(int8_t scales[N_HALVES], const uint8_t *block)
{
    const int high_bits = block[2] | block[3] << 8;
    for (size_t b = 0; b < N_HALVES / 2; b++) {
        const int low = block[4 + b / 2] >> b % 2 * 4 & 15, high = high_bits >> 2 * b & 3;
        scales[2 * b] = scales[2 * b + 1] = (int8_t)((low | high << 4) - 32);
    }
    return load_half(block);
}

/* d (1/2 + s) 1/2 */
static float scales_iq3_xxs(int8_t scales[N_HALVES], const uint8_t *block)
{
    for (size_t b = 0; b < N_HALVES / 2; b++)
        scales[2 * b] = scales[2 * b + 1] = (int8_t)(2 * (block[66 + 4 * b + 3] >> 4) + 1);
    return load_half(block) * 0.25f;
}

static float scales_iq3_s(int8_t scales[N_HALVES], const uint8_t *block)
{
    for (size_t b = 0; b < N_HALVES / 2; b++)
        scales[2 * b] = scales[2 * b + 1] = (int8_t)(1 + 2 * (block[106 + b / 2] >> b % 2 * 4 & 15));
    return load_half(block);
}

static float scales_q3_k(int8_t scales[N_HALVES], const uint8_t *block)
{
    for (int i = 0; i < N_HALVES; i++)
        scales[i] = (int8_t)q3_k_scale(block + 96, i);
    return load_half(block + 108);
}

#define CODES(type, size, levels)                                                                            \
    void codes_##type(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n)     \
    {                                                                                                        \
        static const struct super_type form = {size, levels, scales_##type, dequantize_##type};              \
        take_apart(&form, codes, scales, super_scales, src, n);                                              \
    }
CODES(iq4_xs, 136, levels_iq4)
CODES(iq3_xxs, 98, levels_iq3_xxs)
CODES(iq3_s, 110, levels_iq3_s)
CODES(q3_k, 110, levels_q3_k)
