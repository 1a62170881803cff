/* Products of K-quants, over the words of int4.h, which is included before, and these:
 *
 *   MR_K, NR_K             a tile's rows (at most 12) and vectors of outputs
 *   MR_MANY_K              rows of a tile where there are more than MR_K: two sums for each of rows and vectors, the codes and
 *                          a row's input are to fit in the registers. Up to MR_K rows are one tile, since reading the weights
 *                          twice costs more than sums that wait in memory
 *   vi_load_pairs(p)       2 VL signed bytes as words, two an element
 *   vi_dot_s16(sum, x, y)  sum + the two products of words of each element
 *
 * and, where sums of four products take more than one instruction, instead of vi_dot_i4:
 *
 *   K_BY_WORDS
 *   vi_add_pairs(sum, b, a)   words: sum + two products of bytes each, b from 0 to 63, a signed
 *   vi_level_pairs(b, a)      words: two products of bytes each, b of levels
 */

enum {
    PANEL_K = NR_K * VL,
    HALF_K = I4_BLOCK / 2,
    BLOCKS_K = K_SUPER / I4_BLOCK,
    CODES_K = PANEL_K * K_SUPER, /* bytes of a superblock's codes, a byte each */
    ROWS_K = 192 * 1024,         /* bytes of rows that go through all panels together */
    AHEAD_K = 8192,              /* bytes, where a tile is alone */
};
_Static_assert(MR_MANY_K <= MR_K, "a tile's room is for MR_K rows");

/* ---- rows to bytes ---- */

static void quantize_super(int8_t *q, struct s8_super *super, const float *x)
{
    vf largest = vf_set1(0), sum = largest;
    for (size_t i = 0; i < K_SUPER; i += VL) {
        largest = vf_max(vf_abs(vf_load(x + i)), largest);
        sum += vf_load(x + i) * vf_set1(0); /* not a number where x is not finite */
    }
    const float scale = vf_max_of(largest) / 127 + vf_sum(sum), inverse = scale >= FLT_MIN ? 1 / scale : 0;
    *super = (struct s8_super){.scale = scale};
    if (!(inverse > 0)) {
        memset(q, 0, K_SUPER);
        return;
    }
    for (size_t half = 0; half < 2 * BLOCKS_K; half++, q += HALF_K, x += HALF_K) {
        vf bytes = vf_set1(0); /* exact: they are small integers */
        UNROLL
        for (size_t i = 0; i < HALF_K; i += VL) {
            const vi y = vi_from_vf(vf_load(x + i) * vf_set1(inverse));
            vi_store_s8(q + i, y);
            bytes += __builtin_convertvector(y, vf);
        }
        const int32_t total = (int32_t)vf_sum(bytes);
        super->sums[half / 2] = (int16_t)(super->sums[half / 2] + total);
        super->less_16[half] = (int16_t)(-16 * total);
    }
}

static void quantize_k(int8_t *q, struct s8_super *supers, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += K_SUPER)
        quantize_super(q + i, supers++, x + i);
}

/* ---- weights to panels ---- */

static void pack_k(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                   const uint16_t *super_scales, size_t n, size_t k)
{
    scalar_pack_k_panels(packed, bits, codes, scales, super_scales, n, k, PANEL_K);
}

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

static ALWAYS_INLINE unsigned code_bits_k(const unsigned bits)
{
    return bits == K_LEVELS ? 4 : bits;
}

/* Whether each half of a block has a scale, and nothing an offset. */
static ALWAYS_INLINE bool by_halves_k(const unsigned bits)
{
    return bits >= 6;
}

/* Four elements of k of a half, VL outputs. high: what pack_k has of their bits beyond four, or the levels. */
static ALWAYS_INLINE vi codes_k(const uint8_t *low, vi high, const unsigned bits, const int half, const int i)
{
    const vi x = vi_load_4(low) >> (4 * half) & 0x0f0f0f0f;
    if (bits == 5)
        return x | (vi_shift_right(high, 4 * half + i - 4) & 0x10101010);
    if (bits == 6)
        return x | (vi_shift_right(high, 2 * i - 4) & 0x30303030);
    if (bits == K_LEVELS)
        return vi_lookup(high, x);
    return x;
}

