/* Models whose layers that see all tokens have other heads than local ones, and the last of which borrow keys and values
 * (Gemma 4): what config.json says of each layer, as GGUF files have it. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <stdio.h>
#include <string.h>

struct own_heads {
    size_t n_layers, n_borrowing;
    size_t head_dim, local_head_dim;
    bool local[MAX_LAYERS];
    size_t head_dims[MAX_LAYERS];
    uint32_t n_kv[MAX_LAYERS], widths[MAX_LAYERS];
};

static enum hone_status set_number(struct folder *f, const char *suffix, size_t n, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", f->arch->name, suffix);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

static enum hone_status wrong(const struct folder *f, const char *name, const char *expected,
                              struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be %s", f->dir, name, expected);
}

/* A number from 1 to `max`, in one of the objects or, where neither has it, `otherwise`. */
static enum hone_status read_size(const struct folder *f, json_t *object, const char *name, size_t max,
                                  size_t otherwise, size_t *out, struct hone_error *err)
{
    char range[64];
    json_t *value = json_at(object, name);
    json_int_t n = value ? json_integer_value(value) : (json_int_t)otherwise;
    snprintf(range, sizeof range, "a number from 1 to %zu", max);
    *out = (size_t)n;
    return (!value || json_is_integer(value)) && n >= 1 && (size_t)n <= max ? HONE_OK
                                                                            : wrong(f, name, range, err);
}

/* ---- which layers see what ---- */

static enum hone_status read_kinds(const struct folder *f, struct own_heads *h, struct hone_error *err)
{
    json_t *types = json_at(f->config, "layer_types");
    for (size_t i = 0; i < h->n_layers; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        h->local[i] = types ? type && strcmp(type, "sliding_attention") == 0
                            : (i + f->arch->global_last) % f->arch->global_every != 0;
    }
    /* transformers takes the last layer for one that sees all, whatever is said of it. */
    if (types && h->local[h->n_layers - 1])
        return wrong(f, "layer_types", "a list whose last element is full_attention", err);
    return HONE_OK;
}

/* ---- their heads ---- */

static const struct key_spec layer_keys[] = {{"head_dim", NULL}, {"num_key_value_heads", NULL}, {NULL, NULL}};

/* The layer whose number is its name, with or without zeros before it; h->n_layers: none. */
static size_t layer_by_name(const struct own_heads *h, const char *name)
{
    size_t i = 0;
    for (const char *digit = name; *digit && i < h->n_layers; digit++)
        i = *digit >= '0' && *digit <= '9' ? 10 * i + (size_t)(*digit - '0') : h->n_layers;
    return *name && i < h->n_layers ? i : h->n_layers;
}

static enum hone_status read_layer(const struct folder *f, struct own_heads *h, const char *name,
                                   json_t *layer, struct hone_error *err)
{
    char path[PATH_MAX + 64];
    const size_t i = layer_by_name(h, name);
    size_t n_kv = 0;
    snprintf(path, sizeof path, "%s/config.json: per_layer_config.%.20s", f->dir, name);
    if (i == h->n_layers || !json_is_object(layer))
        return wrong(f, "per_layer_config", "an object of layers by their numbers", err);
    enum hone_status status =
        keys_check(f->keys, path, layer, (const struct key_spec *const[]){layer_keys, NULL}, err);
    if (status == HONE_OK)
        status = read_size(f, layer, "head_dim", 1 << 12, h->local_head_dim, &h->head_dims[i], err);
    if (status == HONE_OK)
        status = read_size(f, layer, "num_key_value_heads", 1 << 12, h->n_kv[i], &n_kv, err);
    h->n_kv[i] = (uint32_t)n_kv;
    return status;
}

/* As transformers 5 writes them: an object of layers by number. */
static enum hone_status read_layers(const struct folder *f, struct own_heads *h, json_t *layers,
                                    size_t local_kv, struct hone_error *err)
{
    const char *name;
    json_t *layer;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < h->n_layers; i++) {
        h->n_kv[i] = (uint32_t)local_kv;
        h->head_dims[i] = h->local_head_dim;
    }
    json_object_foreach (layers, name, layer)
        if (status == HONE_OK)
            status = read_layer(f, h, name, layer, err);
    h->head_dim = h->head_dims[h->n_layers - 1];
    for (size_t i = 0; i < h->n_layers && status == HONE_OK; i++)
        if (h->head_dims[i] != (h->local[i] ? h->local_head_dim : h->head_dim))
            status = wrong(f, "per_layer_config", "the same head_dim in all layers of one type", err);
    return status;
}

/* As the hub has them: two numbers for all layers that see all tokens. */
static enum hone_status read_global(const struct folder *f, struct own_heads *h, size_t local_kv,
                                    struct hone_error *err)
{
    size_t n_kv = local_kv;
    enum hone_status status = read_size(f, f->config, "global_head_dim", 1 << 12, 512, &h->head_dim, err);
    if (status == HONE_OK && json_is_true(json_at(f->config, "attention_k_eq_v")))
        status = read_size(f, f->config, "num_global_key_value_heads", 1 << 12, n_kv, &n_kv, err);
    for (size_t i = 0; i < h->n_layers; i++)
        h->n_kv[i] = (uint32_t)(h->local[i] ? local_kv : n_kv);
    return status;
}

