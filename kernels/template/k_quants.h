/* Products of K-quants, over the words of int4.h, which is included before, and these:
 *
 *   MR_K, NR_K             a tile's rows (at most 12) and vectors of outputs; its sums must fit the registers
 *   vi_load_s8(p)          VL signed bytes
 */

enum {
    PANEL_K = NR_K * VL,
    HALF_K = I4_BLOCK / 2,
    ROWS_K = 192 * 1024, /* bytes of rows that go through all panels together */
    AHEAD_K = 8192,      /* bytes, where a tile is alone */
    FETCHES_K = 8,       /* a block, of as many lines as an eighth of it may touch */
};

static void pack_k(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                   const uint16_t *super_scales, size_t n, size_t k)
{
    scalar_pack_k_panels(packed, bits, codes, scales, super_scales, n, k, PANEL_K);
}

static const float zeros_k[PANEL_K];

/* c[rows, n] of one panel. */
struct tile_k {
    float *c;
    const int8_t *a;
    const struct s8_block *blocks;
    const uint8_t *b;
    const float *bias; /* [n] */
    size_t ld_c, ld_a, n, n_blocks;
    const uint8_t
        *ahead; /* weights wanted later: fetched on the way, step_ahead bytes an eighth of a block */
    size_t step_ahead;
};

static ALWAYS_INLINE vi vi_load_4(const uint8_t *p)
{
    vi x;
    memcpy(&x, p, sizeof x);
    return x;
}

static ALWAYS_INLINE vi vi_shift_right(vi x, const int n)
{
    return n < 0 ? x << -n : x >> n;
}

/* Four elements of k of a half, VL outputs. high: what pack_k has of their bits beyond four. */
static ALWAYS_INLINE vi codes_k(const uint8_t *low, vi high, const unsigned bits, const int half, const int i)
{
    const vi x = vi_load_4(low) >> (4 * half) & 0x0f0f0f0f;
    if (bits == 5)
        return x | (vi_shift_right(high, 4 * half + i - 4) & 0x10101010);
    if (bits == 6)
        return x | (vi_shift_right(high, 2 * i - 4) & 0x30303030);
    return x;
}

/* Adds the products of halves first up to end of a block: b of a panel, a of the rows. */
static ALWAYS_INLINE void add_halves_k(vi sum[][NR_K], const struct tile_k *t, const int8_t *a,
                                       const uint8_t *b, const unsigned bits, const int first, const int end,
                                       const size_t rows)
{
    const uint8_t *high_bits = b + PANEL_K * HALF_K + (bits == 6 ? first * PANEL_K * 4 : 0);
    vi high[NR_K];
    UNROLL
    for (size_t v = 0; v < NR_K; v++)
        high[v] = bits > 4 ? vi_load_4(high_bits + v * VL * 4) : (vi){0};
    UNROLL
    for (int i = 0; i < HALF_K / 4; i++) {
        LOADS_STAY_BELOW;
        UNROLL
        for (int half = first; half < end; half++) {
            vi codes[NR_K];
            UNROLL
            for (size_t v = 0; v < NR_K; v++)
                codes[v] = codes_k(b + ((size_t)i * PANEL_K + v * VL) * 4, high[v], bits, half, i);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const vi x = vi_broadcast4(a + r * t->ld_a + half * HALF_K + i * 4);
                UNROLL
                for (size_t v = 0; v < NR_K; v++)
                    sum[r][v] = vi_dot_i4(sum[r][v], codes[v], x);
            }
        }
    }
}

static ALWAYS_INLINE void fetch_k(const uint8_t *ahead, size_t step, const unsigned bits)
{
    UNROLL
    for (size_t i = 0; i < FETCHES_K; i++) {
        UNROLL
        for (size_t line = 0; line < PANEL_K * (I4_BLOCK / 8 * bits + 2); line += 64 * FETCHES_K)
            __builtin_prefetch(ahead + i * step + line / FETCHES_K, 0, 3);
    }
}

static ALWAYS_INLINE vf vf_load_s8(const int8_t *p)
{
    return __builtin_convertvector(vi_load_s8(p), vf);
}

