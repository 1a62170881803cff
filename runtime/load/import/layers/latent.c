/* Latent attention: what config.json says of heads, under the keys that GGUF files of whole heads have. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <string.h>

static enum hone_status read_size(const struct folder *f, const char *name, json_int_t otherwise, size_t *out,
                                  struct hone_error *err)
{
    json_t *value = json_at(f->config, name);
    const json_int_t n = value ? json_integer_value(value) : otherwise;
    *out = (size_t)n;
    if (n >= 1 && n <= 1 << 12)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number from 1 to %d", f->dir,
                     name, 1 << 12);
}

static enum hone_status set_size(struct folder *f, const char *suffix, size_t n, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.%s", f->arch->name, suffix);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

/* Other numbers of the same thing are told beside these; what disagrees would be another model. */
static enum hone_status check_size(const struct folder *f, const char *name, size_t expected,
                                   struct hone_error *err)
{
    json_t *value = json_at(f->config, name);
    if (!value || (json_is_integer(value) && json_integer_value(value) == (json_int_t)expected))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be %zu, as other numbers say", f->dir,
                     name, expected);
}

/* A router with a softmax looks into groups only where it is told to; others have no such choice. */
static enum hone_status check_groups(const struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t routing = ROUTE_SIGMOID, n_groups = 0;
    const char *method = json_string_value(json_at(f->config, "topk_method"));
    snprintf(key, sizeof key, "%s.expert_gating_func", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &routing, err);
    snprintf(key, sizeof key, "%s.expert_group_count", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &n_groups, err);
    bool grouped = method && strcmp(method, "group_limited_greedy") == 0;
    if (status != HONE_OK || routing != ROUTE_SOFTMAX || n_groups <= 1 || grouped)
        return status;
    return hone_fail(
        err, HONE_BAD_MODEL,
        "%s/config.json: 'n_group' is %zu, but 'topk_method' is not group_limited_greedy; no model "
        "is known that says both",
        f->dir, n_groups);
}

enum hone_status import_latent(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n_embd = 0, n_heads = 1, n_key = 0, n_rot = 0, n_value = 0;
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, SIZE_MAX, &n_embd, err);
    snprintf(key, sizeof key, "%s.attention.head_count", f->arch->name);
    if (status == HONE_OK)
        status = gguf_get_size(f->g, key, SIZE_MAX, &n_heads, err);
    if (status == HONE_OK)
        status = check_groups(f, err);
    if (status == HONE_OK)
        status = read_size(f, "qk_nope_head_dim", 0, &n_key, err);
    if (status == HONE_OK)
        status = read_size(f, "qk_rope_head_dim", 0, &n_rot, err);
    if (status == HONE_OK)
        status = read_size(f, "v_head_dim", (json_int_t)(n_embd / n_heads), &n_value, err);
    if (status == HONE_OK)
        status = check_size(f, "num_key_value_heads", n_heads, err);
    if (status == HONE_OK)
        status = check_size(f, "qk_head_dim", n_key + n_rot, err);
    if (status == HONE_OK)
        status = set_size(f, "attention.head_count_kv", n_heads, err);
    if (status == HONE_OK)
        status = set_size(f, "attention.key_length", n_key + n_rot, err);
    if (status == HONE_OK)
        status = set_size(f, "attention.value_length", n_value, err);
    return status == HONE_OK ? set_size(f, "rope.dimension_count", n_rot, err) : status;
}
