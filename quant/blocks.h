/* The conversions of each type, for the table in types.c; signatures as in struct quant_type. n is a multiple of the
 * block's length. Layouts are given as packed structs; f16 is IEEE binary16, integers are little-endian. */
#ifndef QUANT_BLOCKS_H
#define QUANT_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* plain.c: single floats. */
void dequantize_f32(float *dst, const void *src, size_t n);
void quantize_f32(void *dst, const float *src, size_t n, const float *importance);
void dequantize_f16(float *dst, const void *src, size_t n);
void quantize_f16(void *dst, const float *src, size_t n, const float *importance);
void dequantize_bf16(float *dst, const void *src, size_t n);
void quantize_bf16(void *dst, const float *src, size_t n, const float *importance);

/* q8_0.c: 32 elements { f16 d; int8 q[32]; }, x = d q */
void dequantize_q8_0(float *dst, const void *src, size_t n);
void quantize_q8_0(void *dst, const float *src, size_t n, const float *importance);

/* q4_q5.c: 32 elements. The low four bits of element i are in q[i] (i < 16) and in the upper half of q[i - 16], the
 * fifth bit is bit i of high. */
void dequantize_q4_0(float *dst, const void *src, size_t n); /* { f16 d; u8 q[16]; }, x = d (q - 8) */
void quantize_q4_0(void *dst, const float *src, size_t n, const float *importance);
void dequantize_q4_1(float *dst, const void *src, size_t n); /* { f16 d, min; u8 q[16]; }, x = d q + min */
void quantize_q4_1(void *dst, const float *src, size_t n, const float *importance);
void dequantize_q5_0(float *dst, const void *src,
                     size_t n); /* { f16 d; u32 high; u8 q[16]; }, x = d (q - 16) */
void quantize_q5_0(void *dst, const float *src, size_t n, const float *importance);
void dequantize_q5_1(float *dst, const void *src,
                     size_t n); /* { f16 d, min; u32 high; u8 q[16]; }, x = d q + min */
void quantize_q5_1(void *dst, const float *src, size_t n, const float *importance);

/* k_quants.c: 256 elements in sub-blocks of 16 or 32 whose scales (and minima) are small integers themselves. */
void dequantize_q2_k(float *dst, const void *src, size_t n); /* { u8 scales[16], q[64]; f16 d, dmin; } */
void dequantize_q3_k(float *dst, const void *src, size_t n); /* { u8 high[32], q[64], scales[12]; f16 d; } */
void dequantize_q4_k(float *dst, const void *src, size_t n); /* { f16 d, dmin; u8 scales[12], q[128]; } */
void dequantize_q5_k(float *dst, const void *src,
                     size_t n); /* { f16 d, dmin; u8 scales[12], high[32], q[128]; } */
void dequantize_q6_k(float *dst, const void *src,
                     size_t n); /* { u8 q[128], high[64]; int8 scales[16]; f16 d; } */
/* k_pack.c */
void quantize_q2_k(void *dst, const float *src, size_t n, const float *importance);
void quantize_q3_k(void *dst, const float *src, size_t n, const float *importance);
void quantize_q4_k(void *dst, const float *src, size_t n, const float *importance);
void quantize_q5_k(void *dst, const float *src, size_t n, const float *importance);
void quantize_q6_k(void *dst, const float *src, size_t n, const float *importance);

/* iq4.c: four bits that choose from a fixed table of 16 values; 32 elements { f16 d; u8 q[16]; } and
 * 256 elements { f16 d; u16 scales_high; u8 scales_low[4], q[128]; } */
void dequantize_iq4_nl(float *dst, const void *src, size_t n);
void quantize_iq4_nl(void *dst, const float *src, size_t n, const float *importance);
void dequantize_iq4_xs(float *dst, const void *src, size_t n);
void quantize_iq4_xs(void *dst, const float *src, size_t n, const float *importance);

/* fp4.c: four bits that are a small floating-point number t; 32 elements { u8 e; u8 q[16]; }, x = 2^(e - 127) t, and 64
 * elements { u8 s[4]; u8 q[4][8]; }, x = s t with s of 8 bits for 16. Read alone. */
void dequantize_mxfp4(float *dst, const void *src, size_t n);
void dequantize_nvfp4(float *dst, const void *src, size_t n);

/* iq1_to_3.c: 256 elements whose codes choose points of a grid (grids.h); ternary.c: of -1, 0 and 1. Read alone. */
void dequantize_iq2_xxs(float *dst, const void *src, size_t n); /* { f16 d; struct { u8 q[4]; u32; } [8]; } */
void dequantize_iq2_xs(float *dst, const void *src, size_t n);  /* { f16 d; u16 q[32]; u8 scales[8]; } */
void dequantize_iq2_s(float *dst, const void *src,
                      size_t n); /* { f16 d; u8 q[32], signs[32], high[8], scales[8]; } */
void dequantize_iq3_xxs(float *dst, const void *src, size_t n); /* { f16 d; u8 q[64]; u32 [8]; } */
void dequantize_iq3_s(float *dst, const void *src,
                      size_t n); /* { f16 d; u8 q[64], high[8], signs[32], scales[4]; } */
void dequantize_iq1_s(float *dst, const void *src, size_t n); /* { f16 d; u8 q[32]; u16 [8]; } */
void dequantize_iq1_m(float *dst, const void *src, size_t n); /* { u8 q[32], high[16]; u16 scales[4]; } */
void dequantize_tq1_0(float *dst, const void *src, size_t n); /* { u8 q[48], rest[4]; f16 d; } */
void dequantize_tq2_0(float *dst, const void *src, size_t n); /* { u8 q[64]; f16 d; } */

/* nibbles.c: see struct quant_type. */
void nibbles_q4_0(uint8_t *q, float *scales, float *offsets, const void *src, size_t n);
void nibbles_q4_1(uint8_t *q, float *scales, float *offsets, const void *src, size_t n);

/* k_codes.c: see struct quant_type. */
void codes_q4_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
void codes_q5_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
void codes_q6_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);

/* k_quants.c: scale and minimum of sub-block i < 8 in Q4_K and Q5_K. */
void q4_k_scale(const uint8_t *scales, int i, int *scale, int *min);

/* levels.c: what the codes of these types choose from, and the types taken apart. */
extern const int8_t levels_iq4[16], levels_mxfp4[16], levels_iq3_xxs[16], levels_iq3_s[16], levels_q3_k[16];
void nibbles_iq4_nl(uint8_t *q, float *scales, float *offsets, const void *src, size_t n);
void nibbles_mxfp4(uint8_t *q, float *scales, float *offsets, const void *src, size_t n);
void codes_iq4_xs(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
void codes_iq3_xxs(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
void codes_iq3_s(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
void codes_q3_k(uint8_t *codes, int8_t *scales, uint16_t *super_scales, const void *src, size_t n);
/* Scale i of 16. */
int q3_k_scale(const uint8_t *scales, int i);

#endif
