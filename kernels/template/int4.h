/* int4 products, over the vectors of kernels.h and these words, which a level defines:
 *
 *   MR_I4, NR_I4           a tile's rows (at most 8) and vectors of outputs
 *   vi, vi_from_vf(x), vi_broadcast4(p)   as for int8.h
 *   vi_store_s8(p, x)      VL elements, from -128 to 127, as bytes
 *   vi_dot_i4(sum, b, a)   sum + the four products of each element: b of bytes from 0 to 63, a of signed ones
 *   vi_load_levels(p), vi_lookup(levels, x)   the byte of sixteen that each byte of x, 0 to 15, chooses
 *   vi_dot_levels(sum, b, a)                  as vi_dot_i4, b of such bytes
 *   LEVELS_MORE                               what is added to levels before, 0 or 128; made good by sums of a
 */
#include "kernels/scalar/scalar.h"
#include "kernels/template/parts.h"

#include <float.h>
#include <math.h>

enum {
    PANEL_I4 = NR_I4 * VL,
    SIZE_I4 = PANEL_I4 * I4_BLOCK_SIZE,  /* bytes of a block of a panel */
    GROUP_I4 = SIZE_I4 / (I4_BLOCK / 8), /* bytes fetched ahead for a group of k */
    ROWS_I4 = 192 * 1024,                /* bytes of rows that go through all panels together */
    AHEAD_I4 = 8192,                     /* bytes, where a tile is alone */
};

#ifndef LEVELS_MORE
#define LEVELS_MORE 0
#endif

/* Levels as vi_dot_levels takes them. */
static ALWAYS_INLINE vi levels_of(const int8_t *levels)
{
    return vi_load_levels(levels) ^ (LEVELS_MORE > 0 ? (int32_t)0x80808080 : 0);
}

/* float32 whose lower halves lie apart from the upper ones. */
static ALWAYS_INLINE vf vf_load_halves(const uint16_t *lower, const uint16_t *upper)
{
    uint16_t low __attribute__((vector_size(2 * VL))), high __attribute__((vector_size(2 * VL)));
    memcpy(&low, lower, sizeof low);
    memcpy(&high, upper, sizeof high);
    return (vf)(__builtin_convertvector(low, vi) | __builtin_convertvector(high, vi) << 16);
}

/* ---- rows to bytes ---- */

static struct s8_block quantize_block_s8(int8_t *q, const float *x, size_t n)
{
    vf largest = vf_set1(0), sum = largest;
    for (size_t i = 0; i < n; i += VL) {
        const vf y = n - i < VL ? vf_load_n(x + i, n - i) : vf_load(x + i);
        largest = vf_max(vf_abs(y), largest);
        sum += y * vf_set1(0); /* not a number where x is not finite */
    }
    const float scale = vf_max_of(largest) / 127 + vf_sum(sum), inverse = scale >= FLT_MIN ? 1 / scale : 0;
    if (!(inverse > 0)) {
        memset(q, 0, I4_BLOCK);
        return (struct s8_block){scale, scale * 0, 0};
    }
    vf bytes = vf_set1(0); /* exact: they are small integers */
    for (size_t i = 0; i < I4_BLOCK; i += VL) {
        const size_t left = i >= n ? 0 : n - i < VL ? n - i : VL;
        const vi y = vi_from_vf((left < VL ? vf_load_n(x + i, left) : vf_load(x + i)) * vf_set1(inverse));
        vi_store_s8(q + i, y);
        bytes += __builtin_convertvector(y, vf);
    }
    const float total = vf_sum(bytes);
    return (struct s8_block){scale, scale * total, -128 * (int32_t)total};
}

static void quantize_s8(int8_t *q, struct s8_block *blocks, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += I4_BLOCK)
        *blocks++ = quantize_block_s8(q + i, x + i, n - i < I4_BLOCK ? n - i : I4_BLOCK);
}

/* ---- weights to panels ---- */

static void pack_i4(void *packed, const uint8_t *b, const uint16_t *scales, const uint16_t *offsets, size_t n,
                    size_t k)
{
    scalar_pack_i4_panels(packed, b, scales, offsets, n, k, PANEL_I4);
}

/* ---- products ---- */

static const float zeros_i4[PANEL_I4];

/* c[rows, n] of one panel. */
struct tile_i4 {
    float *c;
    const int8_t *a;
    const struct s8_block *blocks;
    const uint8_t *b;
    const int8_t *levels; /* that nibbles choose from, or NULL */
    const float *bias;    /* [n] */
    size_t ld_c, ld_a, n, n_blocks;
    const uint8_t *ahead; /* weights wanted later: fetched on the way, step_ahead bytes a block */
    size_t step_ahead;
};

static ALWAYS_INLINE vi dot_i4(vi sum, vi b, vi a, const bool chosen)
{
    return chosen ? vi_dot_levels(sum, b, a) : vi_dot_i4(sum, b, a);
}

