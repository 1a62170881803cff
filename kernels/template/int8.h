/* int8 products, over the vectors of kernels.h and these words, which a level defines:
 *
 *   MR_I8, NR_I8            a tile's rows (at most 12) and vectors of outputs; its sums must fit the registers
 *   vi                      a vector of VL int32_t; + - * work on it
 *   vi_from_vf(x)           to nearest, ties to even
 *   vi_store_u8_n(p, x, n)  the first n <= VL as bytes, saturated
 *   va_i8, va_i8_load(p)    four unsigned bytes, for each element of a vector the same
 *   vb_i8, vb_i8_load(p)    4 VL signed bytes, four an element, from an address that is one of the vector's size
 *   vi_dot_i8(sum, a, b)    sum + the four products of each element, exactly
 */
#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>

enum {
    PANEL_I8 = NR_I8 * VL,
    GROUP_I8 = 4,
    GROUP_SIZE = PANEL_I8 * GROUP_I8, /* bytes of a panel for one group of k */
    BLOCK_I8 =
        192 *
        1024, /* bytes of rows that go through all panels together: they stay in the second-level cache */
};

/* ---- rows to bytes ---- */

static void quantize_u8(uint8_t *q, struct u8_row *row, const float *x, size_t n)
{
    vf low = vf_set1(0), high = low, sum = low;
    for (size_t i = 0; i < n; i += VL) {
        const vf y = n - i < VL ? vf_load_n(x + i, n - i) : vf_load(x + i);
        low = vf_min(y, low);
        high = vf_max(y, high);
        sum += y * vf_set1(0); /* not a number where x is not finite */
    }
    const float scale = (vf_max_of(high) + vf_max_of(vf_set1(0) - low)) / 255 + vf_sum(sum),
                inverse = scale >= FLT_MIN ? 1 / scale : 0;
    row->scale = scale;
    row->zero = inverse > 0 ? (int32_t)lrintf(vf_max_of(vf_set1(0) - low) * inverse) : 0;
    if (!(inverse > 0)) {
        memset(q, 0, n);
        return;
    }
    const vi zero = (vi){0} + row->zero;
    for (size_t i = 0; i < n; i += VL) {
        const size_t left = n - i < VL ? n - i : VL;
        const vf y = left < VL ? vf_load_n(x + i, left) : vf_load(x + i);
        vi_store_u8_n(q + i, vi_from_vf(y * vf_set1(inverse)) + zero, left);
    }
}

/* ---- weights to panels ---- [k / 4][PANEL_I8][4] */

static void pack_i8(int8_t *packed, int32_t *sums, const int8_t *b, size_t ld_b, size_t n, size_t k)
{
    scalar_pack_i8_groups(packed, sums, b, ld_b, n, k, PANEL_I8, GROUP_I8);
}

/* ---- products ---- */

static const float zeros_i8[PANEL_I8];

/* c[rows, n] of one panel. */
struct tile_i8 {
    float *c;
    const uint8_t *a;
    const struct u8_row *rows;
    const int8_t *b;
    const float *scales, *bias; /* [n] */
    const int32_t *sums;        /* [n] */
    size_t ld_c, ld_a, n, n_groups;
};

/* What vector v of a row has of n elements. */
static ALWAYS_INLINE size_t vector_part(size_t n, size_t v)
{
    return n < v * VL ? 0 : n - v * VL < VL ? n - v * VL : VL;
}

static ALWAYS_INLINE vf load_part(const void *p, size_t n)
{
    return n == VL ? vf_load(p) : vf_load_n(p, n);
}

/* Sums of one vector of outputs to c. */
static ALWAYS_INLINE void scale_i8(const struct tile_i8 *t, vi sum[][NR_I8], const size_t rows,
                                   const size_t v, const size_t n)
{
    const vf scales = load_part(t->scales + v * VL, n), bias = load_part(t->bias + v * VL, n);
    const vi sums = (vi)load_part(t->sums + v * VL, n);
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        const vf exact = __builtin_convertvector(sum[r][v] - t->rows[r].zero * sums, vf);
        const vf y = vf_fma(exact, vf_set1(t->rows[r].scale) * scales, bias);
        float *c = t->c + r * t->ld_c + v * VL;
        if (n == VL)
            vf_store(c, y);
        else
            vf_store_n(c, y, n);
    }
}

