/* From a file's tensors to the panels that the kernels read. */
#include "runtime/base/sizes.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/dense.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BLAS_PANEL 32 /* rows that are read together; OpenBLAS takes the matrix as it is */

size_t dense_panel(const struct dense *d)
{
    return d->kind == DENSE_I8     ? d->kernels->panel_i8
           : d->kind == DENSE_F32  ? d->kernels->panel_f32
           : d->kind == DENSE_BF16 ? d->kernels->panel_bf16
           : d->kind == DENSE_I4   ? d->kernels->panel_i4
           : d->kind == DENSE_K    ? d->kernels->panel_k
                                   : BLAS_PANEL;
}

/* As kernels->pack_k takes them; 0: not of its kind. */
static unsigned k_bits(const struct quant_type *type)
{
    return type->bits > 0 && type->levels ? K_LEVELS : type->bits;
}

bool dense_next_run(const struct dense *d, struct dense_run *run)
{
    unsigned part = run->next_part;
    if (part == d->n_parts)
        return false;
    *run = (struct dense_run){.first = run->first + run->n_out,
                              .bits = k_bits(d->parts[part].weight->type),
                              .levels = d->parts[part].weight->type->levels};
    for (; part < d->n_parts && k_bits(d->parts[part].weight->type) == run->bits &&
           d->parts[part].weight->type->levels == run->levels;
         part++)
        run->n_out += d->parts[part].n_out;
    run->next_part = part;
    return true;
}

/* Bytes of a panel; bits: of a DENSE_K's. */
static size_t panel_size(const struct dense *d, unsigned bits)
{
    if (d->kind == DENSE_I8)
        return i8_panel_size(d->kernels, d->n_in);
    if (d->kind == DENSE_I4)
        return dense_panel(d) * (d->n_in / I4_BLOCK) * I4_BLOCK_SIZE;
    if (d->kind == DENSE_K)
        return dense_panel(d) * (d->n_in / K_SUPER) * k_super_size(bits);
    if (d->kind == DENSE_BF16)
        return dense_panel(d) * round_up(d->n_in, 2) * sizeof(uint16_t);
    return dense_panel(d) * d->n_in * sizeof(float);
}

size_t dense_panel_at(const struct dense *d, size_t panel)
{
    size_t at = 0;
    if (d->kind != DENSE_K)
        return panel * panel_size(d, 0);
    for (struct dense_run run = {0}; dense_next_run(d, &run);) {
        size_t n = round_up(run.n_out, dense_panel(d)) / dense_panel(d), before = panel < n ? panel : n;
        at += before * panel_size(d, run.bits);
        panel -= before;
    }
    return at;
}

size_t dense_n_panels(const struct dense *d)
{
    return (d->n_out + dense_panel(d) - 1) / dense_panel(d);
}

size_t dense_packed_size(const struct dense *d)
{
    return round_up(dense_panel_at(d, dense_n_panels(d)), 64);
}

/* Whether all parts are K-quants whose bits change only between panels. */
static bool is_k(const struct dense *d)
{
    for (struct dense_run run = {0}; dense_next_run(d, &run);)
        if (run.bits == 0 || (run.next_part < d->n_parts && run.n_out % d->kernels->panel_k != 0))
            return false;
    return d->n_parts > 0;
}

enum dense_kind dense_best_kind(const struct dense *d, enum dense_kind kind)
{
    bool nibbles = true;
    for (unsigned part = 0; part < d->n_parts; part++)
        nibbles &= d->parts[part].weight->type->nibbles != NULL &&
                   d->parts[part].weight->type->levels == d->parts[0].weight->type->levels;
    return kind != DENSE_I8 ? kind : nibbles ? DENSE_I4 : is_k(d) ? DENSE_K : kind;
}

/* Row `row` of the parts taken as one matrix, and its type. */
static const char *find_row(const struct dense *d, size_t row, const struct quant_type **type)
{
    const struct dense_part *part = d->parts;
    while (row >= part->n_out)
        row -= part++->n_out;
    *type = part->weight->type;
    return (const char *)part->weight->data + row * (d->n_in / (*type)->block_len) * (*type)->block_size;
}

