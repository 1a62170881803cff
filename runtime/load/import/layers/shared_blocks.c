/* Blocks of attention and a feed-forward layer that Zamba 2's layers share by turns: each layer gets the tensors of its own, with the
 * adapters that it has to them added. So a layer is read as any other, for as many bytes as if it shared nothing; with adapters to
 * most of its matrices there is little to share. */
#include "runtime/load/import/folder.h"
#include "runtime/load/lora/lora.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a block has; its adapters' list, where there may be one, and whether it always is there. */
static const struct {
    const char *name, *adapters;
    bool always;
} parts[] = {
    {"input_layernorm.weight", NULL, false},
    {"pre_ff_layernorm.weight", NULL, false},
    {"self_attn.q_proj.weight", "self_attn.linear_q_adapter_list", false},
    {"self_attn.k_proj.weight", "self_attn.linear_k_adapter_list", false},
    {"self_attn.v_proj.weight", "self_attn.linear_v_adapter_list", false},
    {"self_attn.o_proj.weight", NULL, false},
    {"feed_forward.gate_up_proj.weight", "feed_forward.gate_up_proj_adapter_list", true},
    {"feed_forward.gate_up_proj.bias", NULL, false},
    {"feed_forward.down_proj.weight", NULL, false},
    {"feed_forward.down_proj.bias", NULL, false},
};

/* Of the block of a layer, with the form's prefix or without; its name is in `full`. NULL: there is none. */
static const struct safetensor *find(const struct folder *f, size_t layer, const char *name, char full[256])
{
    static const char *const prefixes[] = {"model.", ""};
    const struct safetensor *t = NULL;
    for (size_t i = 0; i < 2 && !t; i++) {
        snprintf(full, 256, "%slayers.%zu.shared_transformer.%s", prefixes[i], layer, name);
        t = safetensors_find(f->tensors, full);
    }
    return t;
}

/* An adapter's matrix: one of the layer whose name the block has, or of this one, where the file has that. */
static const struct safetensor *find_adapter(const struct folder *f, const size_t layers[2], const char *list,
                                             size_t turn, int which)
{
    char name[128], full[256];
    const struct safetensor *t = NULL;
    snprintf(name, sizeof name, "%s.%zu.%d.weight", list, turn, which);
    for (size_t i = 0; i < 2; i++) {
        const struct safetensor *found = find(f, layers[i], name, full);
        t = found ? found : t;
    }
    return t;
}

static bool is_matrix(const struct safetensor *t)
{
    return t->type && t->n_dims == 2 && t->size > 0;
}

/* out = base + up down, as float32 that g keeps. */
static enum hone_status add_adapter(struct folder *f, const struct safetensor *base,
                                    const struct safetensor *down, const struct safetensor *up,
                                    struct safetensor *out, struct hone_error *err)
{
    if (!is_matrix(base) || !is_matrix(down) || !is_matrix(up) || down->dims[1] != base->dims[1] ||
        up->dims[0] != base->dims[0] || up->dims[1] != down->dims[0])
        return hone_fail(err, HONE_BAD_MODEL, "%s: the adapter '%s' does not fit '%s'", f->dir, down->name,
                         base->name);
    const size_t n_out = (size_t)base->dims[0], n_in = (size_t)base->dims[1], rank = (size_t)down->dims[0];
    float *left = lora_floats(up->type, up->data, n_out, rank, false),
          *right = lora_floats(down->type, down->data, rank, n_in, true),
          *own = lora_floats(base->type, base->data, n_out, n_in, false),
          *sum = malloc(n_out * n_in * sizeof *sum);
    bool ok = left && right && own && sum && gguf_own_memory(f->g, sum);
    if (ok) {
        lora_product(sum, left, right, n_out, n_in, rank, 1);
        for (size_t i = 0; i < n_out * n_in; i++)
            sum[i] += own[i];
        out->type = quant_type_by_id(QUANT_F32);
        out->dtype = "F32";
        out->size = n_out * n_in * sizeof *sum;
        out->data = sum;
    } else {
        free(sum);
    }
    free(left);
    free(right);
    free(own);
    return ok ? HONE_OK : hone_no_memory(err, base->name, n_out * n_in * sizeof *sum);
}

