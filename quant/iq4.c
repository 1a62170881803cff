#include "quant/blocks.h"
#include "quant/half.h"
#include "quant/super.h"

#include <math.h>

/* 32 elements: i < 16 in the low half of q[i], the others in the high half of q[i - 16]. */
static void unpack(float *x, const uint8_t *q, float scale)
{
    for (int i = 0; i < 16; i++) {
        x[i] = scale * (float)levels_iq4[q[i] & 15];
        x[i + 16] = scale * (float)levels_iq4[q[i] >> 4];
    }
}

void dequantize_iq4_nl(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 32, block += 18)
        unpack(dst + i, block + 2, load_half(block));
}

void dequantize_iq4_xs(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 136) {
        float d = load_half(block);
        int high_bits = block[2] | block[3] << 8;
        for (int b = 0; b < 8; b++) {
            int low = block[4 + b / 2] >> b % 2 * 4 & 15, high = high_bits >> 2 * b & 3;
            unpack(dst + i + 32 * b, block + 8 + 16 * b, d * (float)((low | high << 4) - 32));
        }
    }
}

static const struct fit_levels form_levels = {-127, 113, levels_iq4};

static uint8_t index_of(int8_t value)
{
    uint8_t i = 0;
    while (levels_iq4[i] < value)
        i++;
    return i;
}

static void pack(uint8_t *packed, const int8_t *q)
{
    for (int i = 0; i < 16; i++)
        packed[i] = (uint8_t)(index_of(q[i]) | index_of(q[i + 16]) << 4);
}

void quantize_iq4_nl(void *dst, const float *src, size_t n, const float *importance)
{
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += 32, block += 18) {
        float x[32], w[32], d = NAN;
        int8_t q[32] = {1};
        int exponent;
        if (fit_prepare(x, w, &exponent, src + i, importance ? importance + i : NULL, 32)) {
            d = fit_round(fit_scale(x, w, 32, &form_levels).scale, exponent);
            fit_choose(q, x, 32, &form_levels, (struct fit){d, 0});
            d = ldexpf(d, exponent);
        }
        store_half(block, d);
        pack(block + 2, q);
    }
}

void quantize_iq4_xs(void *dst, const float *src, size_t n, const float *importance)
{
    static const struct super_form form = {
        .sub_len = 32, .levels = {-127, 113, levels_iq4}, .scale_low = -32, .scale_high = 31};
    struct super_block b;
    uint8_t *block = dst;
    for (size_t i = 0; i < n; i += SUPER_LEN, block += 136) {
        int high_bits = 0;
        super_fit_scales(&b, src + i, importance ? importance + i : NULL, &form);
        memset(block, 0, 136);
        store_half(block, b.d);
        for (int j = 0; j < 8; j++) {
            int scale = b.scales[j] + 32;
            block[4 + j / 2] |= (uint8_t)((scale & 15) << j % 2 * 4);
            high_bits |= scale >> 4 << 2 * j;
            pack(block + 8 + 16 * j, b.q + 32 * j);
        }
        block[2] = (uint8_t)high_bits;
        block[3] = (uint8_t)(high_bits >> 8);
    }
}
