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

enum hone_status finder_part(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                             unsigned flags, struct dense *d)
{
    char full[160];
    struct dense_part part = {.n_out = (size_t)rows};
    struct weights *w = &f->m->weights;
    bool required = !(flags & (TENSOR_OPTIONAL | TENSOR_TIED));
    enum hone_status status =
        finder_tensor(f, finder_suffixed(full, name, ".weight"), rows, cols, required, &part.weight);
    if (status == HONE_OK && !part.weight && (flags & TENSOR_TIED))
        part.weight = w->token_embd.table;
    if (status == HONE_OK && part.weight && !(flags & TENSOR_NO_BIAS))
        status = finder_tensor(f, finder_suffixed(full, name, ".bias"), rows, 0, !(flags & TENSOR_MAYBE_BIAS),
                               &part.bias);
    if (status != HONE_OK || !part.weight)
        return status;
    if (d->n_parts == DENSE_MAX_PARTS)
        return hone_fail(f->err, HONE_BAD_MODEL, "%s: too many parts at '%s'", gguf_path(f->m->gguf), name);
    if (d->n_parts == 0)
        w->dense[w->n_dense++] = d;
    d->parts[d->n_parts++] = part;
    d->n_in = (size_t)cols;
    d->n_out += part.n_out;
    return HONE_OK;
}

/* Memory of the file's. */
static void *keep(const struct finder *f, size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (p && gguf_own_memory(f->m->gguf, p))
        return p;
    free(p);
    hone_no_memory(f->err, "the experts", n * size);
    return NULL;
}

enum hone_status finder_experts(const struct finder *f, const char *name, uint64_t rows, uint64_t cols,
                                struct dense **out)
{
    char full[160];
    const struct gguf *g = f->m->gguf;
    struct weights *w = &f->m->weights;
    const size_t n = f->m->hp.n_experts;
    const struct gguf_tensor *t = gguf_find_tensor(g, finder_suffixed(full, name, ".weight"));
    if (!t)
        return hone_fail(f->err, HONE_BAD_MODEL, "%s: the tensor '%s' is missing; expected [%zu, %llu, %llu]",
                         gguf_path(g), full, n, (unsigned long long)rows, (unsigned long long)cols);
    if (t->dims[0] != cols || t->dims[1] != rows || t->dims[2] != n || t->dims[3] != 1)
        return hone_fail(
            f->err, HONE_BAD_MODEL, "%s: tensor '%s' is [%llu, %llu, %llu], expected [%zu, %llu, %llu]",
            gguf_path(g), full, (unsigned long long)t->dims[2], (unsigned long long)t->dims[1],
            (unsigned long long)t->dims[0], n, (unsigned long long)rows, (unsigned long long)cols);
    f->used[gguf_tensor_index(g, t)] = true;
    struct gguf_tensor *slices = keep(f, n, sizeof *slices);
    if (!*out)
        *out = keep(f, n, sizeof **out);
    if (!slices || !*out)
        return HONE_FAILED;
    for (size_t e = 0; e < n; e++) {
        struct dense *d = &(*out)[e];
        slices[e] = *t;
        slices[e].n_dims = 2;
        slices[e].dims[2] = 1;
        slices[e].size = t->size / n;
        slices[e].data = (const char *)t->data + e * slices[e].size;
        if (d->n_parts == DENSE_MAX_PARTS)
            return hone_fail(f->err, HONE_BAD_MODEL, "%s: too many parts at '%s'", gguf_path(g), name);
        if (d->n_parts == 0)
            w->dense[w->n_dense++] = d;
        d->narrow = true;
        d->parts[d->n_parts++] = (struct dense_part){.weight = &slices[e], .n_out = (size_t)rows};
        d->n_in = (size_t)cols;
        d->n_out += (size_t)rows;
    }
    return HONE_OK;
}
