/* xIELU's numbers of each layer, which a folder has as tensors of one element. */
#include "runtime/load/import/folder.h"
#include "runtime/load/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum hone_status read_one(struct folder *f, const char *name, float *out, struct hone_error *err)
{
    char full[128];
    const struct safetensor *t = safetensors_find(f->tensors, name);
    snprintf(full, sizeof full, "%s%s", f->form->prefix, name);
    t = t ? t : safetensors_find(f->tensors, full);
    if (!t)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s'", f->dir, full);
    if (!t->type || t->type->block_len != 1 || t->size != t->type->block_size)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' should be one number of F32, F16 or BF16",
                         f->dir, t->name);
    t->type->dequantize(out, t->data, 1);
    return HONE_OK;
}

enum hone_status import_bends(struct folder *f, struct hone_error *err)
{
    static const char *const names[] = {"alpha_p", "alpha_n", "beta", "eps"};
    struct hone_text act = {NULL, 0};
    enum hone_status status = gguf_get_text(f->g, "hone.activation", &act, err);
    char name[96], key[32];
    if (status != HONE_OK || !act.data || activation_by_name(act) != ACT_XIELU)
        return status;
    size_t n_layers = 0;
    snprintf(name, sizeof name, "%s.block_count", f->arch->name);
    status = gguf_get_size(f->g, name, 1 << 16, &n_layers, err);
    float *list = calloc(n_layers + 1, sizeof *list);
    if (!list)
        return hone_no_memory(err, "the layers", n_layers * sizeof *list);
    for (size_t k = 0; k < 4 && status == HONE_OK; k++) {
        for (size_t i = 0; i < n_layers && status == HONE_OK; i++) {
            snprintf(name, sizeof name, "layers.%zu.mlp.act_fn.%s", i, names[k]);
            status = read_one(f, name, &list[i], err);
        }
        snprintf(key, sizeof key, "xielu.%s", names[k]);
        if (status == HONE_OK)
            status = folder_set(gguf_set_array(f->g, key, GGUF_F32, list, n_layers), key, err);
    }
    free(list);
    return status;
}
