#include "quant/blocks.h"
#include "quant/half.h"

/* The values of the format, denser near zero. */
static const int8_t levels[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* 32 elements: i < 16 in the low half of q[i], the others in the high half of q[i - 16]. */
static void unpack(float *x, const uint8_t *q, float scale)
{
    for (int i = 0; i < 16; i++) {
        x[i] = scale * (float)levels[q[i] & 15];
        x[i + 16] = scale * (float)levels[q[i] >> 4];
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
