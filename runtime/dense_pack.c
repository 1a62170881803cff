/* From a file's tensors to the panels that the kernels read. */
#include "runtime/dense.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BLAS_PANEL 32 /* rows that are read together; OpenBLAS takes the matrix as it is */

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

size_t dense_panel(const struct dense *d)
{
    return d->kind == DENSE_I8    ? d->kernels->panel_i8
           : d->kind == DENSE_F32 ? d->kernels->panel_f32
                                  : BLAS_PANEL;
}

size_t dense_panel_size(const struct dense *d)
{
    if (d->kind == DENSE_I8)
        return d->kernels->panel_i8 * round_up(d->n_in, d->kernels->group_i8);
    return dense_panel(d) * d->n_in * sizeof(float);
}

static size_t n_panels(const struct dense *d)
{
    return (d->n_out + dense_panel(d) - 1) / dense_panel(d);
}

size_t dense_packed_size(const struct dense *d)
{
    size_t size = round_up(n_panels(d) * dense_panel_size(d), 64);
    if (d->kind == DENSE_I8)
        size += round_up(d->n_out * sizeof *d->scales, 64) + round_up(d->n_out * sizeof *d->sums, 64);
    return size;
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

/* The nearest signed bytes, with the scale that makes the largest 127. */
static float quantize_row(int8_t *q, const float *x, size_t n)
{
    float largest = 0;
    for (size_t i = 0; i < n; i++)
        largest = fmaxf(largest, fabsf(x[i]));
    float scale = largest / 127, inverse = scale > 0 ? 1 / scale : 0;
    for (size_t i = 0; i < n; i++) {
        float y = rintf(x[i] * inverse);
        q[i] = (int8_t)(y > 127 ? 127 : y > -127 ? y : -127);
    }
    return scale;
}

/* rows: room for a panel of rows as floats, and behind them as bytes. */
static void pack_panel(struct dense *d, size_t panel, float *rows)
{
    size_t width = dense_panel(d), first = panel * width;
    size_t n = d->n_out - first < width ? d->n_out - first : width;
    char *dst = (char *)d->packed + panel * dense_panel_size(d);
    int8_t *bytes = (int8_t *)(rows + width * d->n_in);
    if (d->kind == DENSE_BLAS)
        rows = (float *)dst;
    for (size_t i = 0; i < n; i++)
        read_row(d, first + i, rows + i * d->n_in);
    if (d->kind == DENSE_F32)
        d->kernels->pack_f32((float *)dst, rows, d->n_in, n, d->n_in);
    if (d->kind != DENSE_I8)
        return;
    for (size_t i = 0; i < n; i++)
        d->scales[first + i] = quantize_row(bytes + i * d->n_in, rows + i * d->n_in, d->n_in);
    d->kernels->pack_i8((int8_t *)dst, d->sums + first, bytes, d->n_in, n, d->n_in);
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
        struct dense *d = dense[i];
        size_t size = dense_panel(d) * d->n_in * (sizeof(float) + 1);
        room = size > room ? size : room;
        if (d->kind == DENSE_I8) {
            d->scales = (float *)((char *)d->packed + round_up(n_panels(d) * dense_panel_size(d), 64));
            d->sums = (int32_t *)(d->scales + round_up(d->n_out, 16));
        }
        enum hone_status status = read_bias(d, err);
        if (status != HONE_OK)
            return status;
    }
    bool failed = false;
#pragma omp parallel num_threads(n_threads)
    {
        float *rows = malloc(room + 1);
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
    return failed ? hone_no_memory(err, "packing", room) : HONE_OK;
}

void dense_free(struct dense *d)
{
    free(d->bias);
    d->bias = NULL;
}
