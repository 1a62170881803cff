/* Attention by tiles, over the words of amx.h: attention.h's, whose products of 32 rows and 32 keys, or 32 of a head's
 * values, are four tiles of sums. Only what encoders do: the rows of a cache must have the same bits for one new token as
 * for many, and one token is quicker without tiles. */
#ifndef KERNELS_X86_AMX_ATTENTION_H
#define KERNELS_X86_AMX_ATTENTION_H

#include "kernels/x86/avx512_cells.h"

#define MR_CELLS   SQUARE
#define CELLS_UNIT 16 /* of a row, a tile's */

#include "kernels/template/math.h"
#include "kernels/template/parts.h"

#include "kernels/template/cells.h"

#include "kernels/template/attention.h"

/* Rows behind those that count are computed with them: there is memory, and nobody reads them. */
static ALWAYS_INLINE void product_by_tiles(const struct tile_cells *t, const bool two)
{
    enum { CELL = sizeof(float) };
    const size_t ld_a = t->ld_a * CELL, ld_c = t->ld_c * CELL, ld_init = t->ld_init * CELL;
    tile_load(0, t->init, ld_init);
    tile_load(1, t->init + TILE, ld_init);
    if (two) {
        tile_load(2, t->init + TILE * t->ld_init, ld_init);
        tile_load(3, t->init + TILE * t->ld_init + TILE, ld_init);
    }
    for (size_t i = 0; i < t->depth; i += CELLS_UNIT)
        dot_step((const char *)(t->a + i), ld_a, (const char *)(t->b + i * PANEL_CELLS), two, OF_HALVES);
    tile_store(0, t->c, ld_c);
    tile_store(1, t->c + TILE, ld_c);
    if (two) {
        tile_store(2, t->c + TILE * t->ld_c, ld_c);
        tile_store(3, t->c + TILE * t->ld_c + TILE, ld_c);
    }
}

static void product_cells(const struct tile_cells *t, size_t rows)
{
    if (rows > TILE)
        product_by_tiles(t, true);
    else
        product_by_tiles(t, false);
}

static size_t (*scratch_below)(size_t n_k,
                               size_t head_dim); /* of the level below, which attention in float32 is of */

static size_t attention_scratch(size_t n_k, size_t head_dim)
{
    const size_t dim = round_up(head_dim, PANEL_CELLS), depth = n_cells(head_dim),
                 below = scratch_below(n_k, head_dim);
    const size_t own =
        round_up(n_k, PANEL_CELLS) * depth + n_cells(n_k) * dim + MR_CELLS * (KEYS_TILE + dim + depth);
    return own > below ? own : below;
}

static void attention_by_tiles(const struct attention_args *args)
{
    configure(SQUARE);
    attention(args);
    tile_release();
}

#endif
