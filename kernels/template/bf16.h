/* bfloat16 products, over the vectors of kernels.h and these words, which a level defines:
 *
 *   MR_BF16, NR_BF16         a tile's rows (at most 8) and vectors of outputs; its sums must fit the registers
 *   va_bf16, va_bf16_load(p) two elements, for each of a vector the same
 *   vb_bf16, vb_bf16_load(p) 2 VL elements, two for each of a vector
 *   vf_dot_bf16(sum, a, b)   sum + the two products of each element
 */
#include "kernels/scalar/scalar.h"
#include "kernels/template/parts.h"

enum {
    PANEL_BF16 = NR_BF16 * VL,
    PAIR_SIZE = 2 * PANEL_BF16, /* elements of a panel for two of k */
    ROWS_BF16 = 192 * 1024,     /* bytes of rows that go through all panels together */
    AHEAD_BF16 = 4096,          /* elements, where a tile is alone */
};

static const float zeros_bf16[PANEL_BF16];

static void pack_bf16(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k)
{
    scalar_pack_bf16_panels(packed, b, ld_b, n, k, PANEL_BF16);
}

/* c[rows, n] of one panel. */
struct tile_bf16 {
    float *c;
    const uint16_t *a, *b;
    const float *bias; /* [n] */
    size_t ld_c, ld_a, n, n_pairs;
    const uint16_t *ahead; /* weights wanted later: fetched on the way, step_ahead elements a pair of k */
    size_t step_ahead;
};

static ALWAYS_INLINE void tile_bf16(const struct tile_bf16 *t, const size_t rows)
{
    const size_t ld_a = t->ld_a;
    vf sum[MR_BF16][NR_BF16];
    UNROLL
    for (size_t v = 0; v < NR_BF16; v++) {
        const vf first = load_part(t->bias, t->n, v, NR_BF16);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            sum[r][v] = first;
    }
    const uint16_t *a = t->a, *b = t->b, *ahead = t->ahead;
    for (size_t i = t->n_pairs; i > 0; i--, a += 2, b += PAIR_SIZE, ahead += t->step_ahead) {
        vb_bf16 y[NR_BF16];
        UNROLL
        for (size_t v = 0; v < NR_BF16; v++)
            y[v] = vb_bf16_load(b + v * VL * 2);
        UNROLL
        for (size_t line = 0; line < PAIR_SIZE; line += 32)
            __builtin_prefetch(ahead + line, 0, 2);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const va_bf16 x = va_bf16_load(a + r * ld_a);
            UNROLL
            for (size_t v = 0; v < NR_BF16; v++)
                sum[r][v] = vf_dot_bf16(sum[r][v], x, y[v]);
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * t->ld_c;
        UNROLL
        for (size_t v = 0; v < NR_BF16; v++)
            store_part(c, sum[r][v], t->n, v, NR_BF16);
    }
}

#define TILE_NAME tile_bf16
#define TILE_ROWS MR_BF16
#include "kernels/template/tiles.h"

/* m rows through one panel, in tiles of nearly equal height. */
static void rows_by_panel_bf16(struct tile_bf16 t, size_t m)
{
    const size_t n_tiles = (m + MR_BF16 - 1) / MR_BF16;
    t.step_ahead = PAIR_SIZE / n_tiles;
    t.ahead = t.b + (n_tiles > 1 ? t.n_pairs * PAIR_SIZE : AHEAD_BF16);
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        tile_bf16_of[rows - 1](&t);
        t.ahead += t.n_pairs * t.step_ahead;
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
    }
}

static void gemm_bf16(float *c, size_t ld_c, const uint16_t *a, size_t ld_a, const uint16_t *packed,
                      const float *bias, size_t m, size_t n, size_t k)
{
    const size_t n_pairs = (k + 1) / 2, fitting = ROWS_BF16 / (2 * k + 1) / MR_BF16 * MR_BF16;
    const size_t most = fitting < MR_BF16 ? MR_BF16 : fitting;
    for (size_t i = 0, step; i < m; i += step) {
        step = m - i < most ? m - i : most;
        for (size_t j = 0; j < n; j += PANEL_BF16)
            rows_by_panel_bf16((struct tile_bf16){.c = c + i * ld_c + j,
                                                  .a = a + i * ld_a,
                                                  .b = packed + j * n_pairs * 2,
                                                  .bias = bias ? bias + j : zeros_bf16,
                                                  .ld_c = ld_c,
                                                  .ld_a = ld_a,
                                                  .n = n - j < PANEL_BF16 ? n - j : PANEL_BF16,
                                                  .n_pairs = n_pairs},
                               step);
    }
}

/* Puts these into a table. */
#define BF16_SLOTS(table)                                                                                    \
    do {                                                                                                     \
        (table)->panel_bf16 = PANEL_BF16;                                                                    \
        (table)->pack_bf16 = pack_bf16;                                                                      \
        (table)->gemm_bf16 = gemm_bf16;                                                                      \
    } while (0)
