/* int8 products, over the vectors of kernels.h and these words, which a level defines:
 *
 *   MR_I8, NR_I8            a tile's rows (at most 12) and vectors of outputs; its sums must fit the registers
 *   vi                      a vector of VL int32_t; + - * work on it, with numbers too
 *   vi_from_vf(x)           to nearest, ties to even
 *   vi_mul_s16(x, y)        x * y, both from -32768 to 32767
 *   vi_store_u8_n(p, x, n)  the first n <= VL as bytes, saturated
 *
 * and how a block is summed, or else the words of dot_i8.h:
 *
 *   GROUP_I8                bytes of one output that lie side by side in a panel
 *   OFFSET_I8               what sum_i8 takes off each unsigned byte, 0 or 128; made good before
 *   sum_i8(sum, a, ld_a, b, ahead, step_ahead, rows)   vi sum[rows][NR_I8] += the exact products of a block of rows
 *                           and one of a panel, [I8_BLOCK / GROUP_I8][NR_I8 * VL][GROUP_I8]; it may fetch step_ahead
 *                           bytes from `ahead` for each group
 */
#include "kernels/scalar/scalar.h"
#include "kernels/template/parts.h"

#include <float.h>
#include <math.h>

#ifndef GROUP_I8
#include "kernels/template/dot_i8.h"
#endif

enum {
    PANEL_I8 = NR_I8 * VL,
    GROUPS_I8 = I8_BLOCK / GROUP_I8,        /* a block */
    GROUP_SIZE = PANEL_I8 * GROUP_I8,       /* bytes of a group of a panel */
    BLOCK_SIZE = PANEL_I8 * (I8_BLOCK + 4), /* bytes of a block of a panel */
    AHEAD_I8 = 8192,                        /* bytes, where tiles are few */
    /* Bytes of rows that go through all panels together: they stay in the second-level cache. */
    ROWS_SIZE = 192 * 1024,
};

/* ---- rows to bytes ---- */

static struct u8_block quantize_block(uint8_t *q, const float *x, size_t n)
{
    vf low = vf_set1(0), high = low, sum = low;
    for (size_t i = 0; i < n; i += VL) {
        const vf y = n - i < VL ? vf_load_n(x + i, n - i) : vf_load(x + i);
        low = vf_min(y, low);
        high = vf_max(y, high);
        sum += y * vf_set1(0); /* not a number where x is not finite */
    }
    const float above = vf_max_of(high), below = vf_max_of(vf_set1(0) - low);
    const float scale = (above + below) / 255 + vf_sum(sum), inverse = scale >= FLT_MIN ? 1 / scale : 0;
    if (!(inverse > 0)) {
        memset(q, 0, n);
        return (struct u8_block){scale, 0};
    }
    const struct u8_block block = {scale, (int32_t)lrintf(below * inverse)};
    for (size_t i = 0; i < n; i += VL) {
        const size_t left = n - i < VL ? n - i : VL;
        const vf y = left < VL ? vf_load_n(x + i, left) : vf_load(x + i);
        vi_store_u8_n(q + i, vi_from_vf(y * vf_set1(inverse)) + block.zero, left);
    }
    return block;
}

static void quantize_u8(uint8_t *q, struct u8_block *blocks, const float *x, size_t n)
{
    for (; n >= I8_BLOCK; n -= I8_BLOCK, q += I8_BLOCK, x += I8_BLOCK)
        *blocks++ = quantize_block(q, x, I8_BLOCK);
    if (n > 0)
        *blocks = quantize_block(q, x, n);
}

/* ---- weights to panels ---- */

static void pack_i8(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k)
{
    scalar_pack_i8_as(packed, b, ld_b, scales, n, k, (struct i8_layout){PANEL_I8, GROUP_I8, I8_BLOCK});
}

/* ---- products ---- */

static const float zeros_i8[PANEL_I8];

/* c[rows, n] of one panel. */
struct tile_i8 {
    float *c;
    const uint8_t *a;
    const struct u8_block *blocks;
    const int8_t *b;
    const float *bias; /* [n] */
    size_t ld_c, ld_a, n, n_blocks;
    const int8_t *ahead; /* weights wanted later: fetched on the way, step_ahead bytes a group of k */
    size_t step_ahead;
};

static ALWAYS_INLINE vi vi_load_s16(const int16_t *p)
{
    int16_t x __attribute__((vector_size(2 * VL)));
    memcpy(&x, p, sizeof x);
    return __builtin_convertvector(x, vi);
}

