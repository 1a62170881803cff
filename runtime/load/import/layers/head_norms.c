/* Norms of which each head has one of its own: vectors of a folder as the one tensor that GGUF files have of them. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_HEADS (1 << 12) /* as the families' tables have it */

static enum hone_status check_shape(const struct folder *f, const struct safetensor *t,
                                    const struct safetensor *first, struct hone_error *err)
{
    if (t->type && t->n_dims == 1 && t->type == first->type && t->size == first->size)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: tensor '%s' should be a vector of F32, F16 or BF16 like those of the other heads",
                     f->dir, t->name);
}

enum hone_status import_head_norms(struct folder *f, const char *gguf, const char *hf, unsigned i_layer,
                                   const struct safetensor *(*find)(const struct folder *f, const char *name),
                                   struct hone_error *err)
{
    char name[256];
    const struct safetensor *heads[MAX_HEADS];
    size_t n = 0;
    enum hone_status status = HONE_OK;
    for (; n < MAX_HEADS && status == HONE_OK; n++) {
        int length = snprintf(name, sizeof name, hf, i_layer, (unsigned)n);
        snprintf(name + length, sizeof name - (size_t)length, ".weight");
        heads[n] = find(f, name);
        if (!heads[n])
            break;
        status = check_shape(f, heads[n], heads[0], err);
        f->used[safetensors_index(f->tensors, heads[n])] = true;
    }
    if (status != HONE_OK || n == 0)
        return status;
    const size_t size = (size_t)heads[0]->size;
    char *copy = malloc(n * size + 1);
    if (!copy || !gguf_own_memory(f->g, copy)) {
        free(copy);
        return hone_no_memory(err, gguf, n * size);
    }
    for (size_t i = 0; i < n; i++)
        memcpy(copy + i * size, heads[i]->data, size);
    struct gguf_tensor out = {.name = gguf,
                              .type = heads[0]->type,
                              .n_dims = 2,
                              .dims = {heads[0]->dims[0], n, 1, 1},
                              .size = n * size,
                              .data = copy};
    return folder_set(gguf_add_tensor(f->g, &out), gguf, err);
}
