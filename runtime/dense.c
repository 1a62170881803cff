#include "runtime/dense.h"

#include "runtime/team.h"
#include "runtime/tuning.h"

#include <cblas.h>
#include <string.h>

struct tile {
    size_t row, n_rows, col, n_cols;
};

/* The input of a call as the kernels take it. */
struct input {
    const char *bytes; /* [n_rows, ld_bytes]; DENSE_I8: bytes, DENSE_BF16: bfloat16 */
    size_t ld_bytes, n_blocks;
    const void *blocks; /* [n_rows, n_blocks]; DENSE_I8: struct u8_block, of s8: struct s8_block */
};

struct forward {
    const struct dense *d;
    const struct dense_call *call;
    struct input in;
    size_t block, n_cols; /* rows and columns of a tile */
};

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- input of fewer bits ---- */

/* Whether activations are signed bytes. */
static bool is_s8(enum dense_kind kind)
{
    return kind == DENSE_I4 || kind == DENSE_K;
}

/* Bytes of a row's elements. */
static size_t row_stride(enum dense_kind kind, size_t n_in)
{
    return kind == DENSE_I8     ? i8_blocks(n_in) * I8_BLOCK
           : is_s8(kind)        ? n_in
           : kind == DENSE_BF16 ? (n_in + 1) / 2 * 2 * sizeof(uint16_t)
                                : n_in * sizeof(float);
}

size_t dense_row_bytes(enum dense_kind kind, size_t n_in)
{
    return kind == DENSE_I8     ? row_stride(kind, n_in) + i8_blocks(n_in) * sizeof(struct u8_block)
           : is_s8(kind)        ? row_stride(kind, n_in) + n_in / I4_BLOCK * sizeof(struct s8_block)
           : kind == DENSE_BF16 ? row_stride(kind, n_in)
                                : 0;
}

static void narrow_row(const struct dense *d, const struct input *in, size_t i, const float *row)
{
    char *dst = (char *)in->bytes + i * in->ld_bytes;
    if (d->kind == DENSE_I8) {
        d->kernels->quantize_u8((uint8_t *)dst, (struct u8_block *)in->blocks + i * in->n_blocks, row,
                                d->n_in);
    } else if (is_s8(d->kind)) {
        d->kernels->quantize_s8((int8_t *)dst, (struct s8_block *)in->blocks + i * in->n_blocks, row,
                                d->n_in);
    } else {
        ((uint16_t *)dst)[in->ld_bytes / sizeof(uint16_t) - 1] = 0; /* behind an odd width */
        d->kernels->f32_to_bf16((uint16_t *)dst, row, d->n_in);
    }
}

static void narrow_rows(const void *arg, struct piece rows)
{
    const struct forward *f = arg;
    for (size_t i = rows.first; i < rows.end; i++)
        narrow_row(f->d, &f->in, i, f->call->in + i * f->call->ld_in);
}

static void narrow(struct forward *f, struct workspace *ws)
{
    const struct dense *d = f->d;
    size_t n_rows = f->call->n_rows;
    f->in = (struct input){.bytes = ws->bytes, .ld_bytes = row_stride(d->kind, d->n_in)};
    f->in.n_blocks = is_s8(d->kind) ? d->n_in / I4_BLOCK : i8_blocks(d->n_in);
    f->in.blocks = f->in.bytes + (n_rows * f->in.ld_bytes + 7) / 8 * 8;
    team_run(threads_for(ws->n_threads, n_rows * d->n_in), n_rows, 0, narrow_rows, f);
}

/* ---- one tile ---- */

static void product_blas(const struct dense *d, const struct dense_call *c, struct tile t, float *out)
{
    for (size_t i = 0; i < t.n_rows && d->bias; i++)
        memcpy(out + i * c->ld_out, d->bias + t.col, t.n_cols * sizeof *out);
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)t.n_rows, (blasint)t.n_cols,
                (blasint)d->n_in, 1, c->in + t.row * c->ld_in, (blasint)c->ld_in,
                (const float *)d->packed + t.col * d->n_in, (blasint)d->n_in, d->bias ? 1 : 0, out,
                (blasint)c->ld_out);
}

/* Each run of parts of the same bits alone. */
static void product_k(const struct forward *f, struct tile t)
{
    const struct dense *d = f->d;
    const struct input *in = &f->in;
    const int8_t *a = (const int8_t *)in->bytes + t.row * in->ld_bytes;
    const struct s8_block *blocks = (const struct s8_block *)in->blocks + t.row * in->n_blocks;
    float *out = f->call->out + t.row * f->call->ld_out;
    for (struct dense_run run = {0}; dense_next_run(d, &run);) {
        size_t col = run.first > t.col ? run.first : t.col;
        size_t end = min(t.col + t.n_cols, run.first + run.n_out);
        const char *panels = (const char *)d->packed + dense_panel_at(d, col / dense_panel(d));
        if (col < end)
            (run.bits == 4   ? d->kernels->gemm_s8k4
             : run.bits == 5 ? d->kernels->gemm_s8k5
                             : d->kernels->gemm_s8k6)(out + col, f->call->ld_out, a, in->ld_bytes, blocks,
                                                      panels, d->bias ? d->bias + col : NULL, t.n_rows,
                                                      end - col, d->n_in);
    }
}

