/* Of a family whose layers are halves of the usual ones (Nemotron-H): which of them attend, recur, and feed forward, with experts or
 * without. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum half { HALF_RECURS, HALF_ATTENDS, HALF_FEEDS, HALF_ROUTES };
struct halves {
    size_t n, n_plain, n_routed;
    enum half kinds[MAX_LAYERS];
};

static bool kind_of(const char *name, enum half *out)
{
    static const struct {
        const char *name;
        enum half kind;
    } names[] = {{"linear_attention", HALF_RECURS},
                 {"mamba", HALF_RECURS},
                 {"full_attention", HALF_ATTENDS},
                 {"attention", HALF_ATTENDS},
                 {"mlp", HALF_FEEDS},
                 {"moe", HALF_ROUTES},
                 /* of a pattern */
                 {"M", HALF_RECURS},
                 {"*", HALF_ATTENDS},
                 {"-", HALF_FEEDS},
                 {"E", HALF_ROUTES}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (name && strcmp(names[i].name, name) == 0) {
            *out = names[i].kind;
            return true;
        }
    return false;
}

static enum hone_status read_kinds(const struct folder *f, struct halves *h, struct hone_error *err)
{
    json_t *list = json_at(f->config, "layers_block_type|layer_types");
    const char *pattern = json_string_value(json_at(f->config, "hybrid_override_pattern"));
    h->n = list ? json_array_size(list) : pattern ? strlen(pattern) : 0;
    if (h->n == 0 || h->n > MAX_LAYERS)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/config.json: 'layers_block_type' (or 'hybrid_override_pattern') should say what each of "
            "1 to %d layers is",
            f->dir, MAX_LAYERS);
    for (size_t i = 0; i < h->n; i++) {
        const char one[2] = {pattern && !list ? pattern[i] : 0, 0};
        const char *name = list ? json_string_value(json_array_get(list, i)) : one;
        if (!kind_of(name, &h->kinds[i]))
            return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: the layer type '%s' is not supported",
                             f->dir, name ? name : "(none)");
        h->n_plain += h->kinds[i] == HALF_FEEDS;
        h->n_routed += h->kinds[i] == HALF_ROUTES;
    }
    return HONE_OK;
}

static enum hone_status read_size(const struct folder *f, const char *name, uint32_t otherwise, int32_t *out,
                                  struct hone_error *err)
{
    json_t *value = json_at(f->config, name);
    const json_int_t n = value ? json_integer_value(value) : otherwise;
    *out = (int32_t)n;
    return n >= 1 && n <= 1 << 18
               ? HONE_OK
               : hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number from 1 to %d",
                           f->dir, name, 1 << 18);
}

/* A number for each layer that has what it is of; 0 for the others. */
static enum hone_status write_list(struct folder *f, const char *suffix, const struct halves *h,
                                   unsigned kinds, int32_t n, struct hone_error *err)
{
    char key[128];
    int32_t list[MAX_LAYERS];
    for (size_t i = 0; i < h->n; i++)
        list[i] = kinds >> h->kinds[i] & 1 ? n : 0;
    snprintf(key, sizeof key, "%s.%s", f->arch->name, suffix);
    return folder_set(gguf_set_array(f->g, key, GGUF_I32, list, h->n), key, err);
}

static enum hone_status write_experts(struct folder *f, const struct halves *h, struct hone_error *err)
{
    static const struct {
        const char *hf, *gguf;
        uint32_t otherwise;
    } sizes[] = {{"n_routed_experts", "expert_count", 8},
                 {"num_experts_per_tok", "expert_used_count", 2},
                 {"moe_intermediate_size", "expert_feed_forward_length", 7688},
                 {"moe_shared_expert_intermediate_size", "expert_shared_feed_forward_length", 7688}};
    static const char own[] = "hone.routed_layers";
    bool routed[MAX_LAYERS];
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes && h->n_routed > 0 && status == HONE_OK; i++) {
        char key[128];
        int32_t n;
        status = read_size(f, sizes[i].hf, sizes[i].otherwise, &n, err);
        snprintf(key, sizeof key, "%s.%s", f->arch->name, sizes[i].gguf);
        if (status == HONE_OK)
            status = folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
    }
    for (size_t i = 0; i < h->n; i++)
        routed[i] = h->kinds[i] == HALF_ROUTES;
    if (status != HONE_OK || h->n_routed == 0 || h->n_plain == 0)
        return status;
    return folder_set(gguf_set_array(f->g, own, GGUF_BOOL, routed, h->n), own, err);
}

enum hone_status import_halves(struct folder *f, struct hone_error *err)
{
    char key[128];
    struct halves h = {.n = 0};
    int32_t n_kv = 0, n_ff = 0;
    enum hone_status status = read_kinds(f, &h, err);
    if (status == HONE_OK)
        status = read_size(f, "num_key_value_heads", 8, &n_kv, err);
    if (status == HONE_OK)
        status = read_size(f, h.n_plain > 0 ? "intermediate_size" : "moe_intermediate_size",
                           h.n_plain > 0 ? 21504 : 7688, &n_ff, err);
    snprintf(key, sizeof key, "%s.block_count", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, (uint32_t)h.n), key, err);
    if (status == HONE_OK)
        status = write_list(f, "attention.head_count_kv", &h, 1U << HALF_ATTENDS, n_kv, err);
    if (status == HONE_OK)
        status = write_list(f, "feed_forward_length", &h, 1U << HALF_FEEDS | 1U << HALF_ROUTES, n_ff, err);
    return status == HONE_OK ? write_experts(f, &h, err) : status;
}
