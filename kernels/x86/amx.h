/* Products by AMX's tiles: registers of 16 rows of 64 bytes. Written over these words, so that tests can run it on
 * machines without; everything here is static to the file that defines them.
 *
 *   AMX_ISA                 the instruction sets, as TARGET_BEGIN takes them
 *   tile_configure(config)  takes shapes from a struct tile_config; all tiles are zero then
 *   tile_release()          of this thread; every product ends with it
 *   tile_zero(t)  tile_load(t, p, stride)  tile_store(t, p, stride)    t is a constant; stride in bytes
 *   tile_dot_u8i8(c, a, b)  c[i][j] += sums over k of a[i][k] b[k / 4][4 j + k % 4], int32_t
 *   tile_dot_bf16(c, a, b)  c[i][j] += sums over k of a[i][k] b[k / 2][2 j + k % 2], float
 *
 * Intel Architecture Instruction Set Extensions Programming Reference, chapter 3. */
#ifndef KERNELS_X86_AMX_H
#define KERNELS_X86_AMX_H

#include "kernels/kernels.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>
#include <string.h>

struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

TARGET_BEGIN(AMX_ISA)

#include "kernels/x86/avx512.h"

enum {
    TILE = 16,         /* rows, and outputs, of a tile of sums */
    SQUARE = 2 * TILE, /* four of them are computed together */
    PANEL = 64,        /* outputs, as AVX-512 VNNI's and BF16's panels have them */
    LINE = 4 * PANEL,  /* bytes of a panel for four bytes of k */
    BLOCK_SIZE = PANEL * (I8_BLOCK + 4),
    ROWS_SIZE =
        512 *
        1024, /* bytes of rows that go through all panels together: half a second-level cache, or less */
};

/* c = a b^T + bias; what is not int8's own is in bytes. */
struct by_tiles {
    float *c;
    const char *a, *packed;
    const struct u8_block *blocks; /* int8: [m, n_blocks] */
    const float *bias;
    size_t ld_c, ld_a, n, row_size;
};

/* Of c[rows, SQUARE]. */
struct sums {
    float total[SQUARE][SQUARE];
    union {
        int32_t i8[SQUARE][SQUARE];
        float bf16[SQUARE][SQUARE];
    } of;
};

/* Tiles 0 to 3 are the sums, two by two; 4 and 5 the rows of a; 6 and 7 the outputs of b. */
static void configure(size_t rows)
{
    struct tile_config config = {.palette = 1};
    const size_t upper = rows < TILE ? rows : TILE, lower = rows - upper;
    const size_t tile_rows[8] = {upper, upper, lower, lower, upper, lower, TILE, TILE};
    for (size_t t = 0; t < 8; t++) {
        config.rows[t] = (uint8_t)tile_rows[t];
        config.row_bytes[t] = tile_rows[t] ? 64 : 0;
    }
    tile_configure(&config);
}

static ALWAYS_INLINE void zero_sums(bool two)
{
    tile_zero(0);
    tile_zero(1);
    if (two) {
        tile_zero(2);
        tile_zero(3);
    }
}

static ALWAYS_INLINE void store_sums(struct sums *s, bool two)
{
    const size_t row_bytes = sizeof s->of.i8[0];
    tile_store(0, &s->of.i8[0][0], row_bytes);
    tile_store(1, &s->of.i8[0][TILE], row_bytes);
    if (two) {
        tile_store(2, &s->of.i8[TILE][0], row_bytes);
        tile_store(3, &s->of.i8[TILE][TILE], row_bytes);
    }
}

static size_t part(size_t n, size_t from)
{
    return n < from ? 0 : n - from < VL ? n - from : VL;
}

/* ---- int8 ---- */

