/* The tensors of the folder's safetensors files under the family's GGUF names. */
#include "runtime/convert/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 160

/* The tensor called `name`, with the family's prefix or without, or by the names of old checkpoints. */
static const struct safetensor *find(const struct folder *f, const char *name)
{
    static const struct {
        const char *now, *then;
    } old[] = {{".LayerNorm.weight", ".LayerNorm.gamma"}, {".LayerNorm.bias", ".LayerNorm.beta"}};
    char full[NAME_SIZE + 32];
    snprintf(full, sizeof full, "%s%s", f->arch->hf_prefix, name);
    const struct safetensor *t = safetensors_find(f->tensors, name);
    if (!t)
        t = safetensors_find(f->tensors, full);
    for (size_t i = 0; i < 2 && !t; i++) {
        size_t n = strlen(full), suffix = strlen(old[i].now);
        if (n < suffix || strcmp(full + n - suffix, old[i].now) != 0)
            continue;
        snprintf(full + n - suffix, sizeof full - (n - suffix), "%s", old[i].then);
        t = safetensors_find(f->tensors, full);
        if (!t)
            t = safetensors_find(f->tensors, full + strlen(f->arch->hf_prefix));
    }
    return t;
}

static enum hone_status import_tensor(struct folder *f, const struct tensor_spec *spec, unsigned i_layer,
                                      bool *used, struct hone_error *err)
{
    char hf[NAME_SIZE], gguf[NAME_SIZE];
    const char *hf_format = spec->hf, *gguf_format = spec->gguf; /* ours, from the family's table */
    snprintf(hf, sizeof hf, hf_format, i_layer);
    snprintf(gguf, sizeof gguf, gguf_format, i_layer);
    const struct safetensor *t = find(f, hf);
    if (!t && (spec->flags & TENSOR_OPTIONAL))
        return HONE_OK;
    if (!t)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s' (nor '%s%s')", f->dir,
                         hf, f->arch->hf_prefix, hf);
    if (!t->type)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' is of type %s, expected F32, F16 or BF16",
                         f->dir, t->name, t->dtype);
    unsigned n_dims = spec->cols == DIM_NONE ? 1 : 2;
    if (t->n_dims != n_dims)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %u dimensions, expected %u", f->dir,
                         t->name, t->n_dims, n_dims);
    struct gguf_tensor out = {
        .name = gguf, .type = t->type, .n_dims = n_dims, .size = t->size, .data = t->data};
    for (unsigned d = 0; d < GGUF_MAX_DIMS; d++)
        out.dims[d] = d < n_dims ? t->dims[n_dims - 1 - d] : 1;
    used[safetensors_index(f->tensors, t)] = true;
    return folder_set(gguf_add_tensor(f->g, &out), gguf, err);
}

static bool is_ignored(const struct folder *f, const char *name)
{
    size_t prefix = strlen(f->arch->hf_prefix);
    if (strncmp(name, f->arch->hf_prefix, prefix) == 0)
        name += prefix;
    for (const char *const *start = f->arch->ignored; *start; start++)
        if (strncmp(name, *start, strlen(*start)) == 0)
            return true;
    return false;
}

static enum hone_status check_used(const struct folder *f, const bool *used, struct hone_error *err)
{
    for (size_t i = 0; i < safetensors_n(f->tensors); i++) {
        const struct safetensor *t = safetensors_at(f->tensors, i);
        if (!used[i] && !is_ignored(f, t->name))
            return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has no place in a model of type '%s'",
                             f->dir, t->name, f->arch->hf_type);
    }
    return HONE_OK;
}

enum hone_status import_tensors(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n_layers = 0;
    bool *used = calloc(safetensors_n(f->tensors) + 1, sizeof *used);
    if (!used)
        return hone_no_memory(err, "the tensor list", safetensors_n(f->tensors));
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, 1 << 16, &n_layers, err);
    for (const struct tensor_spec *spec = f->arch->tensors; spec->gguf && status == HONE_OK; spec++) {
        size_t repeat = spec->flags & TENSOR_LAYER ? n_layers : 1;
        if ((spec->flags & TENSOR_HEAD) && f->n_labels == 0)
            continue;
        for (size_t i = 0; i < repeat && status == HONE_OK; i++)
            status = import_tensor(f, spec, (unsigned)i, used, err);
    }
    if (status == HONE_OK)
        status = check_used(f, used, err);
    free(used);
    return status;
}
