/* From a file's tensors to the structs that the forward pass reads. */
#include "runtime/model.h"
#include "runtime/pages.h"

#include <cblas.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

static const char *key_of(const struct model *m, const char *suffix, char key[128])
{
    snprintf(key, 128, "%s.%s", m->arch->name, suffix);
    return key;
}

static enum hone_status load_param(struct model *m, const struct param_spec *p, struct hone_error *err)
{
    char key[128];
    void *out = (char *)&m->hp + p->offset;
    if (!gguf_find(m->gguf, key_of(m, p->gguf, key)))
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is missing", gguf_path(m->gguf), key);
    if (p->kind == PARAM_FLOAT)
        return gguf_get_float(m->gguf, key, out, err);
    size_t value = 0;
    enum hone_status status = gguf_get_size(m->gguf, key, p->max, &value, err);
    if (status == HONE_OK && value == 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the key '%s' is 0, expected 1 to %zu", gguf_path(m->gguf),
                         key, p->max);
    memcpy(out, &value, sizeof value);
    return status;
}

static enum hone_status load_pooling(struct model *m, struct hone_error *err)
{
    char key[128];
    size_t pooling = m->arch->pooling;
    bool l2 = true;
    enum hone_status status =
        gguf_get_size(m->gguf, key_of(m, "pooling_type", key), POOL_RANK, &pooling, err);
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.normalize", &l2, err);
    m->hp.pooling = pooling == POOL_NONE ? m->arch->pooling : (enum pooling)pooling;
    m->hp.normalize = l2;
    m->hp.segments = true;
    if (status == HONE_OK)
        status = gguf_get_bool(m->gguf, "hone.segments", &m->hp.segments, err);
    return status;
}

static enum hone_status load_activation(struct model *m, struct hone_error *err)
{
    struct hone_text name = {"gelu", 4};
    enum hone_status status = gguf_get_text(m->gguf, "hone.activation", &name, err);
    m->hp.activation = activation_by_name(name);
    if (status == HONE_OK && m->hp.activation == N_ACTIVATIONS)
        return hone_fail(err, HONE_BAD_MODEL, "%s: hone.activation is '%.*s', which is not known",
                         gguf_path(m->gguf), (int)(name.size < 64 ? name.size : 64), name.data);
    return status;
}

/* Rows of a table, where the file has it. */
static enum hone_status table_rows(const struct model *m, const char *name, size_t *rows,
                                   struct hone_error *err)
{
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, name);
    if (t && t->dims[1] > INT32_MAX)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %llu rows, expected at most %d",
                         gguf_path(m->gguf), name, (unsigned long long)t->dims[1], INT32_MAX);
    *rows = t ? (size_t)t->dims[1] : 0;
    return HONE_OK;
}

static enum hone_status check_heads(struct model *m, struct hone_error *err)
{
    struct hparams *hp = &m->hp;
    if (hp->n_heads == 0 || hp->n_embd % hp->n_heads != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: a width of %zu cannot be split into %zu attention heads",
                         gguf_path(m->gguf), hp->n_embd, hp->n_heads);
    hp->head_dim = hp->n_embd / hp->n_heads;
    return HONE_OK;
}

static enum hone_status load_labels(struct model *m, struct hone_error *err)
{
    if (m->hp.pooling != POOL_RANK)
        return HONE_OK;
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, "cls.output.weight");
    if (!t)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: a cross-encoder without its head: the tensor 'cls.output.weight' is missing. Files "
            "of other converters lose the pooler; convert the Hugging Face folder with `hone convert`",
            gguf_path(m->gguf));
    if (t->dims[1] > 1 << 16)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor 'cls.output.weight' has %llu labels, expected at most 65536",
                         gguf_path(m->gguf), (unsigned long long)t->dims[1]);
    m->hp.n_labels = (size_t)t->dims[1];
    return HONE_OK;
}

static enum hone_status load_max_length(struct model *m, struct hone_error *err)
{
    size_t limit = m->hp.max_length;
    enum hone_status status = gguf_get_size(m->gguf, "hone.max_length", SIZE_MAX, &limit, err);
    if (limit > 0 && limit < m->hp.max_length)
        m->hp.max_length = limit;
    if (m->hp.n_positions > 0 && m->hp.n_positions < m->hp.max_length)
        m->hp.max_length = m->hp.n_positions;
    return status;
}