static ALWAYS_INLINE void sum_block(struct sums *s, const char *a, size_t ld_a, const char *b, bool two)
{
    zero_sums(two);
    for (size_t i = 0; i < I8_BLOCK; i += 64, b += 16 * LINE) {
        tile_load(4, a + i, ld_a);
        tile_load(6, b, LINE);
        tile_load(7, b + 64, LINE);
        tile_dot_u8i8(0, 4, 6);
        tile_dot_u8i8(1, 4, 7);
        if (two) {
            tile_load(5, a + i + TILE * ld_a, ld_a);
            tile_dot_u8i8(2, 5, 6);
            tile_dot_u8i8(3, 5, 7);
        }
    }
    store_sums(s, two);
}

/* All integers here are below 2^24: float32 has them exactly. */
static ALWAYS_INLINE void add_block(struct sums *s, const struct u8_block *blocks, size_t ld_blocks,
                                    const char *scales, const char *sums, size_t rows)
{
    for (size_t v = 0; v < SQUARE; v += VL) {
        const vf scale = vf_load_bf16((const uint16_t *)scales + v);
        const __m256i words = _mm256_loadu_si256((const __m256i *)((const int16_t *)sums + v));
        const vf sum_b = _mm512_cvtepi32_ps(_mm512_cvtepi16_epi32(words));
        for (size_t r = 0; r < rows; r++) {
            const struct u8_block *block = blocks + r * ld_blocks;
            const vf sum = _mm512_cvtepi32_ps(_mm512_loadu_si512(&s->of.i8[r][v]));
            const vf exact = _mm512_fnmadd_ps(vf_set1((float)block->zero), sum_b, sum);
            const vf total = vf_fma(exact, vf_set1(block->scale) * scale, vf_load(&s->total[r][v]));
            vf_store(&s->total[r][v], total);
        }
    }
}

static void square_u8i8(const struct by_tiles *p, size_t i, size_t j, size_t rows)
{
    const size_t n_blocks = i8_blocks(p->row_size), n = p->n - j, in_panel = j % PANEL;
    const char *a = p->a + i * p->ld_a, *panel = p->packed + j / PANEL * n_blocks * BLOCK_SIZE;
    struct sums s;
    for (size_t v = 0; v < SQUARE; v += VL) {
        const vf bias = p->bias ? vf_load_n(p->bias + j + v, part(n, v)) : vf_set1(0);
        for (size_t r = 0; r < rows; r++)
            vf_store(&s.total[r][v], bias);
    }
    for (size_t x = 0; x < n_blocks; x++, a += I8_BLOCK, panel += BLOCK_SIZE) {
        const char *scales = panel + PANEL * I8_BLOCK;
        sum_block(&s, a, p->ld_a, panel + 4 * in_panel, rows > TILE);
        add_block(&s, p->blocks + i * n_blocks + x, n_blocks, scales + 2 * in_panel,
                  scales + 2 * PANEL + 2 * in_panel, rows);
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t v = 0; v < SQUARE; v += VL)
            vf_store_n(p->c + (i + r) * p->ld_c + j + v, vf_load(&s.total[r][v]), part(n, v));
}

/* ---- bfloat16 ---- */

static ALWAYS_INLINE void dot_bf16(const char *a, size_t ld_a, const char *b, size_t ld_b, bool two)
{
    tile_load(4, a, ld_a);
    tile_load(6, b, ld_b);
    tile_load(7, b + 64, ld_b);
    tile_dot_bf16(0, 4, 6);
    tile_dot_bf16(1, 4, 7);
    if (two) {
        tile_load(5, a + TILE * ld_a, ld_a);
        tile_dot_bf16(2, 5, 6);
        tile_dot_bf16(3, 5, 7);
    }
}

/* What is left of k, less than a tile is wide: with zeros behind. */
static void dot_rest_bf16(const char *a, size_t ld_a, const char *b, size_t size, size_t rows)
{
    char a_rest[SQUARE][64] = {{0}}, b_rest[TILE][128] = {{0}};
    for (size_t r = 0; r < rows; r++)
        memcpy(a_rest[r], a + r * ld_a, size);
    for (size_t i = 0; i < size / 4; i++)
        memcpy(b_rest[i], b + i * LINE, sizeof b_rest[i]);
    dot_bf16(a_rest[0], sizeof a_rest[0], b_rest[0], sizeof b_rest[0], rows > TILE);
}