/* Adds one block to the sums of those before it. chosen: nibbles choose from levels. */
static ALWAYS_INLINE void add_block_i4(const struct tile_i4 *t, vf total[][NR_I4], size_t x, const vi levels,
                                       const bool chosen, const size_t rows)
{
    const int8_t *a = t->a + x * I4_BLOCK;
    const uint8_t *b = t->b + x * SIZE_I4, *ahead = t->ahead + x * t->step_ahead;
    const uint16_t *scales = (const uint16_t *)(b + PANEL_I4 * I4_BLOCK / 2), *offsets = scales + PANEL_I4;
    const struct s8_block *block = t->blocks + x;
    const size_t ld_a = t->ld_a, ld_blocks = t->n_blocks;
    const vi nibble = (vi){0} + 0x0f0f0f0f;
    vi sum[MR_I4][NR_I4];
    UNROLL
    for (size_t r = 0; r < rows; r++)
        UNROLL
    for (size_t v = 0; v < NR_I4; v++)
        sum[r][v] = chosen && LEVELS_MORE > 0 ? vi_broadcast4(&block[r * ld_blocks].less) : (vi){0};
    UNROLL
    for (size_t i = 0; i < I4_BLOCK / 8; i++) {
        vi low[NR_I4], high[NR_I4];
        UNROLL
        for (size_t line = 0; line < GROUP_I4; line += 64)
            __builtin_prefetch(ahead + i * GROUP_I4 + line, 0, 3);
        LOADS_STAY_BELOW; /* and what is fetched stays spread out among them */
        UNROLL
        for (size_t v = 0; v < NR_I4; v++) {
            vi pairs;
            memcpy(&pairs, b + (i * PANEL_I4 + v * VL) * 4, sizeof pairs);
            low[v] = pairs & nibble;
            high[v] = (pairs >> 4) & nibble;
            if (chosen) {
                low[v] = vi_lookup(levels, low[v]);
                high[v] = vi_lookup(levels, high[v]);
            }
        }
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const vi first = vi_broadcast4(a + r * ld_a + i * 4);
            const vi second = vi_broadcast4(a + r * ld_a + I4_BLOCK / 2 + i * 4);
            UNROLL
            for (size_t v = 0; v < NR_I4; v++)
                sum[r][v] = dot_i4(dot_i4(sum[r][v], low[v], first, chosen), high[v], second, chosen);
        }
    }
    UNROLL
    for (size_t v = 0; v < NR_I4; v++) {
        const vf offset = vf_load_f16(offsets + v * VL);
        const vf scale =
            chosen ? vf_load_halves(scales + v * VL, offsets + v * VL) : vf_load_f16(scales + v * VL);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const struct s8_block row = block[r * ld_blocks];
            total[r][v] =
                vf_fma(__builtin_convertvector(sum[r][v], vf), vf_set1(row.scale) * scale, total[r][v]);
            if (!chosen)
                total[r][v] = vf_fma(vf_set1(row.sum), offset, total[r][v]);
        }
    }
}

static ALWAYS_INLINE void tile_of_blocks(const struct tile_i4 *t, const bool chosen, const size_t rows)
{
    const vi levels = chosen ? levels_of(t->levels) : (vi){0};
    vf total[MR_I4][NR_I4];
    UNROLL
    for (size_t v = 0; v < NR_I4; v++) {
        const vf first = load_part(t->bias, t->n, v, NR_I4);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            total[r][v] = first;
    }
    for (size_t x = 0; x < t->n_blocks; x++)
        add_block_i4(t, total, x, levels, chosen, rows);
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * t->ld_c;
        UNROLL
        for (size_t v = 0; v < NR_I4; v++)
            store_part(c, total[r][v], t->n, v, NR_I4);
    }
}

static ALWAYS_INLINE void tile_i4(const struct tile_i4 *t, const size_t rows)
{
    tile_of_blocks(t, false, rows);
}

static ALWAYS_INLINE void tile_l4(const struct tile_i4 *t, const size_t rows)
{
    tile_of_blocks(t, true, rows);
}

#define TILE_NAME tile_i4
#define TILE_ROWS MR_I4
#include "kernels/template/tiles.h"
#define TILE_NAME tile_l4
#define TILE_ARGS tile_i4
#define TILE_ROWS MR_I4
#include "kernels/template/tiles.h"

/* m rows through one panel, in tiles of nearly equal height. */
static void rows_by_panel_i4(struct tile_i4 t, size_t m)
{
    const size_t n_tiles = (m + MR_I4 - 1) / MR_I4;
    t.step_ahead = SIZE_I4 / n_tiles;
    t.ahead = t.b + (n_tiles > 1 ? t.n_blocks * SIZE_I4 : AHEAD_I4);
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        if (t.levels)
            tile_l4_of[rows - 1](&t);
        else
            tile_i4_of[rows - 1](&t);
        t.ahead += t.n_blocks * t.step_ahead;
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.blocks += rows * t.n_blocks;
    }
}

static void gemm_s8l4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k)
{
    const size_t n_blocks = k / I4_BLOCK, fitting = ROWS_I4 / (k + 1) / MR_I4 * MR_I4;
    const size_t most = fitting < MR_I4 ? MR_I4 : fitting;
    for (size_t i = 0, step; i < m; i += step) {
        step = m - i < most ? m - i : most;
        for (size_t j = 0; j < n; j += PANEL_I4)
            rows_by_panel_i4(
                (struct tile_i4){.c = c + i * ld_c + j,
                                 .a = a + i * ld_a,
                                 .blocks = blocks + i * n_blocks,
                                 .b = (const uint8_t *)packed + j / PANEL_I4 * n_blocks * SIZE_I4,
                                 .levels = levels,
                                 .bias = bias ? bias + j : zeros_i4,
                                 .ld_c = ld_c,
                                 .ld_a = ld_a,
                                 .n = n - j < PANEL_I4 ? n - j : PANEL_I4,
                                 .n_blocks = n_blocks},
                step);
    }
}

static void gemm_s8i4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm_s8l4(c, ld_c, a, ld_a, blocks, packed, NULL, bias, m, n, k);
}

/* Puts these into a table. */
#define INT4_SLOTS(table)                                                                                    \
    do {                                                                                                     \
        (table)->panel_i4 = PANEL_I4;                                                                        \
        (table)->quantize_s8 = quantize_s8;                                                                  \
        (table)->pack_i4 = pack_i4;                                                                          \
        (table)->gemm_s8i4 = gemm_s8i4;                                                                      \
        (table)->gemm_s8l4 = gemm_s8l4;                                                                      \
    } while (0)
