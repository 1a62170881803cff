#include "runtime/nn/dense.h"

#include "runtime/base/assert.h"
#include "runtime/base/checked_blocks.h"
#include "runtime/base/sizes.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/blas.h"
#include "runtime/nn/tuning.h"

#include <string.h>

/* Bytes that a tile passes on to the next product: half of the second-level cache that a core with AMX has, 2 MB. */
#define PASSED_SIZE (1024 * 1024)
#define MOST_GAP    192 /* bytes that row_stride may add to a row */

struct tile {
    size_t row, n_rows, col, n_cols;
};

struct forward {
    const struct dense *d;
    const struct dense_call *call;
    struct dense_input in;
    size_t block, n_cols; /* rows and columns of a tile */
};

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool is_narrow(enum dense_kind kind)
{
    return kind != DENSE_F32 && kind != DENSE_BLAS;
}

/* Whether the next layer gets its input in fewer bits; of a call in which that has its place. */
static bool is_left(const struct dense_call *c)
{
    return c->next && c->left->bytes;
}

/* ---- input of fewer bits ---- */

/* Whether activations are signed bytes. */
static bool is_s8(enum dense_kind kind)
{
    return kind == DENSE_I4 || kind == DENSE_K;
}

/* Bytes of a row's elements. */
static size_t row_size(enum dense_kind kind, size_t n_in)
{
    return kind == DENSE_I8     ? i8_row_size(n_in)
           : is_s8(kind)        ? n_in
           : kind == DENSE_BF16 ? (n_in + 1) / 2 * 2 * sizeof(uint16_t)
                                : n_in * sizeof(float);
}

/* From a row's elements to those of the next one. */
static size_t row_stride(const struct dense *d)
{
    size_t size = row_size(d->kind, d->n_in), gap = row_gap(d->kernels);
    bool has_gap = gap > 0 && (d->kind == DENSE_I8 || d->kind == DENSE_BF16);
    return has_gap ? round_up(size, 2 * gap) + gap : size;
}

size_t dense_row_bytes(enum dense_kind kind, size_t n_in)
{
    size_t most_blocks = (n_in + I8_BLOCK - 1) / I8_BLOCK;
    size_t size = kind == DENSE_I8   ? row_size(kind, n_in) + MOST_GAP + most_blocks * sizeof(struct u8_block)
                  : kind == DENSE_I4 ? row_size(kind, n_in) + n_in / I4_BLOCK * sizeof(struct s8_block)
                  : kind == DENSE_K  ? row_size(kind, n_in) + n_in / K_SUPER * sizeof(struct s8_super)
                  : kind == DENSE_BF16 ? row_size(kind, n_in) + MOST_GAP
                                       : 0;
    return (size + 63) / 64 * 64;
}

/* n_rows of them in bytes, which come before their blocks. */
static struct dense_input input_at(const struct dense *d, size_t n_rows, char *bytes)
{
    struct dense_input in = {.bytes = bytes, .ld_bytes = row_stride(d)};
    in.n_blocks = d->kind == DENSE_I4  ? d->n_in / I4_BLOCK
                  : d->kind == DENSE_K ? d->n_in / K_SUPER
                                       : i8_blocks(d->kernels, d->n_in);
    in.blocks = bytes + (n_rows * in.ld_bytes + 7) / 8 * 8;
    return in;
}

/* Elements col to col + n of row i; blocks begin at col. */
static void narrow_part(const struct dense *d, const struct dense_input *in, size_t i, size_t col,
                        const float *x, size_t n)
{
    char *dst = in->bytes + i * in->ld_bytes;
    if (d->kind == DENSE_I8) {
        struct u8_block *blocks = (struct u8_block *)in->blocks + i * in->n_blocks;
        d->kernels->quantize_u8((uint8_t *)dst + col, blocks + col / d->kernels->i8_block, x, n);
    } else if (d->kind == DENSE_I4) {
        struct s8_block *blocks = (struct s8_block *)in->blocks + i * in->n_blocks;
        d->kernels->quantize_s8((int8_t *)dst + col, blocks + col / I4_BLOCK, x, n);
    } else if (d->kind == DENSE_K) {
        struct s8_super *supers = (struct s8_super *)in->blocks + i * in->n_blocks;
        d->kernels->quantize_k((int8_t *)dst + col, supers + col / K_SUPER, x, n);
    } else {
        if (col + n == d->n_in && d->n_in % 2 == 1)
            ((uint16_t *)dst)[d->n_in] = 0; /* what the last pair lacks */
        d->kernels->f32_to_bf16((uint16_t *)dst + col, x, n);
    }
}

