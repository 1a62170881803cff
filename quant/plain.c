#include "kernels/kernels.h"
#include "quant/blocks.h"

#include <string.h>

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
    kernels_get()->f16_to_f32(dst, src, n);
}

void quantize_f16(void *dst, const float *src, size_t n)
{
    kernels_get()->f32_to_f16(dst, src, n);
}

void dequantize_bf16(float *dst, const void *src, size_t n)
{
    kernels_get()->bf16_to_f32(dst, src, n);
}

void quantize_bf16(void *dst, const float *src, size_t n)
{
    kernels_get()->f32_to_bf16(dst, src, n);
}
