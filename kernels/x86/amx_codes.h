/* Products of weights of 4 to 6 bits by tiles: K-quants, and blocks with a scale of their own (int4).
 *
 * Sixteen outputs take the place of a panel's thirty-two, and each of their weights two bytes: so rows, steps and squares
 * are those of amx_products.h, and what a square gives is the exact integer that vectors give, which few rows are left to.
 * Weights are unpacked once for all rows, a chunk of k that stays in the first-level cache.
 *
 * K-quants: scale code, 13 to 15 bits, is 128 high + low. Both have a column, and 128 of one sum and one of the other make the
 * sum over a superblock. int4: two blocks, which must not be added up, have a column each, that is zero where the other one is;
 * this makes half of each product nothing, and leaves a square's numbers to wait for after each step. */
#ifndef KERNELS_X86_AMX_CODES_H
#define KERNELS_X86_AMX_CODES_H

enum {
    N_BLOCKS_K = K_SUPER / I4_BLOCK,
    UNIT_SIZE_K = K_SUPER / STEP * STEP_OF_PANEL, /* bytes of a superblock of sixteen outputs */
    CHUNK = 1024,                                 /* elements of k, which are 32 KB */
    MOST_UNITS = CHUNK / STEP,
};

/* What belongs to a unit of sixteen outputs beside their weights. */
struct code_numbers {
    float scales[2][TILE]; /* d and min, or a block's each */
    float offsets[2][TILE];
    int32_t pairs[N_BLOCKS_K / 2][TILE]; /* two words: offsets of two blocks */
} __attribute__((aligned(64)));

struct chunk {
    char weights[CHUNK / STEP * STEP_OF_PANEL] __attribute__((aligned(64)));
    struct code_numbers numbers[MOST_UNITS];
};

/* c = a b^T + bias of such weights. */
struct by_codes {
    float *c;
    const int8_t *a;
    const char *rows; /* [m, n_numbers]: struct s8_super or s8_block */
    const char *packed;
    const int8_t *levels;
    const float *bias;
    size_t ld_c, ld_a, m, n, k, n_numbers;
    size_t panel, panel_size; /* outputs and bytes of a packed one */
};

/* ---- weights: K-quants ---- */

/* Codes of four elements of k of sixteen outputs: of a block, step after step in the order of k. */
static ALWAYS_INLINE __m512i four_codes(const uint8_t *block, size_t panel, size_t step, vi levels,
                                        const unsigned bits)
{
    const size_t half = step / 4, i = step % 4;
    const __m512i low =
        _mm512_srlv_epi32(_mm512_loadu_si512(block + i * panel * 4), _mm512_set1_epi32((int)(4 * half)));
    const __m512i codes = _mm512_and_si512(low, _mm512_set1_epi8(15));
    if (bits == 4)
        return codes;
    if (bits == K_LEVELS)
        return (__m512i)vi_lookup(levels, (vi)codes);
    const uint8_t *high = block + panel * I4_BLOCK / 2 + (bits == 6 ? half * panel * 4 : 0);
    const int up = bits == 6 ? 4 - 2 * (int)i : 4 - (int)(4 * half + i);
    const __m512i bytes = _mm512_loadu_si512(high);
    const __m512i moved = up >= 0 ? _mm512_sll_epi32(bytes, _mm_cvtsi32_si128(up))
                                  : _mm512_srl_epi32(bytes, _mm_cvtsi32_si128(-up));
    return _mm512_or_si512(codes, _mm512_and_si512(moved, _mm512_set1_epi8(bits == 6 ? 48 : 16)));
}

/* Four codes an output times a scale, words that stand twice, become high and low bytes. start: 64, and less the scale as
 * often as codes are more than what they stand for. */
static ALWAYS_INLINE void store_scaled(char *line, __m512i codes, __m512i scale, __m512i start)
{
    const __m512i byte = _mm512_set1_epi16(0xff), low_seven = _mm512_set1_epi8(127);
    const __m512i even = _mm512_add_epi16(_mm512_mullo_epi16(_mm512_and_si512(codes, byte), scale), start);
    const __m512i odd = _mm512_add_epi16(_mm512_mullo_epi16(_mm512_srli_epi16(codes, 8), scale), start);
    const __m512i high = _mm512_ternarylogic_epi32(byte, _mm512_srai_epi16(even, 7),
                                                   _mm512_slli_epi16(odd, 1), 0xca); /* byte ? even : odd */
    const __m512i low = _mm512_ternarylogic_epi32(byte, even, _mm512_slli_epi16(odd, 8), 0xca);
    _mm512_store_si512(line, high);
    _mm512_store_si512(line + STEP, _mm512_sub_epi8(_mm512_and_si512(low, low_seven), _mm512_set1_epi8(64)));
}