/* Adds block x of 4 or 5 bits, of a superblock with d and min. */
static ALWAYS_INLINE void add_block_k(const struct tile_k *t, vf total[][NR_K], const uint8_t *b, size_t x,
                                      const vf *d, const vf *min, const unsigned bits, const size_t rows)
{
    const int8_t *scales = (const int8_t *)b + PANEL_K * (I4_BLOCK / 8) * bits;
    const struct s8_block *block = t->blocks + x;
    vi sum[MR_K][NR_K];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            sum[r][v] = (vi){0};
    }
    add_halves_k(sum, t, t->a + x * I4_BLOCK, b, bits, 0, 2, rows);
    UNROLL
    for (size_t v = 0; v < NR_K; v++) {
        const vf scale = d[v] * vf_load_s8(scales + v * VL),
                 offset = min[v] * vf_load_s8(scales + PANEL_K + v * VL);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const struct s8_block *row = block + r * t->n_blocks;
            total[r][v] =
                vf_fma(__builtin_convertvector(sum[r][v], vf), vf_set1(row->scale) * scale, total[r][v]);
            total[r][v] = vf_fma(vf_set1(row->sum), offset, total[r][v]);
        }
    }
}

/* Adds half of block x of 6 bits. */
static ALWAYS_INLINE void add_half_k6(const struct tile_k *t, vf total[][NR_K], const uint8_t *b, size_t x,
                                      const vf *d, const int half, const size_t rows)
{
    const int8_t *scales = (const int8_t *)b + PANEL_K * (I4_BLOCK / 8) * 6 + half * PANEL_K;
    const struct s8_block *block = t->blocks + x;
    vi sum[MR_K][NR_K];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        const vi zero = vi_broadcast4(&block[r * t->n_blocks].half_sums[half]) * -32;
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            sum[r][v] = zero;
    }
    add_halves_k(sum, t, t->a + x * I4_BLOCK, b, 6, half, half + 1, rows);
    UNROLL
    for (size_t v = 0; v < NR_K; v++) {
        const vf scale = d[v] * vf_load_s8(scales + v * VL);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            total[r][v] = vf_fma(__builtin_convertvector(sum[r][v], vf),
                                 vf_set1(block[r * t->n_blocks].scale) * scale, total[r][v]);
    }
}

/* Adds one superblock to the sums of those before it. */
static ALWAYS_INLINE void add_super_k(const struct tile_k *t, vf total[][NR_K], size_t super,
                                      const unsigned bits, const size_t rows)
{
    const size_t n_blocks = K_SUPER / I4_BLOCK, block_size = PANEL_K * (I4_BLOCK / 8 * bits + 2);
    const uint8_t *b = t->b + super * PANEL_K * k_super_size(bits);
    const uint16_t *super_scales = (const uint16_t *)(b + n_blocks * block_size);
    vf d[NR_K], min[NR_K];
    UNROLL
    for (size_t v = 0; v < NR_K; v++) {
        d[v] = vf_load_f16(super_scales + v * VL);
        min[v] = bits < 6 ? vf_load_f16(super_scales + PANEL_K + v * VL) : d[v];
    }
    for (size_t x = super * n_blocks; x < (super + 1) * n_blocks; x++, b += block_size) {
        fetch_k(t->ahead + x * FETCHES_K * t->step_ahead, t->step_ahead, bits);
        if (bits < 6) {
            add_block_k(t, total, b, x, d, min, bits, rows);
        } else {
            add_half_k6(t, total, b, x, d, 0, rows);
            add_half_k6(t, total, b, x, d, 1, rows);
        }
    }
}

static ALWAYS_INLINE void tile_k(const struct tile_k *args, const unsigned bits, const size_t rows)
{
    const struct tile_k own = *args; /* which nothing else can change: it stays in registers */
    const struct tile_k *const t = &own;
    vf total[MR_K][NR_K];
    UNROLL
    for (size_t v = 0; v < NR_K; v++) {
        const vf first = load_part(t->bias, t->n, v, NR_K);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            total[r][v] = first;
    }
    for (size_t super = 0; super < t->n_blocks / (K_SUPER / I4_BLOCK); super++)
        add_super_k(t, total, super, bits, rows);
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * t->ld_c;
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            store_part(c, total[r][v], t->n, v, NR_K);
    }
}