/* base: a tensor of the block, by its first layer's name, which stays as it is until all layers have theirs. */
static enum hone_status make_part(struct folder *f, size_t i_part, const size_t layers[2], size_t turn,
                                  struct safetensors *made, struct hone_error *err)
{
    char own[256], full[256];
    const struct safetensor *base = find(f, layers[0], parts[i_part].name, full);
    if (find(f, layers[1], parts[i_part].name, own)) /* all are written, as some programs do */
        base = safetensors_find(f->tensors, own);
    if (!base)
        return HONE_OK; /* a bias; or import_tensors misses it */
    snprintf(own, sizeof own, "layers.%zu.shared_transformer.%s", layers[1], parts[i_part].name);
    struct safetensor out = *base;
    out.name = own;
    enum hone_status status = HONE_OK;
    const bool adapts =
        parts[i_part].adapters &&
        (parts[i_part].always || json_is_true(json_object_get(f->config, "use_shared_attention_adapter")));
    if (adapts) {
        const struct safetensor *down = find_adapter(f, layers, parts[i_part].adapters, turn, 0),
                                *up = find_adapter(f, layers, parts[i_part].adapters, turn, 1);
        if (!down || !up)
            return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no adapter '%s.%zu' of layer %zu",
                             f->dir, parts[i_part].adapters, turn, layers[1]);
        status = add_adapter(f, base, down, up, &out, err);
    }
    return status == HONE_OK ? safetensors_put(made, &out, err) : status;
}

/* What a layer's block has in the file is a part of others from here on: its adapters for other layers' turns, too. */
static void take_block(struct folder *f, size_t layer, size_t n_turns)
{
    char name[128], full[256];
    for (size_t k = 0; k < sizeof parts / sizeof *parts; k++) {
        if (find(f, layer, parts[k].name, full))
            safetensors_take_part(f->tensors, full);
        for (size_t i = 0; i < 2 * n_turns && parts[k].adapters; i++) {
            snprintf(name, sizeof name, "%s.%zu.%zu.weight", parts[k].adapters, i / 2, i % 2);
            if (find(f, layer, name, full))
                safetensors_take_part(f->tensors, full);
        }
    }
}

/* The made ones take the place of the file's. */
static enum hone_status put_all(struct folder *f, const struct safetensors *made, const size_t *layers,
                                size_t n, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n; i++)
        take_block(f, layers[i], n);
    for (size_t i = 0; i < safetensors_n(made) && status == HONE_OK; i++)
        status = safetensors_put(f->tensors, safetensors_at(made, i), err);
    return status;
}

enum hone_status import_shared_blocks(struct folder *f, struct hone_error *err)
{
    size_t layers[MAX_LAYERS], n = 0;
    struct safetensors *made = NULL;
    if (!f->arch->joined_blocks)
        return HONE_OK;
    const struct gguf_value *heads = gguf_find(f->g, "zamba2.attention.head_count_kv");
    for (size_t i = 0; heads && i < heads->n && n < MAX_LAYERS; i++)
        if (gguf_int_at(heads, i) > 0)
            layers[n++] = i;
    const double n_blocks = folder_number(f, "num_mem_blocks", 1);
    if (!(n_blocks >= 1 && n_blocks <= MAX_LAYERS && n_blocks == (double)(size_t)n_blocks))
        return folder_refuse(f, "num_mem_blocks", "should be a number of blocks", err);
    enum hone_status status = safetensors_open_file(&made, f->dir, NULL, err);
    for (size_t turn = 0; turn < n && status == HONE_OK; turn++) {
        const size_t pair[2] = {layers[turn % (size_t)n_blocks], layers[turn]};
        for (size_t k = 0; k < sizeof parts / sizeof *parts && status == HONE_OK; k++)
            status = make_part(f, k, pair, turn, made, err);
    }
    if (status == HONE_OK)
        status = put_all(f, made, layers, n, err);
    safetensors_close(&made);
    return status;
}