/* Number i of two as both words. */
static ALWAYS_INLINE __m512i twice(__m512i pairs, const size_t i)
{
    const __m512i one = i == 0 ? _mm512_slli_epi32(pairs, 16) : pairs;
    return _mm512_or_si512(_mm512_srli_epi32(one, 16),
                           _mm512_and_si512(one, _mm512_set1_epi32((int)0xffff0000)));
}

/* What codes are more than they stand for. */
static ALWAYS_INLINE int codes_more(const unsigned bits)
{
    return bits == 6 ? 32 : bits == K_LEVELS ? 128 : 0;
}

/* float32 whose halves lie a panel apart. */
static ALWAYS_INLINE vf load_halves(const uint16_t *lower, size_t panel)
{
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)lower));
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(lower + panel)));
    return _mm512_castsi512_ps(_mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
}

/* A superblock of sixteen outputs; super: of a panel, in which j is the first of them; levels: 128 more. */
static ALWAYS_INLINE void unpack_unit_k(char *weights, struct code_numbers *numbers, const uint8_t *super,
                                        size_t panel, size_t j, vi levels, const unsigned bits)
{
    const size_t block_size = panel * (I4_BLOCK / 8) * (bits == K_LEVELS ? 4 : bits),
                 n_pairs = N_BLOCKS_K / 2;
    const bool by_halves = bits >= 6;
    const uint8_t *block = super + j * 4;
    const int8_t *pairs = (const int8_t *)super + N_BLOCKS_K * block_size + j * 2;
    const uint16_t *halves = (const uint16_t *)(super + N_BLOCKS_K * (block_size + 2 * panel)) + j;
    for (size_t x = 0; x < N_BLOCKS_K; x++, block += block_size) {
        const vi scales = vi_load_pairs(pairs + (by_halves ? x : x / 2) * panel * 2);
        UNROLL
        for (size_t step = 0; step < I4_BLOCK / 4; step++, weights += LINE) {
            const __m512i scale = twice((__m512i)scales, by_halves ? step / 4 : x % 2);
            const __m512i more = _mm512_mullo_epi16(scale, _mm512_set1_epi16((short)codes_more(bits)));
            store_scaled(weights, four_codes(block, panel, step, levels, bits), scale,
                         _mm512_sub_epi16(_mm512_set1_epi16(64), more));
        }
    }
    if (bits == K_LEVELS) {
        vf_store(numbers->scales[0], load_halves(halves, panel));
        return;
    }
    vf_store(numbers->scales[0], vf_load_f16(halves));
    if (by_halves)
        return;
    vf_store(numbers->scales[1], vf_load_f16(halves + panel));
    for (size_t p = 0; p < n_pairs; p++)
        _mm512_store_si512(numbers->pairs[p], (__m512i)vi_load_pairs(pairs + (n_pairs + p) * panel * 2));
}

static ALWAYS_INLINE void finish_k(const union sums *s, const struct amx_unit *u, size_t r, size_t end,
                                   const bool offsets)
{
    const struct code_numbers *numbers = (const struct code_numbers *)u->numbers;
    const struct s8_super *super = (const struct s8_super *)u->rows_numbers + r * u->n_blocks;
    const size_t n_supers = u->n_blocks;
    const vf d = vf_load(numbers->scales[0]), min = vf_load(numbers->scales[1]);
    struct row_places p = places_of(u, r);
    __m512i pairs[N_BLOCKS_K / 2];
    UNROLL
    for (size_t i = 0; i < N_BLOCKS_K / 2; i++)
        pairs[i] = _mm512_load_si512(numbers->pairs[i]);
    for (; r < end; r++, super += n_supers, next_row(&p)) {
        const vi high = (vi)_mm512_load_si512(&s->bytes[r][0]), low = (vi)_mm512_load_si512(&s->bytes[r][VL]);
        const vf scale = vf_set1(super->scale);
        vf y = vf_fma(__builtin_convertvector((high << 7) + low, vf), scale * d, start_of(&p, 0));
        if (offsets) {
            __m512i sum = _mm512_setzero_si512();
            UNROLL
            for (size_t i = 0; i < N_BLOCKS_K / 2; i++)
                sum = _mm512_dpwssd_epi32(sum, pairs[i], (__m512i)vi_broadcast4(&super->sums[2 * i]));
            y = vf_fma(_mm512_cvtepi32_ps(sum), scale * min, y);
        }
        put_row(&p, 0, y);
    }
}

