/* The arithmetic: one table of functions, filled once for the best instruction set this machine has.
 *
 * A kernel sees pointers, strides, sizes and scalars. It allocates nothing, logs nothing, knows no model and cannot
 * fail. Strides (ld...) are in elements. Pointers need no alignment unless a slot says so. Sizes may be anything
 * from 0 up. Buffers do not overlap unless a slot says "in place". Every slot has a scalar version that defines
 * what it means; tests/kernels compares each other version with it.
 *
 * Order of summation is fixed by a row's own sizes: what a slot computes for one row (one output element of a
 * product) is bit-identical whatever m or n it is called with and wherever the row lies in a tile. Results differ in the
 * last bits between instruction sets.
 */
#ifndef KERNELS_H
#define KERNELS_H

#include "kernels/cpu.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which keys a query row sees: row i stands at key first + i and sees `left` keys before it and `right` after it.
 * It must see one at least. */
struct attention_window {
    size_t first, left, right;
};

/* One head of attention over one sequence: out = softmax(scale * q k^T + bias) v, over the keys of the window. */
struct attention_args {
    float *out; /* [n_q, head_dim], stride ld_out */
    const float *q;
    const float *k; /* [n_k, head_dim], stride ld_kv */
    const float *v;
    size_t ld_out, ld_q, ld_kv;
    size_t n_q, n_k, head_dim;
    float scale;
    /* NULL, or what is added to the score of row i and key j: bias[i * ld_bias + j]. With ld_bias -1 it depends on
     * j - i alone. */
    const float *bias;
    ptrdiff_t ld_bias;
    const struct attention_window *window; /* NULL: every row sees all keys */
    float *
        scratch; /* kernels->attention_scratch(n_k, head_dim) floats, 64-byte aligned; nobody else's during the call */
};

/* How keys and values of past tokens are held. */
enum kv_type {
    KV_F32,
    KV_F16,
    KV_INT8, /* with a float32 scale for each token: x = scale * byte */
};

/* Keys of KV_F16 and KV_INT8 lie in groups of so many: [tile_len / KV_GROUP][head_dim][KV_GROUP]. */
#define KV_GROUP 16

/* Those of one head, for a run of tokens. */
struct kv_tile {
    void *keys, *values; /* float, uint16_t (binary16) or int8_t [tile_len, head_dim], but see KV_GROUP */
    float *key_scales, *value_scales; /* [tile_len], NULL but for KV_INT8 */
};

/* Attention of new tokens over a cache: heads that share their keys and values. Query i stands at position first + i and
 * sees that position and `left` before it. */
struct tile_attention_args {
    float *out;     /* [n_q, n_heads, head_dim], a query's heads side by side, stride ld_out */
    const float *q; /* likewise */
    size_t ld_out, ld_q;
    size_t n_q, n_heads, head_dim;
    size_t first, left;
    const struct kv_tile
        *tiles;      /* of positions 0 to first + n_q: p is row p % tile_len of tile p / tile_len */
    size_t tile_len; /* 32, 64, 128 or 256 */
    enum kv_type type;
    float scale;
    float cap; /* a score s becomes cap * tanh(s / cap); 0: it does not */
    /* NULL, or what is then added to the score of a head's query at position i and key j <= i: bias[head * ld_bias +
     * j - i]. It points at what distance 0 gets, behind what the others get. */
    const float *bias;
    size_t ld_bias;
    bool bias_of_keys; /* it is instead bias[head * ld_bias + j], wherever the query stands */
    /* NULL, or for each head the score of one key more, whose value is zeros (Xiao et al., 2023, arXiv:2309.17453). */
    const float *sinks;
    float *scratch; /* kernels->tile_attention_scratch(head_dim) floats, 64-byte aligned, nobody else's */
};

/* Values of a recurrence's state that lie side by side. */
#define STATE_PANEL 16

/* A recurrence over tokens whose state is a matrix S [n_keys, n_values]. For each token, with a = decay, b = weight:
 *     S = a S
 *     u = b v, or with `delta` b (v - S^T k)
 *     S = S + k u^T
 *     out = S^T q */
