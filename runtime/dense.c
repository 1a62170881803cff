#include "runtime/dense.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>

/* ---- activations ---- */

static const struct {
    const char *name;
    enum activation act;
} activation_names[] = {
    {"gelu", ACT_GELU},           {"gelu_new", ACT_GELU_TANH}, {"gelu_pytorch_tanh", ACT_GELU_TANH},
    {"gelu_fast", ACT_GELU_TANH}, {"relu", ACT_RELU},          {"silu", ACT_SILU},
    {"swish", ACT_SILU},          {"tanh", ACT_TANH},
};

enum activation activation_by_name(struct hone_text name)
{
    for (size_t i = 0; i < sizeof activation_names / sizeof *activation_names; i++)
        if (strlen(activation_names[i].name) == name.size &&
            memcmp(activation_names[i].name, name.data, name.size) == 0)
            return activation_names[i].act;
    return N_ACTIVATIONS;
}

const char *activation_name(enum activation act)
{
    for (size_t i = 0; i < sizeof activation_names / sizeof *activation_names; i++)
        if (activation_names[i].act == act)
            return activation_names[i].name;
    return "none";
}

void activation_apply(const struct kernels *k, enum activation act, float *y, size_t n)
{
    switch (act) {
    case ACT_GELU:
        k->gelu(y, n);
        break;
    case ACT_GELU_TANH:
        k->gelu_tanh(y, n);
        break;
    case ACT_RELU:
        k->relu(y, n);
        break;
    case ACT_SILU:
        k->silu(y, n);
        break;
    case ACT_TANH:
        k->tanh(y, n);
        break;
    case ACT_NONE:
    case N_ACTIVATIONS:
        break;
    }
}

/* ---- packing ---- */

static size_t panel_of(const struct dense *d)
{
    return d->blas ? 32 : d->kernels->panel_f32;
}

static size_t n_panels(const struct dense *d)
{
    return (d->n_out + panel_of(d) - 1) / panel_of(d);
}

/* Row `row` of the parts taken as one matrix, as float32. */
static void read_row(const struct dense *d, size_t row, float *dst)
{
    const struct dense_part *part = d->parts;
    while (row >= part->n_out)
        row -= part++->n_out;
    const struct quant_type *type = part->weight->type;
    const char *src = part->weight->data;
    type->dequantize(dst, src + row * (d->n_in / type->block_len) * type->block_size, d->n_in);
}

/* `rows`: room for a panel of rows. */
static void pack_panel(struct dense *d, size_t panel, float *rows)
{
    size_t width = panel_of(d), first = panel * width;
    size_t n = d->n_out - first < width ? d->n_out - first : width;
    float *dst = d->packed + first * d->n_in;
    for (size_t i = 0; i < n; i++)
        read_row(d, first + i, (d->blas ? dst : rows) + i * d->n_in);
    if (!d->blas)
        d->kernels->pack_f32(dst, rows, d->n_in, n, d->n_in);
}

size_t dense_packed_size(const struct dense *d)
{
    return (n_panels(d) * panel_of(d) * d->n_in * sizeof *d->packed + 63) / 64 * 64;
}

static enum hone_status read_bias(struct dense *d, struct hone_error *err)
{
    bool has_bias = false;
    for (unsigned p = 0; p < d->n_parts; p++)
        has_bias |= d->parts[p].bias != NULL;
    if (!has_bias)
        return HONE_OK;
    float *dst = d->bias = calloc(d->n_out, sizeof *d->bias);
    if (!d->bias)
        return hone_no_memory(err, "a bias", d->n_out * sizeof *d->bias);
    for (unsigned p = 0; p < d->n_parts; dst += d->parts[p++].n_out) {
        const struct gguf_tensor *bias = d->parts[p].bias;
        if (bias)
            bias->type->dequantize(dst, bias->data, d->parts[p].n_out);
    }
    return HONE_OK;
}