static void narrow_rows(const void *arg, struct work_range rows)
{
    const struct forward *f = arg;
    for (size_t i = rows.first; i < rows.end; i++)
        narrow_part(f->d, &f->in, i, 0, f->call->in + i * f->call->ld_in, f->d->n_in);
}

static void narrow(const struct forward *f, int n_threads)
{
    size_t n_rows = f->call->n_rows;
    thread_pool_run(threads_for(n_threads, n_rows * f->d->n_in), n_rows, 0, narrow_rows, f);
}

/* ---- one tile ---- */

static void product_blas(const struct dense *d, const struct dense_call *c, struct tile t, float *out,
                         size_t ld_out)
{
    for (size_t i = 0; i < t.n_rows && d->bias; i++)
        memcpy(out + i * ld_out, d->bias + t.col, t.n_cols * sizeof *out);
    blas_product(t.n_rows, t.n_cols, d->n_in, c->in + t.row * c->ld_in, c->ld_in,
                 (const float *)d->packed + t.col * d->n_in, d->bias != NULL, out, ld_out);
}

/* Each run of parts of the same bits alone. */
static void product_k(const struct forward *f, struct tile t, float *out, size_t ld_out)
{
    const struct dense *d = f->d;
    const struct dense_input *in = &f->in;
    const int8_t *a = (const int8_t *)in->bytes + t.row * in->ld_bytes;
    const struct s8_super *supers = (const struct s8_super *)in->blocks + t.row * in->n_blocks;
    for (struct dense_run run = {0}; dense_next_run(d, &run);) {
        size_t col = run.first > t.col ? run.first : t.col;
        size_t end = min(t.col + t.n_cols, run.first + run.n_out);
        const char *panels = (const char *)d->packed + dense_panel_at(d, col / dense_panel(d));
        if (col < end && run.levels)
            d->kernels->gemm_s8kl(out + col - t.col, ld_out, a, in->ld_bytes, supers, panels, run.levels,
                                  d->bias ? d->bias + col : NULL, t.n_rows, end - col, d->n_in);
        else if (col < end)
            (run.bits == 4   ? d->kernels->gemm_s8k4
             : run.bits == 5 ? d->kernels->gemm_s8k5
                             : d->kernels->gemm_s8k6)(out + col - t.col, ld_out, a, in->ld_bytes, supers,
                                                      panels, d->bias ? d->bias + col : NULL, t.n_rows,
                                                      end - col, d->n_in);
    }
}

static void product_i4(const struct forward *f, struct tile t, float *out, size_t ld_out)
{
    const struct dense *d = f->d;
    const struct dense_input *in = &f->in;
    const int8_t *a = (const int8_t *)in->bytes + t.row * in->ld_bytes;
    const int8_t *levels = d->parts[0].weight->type->levels;
    const struct s8_block *blocks = (const struct s8_block *)in->blocks + t.row * in->n_blocks;
    const char *panels = (const char *)d->packed + dense_panel_at(d, t.col / dense_panel(d));
    const float *bias = d->bias ? d->bias + t.col : NULL;
    if (levels)
        d->kernels->gemm_s8l4(out, ld_out, a, in->ld_bytes, blocks, panels, levels, bias, t.n_rows, t.n_cols,
                              d->n_in);
    else
        d->kernels->gemm_s8i4(out, ld_out, a, in->ld_bytes, blocks, panels, bias, t.n_rows, t.n_cols,
                              d->n_in);
}

