#include "runtime/load/finder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum hone_status finder_tensor(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                               bool required, const struct gguf_tensor **out)
{
    const struct gguf *g = f->m->gguf;
    const uint64_t expect[GGUF_MAX_DIMS] = {cols ? cols : rows, cols ? rows : 1, 1, 1};
    const struct gguf_tensor *t = *out = gguf_find_tensor(g, name);
    if (!t && required)
        return hone_fail(f->err, HONE_BAD_MODEL, "%s: the tensor '%s' is missing; expected [%llu, %llu]",
                         gguf_path(g), name, (unsigned long long)expect[0], (unsigned long long)expect[1]);
    if (!t)
        return HONE_OK;
    f->used[gguf_tensor_index(g, t)] = true;
    if (memcmp(expect, t->dims, sizeof expect) == 0)
        return HONE_OK;
    return hone_fail(f->err, HONE_BAD_MODEL,
                     "%s: tensor '%s' is [%llu, %llu, %llu, %llu], expected [%llu, %llu]", gguf_path(g),
                     t->name, (unsigned long long)t->dims[0], (unsigned long long)t->dims[1],
                     (unsigned long long)t->dims[2], (unsigned long long)t->dims[3],
                     (unsigned long long)expect[0], (unsigned long long)expect[1]);
}

/* ---- one tensor ---- */

/* The mapped values where they are float32 already, a converted copy (owned by the file) otherwise. */
static enum hone_status load_floats(struct net *m, const struct gguf_tensor *t, const float **out,
                                    struct hone_error *err)
{
    if (t->type->id == QUANT_F32 && (uintptr_t)t->data % sizeof(float) == 0) {
        *out = t->data;
        return HONE_OK;
    }
    size_t n = (size_t)(t->size / t->type->block_size * t->type->block_len);
    float *copy = malloc(n * sizeof *copy);
    if (!copy)
        return hone_no_memory(err, t->name, n * sizeof *copy);
    t->type->dequantize(copy, t->data, n);
    if (!gguf_own_memory(m->gguf, copy))
        return hone_no_memory(err, t->name, n * sizeof *copy);
    *out = copy;
    return HONE_OK;
}

enum hone_status finder_floats(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                               bool required, const float **out)
{
    const struct gguf_tensor *t;
    enum hone_status status = finder_tensor(f, name, rows, cols, required, &t);
    return status == HONE_OK && t ? load_floats(f->m, t, out, f->err) : status;
}

const char *finder_suffixed(char out[160], const char *name, const char *suffix)
{
    snprintf(out, 160, "%s%s", name, suffix);
    return out;
}

enum hone_status finder_norm(const struct finder *f, const char *name, uint64_t n, unsigned flags,
                             struct norm *out)
{
    char full[160];
    out->n = (size_t)n;
    enum hone_status status = finder_floats(f, finder_suffixed(full, name, ".weight"), n, 0,
                                            !(flags & TENSOR_OPTIONAL), &out->gamma);
    if (status != HONE_OK || !out->gamma || (flags & TENSOR_NO_BIAS))
        return status;
    return finder_floats(f, finder_suffixed(full, name, ".bias"), n, 0, !(flags & TENSOR_MAYBE_BIAS),
                         &out->beta);
}

static enum hone_status add_part(const struct finder *f, const char *name, struct dense *d,
                                 struct dense_part part, size_t n_in)
{
    struct weights *w = &f->m->weights;
    if (d->n_parts == DENSE_MAX_PARTS)
        return hone_fail(f->err, HONE_BAD_MODEL, "%s: too many parts at '%s'", gguf_path(f->m->gguf), name);
    if (d->n_parts == 0)
        w->dense[w->n_dense++] = d;
    d->parts[d->n_parts++] = part;
    d->n_in = n_in;
    d->n_out += part.n_out;
    return HONE_OK;
}

enum hone_status finder_part(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                             unsigned flags, struct dense *d)
{
    char full[160];
    const struct weights *w = &f->m->weights;
    struct dense_part part = {.n_out = (size_t)rows};
    bool required = !(flags & (TENSOR_OPTIONAL | TENSOR_TIED));
    enum hone_status status =
        finder_tensor(f, finder_suffixed(full, name, ".weight"), rows, cols, required, &part.weight);
    if (status == HONE_OK && !part.weight && (flags & TENSOR_TIED))
        part.weight = w->decoder_token_embd.table ? w->decoder_token_embd.table : w->token_embd.table;
    if (status == HONE_OK && part.weight && !(flags & TENSOR_NO_BIAS))
        status = finder_tensor(f, finder_suffixed(full, name, ".bias"), rows, 0, !(flags & TENSOR_MAYBE_BIAS),
                               &part.bias);
    if (status != HONE_OK || !part.weight)
        return status;
    return add_part(f, name, d, part, (size_t)cols);
}

