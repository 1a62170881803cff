/* Products by tiles, over the words of amx.h.
 *
 * A square of 32 by 32 sums is four tiles; a step takes 64 bytes of k of 32 rows and of 32 outputs, four tiles as well,
 * through four products. A panel has the 2 KB of a step side by side, so that all of a first-level cache serves it. While
 * a square is multiplied the one before it is finished: a few of its rows between any two steps, when its sums have long
 * been stored. What that costs and what was decided against: docs/performance.md. */
#ifndef KERNELS_X86_AMX_PRODUCTS_H
#define KERNELS_X86_AMX_PRODUCTS_H

enum {
    TILE = 16,
    SQUARE = 2 * TILE, /* rows and outputs of a square, outputs of a panel */
    STEP = 64,         /* bytes of k */
    STEP_OF_PANEL = SQUARE * STEP,
    LINE = SQUARE * 4, /* bytes of a panel for four bytes of k */
    LONG_OF_PANEL = SQUARE * (I8_LONG + 8),
    ROWS_SIZE =
        1024 * 1024, /* bytes of rows that go through all panels together: half a second-level cache */
    FEW_ROWS = 8,    /* that are left to vectors, which need no squares */
    AHEAD = 8192,    /* bytes, of those */
};

union sums {
    int32_t bytes[SQUARE][SQUARE];
    float halves[SQUARE][SQUARE];
} __attribute__((aligned(64)));

/* What tiles multiply: unsigned bytes and signed ones, halves (bfloat16), or signed bytes whose sums become outputs in
 * ways of their own (amx_codes.h). */
enum amx_operands { OF_BYTES, OF_HALVES, OF_K, OF_I4 };

/* A square's sums over a block of k, from where they are multiplied to where they are finished. */
struct amx_unit {
    const char *a, *b;
    size_t ld_a, size; /* bytes of k */
    float *c;
    const float
        *start; /* what the sums are added to, stride ld_start: a bias, or c itself behind the first block */
    size_t ld_c, ld_start, rows;
    __mmask16 seen[2], started[2]; /* outputs that there are, and where `start` is not zero */
    const struct u8_block *blocks; /* int8: the block's, stride n_blocks; and of the panel, scales and sums */
    size_t n_blocks;
    const char *numbers;
    const void *rows_numbers; /* of codes: the block's, stride n_blocks */
    size_t done;              /* rows that are finished from the beginning: another square's */
    const char *ahead;        /* what is wanted later: so many lines of it a step, an even number */
    size_t lines;
};

/* Tiles 0 to 3 are the sums, two by two; 4 and 5 the rows of a; 6 and 7 the outputs of b. */
static void configure(size_t rows)
{
    struct tile_config config = {.palette = 1};
    const size_t upper = rows < TILE ? rows : TILE, lower = rows - upper;
    const size_t tile_rows[8] = {upper, upper, lower, lower, upper, lower, TILE, TILE};
    for (size_t t = 0; t < 8; t++) {
        config.rows[t] = (uint8_t)tile_rows[t];
        config.row_bytes[t] = tile_rows[t] ? STEP : 0;
    }
    tile_configure(&config);
}

static ALWAYS_INLINE void zero_sums(const bool two)
{
    tile_zero(0);
    tile_zero(1);
    if (two) {
        tile_zero(2);
        tile_zero(3);
    }
}

static ALWAYS_INLINE void store_sums(union sums *s, const bool two)
{
    const size_t row_bytes = sizeof s->bytes[0];
    tile_store(0, &s->bytes[0][0], row_bytes);
    tile_store(1, &s->bytes[0][TILE], row_bytes);
    if (two) {
        tile_store(2, &s->bytes[TILE][0], row_bytes);
        tile_store(3, &s->bytes[TILE][TILE], row_bytes);
    }
}

/* ---- rows of sums become rows of c ---- */

/* Where the rows of a unit lie, from one on: in registers, which what is stored cannot change. */
struct row_places {
    float *c;
    const float *start;
    size_t ld_c, ld_start;
    __mmask16 seen[2], started[2];
};

static ALWAYS_INLINE struct row_places places_of(const struct amx_unit *u, size_t r)
{
    return (struct row_places){.c = u->c + r * u->ld_c,
                               .start = u->start + r * u->ld_start,
                               .ld_c = u->ld_c,
                               .ld_start = u->ld_start,
                               .seen = {u->seen[0], u->seen[1]},
                               .started = {u->started[0], u->started[1]}};
}

static ALWAYS_INLINE vf start_of(const struct row_places *p, const size_t v)
{
    return _mm512_maskz_loadu_ps(p->started[v], p->start + v * VL);
}

