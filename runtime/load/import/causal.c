/* Tensors that causal families hold otherwise in a folder than in a GGUF file. */
#include "runtime/load/import/folder.h"
#include "runtime/load/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Of a number a layer the largest: layers without attention have 0. */
static enum hone_status count(const struct folder *f, const char *suffix, size_t *n, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", f->arch->name, suffix);
    const struct gguf_value *v = gguf_find(f->g, key);
    if (!v || !v->is_array)
        return gguf_get_size(f->g, key, SIZE_MAX, n, err);
    *n = 0;
    for (size_t i = 0; i < v->n; i++)
        *n = gguf_int_at(v, i) > (int64_t)*n ? (size_t)gguf_int_at(v, i) : *n;
    return HONE_OK;
}

/* Element i of each half of a head, or of the part of it that is rotated, goes to 2 i and 2 i + 1: copied rows. */
static enum hone_status pair_rows(const struct folder *f, enum cut cut, struct gguf_tensor *t, char *copy,
                                  struct hone_error *err)
{
    size_t n_rows = (size_t)t->dims[t->n_dims - 1], n_heads = 0, row_size = (size_t)t->size / n_rows;
    enum hone_status status = count(f, "attention.head_count", &n_heads, err);
    size_t n_kv = n_heads, n_plain = 0;
    if (status == HONE_OK && cut != CUT_PAIRS)
        status = count(f, "attention.head_count_kv", &n_kv, err);
    if (status != HONE_OK)
        return status;
    if (cut == CUT_QKV_PAIRS) { /* the last heads are those of values */
        n_heads += 2 * n_kv;
        n_plain = n_kv;
    } else {
        n_heads = n_kv;
    }
    if (n_heads == 0 || n_rows % (2 * n_heads) != 0)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the %zu rows of '%s' are not those of %zu heads", f->dir,
                         n_rows, t->name, n_heads);
    const size_t width = n_rows / n_heads;
    size_t n_rot = width;
    char key[128];
    snprintf(key, sizeof key, "%s.rope.dimension_count", f->arch->name);
    status = gguf_get_size(f->g, key, width, &n_rot, err);
    for (size_t i = 0; i < n_rows && status == HONE_OK; i++) {
        const size_t at = i % width;
        const bool turns = at < n_rot && i < (n_heads - n_plain) * width;
        const size_t from = turns ? at % 2 * (n_rot / 2) + at / 2 : at;
        memcpy(copy + i * row_size, (const char *)t->data + (i - at + from) * row_size, row_size);
    }
    return status;
}

/* What config.json says of heads: *n_heads, and *n_kv of keys and values. */
static enum hone_status count_heads(const struct folder *f, size_t *n_heads, size_t *n_kv,
                                    struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.attention.head_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, n_heads, err);
    *n_kv = *n_heads;
    snprintf(key, sizeof key, "%s.attention.head_count_kv", f->arch->name);
    return status == HONE_OK ? gguf_get_size(f->g, key, SIZE_MAX, n_kv, err) : status;
}

/* Rows of each group's queries, its key and its value become those of all queries, all keys, all values: copied. */
static enum hone_status part_groups(const struct folder *f, struct gguf_tensor *t, char *copy,
                                    struct hone_error *err)
{
    size_t n_rows = (size_t)t->dims[t->n_dims - 1], row_size = (size_t)t->size / n_rows, n_heads = 0,
           n_kv = 0;
    enum hone_status status = count_heads(f, &n_heads, &n_kv, err);
    if (status != HONE_OK)
        return status;
    if (n_kv == 0 || n_heads % n_kv != 0 || n_rows % (n_heads + 2 * n_kv) != 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the %zu rows of '%s' are not those of %zu and two times %zu heads", f->dir,
                         n_rows, t->name, n_heads, n_kv);
    const size_t head = n_rows / (n_heads + 2 * n_kv) * row_size, n_queries = n_heads / n_kv;
    const char *from = t->data;
    for (size_t group = 0; group < n_kv; group++) {
        memcpy(copy + group * n_queries * head, from, n_queries * head);
        memcpy(copy + (n_heads + group) * head, from + n_queries * head, head);
        memcpy(copy + (n_heads + n_kv + group) * head, from + (n_queries + 1) * head, head);
        from += (n_queries + 2) * head;
    }
    return HONE_OK;
}