static void read_row(const struct dense *d, size_t row, float *dst)
{
    const struct quant_type *type;
    const char *src = find_row(d, row, &type);
    type->dequantize(dst, src, d->n_in);
}

/* x >= 0 as bfloat16, rounded up: no byte is larger than 127 then. */
static uint16_t scale_above(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return isfinite(x) ? (uint16_t)((bits + 0xffff) >> 16) : 0x7fc0;
}

/* A block as the nearest signed bytes, with the scale that makes the largest about 127. */
static uint16_t quantize_block(const struct kernels *k, int8_t *q, const float *x, size_t n)
{
    float largest = 0, scale;
    for (size_t i = 0; i < n; i++)
        largest = isnan(x[i]) || fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
    const uint16_t bits = scale_above(largest / 127);
    k->bf16_to_f32(&scale, &bits, 1);
    float inverse = scale > 0 && 1 / scale < INFINITY ? 1 / scale : 0;
    for (size_t i = 0; i < n; i++) {
        float y = rintf(x[i] * inverse);
        q[i] = (int8_t)(y > 127 ? 127 : y > -127 ? y : -127);
    }
    return bits;
}

static void quantize_row(const struct kernels *k, int8_t *q, uint16_t *scales, float *x, size_t n)
{
    if (k->i8_block != I8_BLOCK)
        k->rotate_i8(x, n);
    for (size_t i = 0; i < n; i += k->i8_block)
        *scales++ = quantize_block(k, q + i, x + i, n - i < k->i8_block ? n - i : k->i8_block);
}

static void pack_bf16(const struct dense *d, void *dst, const float *rows, uint16_t *bits, size_t n)
{
    d->kernels->f32_to_bf16(bits, rows, n * d->n_in);
    d->kernels->pack_bf16(dst, bits, d->n_in, n, d->n_in);
}

static void pack_i8(const struct dense *d, void *dst, float *rows, uint16_t *scales, size_t n)
{
    const size_t n_blocks = i8_blocks(d->kernels, d->n_in);
    int8_t *bytes = (int8_t *)(scales + n * n_blocks);
    for (size_t i = 0; i < n; i++)
        quantize_row(d->kernels, bytes + i * d->n_in, scales + i * n_blocks, rows + i * d->n_in, d->n_in);
    d->kernels->pack_i8(dst, bytes, d->n_in, scales, n, d->n_in);
}

/* The lower halves of n scales, and then the upper ones. */
static void split_scales(uint16_t *halves, const float *scales, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &scales[i], sizeof bits);
        halves[i] = (uint16_t)bits;
        halves[n + i] = (uint16_t)(bits >> 16);
    }
}

/* room: for n rows of scales and offsets, as floats and as binary16, and a byte an element. */
static void pack_i4(const struct dense *d, void *dst, size_t first, float *room, size_t n)
{
    const size_t n_blocks = d->n_in / I4_BLOCK, n_all = n * n_blocks;
    float *scales = room, *offsets = scales + n_all;
    uint16_t *halves = (uint16_t *)(offsets + n_all);
    uint8_t *q = (uint8_t *)(halves + 2 * n_all);
    for (size_t i = 0; i < n; i++) {
        const struct quant_type *type;
        const char *src = find_row(d, first + i, &type);
        type->nibbles(q + i * d->n_in, scales + i * n_blocks, offsets + i * n_blocks, src, d->n_in);
    }
    if (d->parts[0].weight->type->levels)
        split_scales(halves, scales, n_all);
    else
        d->kernels->f32_to_f16(halves, scales, 2 * n_all);
    d->kernels->pack_i4(dst, q, halves, halves + n_all, n, d->n_in);
}

