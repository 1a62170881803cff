/* What a folder says of disentangled attention, and how far it tells distances apart. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <string.h>

/* A number of tokens; 0 where there is none, which may also be written as -1. */
static enum hone_status number(const struct folder *f, const char *name, uint32_t *out,
                               struct hone_error *err)
{
    json_t *value = json_at(f->config, name);
    json_int_t n = json_integer_value(value);
    *out = n > 0 ? (uint32_t)n : 0;
    if ((!value || json_is_integer(value)) && n <= 1 << 20)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be a number up to %d", f->dir, name,
                     1 << 20);
}

/* Whether a list, or a text with bars between its parts, has that part. */
static bool names_part(json_t *value, const char *part)
{
    size_t i;
    json_t *one;
    json_array_foreach (value, i, one)
        if (json_is_string(one) && strcmp(json_string_value(one), part) == 0)
            return true;
    const char *text = json_string_value(value);
    for (size_t n; text && *text; text += n + (text[n] == '|')) {
        n = strcspn(text, "|");
        size_t blank = strspn(text, " ");
        if (n - (blank < n ? blank : 0) >= strlen(part) && strncmp(text + blank, part, strlen(part)) == 0)
            return true;
    }
    return false;
}

static enum hone_status set_types(struct folder *f, struct hone_error *err)
{
    static const char *const names[] = {"c2p", "p2c"};
    struct hone_text types[2];
    char key[128];
    size_t n = 0;
    json_t *value = json_at(f->config, "pos_att_type");
    if (value && !json_is_array(value) && !json_is_string(value))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'pos_att_type' should be a list of c2p and p2c", f->dir);
    for (size_t i = 0; i < 2; i++)
        if (names_part(value, names[i]))
            types[n++] = (struct hone_text){names[i], 3};
    snprintf(key, sizeof key, "%s.attention.position_types", f->arch->name);
    return n ? folder_set(gguf_set_texts(f->g, key, types, n), key, err) : HONE_OK;
}

/* Tensors that are there and not used, or the other way, would go unseen. */
static enum hone_status check_tensors(struct folder *f, bool relative, struct hone_error *err)
{
    static const char *const table = "encoder.rel_embeddings.weight", *const norm =
                                                                          "encoder.LayerNorm.weight";
    bool normed = relative && names_part(json_at(f->config, "norm_rel_ebd"), "layer_norm");
    const struct {
        const char *name;
        bool wanted;
        const char *key;
    } checks[] = {{table, relative, "relative_attention"}, {norm, normed, "norm_rel_ebd"}};
    for (size_t i = 0; i < 2; i++) {
        if (folder_has_tensor(f, checks[i].name) != checks[i].wanted)
            return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: by '%s' there should be %s tensor '%s%s'",
                             f->dir, checks[i].key, checks[i].wanted ? "a" : "no", f->prefix, checks[i].name);
    }
    return HONE_OK;
}

enum hone_status import_distances(struct folder *f, struct hone_error *err)
{
    char key[128];
    uint32_t near = 0, most = 0;
    bool relative = json_is_true(json_at(f->config, "relative_attention"));
    enum hone_status status = check_tensors(f, relative, err);
    if (status == HONE_OK)
        status = set_types(f, err);
    if (status == HONE_OK)
        status = number(f, "position_buckets", &near, err);
    if (status == HONE_OK)
        status = number(f, "max_relative_positions", &most, err);
    snprintf(key, sizeof key, "%s.attention.relative_buckets_count", f->arch->name);
    if (status == HONE_OK && near > 0)
        status = folder_set(gguf_set_u32(f->g, key, near), key, err);
    if (status == HONE_OK && most == 0)
        status = number(f, "max_position_embeddings", &most, err);
    snprintf(key, sizeof key, "%s.attention.relative_max_distance", f->arch->name);
    if (status == HONE_OK && most > 0)
        status = folder_set(gguf_set_u32(f->g, key, most), key, err);
    snprintf(key, sizeof key, "%s.attention.own_position_keys", f->arch->name);
    if (status == HONE_OK && relative && !json_is_true(json_at(f->config, "share_att_key")))
        status = folder_set(gguf_set_bool(f->g, key, true), key, err);
    f->no_positions = json_is_false(json_at(f->config, "position_biased_input"));
    return status;
}