/* A block is four or eight steps of four elements: where its scale is one the halves take turns. */
static ALWAYS_INLINE int half_of_step(const unsigned bits, const int step)
{
    return by_halves_k(bits) ? step / 4 : step % 2;
}

static ALWAYS_INLINE int place_in_half(const unsigned bits, const int step)
{
    return by_halves_k(bits) ? step % 4 : step / 2;
}

/* What pack_k has of the fifth and sixth bits of vector v of a block, for the half of a step; or the levels. */
static ALWAYS_INLINE vi high_bits_k(const uint8_t *block, const vi levels, const unsigned bits,
                                    const int half, const size_t v)
{
    if (bits == 4)
        return (vi){0};
    if (bits == K_LEVELS)
        return levels;
    return vi_load_4(block + PANEL_K * HALF_K + ((bits == 6 ? (size_t)half : 0) * PANEL_K + v * VL) * 4);
}

/* A superblock's codes, or levels, as a byte each, step after step: for many rows, which all read them. */
static ALWAYS_INLINE void unpack_super(uint8_t *codes, const uint8_t *b, const int8_t *levels,
                                       const unsigned bits)
{
    const size_t block_size = PANEL_K * (I4_BLOCK / 8) * code_bits_k(bits);
    const vi chosen = bits == K_LEVELS ? levels_of(levels) : (vi){0};
    for (size_t x = 0; x < BLOCKS_K; x++, b += block_size) {
        for (size_t line = 0; line < block_size; line += 64)
            __builtin_prefetch(b + PANEL_K * k_super_size(bits) + line, 0, 3); /* the next one's */
        UNROLL
        for (int step = 0; step < I4_BLOCK / 4; step++) {
            const int half = half_of_step(bits, step), i = place_in_half(bits, step);
            UNROLL
            for (size_t v = 0; v < NR_K; v++, codes += VL * 4) {
                const vi x4 = codes_k(b + ((size_t)i * PANEL_K + v * VL) * 4,
                                      high_bits_k(b, chosen, bits, half, v), bits, half, i);
                memcpy(codes, &x4, sizeof x4);
            }
        }
    }
}

/* ---- products ---- */

#ifdef K_BY_WORDS
/* Steps whose products 16 bits hold, two in each: 8 * 2 * 15 * 127, 4 * 2 * 31 * 127 and 2 * 2 * 63 * 127 are < 2^15. */
static ALWAYS_INLINE int steps_k(const unsigned bits, const bool even)
{
    (void)even;
    return bits == 4 ? 8 : bits == 5 ? 4 : bits == 6 ? 2 : 1;
}

static ALWAYS_INLINE vi add_step_k(vi sum, vi b, vi a, const unsigned bits)
{
    return bits == K_LEVELS ? vi_level_pairs(b, a) : vi_add_pairs(sum, b, a);
}

/* The first or second of two scales, as add_scaled_k takes it. */
static ALWAYS_INLINE vi scale_k(vi pairs, const int i)
{
    const vi one = i == 0 ? pairs & 0xffff : (pairs >> 16) & 0xffff;
    return one | one << 16;
}

static ALWAYS_INLINE vi add_scaled_k(vi total, vi sum, vi scale)
{
    return vi_dot_s16(total, sum, scale);
}
#else
static ALWAYS_INLINE int steps_k(const unsigned bits, const bool even)
{
    return by_halves_k(bits) && !even ? 4 : 8;
}

static ALWAYS_INLINE vi add_step_k(vi sum, vi b, vi a, const unsigned bits)
{
    return bits == K_LEVELS ? vi_dot_levels(sum, b, a) : vi_dot_i4(sum, b, a);
}

static ALWAYS_INLINE vi scale_k(vi pairs, const int i)
{
    return i == 0 ? pairs << 16 >> 16 : pairs >> 16;
}

static ALWAYS_INLINE vi add_scaled_k(vi total, vi sum, vi scale)
{
    return total + sum * scale;
}
#endif

static const float zeros_k[PANEL_K];