struct recurrence_args {
    /* Before the first token, and then behind the last: panels [n_keys][STATE_PANEL], one for every STATE_PANEL values, zeros
     * behind the last value. */
    float *state;
    const float *q, *k;          /* [n_tokens, n_keys], stride ld_in */
    const float *v;              /* [n_tokens, n_values], stride ld_in */
    float *out;                  /* [n_tokens, n_values], stride ld_out */
    const float *decay, *weight; /* [n_tokens], stride ld_gates */
    size_t ld_in, ld_out, ld_gates;
    size_t n_tokens, n_keys, n_values;
    bool delta;
};

/* A selective scan (Gu and Dao, Mamba, 2023, arXiv:2312.00752): each of n_values has a state h [n_keys] of its own. For each
 * token, with d = log(1 + exp(times)):
 *     h = exp(decay d) h + d x k
 *     out = sum of q h, plus skip x */
struct selective_scan_args {
    float *state;       /* as in struct recurrence_args */
    const float *decay; /* panels like the state's */
    const float *q, *k; /* [n_tokens, n_keys], stride ld_keys */
    const float *x;     /* [n_tokens, n_values], stride ld_values */
    const float *times; /* the same */
    const float *skip;  /* [n_values] */
    float *out;         /* [n_tokens, n_values], stride ld_values; may be times */
    size_t ld_keys, ld_values;
    size_t n_tokens, n_keys, n_values;
};

/* int8: elements of k that share a scale, from the first on: what `i8_block` of a level can be. Blocks of I8_LONG are for
 * tiles, which want to go on for long between two scalings (docs/performance.md); what makes up for the coarser scale is
 * that rows and weights are rotated. */
#define I8_BLOCK 128
#define I8_LONG  1024

/* How a block of a row of activations became bytes: x = scale * (byte - zero). */
struct u8_block {
    float scale;  /* not a number where the block held something that is not finite */
    int32_t zero; /* 0 to 255 */
};

/* int4: elements of k that share a scale and an offset, and bytes of a packed block an output. */
#define I4_BLOCK      32
#define I4_BLOCK_SIZE (I4_BLOCK / 2 + 4)

/* How a block of a row of activations became signed bytes: x = scale * byte. */
struct s8_block {
    float scale;  /* not a number where the block held something that is not finite */
    float sum;    /* scale * sum of the bytes */
    int32_t less; /* - 128 times the sum of the bytes: what levels that were made positive have too much */
};

/* K-quants of 4, 5 and 6 bits: elements of k of a superblock, which is eight blocks of I4_BLOCK. */
#define K_SUPER 256

/* How a superblock of a row of activations became signed bytes: x = scale * byte. */
struct s8_super {
    float scale;                               /* as of an s8_block */
    int16_t sums[K_SUPER / I4_BLOCK];          /* of the bytes of each block */
    int16_t less_16[K_SUPER / (I4_BLOCK / 2)]; /* - 16 times the sum of each half of a block */
};

/* In place of a K-quant's bits: four, which choose one of N_LEVELS levels. */
#define K_LEVELS 104
#define N_LEVELS 16

/* Bytes of a packed superblock an output: codes of so many bits, two scales a block, and as binary16
 * those of the superblock. */
static inline size_t k_super_size(unsigned bits)
{
    const size_t code_bits = bits == K_LEVELS ? 4 : bits;
    return K_SUPER / 8 * code_bits + K_SUPER / I4_BLOCK * 2 + (bits == 6 ? 1 : 2) * sizeof(uint16_t);
}

struct kernels {
    const char *name; /* of the instruction set: "scalar", "avx2", "avx512", "neon" */

    /* ---- float32 products: c = a b^T + bias ----
     * b is a weight matrix [n, k] (one row an output) packed into panels of panel_f32 outputs:
     * packed[p][i][j] = b[p * panel_f32 + j][i], zero where p * panel_f32 + j >= n. */
    size_t panel_f32;
    void (*pack_f32)(float *packed, const float *b, size_t ld_b, size_t n, size_t k);
    /* a: [m, k]; packed: 64-byte aligned panels of n outputs; bias: [n] or NULL; c: [m, n]. */
    void (*gemm_f32)(float *c, size_t ld_c, const float *a, size_t ld_a, const float *packed,
                     const float *bias, size_t m, size_t n, size_t k);

