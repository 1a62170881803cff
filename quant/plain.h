/* Types whose blocks are single floats. The signatures are those of struct quant_type. */
#ifndef QUANT_PLAIN_H
#define QUANT_PLAIN_H

#include <stddef.h>

void dequantize_f32(float *dst, const void *src, size_t n);
void quantize_f32(void *dst, const float *src, size_t n);
void dequantize_f16(float *dst, const void *src, size_t n);
void quantize_f16(void *dst, const float *src, size_t n);
void dequantize_bf16(float *dst, const void *src, size_t n);
void quantize_bf16(void *dst, const float *src, size_t n);

#endif