/* room: for n rows of super-scales, scales, and a code an element. */
static void pack_k(const struct dense *d, void *dst, size_t first, float *room, size_t n)
{
    unsigned bits = 0; /* the same of all rows of a panel */
    const size_t n_super_scales = d->n_in / K_SUPER * 2, n_scales = d->n_in / I4_BLOCK * 2;
    uint16_t *super_scales = (uint16_t *)room;
    int8_t *scales = (int8_t *)(super_scales + n * n_super_scales);
    uint8_t *codes = (uint8_t *)scales + n * n_scales;
    for (size_t i = 0; i < n; i++) {
        const struct quant_type *type;
        const char *src = find_row(d, first + i, &type);
        bits = k_bits(type);
        type->codes(codes + i * d->n_in, scales + i * n_scales, super_scales + i * n_super_scales, src,
                    d->n_in);
    }
    d->kernels->pack_k(dst, bits, codes, scales, super_scales, n, d->n_in);
}

/* rows: room for a panel of rows as floats, and behind them as bfloat16, or as bytes with their scales. */
static void pack_panel(const struct dense *d, size_t panel, char *dst, float *rows)
{
    size_t width = dense_panel(d), first = panel * width;
    size_t n = d->n_out - first < width ? d->n_out - first : width;
    uint16_t *narrow = (uint16_t *)(rows + width * d->n_in);
    if (d->kind == DENSE_I4) {
        pack_i4(d, dst, first, rows, n);
        return;
    }
    if (d->kind == DENSE_K) {
        pack_k(d, dst, first, rows, n);
        return;
    }
    if (d->kind == DENSE_BLAS)
        rows = (float *)dst;
    for (size_t i = 0; i < n; i++)
        read_row(d, first + i, rows + i * d->n_in);
    if (d->kind == DENSE_F32)
        d->kernels->pack_f32((float *)dst, rows, d->n_in, n, d->n_in);
    else if (d->kind == DENSE_BF16)
        pack_bf16(d, dst, rows, narrow, n);
    else if (d->kind == DENSE_I8)
        pack_i8(d, dst, rows, narrow, n);
}

enum hone_status dense_read_bias(struct dense *d, struct hone_error *err)
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

/* Bytes that pack_panel works in. */
static size_t packing_room(const struct dense *d)
{
    return dense_panel(d) *
           (d->n_in * (sizeof(float) + 2) + (d->n_in + I8_BLOCK - 1) / I8_BLOCK * sizeof(uint16_t));
}

bool dense_panel_is(const struct dense *d, size_t panel, const char *packed)
{
    size_t at = dense_panel_at(d, panel), size = dense_panel_at(d, panel + 1) - at;
    char *made = NULL;
    float *rows = malloc(packing_room(d));
    bool same = rows && posix_memalign((void **)&made, 64, size) == 0;
    if (same) {
        memset(made, 0, size);
        pack_panel(d, panel, made, rows);
        same = memcmp(made, packed + at, size) == 0;
    }
    free(made);
    free(rows);
    return same;
}

struct dense_packing {
    const struct dense *d;
    size_t first;
    char *dst;
    atomic_bool *failed;
};

static void pack_panels(const void *arg, struct work_range panels)
{
    const struct dense_packing *p = arg;
    const struct dense *d = p->d;
    float *rows = malloc(packing_room(d));
    for (size_t i = p->first + panels.first; i < p->first + panels.end && rows; i++)
        pack_panel(d, i, p->dst + (dense_panel_at(d, i) - dense_panel_at(d, p->first)), rows);
    if (!rows)
        *p->failed = true;
    free(rows);
}

enum hone_status dense_pack(const struct dense *d, size_t first, size_t end, char *dst, int n_threads,
                            struct hone_error *err)
{
    atomic_bool failed = false;
    thread_pool_run(n_threads, end - first, 0, pack_panels, &(struct dense_packing){d, first, dst, &failed});
    return failed ? hone_no_memory(err, "packing", packing_room(d)) : HONE_OK;
}

void dense_free(struct dense *d)
{
    free(d->bias);
    d->bias = NULL;
}