static ALWAYS_INLINE void finish_with_offsets(const union sums *s, const struct amx_unit *u, size_t r,
                                              size_t end)
{
    finish_k(s, u, r, end, true);
}

static ALWAYS_INLINE void finish_scaled(const union sums *s, const struct amx_unit *u, size_t r, size_t end)
{
    finish_k(s, u, r, end, false);
}

/* ---- weights: int4 ---- */

/* A block of sixteen outputs to its column of eight lines, and nothing to the other one. */
static ALWAYS_INLINE void unpack_block_i4(char *lines, size_t column, const uint8_t *block, size_t panel,
                                          vi levels, const bool chosen)
{
    const __m512i nibble = _mm512_set1_epi8(15);
    for (size_t i = 0; i < I4_BLOCK / 8; i++, lines += LINE) {
        const __m512i pairs = _mm512_loadu_si512(block + i * panel * 4);
        char *second = lines + I4_BLOCK / 8 * LINE;
        const vi low = (vi)_mm512_and_si512(pairs, nibble);
        const vi high = (vi)_mm512_and_si512(_mm512_srli_epi16(pairs, 4), nibble);
        _mm512_store_si512(lines + column, (__m512i)(chosen ? vi_lookup(levels, low) : low));
        _mm512_store_si512(second + column, (__m512i)(chosen ? vi_lookup(levels, high) : high));
        _mm512_store_si512(lines + STEP - column, _mm512_setzero_si512());
        _mm512_store_si512(second + STEP - column, _mm512_setzero_si512());
    }
}

/* Two blocks, or the last one alone, of sixteen outputs. */
static ALWAYS_INLINE void unpack_unit_i4(char *weights, struct code_numbers *numbers, const uint8_t *block,
                                         size_t panel, size_t j, size_t n_blocks, vi levels,
                                         const bool chosen)
{
    for (size_t x = 0; x < 2 && x < n_blocks; x++, block += panel * I4_BLOCK_SIZE) {
        const uint16_t *scales = (const uint16_t *)(block + panel * I4_BLOCK / 2) + j;
        unpack_block_i4(weights + x * (I4_BLOCK / 4 * LINE), x * STEP, block + j * 4, panel, levels, chosen);
        vf_store(numbers->scales[x], chosen ? load_halves(scales, panel) : vf_load_f16(scales));
        vf_store(numbers->offsets[x], vf_load_f16(scales + panel));
    }
}

static ALWAYS_INLINE void finish_blocks(const union sums *s, const struct amx_unit *u, size_t r, size_t end,
                                        const bool with_offsets)
{
    const struct code_numbers *numbers = (const struct code_numbers *)u->numbers;
    const struct s8_block *block = (const struct s8_block *)u->rows_numbers + r * u->n_blocks;
    const size_t n_blocks = u->n_blocks;
    const bool whole = u->size == STEP;
    struct row_places p = places_of(u, r);
    vf scales[2], offsets[2];
    UNROLL
    for (size_t x = 0; x < 2; x++) {
        scales[x] = vf_load(numbers->scales[x]);
        offsets[x] = vf_load(numbers->offsets[x]);
    }
    for (; r < end; r++, block += n_blocks, next_row(&p)) {
        vf y = start_of(&p, 0);
        UNROLL
        for (size_t x = 0; x < 2; x++) {
            if (x == 1 && !whole)
                break;
            const vf sum = _mm512_cvtepi32_ps(_mm512_load_si512(&s->bytes[r][x * VL]));
            y = vf_fma(sum, vf_set1(block[x].scale) * scales[x], y);
            if (with_offsets)
                y = vf_fma(vf_set1(block[x].sum), offsets[x], y);
        }
        put_row(&p, 0, y);
    }
}

static ALWAYS_INLINE void finish_i4(const union sums *s, const struct amx_unit *u, size_t r, size_t end)
{
    finish_blocks(s, u, r, end, true);
}

static ALWAYS_INLINE void finish_l4(const union sums *s, const struct amx_unit *u, size_t r, size_t end)
{
    finish_blocks(s, u, r, end, false);
}

/* ---- all of c ---- */