enum hone_status hparams_load(struct model *m, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (const struct param_spec *p = m->arch->params; p->gguf && status == HONE_OK; p++)
        status = load_param(m, p, err);
    if (status == HONE_OK)
        status = table_rows(m, "token_embd.weight", &m->hp.n_vocab, err);
    if (status == HONE_OK)
        status = table_rows(m, "position_embd.weight", &m->hp.n_positions, err);
    if (status == HONE_OK)
        status = table_rows(m, "token_types.weight", &m->hp.n_types, err);
    if (status == HONE_OK)
        status = check_heads(m, err);
    if (status == HONE_OK)
        status = load_pooling(m, err);
    if (status == HONE_OK)
        status = load_activation(m, err);
    if (status == HONE_OK)
        status = load_labels(m, err);
    if (status == HONE_OK)
        status = load_max_length(m, err);
    return status;
}

/* ---- tensors ---- */

static uint64_t dim_size(const struct hparams *hp, enum dim dim)
{
    const size_t sizes[N_DIMS] = {
        [DIM_NONE] = 1,
        [DIM_EMBD] = hp->n_embd,
        [DIM_HEADS] = hp->n_heads * hp->head_dim,
        [DIM_FF] = hp->n_ff,
        [DIM_VOCAB] = hp->n_vocab,
        [DIM_POSITIONS] = hp->n_positions,
        [DIM_TYPES] = hp->n_types,
        [DIM_LABELS] = hp->n_labels,
    };
    return sizes[dim];
}

static enum hone_status check_shape(const struct model *m, const struct tensor_spec *spec,
                                    const struct gguf_tensor *t, struct hone_error *err)
{
    uint64_t rows = dim_size(&m->hp, spec->rows), cols = dim_size(&m->hp, spec->cols);
    bool vector = spec->cols == DIM_NONE;
    uint64_t expect[GGUF_MAX_DIMS] = {vector ? rows : cols, vector ? 1 : rows, 1, 1};
    if (memcmp(expect, t->dims, sizeof expect) == 0)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: tensor '%s' is [%llu, %llu, %llu, %llu], expected [%llu, %llu]", gguf_path(m->gguf),
                     t->name, (unsigned long long)t->dims[0], (unsigned long long)t->dims[1],
                     (unsigned long long)t->dims[2], (unsigned long long)t->dims[3],
                     (unsigned long long)expect[0], (unsigned long long)expect[1]);
}

/* The mapped values where they are float32 already, a converted copy (owned by the file) otherwise. */
static enum hone_status load_floats(struct model *m, const struct gguf_tensor *t, const float **out,
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

static enum hone_status add_part(const struct model *m, const struct tensor_spec *spec, struct dense *d,
                                 const struct gguf_tensor *t, struct hone_error *err)
{
    if (spec->kind == TENSOR_BIAS) {
        d->parts[d->n_parts - 1].bias = t;
        return HONE_OK;
    }
    if (d->n_parts == DENSE_MAX_PARTS)
        return hone_fail(err, HONE_BAD_MODEL, "%s: too many parts at '%s'", gguf_path(m->gguf), t->name);
    size_t n_out = (size_t)t->dims[1];
    d->parts[d->n_parts++] = (struct dense_part){.weight = t, .n_out = n_out};
    d->n_in = (size_t)t->dims[0];
    d->n_out += n_out;
    return HONE_OK;
}

static bool wanted(const struct model *m, const struct tensor_spec *spec)
{
    return !(spec->flags & TENSOR_HEAD) || m->hp.n_labels > 0;
}

/* The struct that spec->offset counts in. */
static char *base_of(struct model *m, const struct tensor_spec *spec, size_t i_layer)
{
    return spec->flags & TENSOR_LAYER ? (char *)&m->weights.layers[i_layer] : (char *)&m->weights;
}

static enum hone_status load_tensor(struct model *m, const struct tensor_spec *spec, unsigned i_layer,
                                    struct hone_error *err)
{
    char name[128];
    const char *format = spec->gguf; /* ours, from the family's table */
    snprintf(name, sizeof name, format, i_layer);
    char *base = base_of(m, spec, i_layer);
    const struct gguf_tensor *t = gguf_find_tensor(m->gguf, name);
    if (!t && (spec->flags & TENSOR_OPTIONAL))
        return HONE_OK;
    if (!t)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the tensor '%s' is missing; expected [%llu, %llu]",
                         gguf_path(m->gguf), name,
                         (unsigned long long)dim_size(&m->hp, spec->cols ? spec->cols : spec->rows),
                         (unsigned long long)(spec->cols ? dim_size(&m->hp, spec->rows) : 1));
    enum hone_status status = check_shape(m, spec, t, err);
    if (status != HONE_OK)
        return status;
    switch (spec->kind) {
    case TENSOR_TABLE:
        ((struct embedding *)(base + spec->offset))->table = t;
        return HONE_OK;
    case TENSOR_FLOATS:
        return load_floats(m, t, (const float **)(base + spec->offset), err);
    case TENSOR_WEIGHT:
    case TENSOR_BIAS:
        return add_part(m, spec, (struct dense *)(base + spec->offset), t, err);
    }
    return HONE_OK;
}