/* c[rows, n] of one panel: superblocks first up to end. */
struct tile_k {
    float *c;
    const float *start; /* what sums are added to, stride ld_start: the bias, or c */
    const int8_t *a;
    const struct s8_super *supers;
    const uint8_t *b;
    const uint8_t *codes; /* unpacked, of the only superblock; or NULL */
    const int8_t *levels; /* that codes choose from, or NULL */
    size_t ld_c, ld_start, ld_a, n, n_supers, first, end;
};

static ALWAYS_INLINE void zero_k(vi x[][NR_K], const size_t rows)
{
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            x[r][v] = (vi){0};
    }
}

/* Adds the products of block x of a superblock, times its scales, a pair of which `pairs` has. */
static ALWAYS_INLINE void add_block_k(vi total[][NR_K], const struct tile_k *t, const int8_t *a,
                                      const uint8_t *b, const vi pairs[], const unsigned bits, const int x,
                                      const bool unpacked, const bool even, const size_t rows)
{
    const vi levels = bits == K_LEVELS && !unpacked ? levels_of(t->levels) : (vi){0};
    vi sum[MR_K][NR_K], high[NR_K];
    zero_k(sum, rows);
    UNROLL
    for (int step = 0; step < I4_BLOCK / 4; step++) {
        const int half = half_of_step(bits, step), i = place_in_half(bits, step);
        vi codes[NR_K];
        LOADS_STAY_BELOW;
        UNROLL
        for (size_t v = 0; v < NR_K; v++) {
            if (step == 0 || (bits == 6 && i == 0))
                high[v] = high_bits_k(b, levels, unpacked ? 4 : bits, half, v);
            codes[v] = unpacked ? vi_load_4(b + ((size_t)step * PANEL_K + v * VL) * 4)
                                : codes_k(b + ((size_t)i * PANEL_K + v * VL) * 4, high[v], bits, half, i);
        }
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const vi four = vi_broadcast4(a + r * t->ld_a + half * HALF_K + i * 4);
            UNROLL
            for (size_t v = 0; v < NR_K; v++)
                sum[r][v] = add_step_k(sum[r][v], codes[v], four, bits);
        }
        if ((step + 1) % steps_k(bits, even) != 0)
            continue;
        UNROLL
        for (size_t v = 0; v < NR_K; v++) {
            const vi scale = scale_k(pairs[v], by_halves_k(bits) ? half : x % 2);
            UNROLL
            for (size_t r = 0; r < rows; r++)
                total[r][v] = add_scaled_k(total[r][v], sum[r][v], scale);
        }
        zero_k(sum, rows);
    }
}

/* Fetches what a tile that is alone wants when it is so much further: a line here and there of an eighth of a superblock. */
static ALWAYS_INLINE void fetch_k(const uint8_t *b, const size_t x, const unsigned bits)
{
    const size_t size = PANEL_K * k_super_size(bits) / BLOCKS_K, n = (size + 63) / 64;
    UNROLL
    for (size_t i = 0; i < n; i++)
        __builtin_prefetch(b + AHEAD_K + x * size + i * size / n, 0, 3);
}

/* Adds the products of the pairs at `numbers` and of each row's two words, the first of which are at `words`. */
static ALWAYS_INLINE void dot_pairs_k(vi sum[][NR_K], const vi pairs[], const int16_t *words, size_t n_supers,
                                      const size_t rows)
{
    const size_t ld = n_supers * (sizeof(struct s8_super) / sizeof *words);
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        const vi two = vi_broadcast4(words + r * ld);
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            sum[r][v] = vi_dot_s16(sum[r][v], pairs[v], two);
    }
}

static ALWAYS_INLINE void load_pairs_k(vi pairs[], const int8_t *numbers)
{
    UNROLL
    for (size_t v = 0; v < NR_K; v++)
        pairs[v] = vi_load_pairs(numbers + v * VL * 2);
}