enum hone_status dense_pack(struct dense *const *dense, size_t n, int n_threads, struct hone_error *err)
{
    size_t room = 0;
    for (size_t i = 0; i < n; i++) {
        size_t panel = panel_of(dense[i]) * dense[i]->n_in;
        room = panel > room ? panel : room;
        enum hone_status status = read_bias(dense[i], err);
        if (status != HONE_OK)
            return status;
    }
    bool failed = false;
#pragma omp parallel num_threads(n_threads)
    {
        float *rows = malloc(room * sizeof *rows + 1);
        if (!rows) {
#pragma omp atomic write
            failed = true;
        }
        for (size_t i = 0; i < n; i++) {
#pragma omp for schedule(dynamic, 4) nowait
            for (size_t panel = 0; panel < n_panels(dense[i]); panel++)
                if (rows)
                    pack_panel(dense[i], panel, rows);
        }
        free(rows);
    }
    return failed ? hone_no_memory(err, "packing", room * sizeof(float)) : HONE_OK;
}

void dense_free(struct dense *d)
{
    free(d->bias);
    d->bias = NULL;
}

/* ---- products ---- */

/* Input rows of one tile stay in the second-level cache while the weights stream past them. */
#define TILE_BYTES (256 * 1024)
#define TILE_COLS  512

struct tile {
    size_t row, n_rows, col, n_cols;
};

static void product(const struct dense *d, const struct dense_call *c, struct tile t)
{
    const float *in = c->in + t.row * c->ld_in;
    const float *bias = d->bias ? d->bias + t.col : NULL;
    float *out = c->out + t.row * c->ld_out + t.col;
    if (!d->blas) {
        d->kernels->gemm_f32(out, c->ld_out, in, c->ld_in, d->packed + t.col * d->n_in, bias, t.n_rows,
                             t.n_cols, d->n_in);
    } else {
        for (size_t i = 0; i < t.n_rows; i++)
            if (bias)
                memcpy(out + i * c->ld_out, bias, t.n_cols * sizeof *out);
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (blasint)t.n_rows, (blasint)t.n_cols,
                    (blasint)d->n_in, 1, in, (blasint)c->ld_in, d->packed + t.col * d->n_in, (blasint)d->n_in,
                    bias ? 1 : 0, out, (blasint)c->ld_out);
    }
    if (c->act != ACT_NONE)
        for (size_t i = 0; i < t.n_rows; i++)
            activation_apply(d->kernels, c->act, out + i * c->ld_out, t.n_cols);
}

static void residual_norm(const struct dense *d, const struct dense_call *c, size_t row, size_t n_rows)
{
    for (size_t i = row; i < row + n_rows; i++) {
        float *y = c->out + i * c->ld_out;
        d->kernels->add(y, c->residual + i * c->ld_out, d->n_out);
        d->kernels->layer_norm(y, y, c->gamma, c->beta, d->n_out, c->eps);
    }
}

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Enough rows for every thread: a task is a block of rows with all columns and what follows them. */
static void by_rows(const struct dense *d, const struct dense_call *c, size_t block, int n_threads)
{
#pragma omp parallel for schedule(dynamic) num_threads(n_threads) if (n_threads > 1)
    for (size_t row = 0; row < c->n_rows; row += block) {
        size_t n_rows = min(block, c->n_rows - row);
        for (size_t col = 0; col < d->n_out; col += TILE_COLS)
            product(d, c, (struct tile){row, n_rows, col, min(TILE_COLS, d->n_out - col)});
        if (c->residual)
            residual_norm(d, c, row, n_rows);
    }
}

/* Few rows: the threads share the columns, each reading its own part of the weights. */
static void by_columns(const struct dense *d, const struct dense_call *c, int n_threads)
{
    size_t panels = n_panels(d), share = (panels + (size_t)n_threads - 1) / (size_t)n_threads * panel_of(d);
#pragma omp parallel for schedule(static) num_threads(n_threads)
    for (size_t col = 0; col < d->n_out; col += share)
        product(d, c, (struct tile){0, c->n_rows, col, min(share, d->n_out - col)});
    if (c->residual)
        residual_norm(d, c, 0, c->n_rows);
}

void dense_forward(const struct dense *d, const struct dense_call *c, int n_threads)
{
    size_t block = TILE_BYTES / sizeof(float) / d->n_in / 12 * 12;
    block = block < 24 ? 24 : block;
    if (n_threads > 1 && c->n_rows < block * (size_t)n_threads)
        by_columns(d, c, n_threads);
    else
        by_rows(d, c, block, n_threads);
}