/* Adds the sums of one block to those of the blocks before it. */
static ALWAYS_INLINE void add_block(const struct tile_i8 *t, vf total[][NR_I8], size_t x, const size_t rows)
{
    const int8_t *b = t->b + x * BLOCK_SIZE;
    const uint16_t *scales = (const uint16_t *)(b + PANEL_I8 * I8_BLOCK);
    const int16_t *sums = (const int16_t *)(scales + PANEL_I8);
    const struct u8_block *block = t->blocks + x;
    const size_t ld_blocks = t->n_blocks;
    const int8_t *ahead = t->ahead + x * GROUPS_I8 * t->step_ahead;
    vi sum[MR_I8][NR_I8];
    UNROLL
    for (size_t v = 0; v < NR_I8; v++) {
        const vi sum_b = vi_load_s16(sums + v * VL);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            sum[r][v] = vi_mul_s16(sum_b, OFFSET_I8 - block[r * ld_blocks].zero);
    }
    sum_i8(sum, t->a + x * I8_BLOCK, t->ld_a, b, ahead, t->step_ahead, rows);
    UNROLL
    for (size_t v = 0; v < NR_I8; v++) {
        const vf scale = vf_load_bf16(scales + v * VL);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            total[r][v] = vf_fma(__builtin_convertvector(sum[r][v], vf),
                                 vf_set1(block[r * ld_blocks].scale) * scale, total[r][v]);
    }
}

static ALWAYS_INLINE void tile_i8(const struct tile_i8 *t, const size_t rows)
{
    vf total[MR_I8][NR_I8];
    UNROLL
    for (size_t v = 0; v < NR_I8; v++) {
        const vf first = load_part(t->bias, t->n, v, NR_I8);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            total[r][v] = first;
    }
    for (size_t x = 0; x < t->n_blocks; x++)
        add_block(t, total, x, rows);
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * t->ld_c;
        UNROLL
        for (size_t v = 0; v < NR_I8; v++)
            store_part(c, total[r][v], t->n, v, NR_I8);
    }
}

#define TILE_NAME tile_i8
#define TILE_ROWS MR_I8
#include "kernels/template/tiles.h"

/* m rows through one panel, in tiles of nearly equal height. A tile that is alone, or the first of two, fetches what it
 * needs itself soon; others share the next panel. */
static void rows_by_panel_i8(struct tile_i8 t, size_t m)
{
    const size_t n_tiles = (m + MR_I8 - 1) / MR_I8;
    const int8_t *later = t.b + t.n_blocks * BLOCK_SIZE;
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        const bool soon = i == 0 && n_tiles <= 2;
        t.step_ahead = soon ? GROUP_SIZE : GROUP_SIZE / n_tiles;
        t.ahead = soon ? t.b + AHEAD_I8 : later;
        tile_i8_of[rows - 1](&t);
        later += soon ? 0 : t.n_blocks * GROUPS_I8 * t.step_ahead;
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.blocks += rows * t.n_blocks;
    }
}

static void gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    const size_t n_blocks = (k + I8_BLOCK - 1) / I8_BLOCK;
    const size_t fitting = ROWS_SIZE / (k + 1) / MR_I8 * MR_I8, most = fitting < MR_I8 ? MR_I8 : fitting;
    for (size_t i = 0, step; i < m; i += step) {
        step = m - i < most ? m - i : most;
        for (size_t j = 0; j < n; j += PANEL_I8)
            rows_by_panel_i8(
                (struct tile_i8){.c = c + i * ld_c + j,
                                 .a = a + i * ld_a,
                                 .blocks = blocks + i * n_blocks,
                                 .b = (const int8_t *)packed + j / PANEL_I8 * n_blocks * BLOCK_SIZE,
                                 .bias = bias ? bias + j : zeros_i8,
                                 .ld_c = ld_c,
                                 .ld_a = ld_a,
                                 .n = n - j < PANEL_I8 ? n - j : PANEL_I8,
                                 .n_blocks = n_blocks},
                step);
    }
}

/* Puts these into a table. */
#define INT8_SLOTS(table)                                                                                    \
    do {                                                                                                     \
        (table)->panel_i8 = PANEL_I8;                                                                        \
        (table)->i8_block = I8_BLOCK;                                                                        \
        (table)->rotate_i8 = scalar_rotate_i8;                                                               \
        (table)->quantize_u8 = quantize_u8;                                                                  \
        (table)->pack_i8 = pack_i8;                                                                          \
        (table)->gemm_u8i8 = gemm_u8i8;                                                                      \
    } while (0)
