/* Products as dense layers call them: rows shared out where there are many, columns where there are few. Each call
 * reads other weights than the last one, as the layers of a model do: small matrices do not stay in a cache. */
#include "runtime/base/sizes.h"
#include "runtime/nn/tuning.h"
#include "runtime/tools/bench/slots.h"

#include <string.h>

#define ROWS 12 /* that a kernel takes at once, or a multiple */

struct bench_tile {
    size_t row, n_rows, col, n_cols;
    const char *weights;
};

typedef void (*product_call)(const struct bench_case *c, const struct bench_tile *t);

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_i8(const struct bench_case *c)
{
    return c->slot->number == HONE_NUMBER_INT8;
}

/* Weights of four bits, with a scale and an offset for each block of inputs. */
static bool is_i4(const struct bench_case *c)
{
    return c->slot->work == product_s8i4 || c->slot->work == product_s8l4;
}

/* Weights of a K-quant of so many bits; 0: others. */
static unsigned k_bits(const struct bench_case *c)
{
    return c->slot->work == product_s8k4   ? 4
           : c->slot->work == product_s8k5 ? 5
           : c->slot->work == product_s8k6 ? 6
           : c->slot->work == product_s8kl ? K_LEVELS
                                           : 0;
}

/* Whole superblocks of inputs. */
static size_t k_supers(const struct bench_case *c)
{
    return (c->k + K_SUPER - 1) / K_SUPER;
}

/* Bytes of a number in a row of input. */
static size_t unit(const struct bench_case *c)
{
    static const size_t units[HONE_N_NUMBERS] = {sizeof(float), sizeof(uint16_t), 1};
    return units[c->slot->number];
}

static size_t panel(const struct bench_case *c)
{
    const struct kernels *k = c->kernels;
    const size_t panels[HONE_N_NUMBERS] = {k->panel_f32, k->panel_bf16, k->panel_i8};
    return is_i4(c) ? k->panel_i4 : k_bits(c) ? k->panel_k : panels[c->slot->number];
}

static size_t panel_size(const struct bench_case *c)
{
    if (is_i4(c))
        return panel(c) * (c->k / I4_BLOCK) * I4_BLOCK_SIZE;
    if (k_bits(c))
        return panel(c) * k_supers(c) * k_super_size(k_bits(c));
    return is_i8(c) ? i8_panel_size(c->kernels, c->k) : panel(c) * c->k * unit(c);
}

void product_cost(struct bench_case *c)
{
    c->ops = 2.0 * (double)c->m * (double)c->n * (double)c->k;
    size_t weights = is_i4(c)    ? c->n * c->k / I4_BLOCK * (I4_BLOCK_SIZE)
                     : k_bits(c) ? c->n * k_supers(c) * k_super_size(k_bits(c))
                                 : c->n * c->k * unit(c);
    c->bytes = (double)(weights + c->m * c->k * unit(c));
    c->held = 0;
}

static const struct tuning_tile *tile_size(const struct bench_case *c)
{
    const struct tuning *t = tuning_get();
    bool by_tiles = c->kernels->i8_block == I8_LONG && c->slot->number == HONE_NUMBER_BF16;
    return &(is_i8(c) || by_tiles ? t->int8 : t->f32)[c->k > TUNING_WIDE];
}

/* ---- one call ---- */

static void call_f32(const struct bench_case *c, const struct bench_tile *t)
{
    c->kernels->gemm_f32(c->operands->out + t->row * c->n + t->col, c->n, c->operands->in + t->row * c->k,
                         c->k, (const float *)t->weights, NULL, t->n_rows, t->n_cols, c->k);
}

static void call_bf16(const struct bench_case *c, const struct bench_tile *t)
{
    const uint16_t *in = (const uint16_t *)c->operands->in;
    size_t stride = c->k + row_gap(c->kernels) / sizeof *in;
    c->kernels->gemm_bf16(c->operands->out + t->row * c->n + t->col, c->n, in + t->row * stride, stride,
                          (const uint16_t *)t->weights, NULL, t->n_rows, t->n_cols, c->k);
}

/* Scales of rows: zeros, which cost a kernel what others do. Arrays of them are not const, or the program's file would hold the zeros,
 * 1.3 MB of them. */
#define MAX_BLOCKS 8192

static void call_u8i8(const struct bench_case *c, const struct bench_tile *t)
{
    static struct u8_block blocks[MAX_BLOCKS];
    size_t stride = i8_row_size(c->k) + row_gap(c->kernels), most = MAX_BLOCKS / i8_blocks(c->kernels, c->k);
    const uint8_t *in = (const uint8_t *)c->operands->in;
    for (size_t row = t->row; row < t->row + t->n_rows; row += most)
        c->kernels->gemm_u8i8(c->operands->out + row * c->n + t->col, c->n, in + row * stride, stride, blocks,
                              t->weights, NULL, min(most, t->row + t->n_rows - row), t->n_cols, c->k);
}

typedef void (*level_gemm)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                           const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                           size_t k);

/* gemm NULL: gemm_s8i4. */
static void call_blocks(const struct bench_case *c, const struct bench_tile *t, level_gemm gemm,
                        const int8_t *of_levels)
{
    static struct s8_block blocks[MAX_BLOCKS * (I8_BLOCK / I4_BLOCK)];
    size_t stride = round_up(c->k, I4_BLOCK), most = sizeof blocks / sizeof *blocks / (stride / I4_BLOCK);
    const int8_t *in = (const int8_t *)c->operands->in;
    for (size_t row = t->row; row < t->row + t->n_rows; row += most)
        if (gemm)
            gemm(c->operands->out + row * c->n + t->col, c->n, in + row * stride, stride, blocks, t->weights,
                 of_levels, NULL, min(most, t->row + t->n_rows - row), t->n_cols, c->k);
        else
            c->kernels->gemm_s8i4(c->operands->out + row * c->n + t->col, c->n, in + row * stride, stride,
                                  blocks, t->weights, NULL, min(most, t->row + t->n_rows - row), t->n_cols,
                                  c->k);
}