    /* ---- int8 products: c = a b^T + bias ---- of activations as bytes with a scale and a zero point a block of a row,
     * and weights as signed bytes in [-127, 127] with a scale a block of an output. The sums within a block are
     * integers, the blocks are added in order, one rounding each: every level gives the same bits. */
    size_t panel_i8; /* outputs a panel */
    size_t i8_block; /* I8_BLOCK or I8_LONG */
    /* What quantize_u8 does to a row first where blocks are long, in place; weights are rotated likewise before they become
     * bytes. In a block of n elements, n a multiple of 16, elements 16 apart are multiplied by Hadamard's matrix of s, the
     * largest power of two up to 64 that divides n / 16: an outlier is shared by s elements (QuaRot, Ashkboos et al., 2024),
     * and products of two such rows grow s times. */
    void (*rotate_i8)(float *x, size_t n);
    /* q: room for i8_row_size; what is behind n may be anything afterwards. blocks: [i8_blocks(n)].
     * Over 0 and what a block holds: scale = (max - min) / 255, zero = round(-min / scale), to nearest, ties to even.
     * Where blocks are long these are of the rotated row, and the scale is divided by s. */
    void (*quantize_u8)(uint8_t *q, struct u8_block *blocks, const float *x, size_t n);
    /* b: [n, k]; scales: [n, i8_blocks(k)], bfloat16. packed: i8_panel_size bytes for every panel_i8 outputs. */
    void (*pack_i8)(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k);
    /* a: [m, k], i8_row_size of each readable; blocks: [m, i8_blocks(k)]; packed: 64-byte aligned; bias: [n] or NULL.
     * c[i][j] = bias[j], to which is added, block after block,
     * fma(sum of (a - zero[i]) b[j], scale[i] * scales[j], c[i][j]) */
    void (*gemm_u8i8)(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);