/* t.col is the first output of a panel. */
static void product(const struct forward *f, struct tile t)
{
    const struct dense *d = f->d;
    const struct dense_call *c = f->call;
    const struct input *in = &f->in;
    float *out = c->out + t.row * c->ld_out + t.col;
    const char *panels = (const char *)d->packed + dense_panel_at(d, t.col / dense_panel(d));
    const float *bias = d->bias ? d->bias + t.col : NULL;
    if (d->kind == DENSE_F32)
        d->kernels->gemm_f32(out, c->ld_out, c->in + t.row * c->ld_in, c->ld_in, (const float *)panels, bias,
                             t.n_rows, t.n_cols, d->n_in);
    else if (d->kind == DENSE_I8)
        d->kernels->gemm_u8i8(out, c->ld_out, (const uint8_t *)in->bytes + t.row * in->ld_bytes, in->ld_bytes,
                              (const struct u8_block *)in->blocks + t.row * in->n_blocks, panels, bias,
                              t.n_rows, t.n_cols, d->n_in);
    else if (d->kind == DENSE_I4)
        d->kernels->gemm_s8i4(out, c->ld_out, (const int8_t *)in->bytes + t.row * in->ld_bytes, in->ld_bytes,
                              (const struct s8_block *)in->blocks + t.row * in->n_blocks, panels, bias,
                              t.n_rows, t.n_cols, d->n_in);
    else if (d->kind == DENSE_K)
        product_k(f, t);
    else if (d->kind == DENSE_BF16)
        d->kernels->gemm_bf16(out, c->ld_out, (const uint16_t *)(in->bytes + t.row * in->ld_bytes),
                              in->ld_bytes / sizeof(uint16_t), (const uint16_t *)panels, bias, t.n_rows,
                              t.n_cols, d->n_in);
    else
        product_blas(d, c, t, out);
    if (c->act != ACT_NONE)
        for (size_t i = 0; i < t.n_rows; i++)
            activation_apply(d->kernels, c->act, out + i * c->ld_out, t.n_cols);
}

static void residual_norm(const struct dense *d, const struct dense_call *c, size_t row, size_t n_rows)
{
    for (size_t i = row; i < row + n_rows; i++) {
        float *y = c->out + i * c->ld_out;
        d->kernels->add(y, c->residual + i * c->ld_out, d->n_out);
        if (c->gamma)
            d->kernels->layer_norm(y, y, c->gamma, c->beta, d->n_out, c->eps);
    }
}

/* ---- all tiles ---- */

/* Enough rows for every thread: an item is a block of rows with all columns and what follows them. */
static void rows_of_all_columns(const void *arg, struct piece blocks)
{
    const struct forward *f = arg;
    size_t n_out = f->d->n_out, end = min(blocks.end * f->block, f->call->n_rows);
    for (size_t row = blocks.first * f->block; row < end; row += f->block) {
        size_t n_rows = min(f->block, end - row);
        for (size_t col = 0; col < n_out; col += f->n_cols)
            product(f, (struct tile){row, n_rows, col, min(f->n_cols, n_out - col)});
        if (f->call->residual)
            residual_norm(f->d, f->call, row, n_rows);
    }
}

/* Few rows: the threads share the columns, each reading its own part of the weights. An item is a panel. */
static void columns_of_all_rows(const void *arg, struct piece panels)
{
    const struct forward *f = arg;
    size_t panel = dense_panel(f->d), col = panels.first * panel;
    product(f, (struct tile){0, f->call->n_rows, col, min(panels.end * panel, f->d->n_out) - col});
}

void dense_forward(const struct dense *d, const struct dense_call *c, struct workspace *ws)
{
    const struct tuning *tuning = tuning_get();
    bool is_bytes = d->kind == DENSE_I8 || is_s8(d->kind);
    const struct tuning_tile *tile = &(is_bytes ? tuning->int8 : tuning->f32)[d->n_in > TUNING_WIDE];
    size_t block = tile->bytes / row_stride(d->kind, d->n_in) / 12 * 12, panel = dense_panel(d);
    size_t n_cols = tile->cols > panel ? tile->cols / panel * panel : panel;
    block = block < 24 ? 24 : block;
    struct forward f = {.d = d, .call = c, .block = block, .n_cols = n_cols};
    if (d->kind != DENSE_F32 && d->kind != DENSE_BLAS)
        narrow(&f, ws);
    if (ws->n_threads == 1 || c->n_rows >= block * (size_t)ws->n_threads) {
        size_t n_blocks = (c->n_rows + block - 1) / block;
        team_run(ws->n_threads, n_blocks, n_blocks, rows_of_all_columns, &f);
        return;
    }
    team_run(ws->n_threads, dense_n_panels(d), 0, columns_of_all_rows, &f);
    if (c->residual)
        residual_norm(d, c, 0, c->n_rows);
}
