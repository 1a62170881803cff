#include "quant/blocks.h"
#include "quant/half.h"
#include "quant/super.h"

/* The layouts are those that k_quants.c reads. */

static const float *part(const float *importance, size_t i)
{
    return importance ? importance + i : NULL;
}

void quantize_q2_k(void *dst, const float *src, size_t n, const float *importance)
{
    static const struct super_form form = {.sub_len = 16, .levels = {0, 3, NULL}, .scale_high = 15};
    struct super_block b;
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += 84) {
        super_fit_ranges(&b, src + i, part(importance, i), &form);
        memset(block, 0, 84);
        for (int j = 0; j < 16; j++)
            block[j] = (uint8_t)(b.scales[j] | b.mins[j] << 4);
        for (int e = 0; e < SUPER_LEN; e++)
            block[16 + e / 128 * 32 + e % 32] |= (uint8_t)(b.q[e] << e / 32 % 4 * 2);
        store_half(block + 80, b.d);
        store_half(block + 82, b.dmin);
    }
}

void quantize_q3_k(void *dst, const float *src, size_t n, const float *importance)
{
    static const struct super_form form = {
        .sub_len = 16, .levels = {-4, 3, NULL}, .scale_low = -32, .scale_high = 31};
    struct super_block b;
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += 110) {
        uint8_t *high = block, *q = block + 32, *scales = block + 96;
        super_fit_scales(&b, src + i, part(importance, i), &form);
        memset(block, 0, 110);
        for (int j = 0; j < 16; j++) {
            int scale = b.scales[j] + 32;
            scales[j % 8] |= (uint8_t)((scale & 15) << j / 8 * 4);
            scales[8 + j % 4] |= (uint8_t)(scale >> 4 << j / 4 * 2);
        }
        for (int e = 0; e < SUPER_LEN; e++) {
            int level = b.q[e] + 4;
            q[e / 128 * 32 + e % 32] |= (uint8_t)((level & 3) << e / 32 % 4 * 2);
            high[e % 32] |= (uint8_t)(level >> 2 << e / 32);
        }
        store_half(block + 108, b.d);
    }
}

/* Six bits each, as q4_k_scale in k_quants.c reads them. */
static void pack_scales(uint8_t *packed, const struct super_block *b)
{
    for (int i = 0; i < 4; i++) {
        uint8_t scale = (uint8_t)b->scales[i + 4], min = b->mins[i + 4];
        packed[i] = (uint8_t)(b->scales[i] | scale >> 4 << 6);
        packed[i + 4] = (uint8_t)(b->mins[i] | min >> 4 << 6);
        packed[i + 8] = (uint8_t)((scale & 15) | (min & 15) << 4);
    }
}

void quantize_q4_k(void *dst, const float *src, size_t n, const float *importance)
{
    static const struct super_form form = {.sub_len = 32, .levels = {0, 15, NULL}, .scale_high = 63};
    struct super_block b;
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += 144) {
        super_fit_ranges(&b, src + i, part(importance, i), &form);
        memset(block, 0, 144);
        store_half(block, b.d);
        store_half(block + 2, b.dmin);
        pack_scales(block + 4, &b);
        for (int e = 0; e < SUPER_LEN; e++)
            block[16 + e / 64 * 32 + e % 32] |= (uint8_t)(b.q[e] << e / 32 % 2 * 4);
    }
}

void quantize_q5_k(void *dst, const float *src, size_t n, const float *importance)
{
    static const struct super_form form = {.sub_len = 32, .levels = {0, 31, NULL}, .scale_high = 63};
    struct super_block b;
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += 176) {
        super_fit_ranges(&b, src + i, part(importance, i), &form);
        memset(block, 0, 176);
        store_half(block, b.d);
        store_half(block + 2, b.dmin);
        pack_scales(block + 4, &b);
        for (int e = 0; e < SUPER_LEN; e++) {
            block[48 + e / 64 * 32 + e % 32] |= (uint8_t)((b.q[e] & 15) << e / 32 % 2 * 4);
            block[16 + e % 32] |= (uint8_t)(b.q[e] >> 4 << e / 32);
        }
    }
}

void quantize_q6_k(void *dst, const float *src, size_t n, const float *importance)
{
    static const struct super_form form = {
        .sub_len = 16, .levels = {-32, 31, NULL}, .scale_low = -128, .scale_high = 127};
    struct super_block b;
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += 210) {
        super_fit_scales(&b, src + i, part(importance, i), &form);
        memset(block, 0, 210);
        for (int e = 0; e < SUPER_LEN; e++) {
            int level = b.q[e] + 32;
            block[e / 128 * 64 + e % 64] |= (uint8_t)((level & 15) << e / 64 % 2 * 4);
            block[128 + e / 128 * 32 + e % 32] |= (uint8_t)(level >> 4 << e / 32 % 4 * 2);
        }
        memcpy(block + 192, b.scales, sizeof b.scales);
        store_half(block + 208, b.d);
    }
}
