#include "quant/blocks.h"
#include "quant/half.h"

/* n_bytes bytes that hold n_digits digits of base 3 each: the first digits of all, then the second ones. A byte is the
 * fraction that the digits are of 1, so that a multiplication brings the next one above 256. */
static float *put_digits(float *x, const uint8_t *q, size_t n_bytes, int n_digits, float d)
{
    unsigned power = 1;
    for (int digit = 0; digit < n_digits; digit++, power *= 3)
        for (size_t i = 0; i < n_bytes; i++)
            *x++ = d * (float)((int)((q[i] * power & 255) * 3 >> 8) - 1);
    return x;
}

void dequantize_tq1_0(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 54) {
        float d = load_half(block + 52);
        dst = put_digits(dst, block, 32, 5, d);
        dst = put_digits(dst, block + 32, 16, 5, d);
        dst = put_digits(dst, block + 48, 4, 4, d);
    }
}

void dequantize_tq2_0(float *dst, const void *src, size_t n)
{
    const uint8_t *block = src;
    for (size_t i = 0; i < n; i += 256, block += 66)
        for (size_t j = 0; j < 256; j++)
            *dst++ =
                load_half(block + 64) * (float)((block[j / 128 * 32 + j % 32] >> j / 32 % 4 * 2 & 3) - 1);
}