static enum hone_status read_heads(const struct folder *f, struct own_heads *h, struct hone_error *err)
{
    size_t local_kv;
    json_t *layers = json_at(f->config, "per_layer_config");
    enum hone_status status = read_size(f, f->config, "head_dim", 1 << 12, 256, &h->local_head_dim, err);
    if (status == HONE_OK)
        status = read_size(f, f->config, "num_key_value_heads", 1 << 12, 4, &local_kv, err);
    if (status == HONE_OK && !layers)
        return read_global(f, h, local_kv, err);
    return status == HONE_OK ? read_layers(f, h, layers, local_kv, err) : status;
}

static enum hone_status set_heads(struct folder *f, const struct own_heads *h, struct hone_error *err)
{
    char key[128];
    const struct {
        const char *suffix;
        size_t n;
    } numbers[] = {
        {"attention.key_length", h->head_dim},
        {"attention.key_length_swa", h->local_head_dim},
        {"attention.value_length_swa", h->local_head_dim},
        {"rope.dimension_count_swa", h->local_head_dim},
    };
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && status == HONE_OK; i++)
        status = set_number(f, numbers[i].suffix, numbers[i].n, err);
    snprintf(key, sizeof key, "%s.attention.head_count_kv", f->arch->name);
    return status == HONE_OK ? folder_set(gguf_set_array(f->g, key, GGUF_U32, h->n_kv, h->n_layers), key, err)
                             : status;
}

/* ---- their feed-forward layers, and tables of their own ---- */

/* Layers that borrow may be twice as wide. */
static enum hone_status set_widths(struct folder *f, struct own_heads *h, struct hone_error *err)
{
    char key[128];
    size_t n_ff;
    enum hone_status status = read_size(f, f->config, "intermediate_size", 1 << 17, 9216, &n_ff, err);
    snprintf(key, sizeof key, "%s.feed_forward_length", f->arch->name);
    if (status != HONE_OK)
        return status;
    if (!json_is_true(json_at(f->config, "use_double_wide_mlp")) || h->n_borrowing == 0)
        return set_number(f, "feed_forward_length", n_ff, err);
    for (size_t i = 0; i < h->n_layers; i++)
        h->widths[i] = (uint32_t)(i + h->n_borrowing >= h->n_layers ? 2 * n_ff : n_ff);
    return folder_set(gguf_set_array(f->g, key, GGUF_U32, h->widths, h->n_layers), key, err);
}

static enum hone_status set_per_layer(struct folder *f, struct hone_error *err)
{
    json_t *value = json_at(f->config, "hidden_size_per_layer_input");
    json_int_t n = json_integer_value(value);
    bool none = json_is_null(json_object_get(f->config, "hidden_size_per_layer_input"));
    if (!value && !none)
        n = 256;
    if ((value && !json_is_integer(value)) || n < 0 || n > 1 << 16)
        return wrong(f, "hidden_size_per_layer_input", "a number", err);
    return set_number(f, "embedding_length_per_layer_input", (size_t)n, err);
}

static enum hone_status set_experts(struct folder *f, struct hone_error *err)
{
    static const char *const names[][2] = {{"num_experts", "expert_count"},
                                           {"top_k_experts", "expert_used_count"},
                                           {"moe_intermediate_size", "expert_feed_forward_length"}};
    size_t n;
    enum hone_status status = HONE_OK;
    if (!json_is_true(json_at(f->config, "enable_moe_block")))
        return HONE_OK;
    for (size_t i = 0; i < 3 && status == HONE_OK; i++) {
        status = read_size(f, f->config, names[i][0], 1 << 18, 0, &n, err);
        if (status == HONE_OK)
            status = set_number(f, names[i][1], n, err);
    }
    return status;
}

enum hone_status import_own_heads(struct folder *f, struct hone_error *err)
{
    static const struct {
        const char *suffix;
        size_t offset;
    } sizes[] = {{"block_count", offsetof(struct own_heads, n_layers)},
                 {"attention.shared_kv_layers", offsetof(struct own_heads, n_borrowing)}};
    char key[128];
    struct own_heads h = {0};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        snprintf(key, sizeof key, "%s.%s", f->arch->name, sizes[i].suffix);
        status = gguf_get_size(f->g, key, MAX_LAYERS, (size_t *)(void *)((char *)&h + sizes[i].offset), err);
    }
    if (status == HONE_OK)
        status = read_kinds(f, &h, err);
    if (status == HONE_OK)
        status = read_heads(f, &h, err);
    if (status == HONE_OK)
        status = set_heads(f, &h, err);
    if (status == HONE_OK)
        status = set_widths(f, &h, err);
    if (status == HONE_OK)
        status = set_per_layer(f, err);
    return status == HONE_OK ? set_experts(f, err) : status;
}
