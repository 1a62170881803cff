/* Experts' matrices of a folder as the one tensor that GGUF files have of them. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum hone_status import_count_experts(const struct folder *f, size_t *n, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.expert_count", f->arch->name);
    *n = 0;
    enum hone_status status = gguf_get_size(f->g, key, 1 << 16, n, err);
    return status == HONE_OK && *n == 0
               ? hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the number of experts is missing", f->dir)
               : status;
}

static enum hone_status add(struct folder *f, const char *gguf, const struct quant_type *type, size_t n,
                            size_t rows, size_t cols, const void *data, struct hone_error *err)
{
    struct gguf_tensor out = {.name = gguf,
                              .type = type,
                              .n_dims = 3,
                              .dims = {cols, rows, n, 1},
                              .size = n * rows * cols / type->block_len * type->block_size,
                              .data = data};
    return folder_set(gguf_add_tensor(f->g, &out), gguf, err);
}

/* A half of each expert's rows, or all of them where half is 0; copied where it is not all. */
enum hone_status import_expert_halves(struct folder *f, const char *gguf, const struct safetensor *t,
                                      int half, struct hone_error *err)
{
    size_t n;
    enum hone_status status = import_count_experts(f, &n, err);
    if (status != HONE_OK)
        return status;
    if (!t->type || t->n_dims != 3 || t->dims[0] != n || (half && t->dims[1] % 2 != 0))
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' should be the matrices of %zu experts", f->dir,
                         t->name, n);
    if (!half)
        return add(f, gguf, t->type, n, (size_t)t->dims[1], (size_t)t->dims[2], t->data, err);
    const size_t whole = (size_t)t->size / n, part = whole / 2;
    char *copy = malloc(n * part);
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, t->name, n * part);
    }
    for (size_t e = 0; e < n; e++)
        memcpy(copy + e * part, (const char *)t->data + e * whole + (half == 2 ? part : 0), part);
    return add(f, gguf, t->type, n, (size_t)t->dims[1] / 2, (size_t)t->dims[2], copy, err);
}

/* Matrix number e of those that one tensor gets: `hf` has the number of a layer before it, or not. */
struct numbered_expert {
    const char *hf;
    unsigned i_layer;
    bool layered;
    const struct safetensor *(*find)(const struct folder *f, const char *name);
};

static enum hone_status stack(struct folder *f, const char *gguf, const struct numbered_expert *which,
                              size_t n, struct hone_error *err)
{
    char name[256], *copy = NULL;
    const char *format = which->hf; /* ours, from the form's table */
    const struct safetensor *first = NULL;
    for (size_t e = 0; e < n; e++) {
        if (which->layered)
            snprintf(name, sizeof name, format, which->i_layer, (unsigned)e);
        else
            snprintf(name, sizeof name, format, (unsigned)e);
        const struct safetensor *t = which->find(f, name);
        if (!t)
            return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s'", f->dir, name);
        if (!t->type || t->n_dims != 2 ||
            (first && (t->type != first->type || t->size != first->size || t->dims[0] != first->dims[0])))
            return hone_fail(err, HONE_BAD_MODEL,
                             "%s: tensor '%s' should be a matrix like those of the others of its kind",
                             f->dir, name);
        if (!first) {
            first = t;
            copy = malloc(n * (size_t)t->size + 1);
            if (!copy || !gguf_own_memory(f->g, copy)) {
                free(copy);
                return hone_no_memory(err, name, n * (size_t)t->size);
            }
        }
        memcpy(copy + e * (size_t)t->size, t->data, (size_t)t->size);
        f->used[safetensors_index(f->tensors, t)] = true;
    }
    if (!first)
        return hone_fail(err, HONE_BAD_MODEL, "%s: there are no tensors for '%s'", f->dir, gguf);
    return add(f, gguf, first->type, n, (size_t)first->dims[0], (size_t)first->dims[1], copy, err);
}

enum hone_status import_experts(struct folder *f, const char *gguf, const char *hf, unsigned i_layer,
                                const struct safetensor *(*find)(const struct folder *f, const char *name),
                                struct hone_error *err)
{
    size_t n;
    enum hone_status status = import_count_experts(f, &n, err);
    return status == HONE_OK ? stack(f, gguf, &(struct numbered_expert){hf, i_layer, true, find}, n, err)
                             : status;
}

enum hone_status import_streams(struct folder *f, const char *gguf, const char *hf,
                                const struct safetensor *(*find)(const struct folder *f, const char *name),
                                struct hone_error *err)
{
    char key[128];
    size_t n = 0;
    snprintf(key, sizeof key, "%s.altup.num_inputs", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 64, &n, err);
    if (status == HONE_OK && n < 2)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'altup_num_inputs' should be a number from 2 to 64", f->dir);
    return status == HONE_OK ? stack(f, gguf, &(struct numbered_expert){hf, 0, false, find}, n - 1, err)
                             : status;
}

enum hone_status import_routing(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n_layers = 0, n_dense = 0;
    json_t *types = json_at(f->config, "mlp_layer_types"), *last = json_at(f->config, "moe_layer_end_index"),
           *routed = json_at(f->config, "is_moe_layer");
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 1 << 16, &n_layers, err);
    snprintf(key, sizeof key, "%s.leading_dense_block_count", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, 1 << 16, &n_dense, err);
    json_int_t end = json_integer_value(last);
    if (status == HONE_OK && last && end != -1 && end != (json_int_t)n_layers - 1)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/config.json: 'moe_layer_end_index' is %lld; layers without experts behind the last "
            "one with some are not supported",
            f->dir, (long long)end);
    for (size_t i = 0; i < n_layers && types && status == HONE_OK; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (!type || strcmp(type, i < n_dense ? "dense" : "sparse") != 0)
            status =
                hone_fail(err, HONE_BAD_MODEL,
                          "%s/config.json: 'mlp_layer_types' should be dense in the first %zu layers and "
                          "sparse in the others",
                          f->dir, n_dense);
    }
    for (size_t i = 0; i < n_layers && routed && status == HONE_OK; i++)
        if (!json_equal(json_array_get(routed, i), i < n_dense ? json_false() : json_true()))
            status =
                hone_fail(err, HONE_BAD_MODEL,
                          "%s/config.json: 'is_moe_layer' should be false in the first %zu layers and true "
                          "in the others",
                          f->dir, n_dense);
    return status;
}
