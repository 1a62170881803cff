/* Formats of 1 to 3 bits whose codes choose points of a grid for 4 or 8 elements at once. */
#include "quant/blocks.h"
#include "quant/grids.h"
#include "quant/half.h"

#include <stdbool.h>

/* What the numbers in points stand for. */
static const float values_2[4] = {0x08, 0x19, 0x2b};
static const float values_3_xxs[8] = {0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3e};
static const float values_3_s[8] = {0x01, 0x03, 0x05, 0x07, 0x09, 0x0b, 0x0d, 0x0f};

static uint16_t load_16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t load_32(const uint8_t *p)
{
    return (uint32_t)load_16(p) | (uint32_t)load_16(p + 2) << 16;
}

/* Of seven signs, bit 7 of which makes their number even. */
static unsigned signs_of(unsigned seven)
{
    return seven | (unsigned)__builtin_parity(seven) << 7;
}

/* Eight elements; bit i of `signs`: element i is negative. */
static void put_8(float *x, uint16_t point, unsigned signs, float scale)
{
    for (int i = 0; i < 8; i++) {
        float y = scale * values_2[point >> 2 * i & 3];
        x[i] = signs >> i & 1 ? -y : y;
    }
}

static void put_4(float *x, const float *values, uint16_t point, unsigned signs, float scale)
{
    for (int i = 0; i < 4; i++) {
        float y = scale * values[point >> 4 * i & 7];
        x[i] = signs >> i & 1 ? -y : y;
    }
}

/* ---- 2 bits ---- */

void dequantize_iq2_xxs(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 66)
        for (size_t part = 0; part < 8; part++) {
            const uint8_t *q = block + 2 + 8 * part;
            uint32_t more = load_32(q + 4);
            float scale = load_half(block) * (0.5f + (float)(more >> 28)) * 0.25f;
            for (size_t j = 0; j < 4; j++)
                put_8(dst + i + 32 * part + 8 * j, quant_grid_iq2_xxs[q[j]], signs_of(more >> 7 * j & 127),
                      scale);
        }
}

void dequantize_iq2_xs(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 74)
        for (size_t j = 0; j < 32; j++) {
            unsigned q = load_16(block + 2 + 2 * j), s = block[66 + j / 4] >> j / 2 % 2 * 4 & 15;
            float scale = load_half(block) * (0.5f + (float)s) * 0.25f;
            put_8(dst + i + 8 * j, quant_grid_iq2_xs[q & 511], signs_of(q >> 9), scale);
        }
}

void dequantize_iq2_s(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 82)
        for (size_t j = 0; j < 32; j++) {
            unsigned high = block[66 + j / 4] >> j % 4 * 2 & 3, s = block[74 + j / 4] >> j / 2 % 2 * 4 & 15;
            float scale = load_half(block) * (0.5f + (float)s) * 0.25f;
            put_8(dst + i + 8 * j, quant_grid_iq2_s[block[2 + j] | high << 8], block[34 + j], scale);
        }
}

/* ---- 3 bits ---- */

void dequantize_iq3_xxs(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 98)
        for (size_t j = 0; j < 64; j++) {
            uint32_t more = load_32(block + 66 + j / 8 * 4);
            unsigned signs = signs_of(more >> j % 8 / 2 * 7 & 127) >> j % 2 * 4;
            float scale = load_half(block) * (0.5f + (float)(more >> 28)) * 0.5f;
            put_4(dst + i + 4 * j, values_3_xxs, quant_grid_iq3_xxs[block[2 + j]], signs, scale);
        }
}

void dequantize_iq3_s(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 110)
        for (size_t j = 0; j < 64; j++) {
            unsigned high = block[66 + j / 8] >> j % 8 & 1, signs = block[74 + j / 2] >> j % 2 * 4;
            float scale = load_half(block) * (float)(1 + 2 * (block[106 + j / 16] >> j / 8 % 2 * 4 & 15));
            put_4(dst + i + 4 * j, values_3_s, quant_grid_iq3_s[block[2 + j] | high << 8], signs, scale);
        }
}

/* ---- 1 bit ---- */

/* Values are -1, 0 and 1, all moved by an eighth. */
static void put_ones(float *x, uint16_t point, bool down, float scale)
{
    for (int i = 0; i < 8; i++)
        x[i] = scale * ((float)(point >> 2 * i & 3) - 1 + (down ? -0.125f : 0.125f));
}

void dequantize_iq1_s(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 50)
        for (size_t j = 0; j < 32; j++) {
            unsigned more = load_16(block + 34 + j / 4 * 2), high = more >> j % 4 * 3 & 7;
            float scale = load_half(block) * (float)(2 * (more >> 12 & 7) + 1);
            put_ones(dst + i + 8 * j, quant_grid_iq1[block[2 + j] | high << 8], more >> 15, scale);
        }
}

/* The block's own scale is in the upper four bits of four words, the first in the lowest. */
static float spread_half(const uint8_t *words)
{
    unsigned bits = 0;
    for (size_t i = 0; i < 4; i++)
        bits |= (unsigned)(load_16(words + 2 * i) >> 12) << 4 * i;
    return half_to_float((uint16_t)bits);
}

void dequantize_iq1_m(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 56) {
        const uint8_t *scales = block + 48;
        float d = spread_half(scales);
        for (size_t j = 0; j < 32; j++) {
            unsigned more = block[32 + j / 2] >> j % 2 * 4,
                     s = load_16(scales + j / 8 * 2) >> j / 2 % 4 * 3 & 7;
            put_ones(dst + i + 8 * j, quant_grid_iq1[block[j] | (more & 7) << 8], more >> 3 & 1,
                     d * (float)(2 * s + 1));
        }
    }
}