static void call_s8i4(const struct bench_case *c, const struct bench_tile *t)
{
    call_blocks(c, t, NULL, NULL);
}

typedef void (*k_gemm)(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                       const void *packed, const float *bias, size_t m, size_t n, size_t k);

static void call_k(const struct bench_case *c, const struct bench_tile *t, k_gemm gemm)
{
    static struct s8_super supers[MAX_BLOCKS];
    size_t stride = k_supers(c) * K_SUPER, most = MAX_BLOCKS / k_supers(c);
    const int8_t *in = (const int8_t *)c->operands->in;
    for (size_t row = t->row; row < t->row + t->n_rows; row += most)
        gemm(c->operands->out + row * c->n + t->col, c->n, in + row * stride, stride, supers, t->weights,
             NULL, min(most, t->row + t->n_rows - row), t->n_cols, stride);
}

static const int8_t levels[N_LEVELS];

static void call_s8l4(const struct bench_case *c, const struct bench_tile *t)
{
    call_blocks(c, t, c->kernels->gemm_s8l4, levels);
}

static void call_s8k4(const struct bench_case *c, const struct bench_tile *t)
{
    call_k(c, t, c->kernels->gemm_s8k4);
}

static void call_s8k5(const struct bench_case *c, const struct bench_tile *t)
{
    call_k(c, t, c->kernels->gemm_s8k5);
}

static void call_s8k6(const struct bench_case *c, const struct bench_tile *t)
{
    call_k(c, t, c->kernels->gemm_s8k6);
}

static void call_s8kl(const struct bench_case *c, const struct bench_tile *t)
{
    static struct s8_super supers[MAX_BLOCKS];
    size_t stride = k_supers(c) * K_SUPER, most = MAX_BLOCKS / k_supers(c);
    const int8_t *in = (const int8_t *)c->operands->in;
    for (size_t row = t->row; row < t->row + t->n_rows; row += most)
        c->kernels->gemm_s8kl(c->operands->out + row * c->n + t->col, c->n, in + row * stride, stride, supers,
                              t->weights, levels, NULL, min(most, t->row + t->n_rows - row), t->n_cols,
                              stride);
}

/* ---- all of a round ---- */

/* `rows` by the columns col up to end, which are the chunks `chunk` and following of `all` that a round reads. */
static void run_tiles(const struct bench_case *c, product_call call, struct bench_tile rows, size_t end,
                      size_t width, size_t chunk)
{
    size_t size = width / panel(c) * panel_size(c), n_places = c->operands->weights_size / size;
    for (size_t col = rows.col; col < end; col += width, chunk++) {
        rows.col = col;
        rows.n_cols = min(width, end - col);
        rows.weights = c->operands->weights + chunk % n_places * size;
        call(c, &rows);
    }
}

/* n in equal shares of at most `most`, but whole units. */
static size_t even(size_t n, size_t most, size_t unit)
{
    size_t n_shares = (n + most - 1) / most;
    return n_shares > 0 ? round_up((n + n_shares - 1) / n_shares, unit) : unit;
}

/* Threads that share the columns. */
static void run_columns(const struct bench_case *c, const struct measure_turn *turn, product_call call)
{
    size_t n = (size_t)turn->n_threads, thread = (size_t)turn->thread;
    size_t share = even(c->n, (c->n + n - 1) / n, panel(c)),
           width = even(share, tile_size(c)->cols, panel(c));
    size_t begin = min(thread * share, c->n), n_chunks = (share + width - 1) / width;
    for (size_t round = turn->first; round < turn->end; round++)
        run_tiles(c, call, (struct bench_tile){.n_rows = c->m, .col = begin}, min(begin + share, c->n), width,
                  (round * n + thread) * n_chunks);
}

/* Threads that share the rows. */
static void run_rows(const struct bench_case *c, const struct measure_turn *turn, product_call call,
                     size_t block)
{
    size_t n = (size_t)turn->n_threads, thread = (size_t)turn->thread;
    size_t share = even(c->m, (c->m + n - 1) / n, ROWS), begin = min(thread * share, c->m);
    size_t end = min(begin + share, c->m), width = even(c->n, tile_size(c)->cols, panel(c));
    block = even(share, block, ROWS);
    for (size_t round = turn->first; round < turn->end; round++)
        for (size_t row = begin; row < end; row += block)
            run_tiles(c, call, (struct bench_tile){.row = row, .n_rows = min(block, end - row)}, c->n, width,
                      round * ((c->n + width - 1) / width));
}

static void run(void *arg, const struct measure_turn *turn, product_call call)
{
    const struct bench_case *c = arg;
    size_t block = tile_size(c)->bytes / (c->k * unit(c)) / ROWS * ROWS;
    block = block < 2 * ROWS ? 2 * ROWS : block;
    if (turn->n_threads > 1 && c->m < block * (size_t)turn->n_threads)
        run_columns(c, turn, call);
    else
        run_rows(c, turn, call, block);
}

void product_f32(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_f32);
}

void product_u8i8(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_u8i8);
}

void product_s8i4(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_s8i4);
}

void product_s8k4(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_s8k4);
}

void product_s8k5(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_s8k5);
}

void product_s8k6(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_s8k6);
}

void product_s8l4(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_s8l4);
}

void product_s8kl(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_s8kl);
}

void product_bf16(void *arg, const struct measure_turn *turn)
{
    run(arg, turn, call_bf16);
}