    /* ---- int4 products: c = a b^T + bias ---- of activations as signed bytes with a scale a block of a row, and weights
     * w = scale * q + offset, q from 0 to 15, with a scale and an offset a block of an output. Every level gives the same
     * bits. k is a multiple of I4_BLOCK, but for quantize_s8, which fills up with zeros. */
    size_t panel_i4; /* outputs a panel */
    /* scale = max |x| / 127; q: whole blocks; blocks: one for every I4_BLOCK of n, rounded up. */
    void (*quantize_s8)(int8_t *q, struct s8_block *blocks, const float *x, size_t n);
    /* b: [n, k], a byte each; scales, offsets: [n, k / I4_BLOCK], binary16. packed: panels of
     * panel_i4 * k / I4_BLOCK * I4_BLOCK_SIZE bytes: for each block [I4_BLOCK / 8][panel_i4][4] bytes, each with element i
     * of the block below element i + I4_BLOCK / 2, then [panel_i4] scales and [panel_i4] offsets. */
    void (*pack_i4)(void *packed, const uint8_t *b, const uint16_t *scales, const uint16_t *offsets, size_t n,
                    size_t k);
    /* a: [m, k]; blocks: [m, k / I4_BLOCK]; packed: 64-byte aligned; bias: [n] or NULL.
     * c[i][j] = bias[j], to which is added, block after block, fma(sum of a q, scale[i] * scale[j], c[i][j]) and then
     * fma(sum[i], offset[j], c[i][j]) */
    void (*gemm_s8i4)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);

    /* The same of weights w = scale * level, where q chooses one of N_LEVELS levels, -127 to 127 (MXFP4, IQ4_NL). scales and
     * offsets of pack_i4 are the lower and the upper halves of the scales as float32.
     * c[i][j] = bias[j], to which is added, block after block, fma(sum of a level, scale[i] * scale[j], c[i][j]) */
    void (*gemm_s8l4)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k);

    /* ---- products of K-quants as files have them: c = a b^T + bias ---- of activations as signed bytes with a scale a
     * superblock, and weights of 4 or 5 bits, w = d scale code + min offset, scale and offset of a block; or of 6 bits,
     * w = d scale (code - 32), a scale for each half of a block; or of K_LEVELS, w = d scale level, likewise, level -127 to
     * 127 (what all formats of less than four bits are, and IQ4_XS). d and min are a superblock's. All sums of a superblock are
     * integers, so every level gives the same bits. k is a multiple of K_SUPER. */
    size_t panel_k; /* outputs a panel */
    /* As quantize_s8, n a multiple of K_SUPER; supers: [n / K_SUPER]. */
    void (*quantize_k)(int8_t *q, struct s8_super *supers, const float *x, size_t n);
    /* codes: [n, k], a byte each; scales: [n, k / I4_BLOCK, 2], scale and offset, or those of either half; super_scales:
     * [n, k / K_SUPER, 2], d and min as binary16. packed: panels
     * of panel_k * k / K_SUPER * k_super_size(bits) bytes: for each superblock eight blocks of codes, [8][panel_k][2]
     * numbers, [panel_k] d and, of 4 and 5 bits, [panel_k] min; of K_LEVELS d is a float32, its lower half d and its upper
     * half min as far as packing goes. A block: the low four bits as in pack_i4; the fifth bits,
     * [panel_k][4] bytes with element i of four at bit i / 4 of byte i % 4; or the fifth and sixth, [2][panel_k][4] bytes, a
     * half's element i at bits i / 4 * 2 of byte i % 4. Numbers are pairs: the scales of two blocks, four times, then
     * likewise offsets; or the scales of a block's halves. */
    void (*pack_k)(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                   const uint16_t *super_scales, size_t n, size_t k);
    /* As gemm_s8i4; supers: [m, k / K_SUPER]. c[i][j] = bias[j], to which is added, superblock after superblock,
     * fma(sum of a scale code, scale[i] * d, c[i][j]) and then fma(sum of a offset, scale[i] * min, c[i][j]); or, for 6
     * bits, fma(sum of a scale (code - 32), scale[i] * d, c[i][j]), and for K_LEVELS likewise with the levels. */
    void (*gemm_s8k4)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);
    void (*gemm_s8k5)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);
    void (*gemm_s8k6)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k);
    void (*gemm_s8kl)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k);

    /* ---- bfloat16 products: c = a b^T + bias ---- summed in float32. Levels differ in the last bits, and in denormals,
     * which some take for zero.
     * packed[p][i][j][0 and 1] = b[p * panel_bf16 + j][2 i and 2 i + 1], zero beyond n and k. */
    size_t panel_bf16; /* outputs a panel */
    void (*pack_bf16)(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k);
    /* a: [m, k]; where k is odd a row has one element more, which is finite; packed: 64-byte aligned; bias: [n] or NULL. */
    void (*gemm_bf16)(float *c, size_t ld_c, const uint16_t *a, size_t ld_a, const uint16_t *packed,
                      const float *bias, size_t m, size_t n, size_t k);

    /* ---- conversions ---- */
    void (*f16_to_f32)(float *dst, const uint16_t *src, size_t n); /* IEEE binary16 */
    void (*bf16_to_f32)(float *dst, const uint16_t *src, size_t n);
    void (*f32_to_f16)(uint16_t *dst, const float *src,
                       size_t n); /* to nearest, ties to even; NaN stays NaN */
    void (*f32_to_bf16)(uint16_t *dst, const float *src, size_t n);

    /* ---- rows ---- */
    /* y = (x - mean) / sqrt(var + eps) * gamma + beta over n; beta may be NULL; in place allowed. */
    void (*layer_norm)(float *y, const float *x, const float *gamma, const float *beta, size_t n, float eps);
    /* y = x / sqrt(mean of squares + eps) * gamma over n (Zhang and Sennrich, 2019); in place allowed. */
    void (*rms_norm)(float *y, const float *x, const float *gamma, size_t n, float eps);
    void (*add)(float *y, const float *x, size_t n); /* y += x */
    void (*mul)(float *y, const float *x, size_t n); /* y *= x */
    void (*scale)(float *y, float s, size_t n);      /* y *= s */
    float (*dot)(const float *x, const float *y, size_t n);
    float (*max)(const float *x, size_t n); /* -INFINITY for n = 0 */
    void (*softmax)(float *y, size_t n);    /* in place */

    /* ---- activations, in place ---- */
    void (*gelu)(float *y, size_t n);      /* x/2 (1 + erf(x / sqrt 2)), the exact one */
    void (*gelu_tanh)(float *y, size_t n); /* the tanh approximation ("gelu_new", "gelu_pytorch_tanh") */
    void (*silu)(float *y, size_t n);
    void (*relu)(float *y, size_t n);
    void (*tanh)(float *y, size_t n);
    void (*sigmoid)(float *y, size_t n);

    /* ---- rotary position embedding ---- (Su et al., RoFormer, 2021) of n_heads heads side by side, in place.
     * turn: the cosines of n_pairs angles, then their sines. Pair i of a head is its elements i and n_pairs + i
     * (rope_halves) or 2 i and 2 i + 1 (rope_pairs); what lies behind 2 n_pairs stays as it is. */
    void (*rope_halves)(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs);
    void (*rope_pairs)(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs);

    /* ---- recurrences ---- The bits are the same whatever pieces the tokens come in. */
    void (*recurrence)(const struct recurrence_args *args);
    void (*selective_scan)(const struct selective_scan_args *args);
    /* A convolution over time of each of n channels alone: out[c] = bias[c] + sum of weights[i][c] * rows[i][c] over the last
     * n_rows tokens, the oldest first; a row that is NULL is zeros; bias may be NULL. weights: [n_rows, n]. */
    void (*convolution)(float *out, const float *const *rows, size_t n_rows, const float *weights,
                        const float *bias, size_t n);

    /* ---- attention ---- never holds more than a tile of scores; a query row's result depends on its own q, k, v,
     * bias and window alone, not on n_q. */
    size_t (*attention_scratch)(size_t n_k, size_t head_dim);
    void (*attention)(const struct attention_args *args);
    size_t (*tile_attention_scratch)(size_t head_dim);
    void (*tile_attention)(const struct tile_attention_args *args);
    /* The same where less will do: q, k, v and the weights are rounded to bfloat16 where that is faster, all sums are
     * float32. */
    void (*attention_bf16)(const struct attention_args *args);
    void (*tile_attention_bf16)(const struct tile_attention_args *args);
};