static ALWAYS_INLINE void put_row(const struct row_places *p, const size_t v, vf y)
{
    _mm512_mask_storeu_ps(p->c + v * VL, p->seen[v], y);
}

static ALWAYS_INLINE void next_row(struct row_places *p)
{
    p->c += p->ld_c;
    p->start += p->ld_start;
}

static ALWAYS_INLINE void finish_bytes(const union sums *s, const struct amx_unit *u, size_t r, size_t end)
{
    struct row_places p = places_of(u, r);
    const struct u8_block *block = u->blocks + r * u->n_blocks;
    const size_t n_blocks = u->n_blocks;
    __m512i sum_b[2];
    vf scale[2];
    UNROLL
    for (size_t v = 0; v < 2; v++) {
        sum_b[v] = _mm512_loadu_si512(u->numbers + SQUARE * 4 + v * 64);
        scale[v] = vf_load((const float *)u->numbers + v * VL);
    }
    for (; r < end; r++, block += n_blocks, next_row(&p)) {
        UNROLL
        for (size_t v = 0; v < 2; v++) {
            const __m512i zeros = _mm512_mullo_epi32(_mm512_set1_epi32(block->zero), sum_b[v]);
            const __m512i sum = _mm512_sub_epi32(_mm512_load_si512(&s->bytes[r][v * VL]), zeros);
            put_row(&p, v,
                    vf_fma(_mm512_cvtepi32_ps(sum), vf_set1(block->scale) * scale[v], start_of(&p, v)));
        }
    }
}

static ALWAYS_INLINE void finish_halves(const union sums *s, const struct amx_unit *u, size_t r, size_t end)
{
    struct row_places p = places_of(u, r);
    for (; r < end; r++, next_row(&p)) {
        UNROLL
        for (size_t v = 0; v < 2; v++)
            put_row(&p, v, vf_load(&s->halves[r][v * VL]) + start_of(&p, v));
    }
}

/* ---- one square over a block of k ---- */

/* Rows r up to end, one at least. */
typedef void (*finish_fn)(const union sums *s, const struct amx_unit *u, size_t r, size_t end);

/* The tiles of an instruction are constants. */
#define DOT(c, a, b, kind)                                                                                   \
    do {                                                                                                     \
        if ((kind) == OF_BYTES)                                                                              \
            tile_dot_u8i8(c, a, b);                                                                          \
        else if ((kind) == OF_HALVES)                                                                        \
            tile_dot_bf16(c, a, b);                                                                          \
        else                                                                                                 \
            tile_dot_i8i8(c, a, b);                                                                          \
    } while (0)

static ALWAYS_INLINE void dot_step(const char *a, size_t ld_a, const char *b, const bool two,
                                   const enum amx_operands kind)
{
    tile_load(4, a, ld_a);
    tile_load(6, b, LINE);
    tile_load(7, b + STEP, LINE);
    if (two)
        tile_load(5, a + TILE * ld_a, ld_a);
    DOT(0, 4, 6, kind);
    DOT(1, 4, 7, kind);
    if (two) {
        DOT(2, 5, 6, kind);
        DOT(3, 5, 7, kind);
    }
}

#undef DOT

/* What is left of k, less than a step, where a row's memory may end there: with zeros behind. */
static void copy_rest(const struct amx_unit *u, size_t from, char a[SQUARE][STEP], char b[TILE][LINE])
{
    const size_t size = u->size - from;
    memset(a, 0, sizeof(char[SQUARE][STEP]));
    memset(b, 0, sizeof(char[TILE][LINE]));
    for (size_t r = 0; r < u->rows; r++)
        memcpy(a[r], u->a + r * u->ld_a + from, size);
    memcpy(b, u->b + from / 4 * LINE, size / 4 * LINE);
}

/* The square u, between whose steps the rows of the one `before` are finished; nothing is left of that then, and the
 * sums are u's. */
