/* Latent attention in a file: its numbers, and the matrices of each head. */
#include "runtime/load/finder.h"
#include "runtime/load/load.h"
#include "runtime/nn/kv/kv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ---- */

static enum hone_status check_latent(const struct net *m, size_t n_rot, struct hone_error *err)
{
    const struct hparams *hp = &m->hp;
    const char *path = gguf_path(m->gguf);
    if (n_rot == 0 || n_rot % 2 != 0 || n_rot >= hp->n_key)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: the key '%s.rope.dimension_count' is %zu, expected an even number below the heads' %zu",
            path, m->arch->name, n_rot, hp->n_key);
    if (hp->n_latent + n_rot > KV_MAX_HEAD_DIM)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: a latent of %zu numbers and a rotated key of %zu, expected at most %d together",
                         path, hp->n_latent, n_rot, KV_MAX_HEAD_DIM);
    if (hp->n_kv_heads > 1 && hp->n_kv_heads != hp->n_heads)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s: %zu heads of keys and values for %zu attention heads; with latents there are as "
            "many, or one",
            path, hp->n_kv_heads, hp->n_heads);
    if (hp->n_value > 0 || hp->n_embd % hp->n_heads == 0)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: a width of %zu cannot be split into %zu heads of values", path,
                     hp->n_embd, hp->n_heads);
}

enum hone_status latent_load(struct net *m, struct hone_error *err)
{
    char key[128];
    size_t n_rot = 0;
    struct hparams *hp = &m->hp;
    snprintf(key, sizeof key, "%s.rope.dimension_count", m->arch->name);
    enum hone_status status = gguf_get_size(m->gguf, key, SIZE_MAX, &n_rot, err);
    if (status == HONE_OK)
        status = check_latent(m, n_rot, err);
    if (status != HONE_OK)
        return status;
    if (hp->n_value == 0)
        hp->n_value = hp->n_embd / hp->n_heads;
    hp->attn_scale = 1 / sqrtf((float)hp->n_key);
    hp->n_key -= n_rot;
    hp->n_kv_heads = 1;
    hp->head_dim = hp->local_head_dim = hp->n_latent + n_rot;
    return HONE_OK;
}

/* ---- the matrices of each head ---- */

/* out: [n_latent, n_key] of rows [n_key, n_latent], of `size` bytes an element. */
static void transpose(char *out, const char *rows, size_t n_key, size_t n_latent, size_t size)
{
    for (size_t i = 0; i < n_latent; i++)
        for (size_t k = 0; k < n_key; k++)
            memcpy(out + (i * n_key + k) * size, rows + (k * n_latent + i) * size, size);
}

/* A head's keys are the first rows of it, turned about: what is in blocks along the rows becomes float32. */
static enum hone_status turn_keys(const struct finder *f, const struct gguf_tensor *t,
                                  struct gguf_tensor *slices)
{
    const struct hparams *hp = &f->m->hp;
    const bool blocks = t->type->block_len > 1;
    const struct quant_type *type = blocks ? quant_type_by_id(QUANT_F32) : t->type;
    const size_t n = hp->n_key * hp->n_latent, row_size = (size_t)(t->size / t->dims[1]),
                 size = n * type->block_size;
    char *turned = finder_keep(f, hp->n_heads, size);
    float *floats = blocks ? malloc(n * sizeof *floats) : NULL;
    if (turned && blocks && !floats)
        hone_no_memory(f->err, t->name, n * sizeof *floats);
    for (size_t h = 0; h < hp->n_heads && turned && (!blocks || floats); h++) {
        const char *rows = (const char *)t->data + h * (hp->n_key + hp->n_value) * row_size;
        if (blocks)
            t->type->dequantize(floats, rows, n);
        transpose(turned + h * size, blocks ? (const char *)floats : rows, hp->n_key, hp->n_latent,
                  type->block_size);
        slices[h] = *t;
        slices[h].type = type;
        slices[h].dims[0] = hp->n_key;
        slices[h].dims[1] = hp->n_latent;
        slices[h].size = size;
        slices[h].data = turned + h * size;
    }
    free(floats);
    return turned && (!blocks || floats) ? HONE_OK : HONE_FAILED;
}

/* And its values are the last ones, where they lie. */
static void cut_values(const struct hparams *hp, const struct gguf_tensor *t, struct gguf_tensor *slices)
{
    const size_t row_size = (size_t)(t->size / t->dims[1]);
    for (size_t h = 0; h < hp->n_heads; h++) {
        slices[h] = *t;
        slices[h].dims[1] = hp->n_value;
        slices[h].size = hp->n_value * row_size;
        slices[h].data = (const char *)t->data + (h * (hp->n_key + hp->n_value) + hp->n_key) * row_size;
    }
}

enum hone_status latent_find(const struct finder *f, const char *name, bool values, struct dense **out)
{
    char whole[160], full[160];
    const struct hparams *hp = &f->m->hp;
    const struct gguf_tensor *t;
    snprintf(whole, sizeof whole, "%.*s.attn_kv_b.weight", (int)(strrchr(name, '.') - name), name);
    if (gguf_find_tensor(f->m->gguf, finder_suffixed(full, name, ".weight")))
        return finder_slices(f, name, hp->n_heads, values ? hp->n_value : hp->n_latent,
                             values ? hp->n_latent : hp->n_key, TENSOR_NO_BIAS, out);
    enum hone_status status =
        finder_tensor(f, whole, hp->n_heads * (hp->n_key + hp->n_value), hp->n_latent, true, &t);
    if (status != HONE_OK)
        return status;
    struct gguf_tensor *slices = finder_keep(f, hp->n_heads, sizeof *slices);
    if (!slices)
        return HONE_FAILED;
    if (values)
        cut_values(hp, t, slices);
    else
        status = turn_keys(f, t, slices);
    return status == HONE_OK ? finder_add_slices(f, name, slices, NULL, hp->n_heads, TENSOR_NO_BIAS, out)
                             : status;
}
