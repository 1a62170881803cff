/* K-quants of 4 to 6 bits taken apart, for products that compute with their codes. */
#include "quant/blocks.h"

#include <string.h>

enum { BLOCK_LEN = 256, SUB_LEN = 32 };

/* Scale and minimum of eight sub-blocks; w = d scale code - dmin min, so the sign goes with dmin. */
static void ranges(int8_t *scales, uint16_t *super_scales, const uint8_t *block)
{
    memcpy(super_scales, block, 2 * sizeof *super_scales);
    super_scales[1] ^= 0x8000;
    for (int sub = 0; sub < BLOCK_LEN / SUB_LEN; sub++) {
        int scale, min;
        q4_k_scale(block + 4, sub, &scale, &min);
        scales[2 * sub] = (int8_t)scale;
        scales[2 * sub + 1] = (int8_t)min;
    }
}

/* Sub-blocks 2 i and 2 i + 1 are the low and the high halves of the same bytes. */
static void unpack_low(uint8_t *codes, const uint8_t *bytes)
{
    for (int e = 0; e < BLOCK_LEN; e++)
        codes[e] = bytes[e / 64 * 32 + e % 32] >> e / 32 % 2 * 4 & 15;
}

void codes_q4_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 144, scales += 16, super_scales += 2) {
        ranges(scales, super_scales, block);
        unpack_low(codes + i, block + 16);
    }
}

void codes_q5_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 176, scales += 16, super_scales += 2) {
        ranges(scales, super_scales, block);
        unpack_low(codes + i, block + 48);
        for (int e = 0; e < BLOCK_LEN; e++)
            codes[i + (size_t)e] |= (uint8_t)((block[16 + e % 32] >> e / 32 & 1) << 4);
    }
}

void codes_q6_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 210, scales += 16, super_scales += 2) {
        memcpy(scales, block + 192, 16);
        memcpy(super_scales, block + 208, sizeof *super_scales);
        super_scales[1] = 0;
        for (int e = 0; e < BLOCK_LEN; e++) {
            const int low = block[e / 128 * 64 + e % 64] >> e / 64 % 2 * 4 & 15;
            const int high = block[128 + e / 128 * 32 + e % 32] >> e / 32 % 4 * 2 & 3;
            codes[i + (size_t)e] = (uint8_t)(low | high << 4);
        }
    }
}
