#include "quant/blocks.h"
#include "quant/half.h"

enum { BLOCK_LEN = 256 };

/* Bits of element e lie in byte e % 32 of a group of 32 bytes, so that 32 neighbours are read with one shift. */

void dequantize_q2_k(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 84) {
        const uint8_t *scales = block, *q = block + 16;
        float d = load_half(block + 80), dmin = load_half(block + 82);
        for (int e = 0; e < BLOCK_LEN; e += 16) {
            float scale = d * (float)(scales[e / 16] & 15), min = dmin * (float)(scales[e / 16] >> 4);
            const uint8_t *bytes = q + e / 128 * 32 + e % 32;
            int shift = e / 32 % 4 * 2;
            for (int j = 0; j < 16; j++)
                dst[i + e + j] = scale * (float)(bytes[j] >> shift & 3) - min;
        }
    }
}

/* Six bits each: the low four of scale i in byte i % 8, the high two in byte 8 + i % 4. */
int q3_k_scale(const uint8_t *scales, int i)
{
    int low = scales[i % 8] >> i / 8 * 4 & 15, high = scales[8 + i % 4] >> i / 4 * 2 & 3;
    return (low | high << 4) - 32;
}

void dequantize_q3_k(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 110) {
        const uint8_t *high = block, *q = block + 32, *scales = block + 96;
        float d = load_half(block + 108);
        for (int e = 0; e < BLOCK_LEN; e += 16) {
            float scale = d * (float)q3_k_scale(scales, e / 16);
            const uint8_t *bytes = q + e / 128 * 32 + e % 32, *high_bytes = high + e % 32;
            int shift = e / 32 % 4 * 2, high_shift = e / 32;
            for (int j = 0; j < 16; j++) {
                int level = (bytes[j] >> shift & 3) | (high_bytes[j] >> high_shift & 1) << 2;
                dst[i + e + j] = scale * (float)(level - 4);
            }
        }
    }
}

/* Scale and minimum of sub-block i < 8 in Q4_K and Q5_K, six bits each: the first four are the low bits of bytes i
 * and i + 4; the others have their low four bits in byte i + 4 and their high two on top of bytes i - 4 and i. */
void q4_k_scale(const uint8_t *scales, int i, int *scale, int *min)
{
    if (i < 4) {
        *scale = scales[i] & 63;
        *min = scales[i + 4] & 63;
    } else {
        *scale = (scales[i + 4] & 15) | scales[i - 4] >> 6 << 4;
        *min = scales[i + 4] >> 4 | scales[i] >> 6 << 4;
    }
}

void dequantize_q4_k(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 144) {
        float d = load_half(block), dmin = load_half(block + 2);
        for (int e = 0; e < BLOCK_LEN; e += 32) {
            int scale_level, min_level, shift = e / 32 % 2 * 4;
            q4_k_scale(block + 4, e / 32, &scale_level, &min_level);
            float scale = d * (float)scale_level, min = dmin * (float)min_level;
            const uint8_t *bytes = block + 16 + e / 64 * 32;
            for (int j = 0; j < 32; j++)
                dst[i + e + j] = scale * (float)(bytes[j] >> shift & 15) - min;
        }
    }
}

void dequantize_q5_k(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 176) {
        const uint8_t *high_bytes = block + 16;
        float d = load_half(block), dmin = load_half(block + 2);
        for (int e = 0; e < BLOCK_LEN; e += 32) {
            int scale_level, min_level, shift = e / 32 % 2 * 4, high_shift = e / 32;
            q4_k_scale(block + 4, e / 32, &scale_level, &min_level);
            float scale = d * (float)scale_level, min = dmin * (float)min_level;
            const uint8_t *bytes = block + 48 + e / 64 * 32;
            for (int j = 0; j < 32; j++) {
                int level = (bytes[j] >> shift & 15) | (high_bytes[j] >> high_shift & 1) << 4;
                dst[i + e + j] = scale * (float)level - min;
            }
        }
    }
}

void dequantize_q6_k(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 210) {
        const uint8_t *scales = block + 192;
        float d = load_half(block + 208);
        for (int e = 0; e < BLOCK_LEN; e += 16) {
            float scale = d * (float)(int8_t)scales[e / 16];
            const uint8_t *bytes = block + e / 128 * 64 + e % 64;
            const uint8_t *high_bytes = block + 128 + e / 128 * 32 + e % 32;
            int shift = e / 64 % 2 * 4, high_shift = e / 32 % 4 * 2;
            for (int j = 0; j < 16; j++) {
                int level = (bytes[j] >> shift & 15) | (high_bytes[j] >> high_shift & 3) << 4;
                dst[i + e + j] = scale * (float)(level - 32);
            }
        }
    }
}