/* Adds sums of integers of a superblock: times d, or min, which is vector v of `halves`. */
static ALWAYS_INLINE void end_super_k(vf total[][NR_K], const vi sum[][NR_K], const struct s8_super *super,
                                      size_t n_supers, const uint16_t *halves, const unsigned bits,
                                      const size_t rows)
{
    UNROLL
    for (size_t v = 0; v < NR_K; v++) {
        const uint16_t *p = halves + v * VL;
        const vf d = bits == K_LEVELS ? vf_load_halves(p, p + PANEL_K) : vf_load_f16(p);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            total[r][v] = vf_fma(__builtin_convertvector(sum[r][v], vf),
                                 vf_set1(super[r * n_supers].scale) * d, total[r][v]);
    }
}

/* The offsets of a superblock of 4 or 5 bits. */
static ALWAYS_INLINE void sum_offsets_k(vi sum[][NR_K], const int8_t *numbers, const struct s8_super *super,
                                        size_t n_supers, const size_t rows)
{
    zero_k(sum, rows);
    UNROLL
    for (size_t p = 0; p < BLOCKS_K / 2; p++) {
        vi pairs[NR_K];
        load_pairs_k(pairs, numbers + p * 2 * PANEL_K);
        dot_pairs_k(sum, pairs, super->sums + 2 * p, n_supers, rows);
    }
}

/* Adds superblock x to the sums of those before it. */
static ALWAYS_INLINE void add_super_k(const struct tile_k *t, vf total[][NR_K], size_t x, const unsigned bits,
                                      const bool unpacked, const bool even, const size_t rows)
{
    const size_t block_size = PANEL_K * (I4_BLOCK / 8) * code_bits_k(bits),
                 n_each = by_halves_k(bits) ? 1 : 2;
    const uint8_t *super_b = t->b + x * PANEL_K * k_super_size(bits), *end = super_b + BLOCKS_K * block_size;
    const uint8_t *b = unpacked ? t->codes : super_b;
    const int8_t *numbers = (const int8_t *)end, *a = t->a + x * K_SUPER;
    const uint16_t *halves = (const uint16_t *)(end + 2 * BLOCKS_K * PANEL_K);
    const struct s8_super *super = t->supers + x;
    vi sum[MR_K][NR_K];
    zero_k(sum, rows);
    for (size_t i = 0; i < BLOCKS_K; i += n_each, numbers += 2 * PANEL_K) {
        vi pairs[NR_K];
        load_pairs_k(pairs, numbers);
        if (!unpacked)
            fetch_k(super_b, i, bits);
        if (bits == 6 || (bits == K_LEVELS && LEVELS_MORE > 0)) { /* 32 or 128: so many times 16 */
            const int by = bits == 6 ? 1 : 3;
            vi more[NR_K];
            UNROLL
            for (size_t v = 0; v < NR_K; v++)
                more[v] = pairs[v] << by & ~(((1 << by) - 1) << 16);
            dot_pairs_k(sum, more, super->less_16 + 2 * i, t->n_supers, rows);
        }
        add_block_k(sum, t, a, b, pairs, bits, 0, unpacked, even, rows);
        a += I4_BLOCK;
        b += unpacked ? PANEL_K * I4_BLOCK : block_size;
        if (by_halves_k(bits))
            continue;
        if (!unpacked)
            fetch_k(super_b, i + 1, bits);
        add_block_k(sum, t, a, b, pairs, bits, 1, unpacked, even, rows);
        a += I4_BLOCK;
        b += unpacked ? PANEL_K * I4_BLOCK : block_size;
    }
    end_super_k(total, sum, super, t->n_supers, halves, bits, rows);
    if (!by_halves_k(bits)) {
        sum_offsets_k(sum, numbers, super, t->n_supers, rows);
        end_super_k(total, sum, super, t->n_supers, halves + PANEL_K, bits, rows);
    }
}

static ALWAYS_INLINE void tile_k(const struct tile_k *t, const unsigned bits, const bool unpacked,
                                 const bool even, const size_t rows)
{
    vf total[MR_K][NR_K];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            total[r][v] = load_part(t->start + r * t->ld_start, t->n, v, NR_K);
    }
    for (size_t x = t->first; x < t->end; x++)
        add_super_k(t, total, x, bits, unpacked, even, rows);
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        float *c = t->c + r * t->ld_c;
        UNROLL
        for (size_t v = 0; v < NR_K; v++)
            store_part(c, total[r][v], t->n, v, NR_K);
    }
}