static ALWAYS_INLINE void multiply(const struct amx_unit *u, union sums *s, const struct amx_unit *before,
                                   const bool two, const enum amx_operands kind, const finish_fn finish)
{
    const size_t n_steps = u->size / STEP, n_each = before->rows / (n_steps + 1) + 1;
    const char *a = u->a, *b = u->b, *ahead = u->ahead;
    size_t done = before->done;
    zero_sums(two);
    for (size_t i = 0; i < n_steps; i++, a += STEP, b += STEP_OF_PANEL) {
        dot_step(a, u->ld_a, b, two, kind);
        for (const char *end = ahead + u->lines * 64; ahead < end; ahead += 128) {
            __builtin_prefetch(ahead, 0, 2);
            __builtin_prefetch(ahead + 64, 0, 2);
        }
        const size_t stop = done + n_each < before->rows ? done + n_each : before->rows;
        if (done < stop)
            finish(s, before, done, stop);
        done = stop;
    }
    if (u->size % STEP > 0) {
        char a_rest[SQUARE][STEP], b_rest[TILE][LINE];
        copy_rest(u, u->size / STEP * STEP, a_rest, b_rest);
        dot_step(a_rest[0], STEP, b_rest[0], two, kind);
    }
    if (done < before->rows)
        finish(s, before, done, before->rows);
    store_sums(s, two);
}

/* ---- all of c ---- */

/* c = a b^T + bias; what is not int8's own is in bytes. */
struct by_tiles {
    float *c;
    const char *a, *packed;
    const struct u8_block *blocks; /* int8: [m, n_blocks] */
    const float *bias;
    size_t ld_c, ld_a, m, n, n_blocks, row_size, panel_size; /* one block: of halves all of k */
};

/* A square's first block of k: its rows from i on, outputs from j on. */
static ALWAYS_INLINE struct amx_unit first_unit(const struct by_tiles *p, size_t i, size_t j, size_t rows)
{
    const size_t n = p->n - j < SQUARE ? p->n - j : SQUARE;
    struct amx_unit u = {
        .a = p->a + i * p->ld_a,
        .b = p->packed + j / SQUARE * p->panel_size,
        .ld_a = p->ld_a,
        .c = p->c + i * p->ld_c + j,
        .start = p->bias ? p->bias + j : p->c + i * p->ld_c + j, /* of which nothing is read then */
        .ld_c = p->ld_c,
        .rows = rows,
        .seen = {first_n(n < VL ? n : VL), first_n(n < VL ? 0 : n - VL)},
        .blocks = p->blocks + (p->blocks ? i * p->n_blocks : 0),
        .n_blocks = p->n_blocks,
    };
    u.started[0] = p->bias ? u.seen[0] : 0;
    u.started[1] = p->bias ? u.seen[1] : 0;
    return u;
}

/* The block behind it: what it gave is what is added to. */
static ALWAYS_INLINE void next_block(struct amx_unit *u)
{
    u->a += u->size;
    u->b += LONG_OF_PANEL;
    u->blocks += u->blocks != NULL;
    u->start = u->c;
    u->ld_start = u->ld_c;
    u->started[0] = u->seen[0];
    u->started[1] = u->seen[1];
}

/* Rows first to end through all panels, in squares of `rows` rows: the last may begin within the one before it, and
 * makes some of its rows once more. `before` is finished on the way. */
static ALWAYS_INLINE void rows_by_tiles(const struct by_tiles *p, size_t first, size_t end, size_t rows,
                                        union sums *s, struct amx_unit *before, const bool two,
                                        const bool bytes)
{
    const size_t n_squares = (end - first + rows - 1) / rows;
    for (size_t j = 0; j < p->n; j += SQUARE) {
        const char *ahead = p->packed + (j / SQUARE + 1) * p->panel_size;
        for (size_t square = 0; square < n_squares; square++) {
            const size_t i = first + square * rows;
            struct amx_unit u = first_unit(p, i + rows < end ? i : end - rows, j, rows);
            for (size_t x = 0; x < p->n_blocks; x++) {
                const size_t left = p->row_size - x * I8_LONG;
                u.size = bytes && left > I8_LONG ? I8_LONG : left;
                u.numbers = u.b + SQUARE * i8_row_size(u.size);
                u.ahead = ahead;
                u.lines = (STEP_OF_PANEL / 128 + n_squares - 1) / n_squares * 2;
                ahead += u.size / STEP * u.lines * 64;
                multiply(&u, s, before, two, bytes ? OF_BYTES : OF_HALVES,
                         bytes ? finish_bytes : finish_halves);
                *before = u;
                next_block(&u);
            }
        }
    }
}

static ALWAYS_INLINE void all_by_tiles(const struct by_tiles *p, const bool bytes)
{
    const size_t n_squares = (p->m + SQUARE - 1) / SQUARE, rows = (p->m + n_squares - 1) / n_squares;
    const size_t fitting = ROWS_SIZE / (p->row_size + 1) / rows * rows,
                 most = fitting < rows ? rows : fitting;
    union sums s;
    struct amx_unit before = {.rows = 0};
    configure(rows);
    for (size_t i = 0; i < p->m; i += most) {
        /* What is left of m is never less than a square. */
        const size_t end = p->m - i <= most ? p->m : i + most, first = end - i < rows ? end - rows : i;
        if (rows > TILE)
            rows_by_tiles(p, first, end, rows, &s, &before, true, bytes);
        else
            rows_by_tiles(p, first, end, rows, &s, &before, false, bytes);
    }
    if (before.rows > 0)
        (bytes ? finish_bytes : finish_halves)(&s, &before, 0, before.rows);
    tile_release();
}