/* Four blocks of queries, values and keys, of as many processors that CodeGen was trained on: copied. */
static enum hone_status part_blocks(const struct folder *f, struct gguf_tensor *t, char *copy,
                                    struct hone_error *err)
{
    const size_t n_rows = (size_t)t->dims[t->n_dims - 1], block = (size_t)t->size / 12;
    static const size_t places[] = {0, 2, 1}; /* among queries, keys and values */
    if (n_rows % 12 != 0)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the %zu rows of '%s' are not those of four blocks of three", f->dir, n_rows,
                         t->name);
    for (size_t i = 0; i < 12; i++)
        memcpy(copy + (4 * places[i % 3] + i / 3) * block, (const char *)t->data + i * block, block);
    return HONE_OK;
}

/* Vectors stay as they are. */
static void transpose(struct gguf_tensor *t, char *copy)
{
    const size_t size = t->type->block_size, n_in = (size_t)t->dims[1], n_out = (size_t)t->dims[0];
    const char *from = t->data;
    if (t->n_dims == 1) {
        memcpy(copy, from, (size_t)t->size);
        return;
    }
    for (size_t i = 0; i < n_in; i++)
        for (size_t o = 0; o < n_out; o++)
            memcpy(copy + (o * n_in + i) * size, from + (i * n_out + o) * size, size);
    t->dims[0] = n_in;
    t->dims[1] = n_out;
}

static void add_one(struct gguf_tensor *t, float *copy, float scale)
{
    size_t n = (size_t)(t->dims[0] * t->dims[1]);
    t->type->dequantize(copy, t->data, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = (copy[i] + 1) * scale;
    t->type = quant_type_by_id(QUANT_F32);
}

/* GGUF files do not say what scores are divided by: queries meet it beforehand. */
static enum hone_status query_scale(const struct folder *f, size_t head_dim, float *out,
                                    struct hone_error *err)
{
    static const char *const keys[] = {"block_count", "embedding_length", "attention.head_count"};
    char key[128];
    size_t sizes[3] = {0, 0, 1};
    json_t *value = json_at(f->config, "query_pre_attn_scalar");
    double divisor = value ? json_number_value(value) : 256;
    if (!(divisor > 0 && divisor < 1e30))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'query_pre_attn_scalar' should be above 0",
                         f->dir);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 3 && status == HONE_OK; i++) {
        snprintf(key, sizeof key, "%s.%s", f->arch->name, keys[i]);
        status = gguf_get_size(f->g, key, SIZE_MAX, &sizes[i], err);
    }
    float usual = hparams_attn_divisor(f->arch, sizes[0], sizes[1], sizes[2], head_dim);
    *out = (double)usual == divisor ? 1 : (float)sqrt((double)usual / divisor);
    return status;
}

enum hone_status import_changed(struct folder *f, const char *gguf, const struct safetensor *t, enum cut cut,
                                struct hone_error *err)
{
    if (!t->type || t->n_dims < 1 || t->n_dims > 2)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: tensor '%s' should be a matrix or a vector of F32, F16 or BF16", f->dir,
                         t->name);
    bool matrix = t->n_dims == 2;
    struct gguf_tensor out = {.name = gguf,
                              .type = t->type,
                              .n_dims = t->n_dims,
                              .size = t->size,
                              .data = t->data,
                              .dims = {matrix ? t->dims[1] : t->dims[0], matrix ? t->dims[0] : 1, 1, 1}};
    enum hone_status status = HONE_OK;
    char *copy = malloc((size_t)t->size * 2); /* 16 bits may become 32 */
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, t->name, (size_t)t->size);
    }
    float scale = 1;
    if (cut == CUT_QUERY_NORM)
        status = query_scale(f, (size_t)t->dims[0], &scale, err);
    if (cut == CUT_PLUS_ONE || cut == CUT_QUERY_NORM)
        add_one(&out, (float *)copy, scale);
    else if (cut == CUT_TRANSPOSED)
        transpose(&out, copy);
    else if (cut == CUT_QKV_BLOCKS)
        status = part_blocks(f, &out, copy, err);
    else if (cut == CUT_QKV_GROUPS)
        status = part_groups(f, &out, copy, err);
    else
        status = pair_rows(f, cut, &out, copy, err);
    out.data = copy;
    return status == HONE_OK ? folder_set(gguf_add_tensor(f->g, &out), gguf, err) : status;
}