static void square_bf16(const struct by_tiles *p, size_t i, size_t j, size_t rows)
{
    const size_t n = p->n - j;
    const char *a = p->a + i * p->ld_a, *b = p->packed + j / PANEL * PANEL * p->row_size + 4 * (j % PANEL);
    struct sums s;
    zero_sums(rows > TILE);
    size_t left = p->row_size;
    for (; left >= 64; left -= 64, a += 64, b += 16 * LINE)
        dot_bf16(a, p->ld_a, b, LINE, rows > TILE);
    if (left > 0)
        dot_rest_bf16(a, p->ld_a, b, left, rows);
    store_sums(&s, rows > TILE);
    for (size_t v = 0; v < SQUARE; v += VL) {
        const vf bias = p->bias ? vf_load_n(p->bias + j + v, part(n, v)) : vf_set1(0);
        for (size_t r = 0; r < rows; r++)
            vf_store_n(p->c + (i + r) * p->ld_c + j + v, vf_load(&s.of.bf16[r][v]) + bias, part(n, v));
    }
}

/* ---- all of c ---- */

typedef void (*square_fn)(const struct by_tiles *p, size_t i, size_t j, size_t rows);

/* Rows from `first` to `end`, in squares of `rows` rows. */
static void rows_by_tiles(const struct by_tiles *p, square_fn square, size_t first, size_t end, size_t rows)
{
    const size_t fitting = ROWS_SIZE / (p->row_size + 1) / rows * rows,
                 most = fitting < rows ? rows : fitting;
    configure(rows);
    for (size_t stop; first < end; first = stop) {
        stop = end - first < most ? end : first + most;
        for (size_t j = 0; j < p->n; j += SQUARE)
            for (size_t i = first; i < stop; i += rows)
                square(p, i, j, rows);
    }
}

static void all_by_tiles(const struct by_tiles *p, square_fn square, size_t m)
{
    const size_t whole = m / SQUARE * SQUARE;
    if (whole > 0)
        rows_by_tiles(p, square, 0, whole, SQUARE);
    if (whole < m)
        rows_by_tiles(p, square, whole, m, m - whole);
    tile_release();
}

/* Where rows are few, reading b takes all the time there is, and sums that need no way through memory are quicker. The
 * integers are the same. */
static struct kernels level_below;

static void gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    if (m < TILE) {
        level_below.gemm_u8i8(c, ld_c, a, ld_a, blocks, packed, bias, m, n, k);
        return;
    }
    const struct by_tiles p = {.c = c,
                               .a = (const char *)a,
                               .packed = packed,
                               .blocks = blocks,
                               .bias = bias,
                               .ld_c = ld_c,
                               .ld_a = ld_a,
                               .n = n,
                               .row_size = k};
    all_by_tiles(&p, square_u8i8, m);
}

/* Few rows too: the order of summation is the tiles' own. */
static void gemm_bf16(float *c, size_t ld_c, const uint16_t *a, size_t ld_a, const uint16_t *packed,
                      const float *bias, size_t m, size_t n, size_t k)
{
    const struct by_tiles p = {.c = c,
                               .a = (const char *)a,
                               .packed = (const char *)packed,
                               .bias = bias,
                               .ld_c = ld_c,
                               .ld_a = ld_a * sizeof *a,
                               .n = n,
                               .row_size = (k + 1) / 2 * 2 * sizeof *a};
    all_by_tiles(&p, square_bf16, m);
}

/* To a table of AVX-512 VNNI and BF16, whose packed weights these read. */
static void add_amx(struct kernels *k)
{
    level_below = *k;
    k->gemm_u8i8 = gemm_u8i8;
    k->gemm_bf16 = gemm_bf16;
}

TARGET_END

#endif