typedef void (*tile_k_fn)(const struct tile_k *t);

/* How to multiply weights of so many bits. */
struct k_form {
    unsigned bits;
    void (*unpack)(uint8_t *codes, const uint8_t *b, const int8_t *levels);
    const tile_k_fn *direct, *unpacked, *even; /* even: of has_even_scales, or NULL */
};

/* m rows through what t says of a panel, in tiles of nearly equal height. */
static void tiles_k(struct tile_k t, const tile_k_fn *tile_of, size_t most, size_t m)
{
    const size_t n_tiles = (m + most - 1) / most;
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        tile_of[rows - 1](&t);
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.start += rows * t.ld_start;
        t.supers += rows * t.n_supers;
    }
}

/* Whether the halves of each block have one scale, as in formats with a scale for 32 elements (mxfp4, iq4_nl, iq4_xs). Their
 * sums can be added before they are scaled, which gives the same integer with half the multiplications. */
static bool has_even_scales(const uint8_t *super_b, const unsigned bits)
{
    const uint8_t *scales = super_b + BLOCKS_K * PANEL_K * (I4_BLOCK / 8) * code_bits_k(bits);
    uint8_t differ = 0;
    for (size_t i = 0; i < BLOCKS_K * PANEL_K; i++)
        differ |= scales[2 * i] ^ scales[2 * i + 1];
    return differ == 0;
}

/* m rows through one panel. Rows of one tile read the weights as they are; where there are more, each superblock is
 * unpacked once, goes through all rows, and what it gives waits in c. */
static void rows_by_panel_k(struct tile_k t, const struct k_form *form, size_t m)
{
    const size_t super_size = PANEL_K * k_super_size(form->bits);
    uint8_t codes[CODES_K] __attribute__((aligned(64)));
    if (m <= MR_K) {
        t.end = t.n_supers;
        tiles_k(t, form->direct, MR_K, m);
        return;
    }
    t.codes = codes;
    for (t.end = 1; t.end <= t.n_supers; t.first = t.end++) {
        const uint8_t *super_b = t.b + t.first * super_size;
        const bool even = form->even && has_even_scales(super_b, form->bits);
        form->unpack(codes, super_b, t.levels);
        tiles_k(t, even ? form->even : form->unpacked, MR_MANY_K, m);
        t.start = t.c;
        t.ld_start = t.ld_c;
    }
}

/* all: of all rows and outputs, and the bias as its start. */
static void gemm_s8k(struct tile_k all, const struct k_form *form, size_t m)
{
    const size_t k = all.n_supers * K_SUPER;
    const size_t fitting = ROWS_K / (k + 1) / MR_MANY_K * MR_MANY_K, most = fitting < MR_K ? MR_K : fitting;
    if (k == 0)
        all.end = 0;
    for (size_t i = 0, step; i < m; i += step) {
        step = m - i < most ? m - i : most;
        for (size_t j = 0; j < all.n; j += PANEL_K) {
            struct tile_k t = all;
            t.c += i * t.ld_c + j;
            t.a += i * t.ld_a;
            t.supers += i * t.n_supers;
            t.b += j / PANEL_K * t.n_supers * PANEL_K * k_super_size(form->bits);
            t.start = t.start ? t.start + j : zeros_k;
            t.n = t.n - j < PANEL_K ? t.n - j : PANEL_K;
            if (t.n_supers == 0)
                tiles_k(t, form->direct, MR_K, step);
            else
                rows_by_panel_k(t, form, step);
        }
    }
}

/* The tiles of so many bits. */
#define K_TILES(name, n_bits)                                                                                \
    static ALWAYS_INLINE void tile_k##name(const struct tile_k *t, const size_t rows)                        \
    {                                                                                                        \
        tile_k(t, n_bits, false, false, rows);                                                               \
    }                                                                                                        \
    static ALWAYS_INLINE void tile_u##name(const struct tile_k *t, const size_t rows)                        \
    {                                                                                                        \
        tile_k(t, n_bits, true, false, rows);                                                                \
    }                                                                                                        \
    static void unpack_k##name(uint8_t *codes, const uint8_t *b, const int8_t *levels)                       \
    {                                                                                                        \
        unpack_super(codes, b, levels, n_bits);                                                              \
    }