/* t.col is the first output of a panel; out: [t.n_rows, t.n_cols]. */
static void product(const struct forward *f, struct tile t, float *out, size_t ld_out)
{
    const struct dense *d = f->d;
    const struct dense_call *c = f->call;
    const struct dense_input *in = &f->in;
    const char *panels = (const char *)d->packed + dense_panel_at(d, t.col / dense_panel(d));
    const float *bias = d->bias ? d->bias + t.col : NULL;
    if (d->kind == DENSE_F32)
        d->kernels->gemm_f32(out, ld_out, c->in + t.row * c->ld_in, c->ld_in, (const float *)panels, bias,
                             t.n_rows, t.n_cols, d->n_in);
    else if (d->kind == DENSE_I8)
        d->kernels->gemm_u8i8(out, ld_out, (const uint8_t *)in->bytes + t.row * in->ld_bytes, in->ld_bytes,
                              (const struct u8_block *)in->blocks + t.row * in->n_blocks, panels, bias,
                              t.n_rows, t.n_cols, d->n_in);
    else if (d->kind == DENSE_I4)
        product_i4(f, t, out, ld_out);
    else if (d->kind == DENSE_K)
        product_k(f, t, out, ld_out);
    else if (d->kind == DENSE_BF16)
        d->kernels->gemm_bf16(out, ld_out, (const uint16_t *)(in->bytes + t.row * in->ld_bytes),
                              in->ld_bytes / sizeof(uint16_t), (const uint16_t *)panels, bias, t.n_rows,
                              t.n_cols, d->n_in);
    else
        product_blas(d, c, t, out, ld_out);
}

/* n elements of a row; of a gated one those of its first half, and of the second. */
static void activate(const struct forward *f, float *x, float *second, size_t n)
{
    const struct dense_call *c = f->call;
    if (c->act == ACT_CLAMPED) {
        activation_clamped(f->d->kernels, c->clamp, x, second, n);
        return;
    }
    if (c->act == ACT_XIELU)
        activation_bent(f->d->kernels, &c->bend, x, n);
    else if (c->act != ACT_NONE)
        activation_apply(f->d->kernels, c->act, c->gate == GATE_SECOND ? second : x, n);
    if (c->gate)
        f->d->kernels->mul(x, second, n);
}

/* A tile where it belongs; what is gated waits for its other half. */
static void put(const struct forward *f, struct tile t)
{
    const struct dense_call *c = f->call;
    float *out = c->out + t.row * c->ld_out + t.col;
    product(f, t, out, c->ld_out);
    for (size_t i = 0; i < t.n_rows && !c->gate; i++)
        activate(f, out + i * c->ld_out, NULL, t.n_cols);
}

/* A tile that the next layer gets: all of a block's rows are made in one place, which stays in the cache. */
static void pass_on(const struct forward *f, struct tile t)
{
    const struct dense_call *c = f->call;
    float *room = c->out + t.row * c->ld_out, *second = room + t.n_rows * t.n_cols;
    product(f, t, room, t.n_cols);
    if (c->gate)
        product(f, (struct tile){t.row, t.n_rows, t.col + f->d->n_out / 2, t.n_cols}, second, t.n_cols);
    for (size_t i = 0; i < t.n_rows; i++, room += t.n_cols, second += t.n_cols) {
        activate(f, room, second, t.n_cols);
        narrow_part(c->next, c->left, t.row + i, t.col, room, t.n_cols);
    }
}

/* What follows when all of a row is there. */
static void end_rows(const void *arg, struct work_range rows)
{
    const struct forward *f = arg;
    const struct dense_call *c = f->call;
    const struct kernels *k = f->d->kernels;
    const size_t n = f->d->n_out;
    for (size_t i = rows.first; i < rows.end; i++) {
        float *y = c->out + i * c->ld_out;
        if (c->gate)
            activate(f, y, y + n / 2, n / 2);
        if (c->residual)
            k->add(y, c->residual + i * c->ld_out, n);
        if (c->residual && c->gamma)
            k->layer_norm(y, y, c->gamma, c->beta, n, c->eps);
        if (is_left(c))
            narrow_part(c->next, c->left, i, 0, y, c->next->n_in);
    }
}

/* ---- all tiles ---- */

/* Enough rows for every thread: an item is a block of rows with all columns and what follows them. */
static void rows_of_all_columns(const void *arg, struct work_range blocks)
{
    const struct forward *f = arg;
    bool left = is_left(f->call);
    size_t n = left ? f->call->next->n_in : f->d->n_out, end = min(blocks.end * f->block, f->call->n_rows);
    for (size_t row = blocks.first * f->block; row < end; row += f->block) {
        size_t n_rows = min(f->block, end - row);
        for (size_t col = 0; col < n; col += f->n_cols)
            (left ? pass_on : put)(f, (struct tile){row, n_rows, col, min(f->n_cols, n - col)});
        if (!left)
            end_rows(f, (struct work_range){.first = row, .end = row + n_rows});
    }
}

/* Few rows: the threads share the columns, each reading its own part of the weights. An item is a panel. */
static void columns_of_all_rows(const void *arg, struct work_range panels)
{
    const struct forward *f = arg;
    size_t panel = dense_panel(f->d), col = panels.first * panel;
    put(f, (struct tile){0, f->call->n_rows, col, min(panels.end * panel, f->d->n_out) - col});
}

