#include "quant/plain.h"

#include "quant/half.h"

void dequantize_f32(float *dst, const void *src, size_t n)
{
    memcpy(dst, src, n * sizeof *dst);
}

void quantize_f32(void *dst, const float *src, size_t n)
{
    memcpy(dst, src, n * sizeof *src);
}

void dequantize_f16(float *dst, const void *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        dst[i] = load_half((const char *)src + 2 * i);
}

void quantize_f16(void *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++)
        store_half((char *)dst + 2 * i, src[i]);
}

void dequantize_bf16(float *dst, const void *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint16_t bits;
        memcpy(&bits, (const char *)src + 2 * i, sizeof bits);
        dst[i] = float_of_bits((uint32_t)bits << 16);
    }
}

void quantize_bf16(void *dst, const float *src, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = float_bits(src[i]);
        if ((bits & 0x7fffffffu) > 0x7f800000u)
            bits = (bits & 0xffff0000u) | 0x400000u; /* NaN: quiet */
        else
            bits += 0x7fff + (bits >> 16 & 1);
        uint16_t high = (uint16_t)(bits >> 16);
        memcpy((char *)dst + 2 * i, &high, sizeof high);
    }
}