/* int8 blocks of a row of n elements. */
static inline size_t i8_blocks(const struct kernels *k, size_t n)
{
    return (n + k->i8_block - 1) / k->i8_block;
}

/* Bytes that a level likes between rows of whole lines, so that they do not begin a multiple of 4096 apart: tiles load sixteen
 * rows or more at once, which would all want the same few lines of the first-level cache. */
static inline size_t row_gap(const struct kernels *k)
{
    return k->i8_block == I8_LONG ? 64 : 0;
}

/* Bytes that are read of a row of n elements. */
static inline size_t i8_row_size(size_t n)
{
    return (n + I8_BLOCK - 1) / I8_BLOCK * I8_BLOCK;
}

/* Bytes of a panel: for each block of k the weights in the level's own order, as many as i8_row_size says, then [panel_i8]
 * scales as bfloat16 and [panel_i8] sums of the weights as int16_t; of long blocks as float and int32_t. */
static inline size_t i8_panel_size(const struct kernels *k, size_t n_k)
{
    return k->panel_i8 * (i8_row_size(n_k) + i8_blocks(k, n_k) * (k->i8_block == I8_BLOCK ? 4 : 8));
}

/* The table for the highest level that CPU and operating system support, capped by HONE_CPU (see cpu.h). Filled at
 * the first call; thread-safe. */
const struct kernels *kernels_get(void);

/* The table of one level, NULL where this machine (or this build) cannot run it. For tests and benchmarks. */
const struct kernels *kernels_of(enum cpu_level level);

#endif