/* What differs: sizes of a unit in elements of k, in numbers of a row, and in bytes of those. */
static ALWAYS_INLINE size_t unit_len(const enum amx_operands kind)
{
    return kind == OF_I4 ? STEP : K_SUPER;
}

static ALWAYS_INLINE size_t numbers_a_unit(const enum amx_operands kind)
{
    return kind == OF_I4 ? 2 : 1;
}

static ALWAYS_INLINE size_t number_size(const enum amx_operands kind)
{
    return kind == OF_I4 ? sizeof(struct s8_block) : sizeof(struct s8_super);
}

static ALWAYS_INLINE size_t unit_size(const enum amx_operands kind)
{
    return unit_len(kind) / STEP * STEP_OF_PANEL;
}

/* Elements first up to end of k of outputs j and following. */
static ALWAYS_INLINE void unpack_chunk(struct chunk *chunk, const struct by_codes *p, size_t j, size_t first,
                                       size_t end, const enum amx_operands kind, const unsigned bits)
{
    const uint8_t *panel = (const uint8_t *)p->packed + j / p->panel * p->panel_size;
    const size_t in_panel = j % p->panel, unit = unit_len(kind);
    const vi levels = bits == K_LEVELS ? vi_load_levels(p->levels) : (vi){0};
    for (size_t x = first, i = 0; x < end; x += unit, i++) {
        char *weights = chunk->weights + i * unit_size(kind);
        if (kind == OF_I4)
            unpack_unit_i4(weights, &chunk->numbers[i], panel + x / I4_BLOCK * p->panel * I4_BLOCK_SIZE,
                           p->panel, in_panel, (end - x) / I4_BLOCK, levels, bits == K_LEVELS);
        else
            unpack_unit_k(weights, &chunk->numbers[i], panel + x / K_SUPER * p->panel * k_super_size(bits),
                          p->panel, in_panel, levels ^ (int32_t)0x80808080, bits);
    }
}

/* The unit of a chunk that begins with element x of k: rows from i on, outputs from j on. */
static ALWAYS_INLINE struct amx_unit unit_of_codes(const struct by_codes *p, const struct chunk *chunk,
                                                   size_t i, size_t j, size_t x, size_t rows,
                                                   const enum amx_operands kind)
{
    const size_t left = p->n - j, nth = x % CHUNK / unit_len(kind),
                 skipped = x / unit_len(kind) * numbers_a_unit(kind);
    struct amx_unit u = {
        .a = (const char *)p->a + i * p->ld_a + x,
        .b = chunk->weights + nth * unit_size(kind),
        .ld_a = p->ld_a,
        .size = unit_len(kind) < p->k - x ? unit_len(kind) : p->k - x,
        .c = p->c + i * p->ld_c + j,
        .ld_c = p->ld_c,
        .rows = rows,
        .seen = {first_n(left < TILE ? left : TILE)},
        .n_blocks = p->n_numbers,
        .numbers = (const char *)&chunk->numbers[nth],
        .rows_numbers = p->rows + (i * p->n_numbers + skipped) * number_size(kind),
        .ahead = p->packed,
    };
    u.start = x > 0 ? u.c : p->bias ? p->bias + j : u.c; /* of which nothing is read without a bias */
    u.ld_start = x > 0 ? p->ld_c : 0;
    u.started[0] = x > 0 || p->bias ? u.seen[0] : 0;
    return u;
}

/* Rows first to end through all outputs, in squares of `rows` rows, the last of which may begin within the one before it:
 * but those rows are not added to once more. */
static ALWAYS_INLINE void rows_by_codes(const struct by_codes *p, size_t first, size_t end, size_t rows,
                                        union sums *s, struct amx_unit *before, struct chunk chunks[2],
                                        const bool two, const enum amx_operands kind, const unsigned bits,
                                        const finish_fn finish)
{
    size_t turn = 0;
    for (size_t j = 0; j < p->n; j += TILE)
        for (size_t x = 0, x_end; x < p->k; x = x_end, turn++) {
            struct chunk *chunk = &chunks[turn % 2]; /* the other one's numbers are still wanted */
            x_end = p->k - x < CHUNK ? p->k : x + CHUNK;
            unpack_chunk(chunk, p, j, x, x_end, kind, bits);
            for (size_t i = first; i < end; i += rows) {
                const size_t from = end - i < rows ? end - rows : i;
                for (size_t at = x; at < x_end; at += unit_len(kind)) {
                    struct amx_unit u = unit_of_codes(p, chunk, from, j, at, rows, kind);
                    u.done = i - from;
                    multiply(&u, s, before, two, kind, finish);
                    *before = u;
                }
            }
        }
    if (before->done < before->rows)
        finish(s, before, before->done, before->rows);
    before->rows = before->done = 0;
}

