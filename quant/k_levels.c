/* K-quants of 4 to 6 bits taken apart, for products that compute with their levels. */
#include "quant/blocks.h"

#include <string.h>

enum { BLOCK_LEN = 256, SUB_LEN = 32 };

/* Scale and minimum of eight sub-blocks; w = d scale q - dmin min, so the sign goes with dmin. */
static void ranges(int8_t *s, uint16_t *halves, const uint8_t *block)
{
    memcpy(halves, block, 2 * sizeof *halves);
    halves[1] ^= 0x8000;
    for (int sub = 0; sub < BLOCK_LEN / SUB_LEN; sub++) {
        int scale, min;
        q4_k_scale(block + 4, sub, &scale, &min);
        s[2 * sub] = (int8_t)scale;
        s[2 * sub + 1] = (int8_t)min;
    }
}

/* Sub-blocks 2 i and 2 i + 1 are the low and the high halves of the same bytes. */
static void unpack_low(uint8_t *q, const uint8_t *bytes)
{
    for (int e = 0; e < BLOCK_LEN; e++)
        q[e] = bytes[e / 64 * 32 + e % 32] >> e / 32 % 2 * 4 & 15;
}

void levels_q4_k(uint8_t *q, int8_t *s, uint16_t *halves, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 144, s += 16, halves += 2) {
        ranges(s, halves, block);
        unpack_low(q + i, block + 16);
    }
}

void levels_q5_k(uint8_t *q, int8_t *s, uint16_t *halves, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 176, s += 16, halves += 2) {
        ranges(s, halves, block);
        unpack_low(q + i, block + 48);
        for (int e = 0; e < BLOCK_LEN; e++)
            q[i + (size_t)e] |= (uint8_t)((block[16 + e % 32] >> e / 32 & 1) << 4);
    }
}

void levels_q6_k(uint8_t *q, int8_t *s, uint16_t *halves, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += 210, s += 16, halves += 2) {
        memcpy(s, block + 192, 16);
        memcpy(halves, block + 208, sizeof *halves);
        halves[1] = 0;
        for (int e = 0; e < BLOCK_LEN; e++) {
            const int low = block[e / 128 * 64 + e % 64] >> e / 64 % 2 * 4 & 15;
            const int high = block[128 + e / 128 * 32 + e % 32] >> e / 32 % 4 * 2 & 3;
            q[i + (size_t)e] = (uint8_t)(low | high << 4);
        }
    }
}