/* Elements of a row that become fewer bits together, at least a panel of any kind. */
static size_t block_of_input(const struct dense *d)
{
    return d->kind == DENSE_K && d->kernels->i8_block < K_SUPER ? K_SUPER : d->kernels->i8_block;
}

/* The sizes of tiles; those that are passed on keep the next layer's blocks whole. */
static void cut(struct forward *f)
{
    const struct dense *d = f->d;
    const struct tuning *tuning = tuning_get();
    bool by_tiles = d->kernels->i8_block == I8_LONG, is_halves = d->kind == DENSE_BF16;
    bool as_bytes = d->kind == DENSE_I8 || is_s8(d->kind) || (by_tiles && is_halves);
    const struct tuning_tile *tile = &(as_bytes ? tuning->int8 : tuning->f32)[d->n_in > TUNING_WIDE];
    size_t block = tile->bytes / row_stride(d) / 12 * 12;
    size_t unit = is_left(f->call) ? block_of_input(f->call->next) : dense_panel(d);
    f->n_cols = tile->cols > unit ? tile->cols / unit * unit : unit;
    if (by_tiles && is_left(f->call)) /* what a tile passes on stays in the second-level cache, too */
        block = min(block, PASSED_SIZE / (f->n_cols * sizeof(float)));
    f->block = block < 24 ? 24 : block;
}

/* What the call reads, and where it leaves what comes out. */
static void place_input(struct forward *f, struct workspace *ws)
{
    const struct dense_call *c = f->call;
    bool halves = !c->gate || f->d->n_out / 2 % dense_panel(f->d) == 0; /* begin at panels */
    if (c->next)
        *c->left = (struct dense_input){0};
    if (c->next && is_narrow(c->next->kind) && halves) { /* else there may be no such room */
        char *behind = (char *)ws->bytes + c->n_rows * dense_row_bytes(f->d->kind, f->d->n_in);
        *c->left = input_at(c->next, c->n_rows, behind);
    }
    if (c->given && c->given->bytes) {
        f->in = *c->given;
    } else if (is_narrow(f->d->kind)) {
        f->in = input_at(f->d, c->n_rows, ws->bytes);
        narrow(f, ws->n_threads);
    }
}

/* That the caller's rows are as wide as the layer, and the workspace as large as it said. */
static void check_call(const struct dense *d, const struct dense_call *c, const struct workspace *ws)
{
    (void)ws;
    ASSERT(d->packed && d->n_in > 0 && d->n_out > 0);
    ASSERT(c->given || c->ld_in >= d->n_in);
    ASSERT(c->ld_out >= d->n_out);
    ASSERT(!c->gate || d->n_out % 2 == 0);
    ASSERT(c->gate || c->act != ACT_CLAMPED);
    ASSERT(!c->gate || c->act != ACT_XIELU);
    ASSERT(!c->gamma || c->residual);
    ASSERT((c->next == NULL) == (c->left == NULL));
    ASSERT(!c->next || c->next->n_in == (c->gate ? d->n_out / 2 : d->n_out));
    ASSERT(!c->given || !c->given->bytes || c->given->ld_bytes == row_stride(d));
    ASSERT(c->n_rows * (dense_row_bytes(d->kind, d->n_in) +
                        (c->next ? dense_row_bytes(c->next->kind, c->next->n_in) : 0)) <=
           ws->bytes_held);
}

void dense_forward(const struct dense *d, const struct dense_call *c, struct workspace *ws)
{
    struct forward f = {.d = d, .call = c};
    check_call(d, c, ws);
    if (d->unchecked)
        checked_blocks_look(d->unchecked, d->packed, dense_packed_size(d), ws->n_threads);
    place_input(&f, ws);
    cut(&f);
    if (ws->n_threads == 1 || c->n_rows >= f.block * (size_t)ws->n_threads) {
        size_t n_blocks = (c->n_rows + f.block - 1) / f.block;
        thread_pool_run(ws->n_threads, n_blocks, n_blocks, rows_of_all_columns, &f);
        return;
    }
    thread_pool_run(ws->n_threads, dense_n_panels(d), 0, columns_of_all_rows, &f);
    thread_pool_run(threads_for(ws->n_threads, c->n_rows * d->n_out), c->n_rows, 0, end_rows, &f);
}