/* Every dense matrix of the table, once: the parts of one follow each other. */
static size_t list_dense(struct model *m, struct dense **out)
{
    size_t n = 0;
    const struct tensor_spec *last = NULL;
    for (const struct tensor_spec *spec = m->arch->tensors; spec->gguf; spec++) {
        if (spec->kind != TENSOR_WEIGHT || !wanted(m, spec))
            continue;
        if (last && last->offset == spec->offset && last->flags == spec->flags)
            continue;
        last = spec;
        size_t repeat = spec->flags & TENSOR_LAYER ? m->hp.n_layers : 1;
        for (size_t i = 0; i < repeat; i++) {
            struct dense *d = (struct dense *)(base_of(m, spec, i) + spec->offset);
            if (d->n_parts > 0)
                out[n++] = d;
        }
    }
    return n;
}

static size_t table_size(const struct model *m)
{
    size_t n = 0;
    for (const struct tensor_spec *spec = m->arch->tensors; spec->gguf; spec++)
        n += spec->flags & TENSOR_LAYER ? m->hp.n_layers : 1;
    return n;
}

enum hone_status weights_find(struct model *m, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    m->weights.layers = calloc(m->hp.n_layers, sizeof *m->weights.layers);
    if (!m->weights.layers)
        return hone_no_memory(err, "the layer table", m->hp.n_layers * sizeof *m->weights.layers);
    for (const struct tensor_spec *spec = m->arch->tensors; spec->gguf && status == HONE_OK; spec++) {
        size_t repeat = spec->flags & TENSOR_LAYER ? m->hp.n_layers : 1;
        for (size_t i = 0; i < repeat && wanted(m, spec) && status == HONE_OK; i++)
            status = load_tensor(m, spec, (unsigned)i, err);
    }
    return status;
}

enum hone_status weights_pack(struct model *m, enum dense_kind kind, int n_threads, struct hone_error *err)
{
    struct weights *w = &m->weights;
    struct dense **dense = calloc(table_size(m), sizeof *dense);
    if (!dense)
        return hone_no_memory(err, "the layer table", table_size(m) * sizeof *dense);
    enum hone_status status = HONE_OK;
    size_t n = list_dense(m, dense);
    if (kind == DENSE_BLAS)
        openblas_set_num_threads(1); /* the threads are ours */
    for (size_t i = 0; i < n; i++) {
        struct dense *d = dense[i];
        bool in_layers = d != &w->cls && d != &w->cls_out;
        d->kernels = m->kernels;
        d->kind = kind == DENSE_I8 && (!in_layers || d->n_in > DENSE_I8_MAX_IN) ? DENSE_F32 : kind;
        w->packed_size += dense_packed_size(d);
        size_t bytes = dense_row_bytes(d->kind, d->n_in);
        w->row_bytes = bytes > w->row_bytes ? bytes : w->row_bytes;
    }
    char *next = w->packed = pages_alloc(w->packed_size);
    if (!w->packed)
        status = hone_no_memory(err, "the packed weights", w->packed_size);
    for (size_t i = 0; i < n && w->packed; i++) {
        dense[i]->packed = next;
        next += dense_packed_size(dense[i]);
    }
    if (status == HONE_OK)
        status = dense_pack(dense, n, n_threads, err);
    free(dense);
    return status;
}

void weights_free(struct model *m)
{
    struct weights *w = &m->weights;
    for (const struct tensor_spec *spec = m->arch ? m->arch->tensors : NULL; spec && spec->gguf && w->layers;
         spec++) {
        if (spec->kind != TENSOR_WEIGHT)
            continue;
        size_t repeat = spec->flags & TENSOR_LAYER ? m->hp.n_layers : 1;
        for (size_t i = 0; i < repeat; i++)
            dense_free((struct dense *)(base_of(m, spec, i) + spec->offset));
    }
    free(w->layers);
    w->layers = NULL;
    pages_free(w->packed, w->packed_size);
    w->packed = NULL;
}
