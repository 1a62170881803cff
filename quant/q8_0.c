#include "quant/blocks.h"

#include "quant/half.h"

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

/* The two functions below work on bits, without a branch, so that the compiler can do many elements at once. */

/* Any NaN is the largest. */
static float largest_magnitude(const float *x)
{
    int32_t max = 0;
    for (int j = 0; j < BLOCK_LEN; j++) {
        int32_t magnitude = (int32_t)(float_bits(x[j]) & 0x7fffffff);
        max = magnitude > max ? magnitude : max;
    }
    return float_of_bits((uint32_t)max);
}

/* Halves away from zero. What no block can hold (infinities, NaN) becomes 0. */
static int8_t round_to_int8(float x)
{
    const uint32_t limit = float_bits(128), bits = float_bits(x), magnitude = bits & 0x7fffffff;
    const int sign = -(int)(bits >> 31); /* 0 or -1 */
    const int twice = (int)(2 * float_of_bits(magnitude < limit ? magnitude : 0));
    return (int8_t)((((twice + 1) >> 1) ^ sign) - sign);
}

static void quantize_block(char *block, const float *x)
{
    int8_t q[BLOCK_LEN];
    float d = largest_magnitude(x) / 127, inverse = d == 0 ? 0 : 1 / d;
    for (int j = 0; j < BLOCK_LEN; j++)
        q[j] = round_to_int8(x[j] * inverse);
    store_half(block, d);
    memcpy(block + 2, q, sizeof q);
}

void quantize_q8_0(void *dst, const float *src, size_t n, const float *importance)
{
    (void)importance;
    char *block = dst;
    for (size_t i = 0; i < n; i += BLOCK_LEN, block += BLOCK_SIZE)
        quantize_block(block, src + i);
}
