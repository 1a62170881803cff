#include "quant/blocks.h"
#include "quant/half.h"

/* 2 n elements: i < n in the low half of q[i], the others in the high half of q[i - n]. */
static void unpack(float *x, const uint8_t *q, size_t n, float scale)
{
    for (size_t i = 0; i < n; i++) {
        x[i] = scale * (float)levels_mxfp4[q[i] & 15];
        x[i + n] = scale * (float)levels_mxfp4[q[i] >> 4];
    }
}

/* Half of 2^(e - 127); below 2 it is subnormal. */
static float half_power(uint8_t e)
{
    return float_of_bits(e < 2 ? 0x00200000u << e : (uint32_t)(e - 1) << 23);
}

void dequantize_mxfp4(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 32, block += 17)
        unpack(dst + i, block + 1, 16, half_power(block[0]));
}

/* Half of a number of four exponent bits, with a bias of 7, and three mantissa bits; the sign's bit is not looked at. */
static float half_e4m3(uint8_t x)
{
    int exponent = x >> 3 & 15, mantissa = x & 7;
    if (x == 0x7f)
        return 0;
    if (exponent == 0)
        return (float)mantissa * 0x1p-10f;
    return float_of_bits((uint32_t)(exponent - 8 + 127) << 23 | (uint32_t)mantissa << 20);
}

void dequantize_nvfp4(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 64, block += 36)
        for (size_t part = 0; part < 4; part++)
            unpack(dst + i + 16 * part, block + 4 + 8 * part, 8, half_e4m3(block[part]));
}
