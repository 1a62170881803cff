/* The scalar versions: they define what each slot of struct kernels means (see there), one C file a family. Other
 * instruction sets fall back on them where a case is too rare to be worth a fast version. */
#ifndef KERNELS_SCALAR_SCALAR_H
#define KERNELS_SCALAR_SCALAR_H

#include "kernels/kernels.h"

enum {
    SCALAR_PANEL_F32 = 8,
    SCALAR_PANEL_I8 = 8,
    SCALAR_PANEL_BF16 = 8,
    SCALAR_PANEL_I4 = 8,
    SCALAR_PANEL_K = 8
};

void scalar_pack_f32(float *packed, const float *b, size_t ld_b, size_t n, size_t k);
void scalar_gemm_f32(float *c, size_t ld_c, const float *a, size_t ld_a, const float *packed,
                     const float *bias, size_t m, size_t n, size_t k);

void scalar_quantize_u8(uint8_t *q, struct u8_block *blocks, const float *x, size_t n);
void scalar_pack_i8(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k);
/* For any level: a block's weights as [i8_row_size / group][panel][group]. */
struct i8_layout {
    size_t panel, group, block; /* outputs a panel, bytes of one that lie side by side, elements of a block */
};
void scalar_pack_i8_as(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k,
                       struct i8_layout as);
/* The slots of int8 products for blocks of I8_LONG: what levels that have those are compared with. */
void scalar_take_long_blocks(struct kernels *k);
void scalar_rotate_i8(float *x, size_t n);
/* How many elements rotation mixes in a block of n <= I8_LONG. */
size_t scalar_rotation(size_t n);
void scalar_gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);

/* A float32 that pack_i4 and pack_k took for two binary16. */
float scalar_of_halves(uint16_t lower, uint16_t upper);
void scalar_quantize_s8(int8_t *q, struct s8_block *blocks, const float *x, size_t n);
void scalar_pack_i4(void *packed, const uint8_t *b, const uint16_t *scales, const uint16_t *offsets, size_t n,
                    size_t k);
/* For any level's panels. */
void scalar_pack_i4_panels(void *packed, const uint8_t *b, const uint16_t *scales, const uint16_t *offsets,
                           size_t n, size_t k, size_t panel);
void scalar_gemm_s8i4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);

void scalar_quantize_k(int8_t *q, struct s8_super *supers, const float *x, size_t n);
void scalar_pack_k(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                   const uint16_t *super_scales, size_t n, size_t k);
/* For any level's panels. */
void scalar_pack_k_panels(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                          const uint16_t *super_scales, size_t n, size_t k, size_t panel);
void scalar_gemm_s8k4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);
void scalar_gemm_s8k5(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);
void scalar_gemm_s8k6(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);

void scalar_gemm_s8kl(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k);
void scalar_gemm_s8l4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k);

void scalar_pack_bf16(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k);
/* For any level's panels. */
void scalar_pack_bf16_panels(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k,
                             size_t panel);
void scalar_gemm_bf16(float *c, size_t ld_c, const uint16_t *a, size_t ld_a, const uint16_t *packed,
                      const float *bias, size_t m, size_t n, size_t k);

void scalar_f16_to_f32(float *dst, const uint16_t *src, size_t n);
void scalar_bf16_to_f32(float *dst, const uint16_t *src, size_t n);
void scalar_f32_to_f16(uint16_t *dst, const float *src, size_t n);
void scalar_f32_to_bf16(uint16_t *dst, const float *src, size_t n);

void scalar_layer_norm(float *y, const float *x, const float *gamma, const float *beta, size_t n, float eps);
void scalar_rms_norm(float *y, const float *x, const float *gamma, size_t n, float eps);
void scalar_add(float *y, const float *x, size_t n);
void scalar_mul(float *y, const float *x, size_t n);
void scalar_scale(float *y, float s, size_t n);
float scalar_dot(const float *x, const float *y, size_t n);
float scalar_max(const float *x, size_t n);
void scalar_softmax(float *y, size_t n);

void scalar_gelu(float *y, size_t n);
void scalar_gelu_tanh(float *y, size_t n);
void scalar_silu(float *y, size_t n);
void scalar_relu(float *y, size_t n);
void scalar_tanh(float *y, size_t n);
void scalar_sigmoid(float *y, size_t n);

void scalar_recurrence(const struct recurrence_args *args);
void scalar_selective_scan(const struct selective_scan_args *args);
void scalar_convolution(float *out, const float *const *rows, size_t n_rows, const float *weights,
                        const float *bias, size_t n);
void scalar_rope_halves(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs);
void scalar_rope_pairs(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs);

size_t scalar_attention_scratch(size_t n_k, size_t head_dim);
void scalar_attention(const struct attention_args *args);
size_t scalar_tile_attention_scratch(size_t head_dim);
void scalar_tile_attention(const struct tile_attention_args *args);

#endif
