#include "quant/blocks.h"

#include "quant/half.h"

#include <math.h>

enum { BLOCK_LEN = 32, BLOCK_SIZE = 2 + BLOCK_LEN };

void dequantize_q8_0(float *dst, const void *src, size_t n)
{
    const char *block = src;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += BLOCK_SIZE) {
        float d = load_half(block);
        for (int j = 0; j < BLOCK_LEN; j++)
            dst[i + j] = (float)(signed char)block[2 + j] * d;
    }
}

/* Halves away from zero. What no block can hold (infinities, NaN) becomes 0. */
static signed char round_to_int8(float x)
{
    return fabsf(x) < 128.0f ? (signed char)roundf(x) : 0;
}

static void quantize_block(char *block, const float *x)
{
    float max = 0;
    for (int j = 0; j < BLOCK_LEN; j++)
        if (fabsf(x[j]) > max || isnan(x[j]))
            max = fabsf(x[j]);
    float d = max / 127, inverse = d == 0 ? 0 : 1 / d;
    store_half(block, d);
    for (int j = 0; j < BLOCK_LEN; j++)
        block[2 + j] = round_to_int8(x[j] * inverse);
}

void quantize_q8_0(void *dst, const float *src, size_t n)
{
    char *block = dst;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += BLOCK_SIZE)
        quantize_block(block, src + i);
}
