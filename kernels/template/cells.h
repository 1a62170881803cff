/* Products of attention, of cells: 32 bits that are one element of k, or two of fewer bits. Words, of cells_f32.h or of a
 * level:
 *
 *   CELL_LEN, MR_CELLS        elements a cell; rows a tile, 6, 8 or 12: 2 * MR_CELLS + 3 vectors must fit the registers
 *   va_cell, va_cell_load(p)  a cell, for each of a vector the same
 *   vb_cells, vb_cells_load(p)  VL cells
 *   vf_dot_cells(sum, a, b)   sum + the products of each cell's elements
 *   cells_of_run(x)           from CELL_LEN vectors of elements that follow each other, one vector after the other
 *   cells_of_rows(x)          cell j is element j of each of CELL_LEN vectors
 *   vf_weight(x)              e^x for x <= 0, as exact as cells are; of -infinity, exactly 0
 *   store_weights(p, j, e0, e1, sum)   weights j to j + 2 VL of a row of cells at p, added to sum as they are stored
 *
 *
 * and, where products are by something else than vectors, product_cells(t, rows) as below, and
 *
 *   CELLS_UNIT                what it takes of a row: so many cells, filled up with zeros
 *
 * Cells lie in memory as floats do. */

enum { PANEL_CELLS = 2 * VL };

#if !defined(CELLS_UNIT)
#define CELLS_UNIT 1
#define CELLS_BY_VECTORS
#endif

static const float zeros_cells[PANEL_CELLS];

static ALWAYS_INLINE size_t n_cells(size_t n)
{
    return (n + CELL_LEN * CELLS_UNIT - 1) / (CELL_LEN * CELLS_UNIT) * CELLS_UNIT;
}

/* VL cells of what is left of a row, zeros behind. */
static ALWAYS_INLINE vf load_run(const float *x, size_t n)
{
    vf run[CELL_LEN];
    UNROLL
    for (size_t i = 0; i < CELL_LEN; i++)
        run[i] = vf_load_n(x + i * VL, nth_part(n, i));
    return cells_of_run(run);
}

/* x: [n, k] as a panel for each PANEL_CELLS of n: [n_cells(k)][PANEL_CELLS], zeros behind n and k. */
static void pack_rows(float *packed, const float *x, size_t ld, size_t n, size_t k)
{
    const size_t depth = n_cells(k);
    for (size_t j = 0; j < n; j += PANEL_CELLS, packed += depth * PANEL_CELLS)
        for (size_t i = 0; i < depth; i += VL)
            for (size_t half = 0; half < PANEL_CELLS; half += VL) {
                vf cells[VL];
                for (size_t r = 0, row = j + half; r < VL; r++, row++)
                    cells[r] = row < n ? load_run(x + row * ld + i * CELL_LEN, k - i * CELL_LEN) : vf_set1(0);
                vf_transpose(cells);
                for (size_t r = 0; r < VL && i + r < depth; r++)
                    vf_store(packed + (i + r) * PANEL_CELLS + half, cells[r]);
            }
}

/* c[rows, PANEL_CELLS] = init + a b^T, where b is a panel. c, a and init have MR_CELLS rows that may be touched. */
struct tile_cells {
    float *c;
    const float *a, *b, *init;
    size_t ld_c, ld_a, ld_init, depth;
};

#ifdef CELLS_BY_VECTORS

/* From the first cell to the last: whichever tile a row falls into, its result has the same bits. */
static ALWAYS_INLINE void tile_cells(const struct tile_cells *t, const size_t rows)
{
    const size_t ld_a = t->ld_a;
    vf sum[MR_CELLS][2];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        sum[r][0] = vf_load(t->init + r * t->ld_init);
        sum[r][1] = vf_load(t->init + r * t->ld_init + VL);
    }
    const float *a = t->a, *b = t->b;
    for (size_t i = t->depth; i > 0; i--, a++, b += PANEL_CELLS) {
        const vb_cells b0 = vb_cells_load(b), b1 = vb_cells_load(b + VL);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const va_cell x = va_cell_load(a + r * ld_a);
            sum[r][0] = vf_dot_cells(sum[r][0], x, b0);
            sum[r][1] = vf_dot_cells(sum[r][1], x, b1);
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        vf_store(t->c + r * t->ld_c, sum[r][0]);
        vf_store(t->c + r * t->ld_c + VL, sum[r][1]);
    }
}

#define TILE_NAME tile_cells
#define TILE_ROWS MR_CELLS
#include "kernels/template/tiles.h"

static ALWAYS_INLINE void product_cells(const struct tile_cells *t, size_t rows)
{
    tile_cells_of[rows - 1](t);
}

#undef CELLS_BY_VECTORS
#else

static void product_cells(const struct tile_cells *t, size_t rows);

#endif
