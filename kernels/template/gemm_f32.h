/* float32 products: tiles of up to MR_F32 rows by panels of two vectors, the sums in registers. */

#include "kernels/template/parts.h"

enum {
    PANEL_F32 = 2 * VL,
    PANELS_F32 = 4, /* at most, in a tile of few rows */
    KC_F32 = 768, /* elements of k at a time: a tile's part of its rows stays in the first-level cache ... */
    MC_F32 = 128, /* ... and rows that go through all panels together: these stay in the second-level cache */
};

static const float zeros_f32[PANELS_F32 * PANEL_F32];

static void pack_f32(float *packed, const float *b, size_t ld_b, size_t n, size_t k)
{
    pack_rows(packed, b, ld_b, n, k);
}

/* c[rows, n] = init + a b, where b is k rows of a panel, or of several that lie ld_b apart. */
struct tile_f32 {
    float *c;
    const float *a, *b, *init;
    size_t ld_c, ld_a, ld_b, ld_init, n, k;
    const float *ahead; /* of b, wanted later: fetched on the way, step_ahead elements for each of k */
    size_t step_ahead;
};

/* Always from the first element of k to the last, one fused multiply-add each: whichever tile a row falls into, its
 * result has the same bits. */
static ALWAYS_INLINE void tile_f32(const struct tile_f32 *t, const size_t rows, const size_t panels)
{
    const bool whole = t->n == panels * PANEL_F32;
    const size_t ld_a = t->ld_a, ld_b = t->ld_b;
    vf sum[MR_F32][2 * PANELS_F32];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        const float *init = t->init + r * t->ld_init;
        UNROLL
        for (size_t v = 0; v < 2 * panels; v++)
            sum[r][v] = whole ? vf_load(init + v * VL) : vf_load_n(init + v * VL, nth_part(t->n, v));
    }
    const float *a = t->a, *b = t->b, *ahead = t->ahead;
    for (size_t i = t->k; i > 0; i--, a++, b += PANEL_F32, ahead += t->step_ahead) {
        UNROLL
        for (size_t p = 0; p < panels; p++) {
            const vf b0 = vf_load(b + p * ld_b), b1 = vf_load(b + p * ld_b + VL);
            __builtin_prefetch(ahead + p * ld_b, 0, 2);
            if (PANEL_F32 > 16)
                __builtin_prefetch(ahead + p * ld_b + 16, 0, 2);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const vf x = vf_set1(a[r * ld_a]);
                sum[r][2 * p] = vf_fma(x, b0, sum[r][2 * p]);
                sum[r][2 * p + 1] = vf_fma(x, b1, sum[r][2 * p + 1]);
            }
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * t->ld_c;
        UNROLL
        for (size_t v = 0; v < 2 * panels; v++) {
            if (whole)
                vf_store(c + v * VL, sum[r][v]);
            else
                vf_store_n(c + v * VL, sum[r][v], nth_part(t->n, v));
        }
    }
}

#define TILE(rows, panels)                                                                                   \
    static void tile_f32_##rows##x##panels(const struct tile_f32 *t)                                         \
    {                                                                                                        \
        tile_f32(t, rows, panels);                                                                           \
    }
TILE(1, 1)
TILE(2, 1)
TILE(3, 1)
TILE(4, 1)
TILE(5, 1)
TILE(6, 1)
#if MR_F32 > 6
TILE(7, 1)
TILE(8, 1)
#endif
#if MR_F32 > 8
TILE(9, 1)
TILE(10, 1)
TILE(11, 1)
TILE(12, 1)
#endif
TILE(1, 4)
TILE(2, 2)
TILE(3, 2)
#undef TILE

typedef void (*tile_f32_fn)(const struct tile_f32 *);

/* [rows - 1]: through one panel, */
static const tile_f32_fn tiles_f32[MR_F32] = {
    tile_f32_1x1, tile_f32_2x1,  tile_f32_3x1,  tile_f32_4x1,  tile_f32_5x1, tile_f32_6x1,
#if MR_F32 > 6
    tile_f32_7x1, tile_f32_8x1,
#endif
#if MR_F32 > 8
    tile_f32_9x1, tile_f32_10x1, tile_f32_11x1, tile_f32_12x1,
#endif
};

/* and through as many as keep the multipliers busy. */
static const struct {
    tile_f32_fn tile;
    size_t panels;
} wide_tiles_f32[] = {{tile_f32_1x4, 4}, {tile_f32_2x2, 2}, {tile_f32_3x2, 2}};

/* One tile's rows: reading b takes as long as computing, or longer, so it is read once and straight through. */
static void few_rows_f32(struct tile_f32 t, const float *bias, size_t m, size_t n)
{
    const float *packed = t.b;
    float *c = t.c;
    t.step_ahead = PANEL_F32;
    t.ld_b = t.k * PANEL_F32;
    for (size_t j = 0, step; j < n; j += step) {
        const size_t n_panels = (n - j + PANEL_F32 - 1) / PANEL_F32;
        const bool wide = m <= 3 && n_panels >= wide_tiles_f32[m - 1].panels;
        step = wide ? wide_tiles_f32[m - 1].panels * PANEL_F32 : PANEL_F32;
        t.n = n - j < step ? n - j : step;
        t.b = packed + j * t.k;
        t.ahead = t.b + 1024;
        t.c = c + j;
        t.init = bias ? bias + j : zeros_f32;
        (wide ? wide_tiles_f32[m - 1].tile : tiles_f32[m - 1])(&t);
    }
}

/* m rows through one panel, in tiles of nearly equal height. */
static void rows_by_panel_f32(struct tile_f32 t, size_t m)
{
    const size_t n_tiles = (m + MR_F32 - 1) / MR_F32;
    t.step_ahead = PANEL_F32 / n_tiles;
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        tiles_f32[rows - 1](&t);
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.init += rows * t.ld_init;
        t.ahead += t.k * t.step_ahead;
    }
}

/* m <= MC_F32 rows through elements k0 to k0 + t->k of all panels. */
static void block_f32(struct tile_f32 t, const float *bias, size_t m, size_t n, size_t k, size_t k0)
{
    const float *packed = t.b;
    float *c = t.c;
    for (size_t j = 0; j < n; j += PANEL_F32) {
        t.n = n - j < PANEL_F32 ? n - j : PANEL_F32;
        t.b = packed + j * k + k0 * PANEL_F32;
        t.ahead = t.b + k * PANEL_F32;
        t.c = c + j;
        t.init = k0 > 0 ? t.c : bias ? bias + j : zeros_f32;
        t.ld_init = k0 > 0 ? t.ld_c : 0;
        rows_by_panel_f32(t, m);
    }
}

static void gemm_f32(float *c, size_t ld_c, const float *a, size_t ld_a, const float *packed,
                     const float *bias, size_t m, size_t n, size_t k)
{
    struct tile_f32 t = {.c = c, .a = a, .b = packed, .ld_c = ld_c, .ld_a = ld_a, .k = k};
    if (m == 0 || n == 0)
        return;
    if (m <= MR_F32) {
        few_rows_f32(t, bias, m, n);
        return;
    }
    for (size_t i = 0; i < m; i += MC_F32) {
        size_t k0 = 0;
        do {
            t.c = c + i * ld_c;
            t.a = a + i * ld_a + k0;
            t.k = k - k0 < KC_F32 ? k - k0 : KC_F32;
            block_f32(t, bias, m - i < MC_F32 ? m - i : MC_F32, n, k, k0);
            k0 += t.k;
        } while (k0 < k);
    }
}