K_TILES(4, 4)
#define TILE_NAME tile_k4
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
#define TILE_NAME tile_u4
#define TILE_ARGS tile_k
#define TILE_ROWS MR_MANY_K
#include "kernels/template/tiles.h"
static const struct k_form form_k4 = {4, unpack_k4, tile_k4_of, tile_u4_of, NULL};

K_TILES(5, 5)
#define TILE_NAME tile_k5
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
#define TILE_NAME tile_u5
#define TILE_ARGS tile_k
#define TILE_ROWS MR_MANY_K
#include "kernels/template/tiles.h"
static const struct k_form form_k5 = {5, unpack_k5, tile_k5_of, tile_u5_of, NULL};

K_TILES(6, 6)
#define TILE_NAME tile_k6
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
#define TILE_NAME tile_u6
#define TILE_ARGS tile_k
#define TILE_ROWS MR_MANY_K
#include "kernels/template/tiles.h"
static const struct k_form form_k6 = {6, unpack_k6, tile_k6_of, tile_u6_of, NULL};

K_TILES(l, K_LEVELS)
#define TILE_NAME tile_kl
#define TILE_ARGS tile_k
#define TILE_ROWS MR_K
#include "kernels/template/tiles.h"
#define TILE_NAME tile_ul
#define TILE_ARGS tile_k
#define TILE_ROWS MR_MANY_K
#include "kernels/template/tiles.h"
#ifdef K_BY_WORDS /* whose words hold no more than one step of levels */
static const struct k_form form_kl = {K_LEVELS, unpack_kl, tile_kl_of, tile_ul_of, NULL};
#else
static ALWAYS_INLINE void tile_even(const struct tile_k *t, const size_t rows)
{
    tile_k(t, K_LEVELS, true, true, rows);
}
#define TILE_NAME tile_even
#define TILE_ARGS tile_k
#define TILE_ROWS MR_MANY_K
#include "kernels/template/tiles.h"
static const struct k_form form_kl = {K_LEVELS, unpack_kl, tile_kl_of, tile_ul_of, tile_even_of};
#endif

#undef K_TILES

static void gemm_s8k_as(const struct k_form *form, float *c, size_t ld_c, const int8_t *a, size_t ld_a,
                        const struct s8_super *supers, const void *packed, const int8_t *levels,
                        const float *bias, size_t m, size_t n, size_t k)
{
    gemm_s8k((struct tile_k){.c = c,
                             .start = bias,
                             .a = a,
                             .supers = supers,
                             .b = packed,
                             .levels = levels,
                             .ld_c = ld_c,
                             .ld_a = ld_a,
                             .n = n,
                             .n_supers = k / K_SUPER},
             form, m);
}

static void gemm_s8k4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm_s8k_as(&form_k4, c, ld_c, a, ld_a, supers, packed, NULL, bias, m, n, k);
}

static void gemm_s8k5(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm_s8k_as(&form_k5, c, ld_c, a, ld_a, supers, packed, NULL, bias, m, n, k);
}

static void gemm_s8k6(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm_s8k_as(&form_k6, c, ld_c, a, ld_a, supers, packed, NULL, bias, m, n, k);
}

static void gemm_s8kl(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k)
{
    gemm_s8k_as(&form_kl, c, ld_c, a, ld_a, supers, packed, levels, bias, m, n, k);
}

/* Puts these into a table. */
#define K_SLOTS(table)                                                                                       \
    do {                                                                                                     \
        (table)->panel_k = PANEL_K;                                                                          \
        (table)->quantize_k = quantize_k;                                                                    \
        (table)->pack_k = pack_k;                                                                            \
        (table)->gemm_s8k4 = gemm_s8k4;                                                                      \
        (table)->gemm_s8k5 = gemm_s8k5;                                                                      \
        (table)->gemm_s8k6 = gemm_s8k6;                                                                      \
        (table)->gemm_s8kl = gemm_s8kl;                                                                      \
    } while (0)