void *finder_keep(const struct finder *f, size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p && gguf_own_memory(f->m->gguf, p))
        return p;
    free(p);
    hone_no_memory(f->err, "slices of tensors", n * size);
    return NULL;
}

/* The n slices of t: of n_dims dimensions, the last of which becomes 1. NULL: no memory. */
static struct gguf_tensor *cut_slices(const struct finder *f, const struct gguf_tensor *t, size_t n,
                                      unsigned n_dims)
{
    struct gguf_tensor *slices = finder_keep(f, n, sizeof *slices);
    f->used[gguf_tensor_index(f->m->gguf, t)] = true;
    for (size_t e = 0; e < n && slices; e++) {
        slices[e] = *t;
        slices[e].n_dims = n_dims - 1;
        slices[e].dims[n_dims - 1] = 1;
        slices[e].size = t->size / n;
        slices[e].data = (const char *)t->data + e * slices[e].size;
    }
    return slices;
}

/* The tensor [n, rows, cols], or [n, rows] where cols is 0; an error where it has another shape. */
static enum hone_status find_slices(const struct finder *f, const char *name, size_t n, uint64_t rows,
                                    uint64_t cols, const struct gguf_tensor **out)
{
    const struct gguf *g = f->m->gguf;
    const struct gguf_tensor *t = *out = gguf_find_tensor(g, name);
    const uint64_t expect[GGUF_MAX_DIMS] = {cols ? cols : rows, cols ? rows : n, cols ? n : 1, 1};
    if (!t && cols)
        return hone_fail(f->err, HONE_BAD_MODEL, "%s: the tensor '%s' is missing; expected [%zu, %llu, %llu]",
                         gguf_path(g), name, n, (unsigned long long)rows, (unsigned long long)cols);
    if (!t || memcmp(expect, t->dims, sizeof expect) == 0)
        return HONE_OK;
    return hone_fail(f->err, HONE_BAD_MODEL,
                     "%s: tensor '%s' is [%llu, %llu, %llu], expected [%llu, %llu, %llu]", gguf_path(g), name,
                     (unsigned long long)t->dims[2], (unsigned long long)t->dims[1],
                     (unsigned long long)t->dims[0], (unsigned long long)expect[2],
                     (unsigned long long)expect[1], (unsigned long long)expect[0]);
}

enum hone_status finder_slices(const struct finder *f, const char *name, size_t n, uint64_t rows,
                               uint64_t cols, unsigned flags, struct dense **out)
{
    char full[160];
    const struct gguf_tensor *t, *bias = NULL, *biases = NULL;
    enum hone_status status = find_slices(f, finder_suffixed(full, name, ".weight"), n, rows, cols, &t);
    if (status == HONE_OK && (flags & TENSOR_MAYBE_BIAS))
        status = find_slices(f, finder_suffixed(full, name, ".bias"), n, rows, 0, &bias);
    if (status != HONE_OK)
        return status;
    const struct gguf_tensor *slices = cut_slices(f, t, n, 3);
    if (bias)
        biases = cut_slices(f, bias, n, 2);
    if (!slices || (bias && !biases))
        return HONE_FAILED;
    return finder_add_slices(f, name, slices, biases, n, flags, out);
}

enum hone_status finder_add_slices(const struct finder *f, const char *name, const struct gguf_tensor *slices,
                                   const struct gguf_tensor *biases, size_t n, unsigned flags,
                                   struct dense **out)
{
    enum hone_status status = HONE_OK;
    if (!*out)
        *out = finder_keep(f, n, sizeof **out);
    if (!*out)
        return HONE_FAILED;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        struct dense_part part = {
            .weight = &slices[i], .bias = biases ? &biases[i] : NULL, .n_out = (size_t)slices[i].dims[1]};
        (*out)[i].narrow = true;
        (*out)[i].fused = flags & TENSOR_FUSED;
        status = add_part(f, name, &(*out)[i], part, (size_t)slices[i].dims[0]);
    }
    return status;
}