/* ---- few rows of bytes ---- */

/* Reading b takes all the time there is: vectors do, and the integers are the same. */
static ALWAYS_INLINE void few_rows(const struct amx_unit *u, const size_t rows)
{
    __m512i sum[FEW_ROWS][2];
    UNROLL
    for (size_t r = 0; r < rows; r++)
        sum[r][0] = sum[r][1] = _mm512_setzero_si512();
    for (size_t i = 0; i < u->size; i += 4) {
        const char *b = u->b + i / 4 * LINE;
        const __m512i b0 = _mm512_load_si512(b), b1 = _mm512_load_si512(b + 64);
        __builtin_prefetch(b + AHEAD, 0, 3);
        __builtin_prefetch(b + AHEAD + 64, 0, 3);
        UNROLL
        for (size_t r = 0; r < rows; r++) {
            const __m512i a = (__m512i)vi_broadcast4(u->a + r * u->ld_a + i);
            sum[r][0] = _mm512_dpbusd_epi32(sum[r][0], a, b0);
            sum[r][1] = _mm512_dpbusd_epi32(sum[r][1], a, b1);
        }
    }
    union sums s;
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        _mm512_store_si512(&s.bytes[r][0], sum[r][0]);
        _mm512_store_si512(&s.bytes[r][VL], sum[r][1]);
    }
    finish_bytes(&s, u, 0, rows);
}

#define FEW(rows)                                                                                            \
    static void few_rows_##rows(const struct amx_unit *u)                                                    \
    {                                                                                                        \
        few_rows(u, rows);                                                                                   \
    }
FEW(1)
FEW(2)
FEW(3)
FEW(4)
FEW(5)
FEW(6)
FEW(7)
FEW(8)
#undef FEW

static void all_by_vectors(const struct by_tiles *p)
{
    static void (*const few[FEW_ROWS])(const struct amx_unit *) = {
        few_rows_1, few_rows_2, few_rows_3, few_rows_4, few_rows_5, few_rows_6, few_rows_7, few_rows_8};
    for (size_t j = 0; j < p->n; j += SQUARE) {
        struct amx_unit u = first_unit(p, 0, j, p->m);
        for (size_t x = 0; x < p->n_blocks; x++) {
            const size_t left = p->row_size - x * I8_LONG;
            u.size = left < I8_LONG ? left : I8_LONG;
            u.numbers = u.b + SQUARE * i8_row_size(u.size);
            few[p->m - 1](&u);
            next_block(&u);
        }
    }
}

/* ---- the slots ---- */

static void gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    const size_t n_blocks = (k + I8_LONG - 1) / I8_LONG, row_size = (k + STEP - 1) / STEP * STEP;
    const struct by_tiles p = {.c = c,
                               .a = (const char *)a,
                               .packed = packed,
                               .blocks = blocks,
                               .bias = bias,
                               .ld_c = ld_c,
                               .ld_a = ld_a,
                               .m = m,
                               .n = n,
                               .n_blocks = n_blocks,
                               .row_size = row_size,
                               .panel_size = SQUARE * (i8_row_size(k) + n_blocks * 8)};
    if (k == 0) {
        scalar_gemm_u8i8(c, ld_c, a, ld_a, blocks, packed, bias, m, n, k);
    } else if (m > FEW_ROWS) {
        all_by_tiles(&p, true);
    } else if (m > 0) {
        all_by_vectors(&p);
    }
}

/* Few rows too: the order of summation is the tiles' own. */
static void gemm_bf16(float *c, size_t ld_c, const uint16_t *a, size_t ld_a, const uint16_t *packed,
                      const float *bias, size_t m, size_t n, size_t k)
{
    const size_t row_size = (k + 1) / 2 * 2 * sizeof *a;
    const struct by_tiles p = {.c = c,
                               .a = (const char *)a,
                               .packed = (const char *)packed,
                               .bias = bias,
                               .ld_c = ld_c,
                               .ld_a = ld_a * sizeof *a,
                               .m = m,
                               .n = n,
                               .n_blocks = 1,
                               .row_size = row_size,
                               .panel_size = SQUARE * row_size};
    if (m > 0)
        all_by_tiles(&p, false);
}

#endif