/* m rows through one panel, in tiles of nearly equal height. */
static void rows_by_panel_k(struct tile_k t, unsigned bits, void (*const *tile_of)(const struct tile_k *),
                            size_t m)
{
    const size_t n_tiles = (m + MR_K - 1) / MR_K, panel_size = t.n_blocks * PANEL_K * k_super_size(bits) / 8;
    t.step_ahead = PANEL_K * k_super_size(bits) / 8 / FETCHES_K / n_tiles;
    t.ahead = t.b + (n_tiles > 1 ? panel_size : AHEAD_K);
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        tile_of[rows - 1](&t);
        t.ahead += t.n_blocks * FETCHES_K * t.step_ahead;
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.blocks += rows * t.n_blocks;
    }
}

/* all: of all rows and outputs. */
static void gemm_s8k(struct tile_k all, unsigned bits, void (*const *tile_of)(const struct tile_k *),
                     size_t m, size_t k)
{
    const size_t fitting = ROWS_K / (k + 1) / MR_K * MR_K, most = fitting < MR_K ? MR_K : fitting;
    for (size_t i = 0, step; i < m; i += step) {
        step = m - i < most ? m - i : most;
        for (size_t j = 0; j < all.n; j += PANEL_K) {
            struct tile_k t = all;
            t.c += i * t.ld_c + j;
            t.a += i * t.ld_a;
            t.blocks += i * t.n_blocks;
            t.b += j / PANEL_K * (k / K_SUPER) * PANEL_K * k_super_size(bits);
            t.bias = t.bias ? t.bias + j : zeros_k;
            t.n = t.n - j < PANEL_K ? t.n - j : PANEL_K;
            rows_by_panel_k(t, bits, tile_of, step);
        }
    }
}

/* The tiles and the product of so many bits. */
#define K_PRODUCT(n_bits)                                                                                    \
    static void gemm_s8k##n_bits(float *c, size_t ld_c, const int8_t *a, size_t ld_a,                        \
                                 const struct s8_block *blocks, const void *packed, const float *bias,       \
                                 size_t m, size_t n, size_t k)                                               \
    {                                                                                                        \
        gemm_s8k((struct tile_k){.c = c,                                                                     \
                                 .a = a,                                                                     \
                                 .blocks = blocks,                                                           \
                                 .b = packed,                                                                \
                                 .bias = bias,                                                               \
                                 .ld_c = ld_c,                                                               \
                                 .ld_a = ld_a,                                                               \
                                 .n = n,                                                                     \
                                 .n_blocks = k / I4_BLOCK},                                                  \
                 n_bits, tile_k##n_bits##_of, m, k);                                                         \
    }

#define K_TILE(n_bits)                                                                                       \
    static ALWAYS_INLINE void tile_k##n_bits(const struct tile_k *t, const size_t rows)                      \
    {                                                                                                        \
        tile_k(t, n_bits, rows);                                                                             \
    }

K_TILE(4)
#define TILE_NAME tile_k4
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
K_PRODUCT(4)

K_TILE(5)
#define TILE_NAME tile_k5
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
K_PRODUCT(5)

K_TILE(6)
#define TILE_NAME tile_k6
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
K_PRODUCT(6)

#undef K_TILE
#undef K_PRODUCT

/* Puts these into a table. */
#define K_SLOTS(table)                                                                                       \
    do {                                                                                                     \
        (table)->panel_k = PANEL_K;                                                                          \
        (table)->pack_k = pack_k;                                                                            \
        (table)->gemm_s8k4 = gemm_s8k4;                                                                      \
        (table)->gemm_s8k5 = gemm_s8k5;                                                                      \
        (table)->gemm_s8k6 = gemm_s8k6;                                                                      \
    } while (0)
