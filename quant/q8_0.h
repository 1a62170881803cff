/* Q8_0: blocks of 32 8-bit integers with one scale. { f16 d; int8 q[32]; }, x = d q */
#ifndef QUANT_Q8_0_H
#define QUANT_Q8_0_H

#include <stddef.h>

void dequantize_q8_0(float *dst, const void *src, size_t n);
void quantize_q8_0(void *dst, const float *src, size_t n);

#endif
