#include "kernels/kernels.h"
#include "quant/blocks.h"

#include <string.h>

void dequantize_f32(float *dst, const void *src, size_t n)
{
    memcpy(dst, src, n * sizeof *dst);
}

void quantize_f32(void *dst, const float *src, size_t n, const float *importance)
{
    (void)importance;
    memcpy(dst, src, n * sizeof *src);
}

/* The kernels want addresses that are right for a uint16_t; old safetensors files have odd ones. */
enum { CHUNK_LEN = 256 };

static bool is_aligned(const void *p)
{
    return (uintptr_t)p % _Alignof(uint16_t) == 0;
}

static void from_halves(void (*convert)(float *dst, const uint16_t *src, size_t n), float *dst,
                        const void *src, size_t n)
{
    if (is_aligned(src)) {
        convert(dst, src, n);
        return;
    }
    uint16_t halves[CHUNK_LEN];
    for (size_t i = 0; i < n; i += CHUNK_LEN) {
        size_t len = n - i < CHUNK_LEN ? n - i : CHUNK_LEN;
        memcpy(halves, (const char *)src + i * sizeof *halves, len * sizeof *halves);
        convert(dst + i, halves, len);
    }
}

static void to_halves(void (*convert)(uint16_t *dst, const float *src, size_t n), void *dst, const float *src,
                      size_t n)
{
    if (is_aligned(dst)) {
        convert(dst, src, n);
        return;
    }
    uint16_t halves[CHUNK_LEN];
    for (size_t i = 0; i < n; i += CHUNK_LEN) {
        size_t len = n - i < CHUNK_LEN ? n - i : CHUNK_LEN;
        convert(halves, src + i, len);
        memcpy((char *)dst + i * sizeof *halves, halves, len * sizeof *halves);
    }
}

void dequantize_f16(float *dst, const void *src, size_t n)
{
    from_halves(kernels_get()->f16_to_f32, dst, src, n);
}

void quantize_f16(void *dst, const float *src, size_t n, const float *importance)
{
    (void)importance;
    to_halves(kernels_get()->f32_to_f16, dst, src, n);
}

void dequantize_bf16(float *dst, const void *src, size_t n)
{
    from_halves(kernels_get()->bf16_to_f32, dst, src, n);
}

void quantize_bf16(void *dst, const float *src, size_t n, const float *importance)
{
    (void)importance;
    to_halves(kernels_get()->f32_to_bf16, dst, src, n);
}