static ALWAYS_INLINE void tile_i8(const struct tile_i8 *t, const size_t rows)
{
    const size_t ld_a = t->ld_a;
    vi sum[MR_I8][NR_I8];
    UNROLL
    for (size_t r = 0; r < rows; r++)
        UNROLL
    for (size_t v = 0; v < NR_I8; v++)
        sum[r][v] = (vi){0};
    const uint8_t *a = t->a;
    const int8_t *b = t->b;
    for (size_t i = t->n_groups; i > 0; i--, a += GROUP_I8, b += GROUP_SIZE) {
        vb_i8 y[NR_I8];
        UNROLL
        for (size_t v = 0; v < NR_I8; v++)
            y[v] = vb_i8_load(b + v * VL * GROUP_I8);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const va_i8 x = va_i8_load(a + r * ld_a);
            UNROLL
            for (size_t v = 0; v < NR_I8; v++)
                sum[r][v] = vi_dot_i8(sum[r][v], x, y[v]);
        }
    }
    if (t->n == PANEL_I8)
        UNROLL
    for (size_t v = 0; v < NR_I8; v++)
        scale_i8(t, sum, rows, v, VL);
    else UNROLL for (size_t v = 0; v < NR_I8; v++) scale_i8(t, sum, rows, v, vector_part(t->n, v));
}

#define TILE(rows)                                                                                           \
    static void tile_i8_##rows(const struct tile_i8 *t)                                                      \
    {                                                                                                        \
        tile_i8(t, rows);                                                                                    \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
#if MR_I8 > 4
TILE(5)
TILE(6)
#endif
#if MR_I8 > 6
TILE(7)
TILE(8)
#endif
#if MR_I8 > 8
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif
#undef TILE

static void (*const tiles_i8[MR_I8])(const struct tile_i8 *) = {
    tile_i8_1, tile_i8_2,  tile_i8_3,  tile_i8_4,
#if MR_I8 > 4
    tile_i8_5, tile_i8_6,
#endif
#if MR_I8 > 6
    tile_i8_7, tile_i8_8,
#endif
#if MR_I8 > 8
    tile_i8_9, tile_i8_10, tile_i8_11, tile_i8_12,
#endif
};

/* m rows through one panel, in tiles of nearly equal height. */
static void rows_by_panel_i8(struct tile_i8 t, size_t m)
{
    const size_t n_tiles = (m + MR_I8 - 1) / MR_I8;
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        tiles_i8[rows - 1](&t);
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.rows += rows;
    }
}

static void gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_row *rows,
                      const int8_t *packed, const float *scales, const int32_t *sums, const float *bias,
                      size_t m, size_t n, size_t k)
{
    const size_t n_groups = (k + GROUP_I8 - 1) / GROUP_I8;
    const size_t fitting = BLOCK_I8 / (k + 1) / MR_I8 * MR_I8, block = fitting < MR_I8 ? MR_I8 : fitting;
    for (size_t i = 0, step; i < m; i += step) {
        step = m - i < block ? m - i : block;
        for (size_t j = 0; j < n; j += PANEL_I8)
            rows_by_panel_i8((struct tile_i8){.c = c + i * ld_c + j,
                                              .a = a + i * ld_a,
                                              .rows = rows + i,
                                              .b = packed + j * n_groups * GROUP_I8,
                                              .scales = scales + j,
                                              .bias = bias ? bias + j : zeros_i8,
                                              .sums = sums + j,
                                              .ld_c = ld_c,
                                              .ld_a = ld_a,
                                              .n = n - j < PANEL_I8 ? n - j : PANEL_I8,
                                              .n_groups = n_groups},
                             step);
    }
}

/* Puts these into a table. */
#define INT8_SLOTS(table)                                                                                    \
    do {                                                                                                     \
        (table)->panel_i8 = PANEL_I8;                                                                        \
        (table)->group_i8 = GROUP_I8;                                                                        \
        (table)->quantize_u8 = quantize_u8;                                                                  \
        (table)->pack_i8 = pack_i8;                                                                          \
        (table)->gemm_u8i8 = gemm_u8i8;                                                                      \
    } while (0)