static ALWAYS_INLINE void all_by_codes(const struct by_codes *p, const enum amx_operands kind,
                                       const unsigned bits, const finish_fn finish)
{
    const size_t n_squares = (p->m + SQUARE - 1) / SQUARE, rows = (p->m + n_squares - 1) / n_squares;
    const size_t fitting = ROWS_SIZE / (p->k + 1) / rows * rows, most = fitting < rows ? rows : fitting;
    union sums s;
    struct amx_unit before = {.rows = 0};
    struct chunk chunks[2]; /* 80 KB of the stack */
    configure(rows);
    for (size_t i = 0; i < p->m; i += most) {
        const size_t end = p->m - i <= most ? p->m : i + most;
        if (rows > TILE)
            rows_by_codes(p, i, end, rows, &s, &before, chunks, true, kind, bits, finish);
        else
            rows_by_codes(p, i, end, rows, &s, &before, chunks, false, kind, bits, finish);
    }
    tile_release();
}

/* ---- the slots ---- */

/* Of vectors: for few rows. */
static struct kernels vectors;

#define BY_CODES(numbers, len, panel_, size, levels_)                                                        \
    (struct by_codes)                                                                                        \
    {                                                                                                        \
        .c = c, .a = a, .rows = (const char *)(numbers), .packed = packed, .levels = (levels_),              \
        .bias = bias, .ld_c = ld_c, .ld_a = ld_a, .m = m, .n = n, .k = k, .n_numbers = k / (len),            \
        .panel = (panel_), .panel_size = (panel_) * (k / (len)) * (size)                                     \
    }

#define K_BY_CODES(bits, finish)                                                                             \
    static void gemm_s8k##bits(float *c, size_t ld_c, const int8_t *a, size_t ld_a,                          \
                               const struct s8_super *supers, const void *packed, const float *bias,         \
                               size_t m, size_t n, size_t k)                                                 \
    {                                                                                                        \
        const struct by_codes p = BY_CODES(supers, K_SUPER, vectors.panel_k, k_super_size(bits), NULL);      \
        if (m <= FEW_ROWS || k == 0)                                                                         \
            vectors.gemm_s8k##bits(c, ld_c, a, ld_a, supers, packed, bias, m, n, k);                         \
        else                                                                                                 \
            all_by_codes(&p, OF_K, bits, finish);                                                            \
    }
K_BY_CODES(4, finish_with_offsets)
K_BY_CODES(5, finish_with_offsets)
K_BY_CODES(6, finish_scaled)
#undef K_BY_CODES

static void gemm_s8kl(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k)
{
    const struct by_codes p = BY_CODES(supers, K_SUPER, vectors.panel_k, k_super_size(K_LEVELS), levels);
    if (m <= FEW_ROWS || k == 0)
        vectors.gemm_s8kl(c, ld_c, a, ld_a, supers, packed, levels, bias, m, n, k);
    else
        all_by_codes(&p, OF_K, K_LEVELS, finish_scaled);
}

static void gemm_s8i4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    const struct by_codes p = BY_CODES(blocks, I4_BLOCK, vectors.panel_i4, I4_BLOCK_SIZE, NULL);
    if (m <= FEW_ROWS || k == 0)
        vectors.gemm_s8i4(c, ld_c, a, ld_a, blocks, packed, bias, m, n, k);
    else
        all_by_codes(&p, OF_I4, 4, finish_i4);
}

static void gemm_s8l4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k)
{
    const struct by_codes p = BY_CODES(blocks, I4_BLOCK, vectors.panel_i4, I4_BLOCK_SIZE, levels);
    if (m <= FEW_ROWS || k == 0)
        vectors.gemm_s8l4(c, ld_c, a, ld_a, blocks, packed, levels, bias, m, n, k);
    else
        all_by_codes(&p, OF_I4, K_LEVELS, finish_l4);
}

static void add_products_of_codes(struct kernels *k)
{
    vectors = *k;
    k->gemm_s8k4 = gemm_s8k4;
    k->gemm_s8k5 = gemm_s8k5;
    k->gemm_s8k6 = gemm_s8k6;
    k->gemm_s8kl = gemm_s8kl;
    k->gemm_s8i4 = gemm_s8i4;
    k->gemm_s8l4 = gemm_s8l4;
}

#endif
