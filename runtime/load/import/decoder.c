/* What a folder says of a decoder behind an encoder. */
#include "runtime/load/import/folder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A token's id in generation_config.json, or else in config.json. */
static enum hone_status find_start(struct folder *f, uint32_t *out, struct hone_error *err)
{
    json_t *generation;
    enum hone_status status = folder_json(f, "generation_config.json", false, &generation, err);
    if (status != HONE_OK)
        return status;
    json_t *id = json_at(generation, "decoder_start_token_id");
    id = id ? id : json_at(f->config, "decoder_start_token_id");
    id = id || f->form->start_token > 0 ? id : json_at(f->config, "pad_token_id");
    json_int_t n = id ? json_integer_value(id) : f->form->start_token;
    bool good = !id || (json_is_integer(id) && n >= 0 && n <= INT32_MAX);
    *out = good ? (uint32_t)n : 0;
    json_decref(generation);
    return good ? HONE_OK
                : hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'decoder_start_token_id' should be a token",
                            f->dir);
}

/* By its name, with the form's prefix or without. */
static const struct safetensor *find(const struct folder *f, const char *name)
{
    char full[128];
    const struct safetensor *t = safetensors_find(f->tensors, name);
    snprintf(full, sizeof full, "%s%s", f->form->prefix, name);
    return t ? t : safetensors_find(f->tensors, full);
}

static bool is_same(const struct safetensor *a, const struct safetensor *b)
{
    return a->size == b->size && strcmp(a->dtype, b->dtype) == 0 && memcmp(a->data, b->data, a->size) == 0;
}

/* A decoder's own table has as many rows as the configuration says. */
static enum hone_status check_own_table(const struct folder *f, const struct safetensor *t,
                                        struct hone_error *err)
{
    const json_t *n = json_at(f->config, "decoder_vocab_size");
    n = n ? n : json_at(f->config, "vocab_size");
    if (t && t->n_dims == 2 && json_is_integer(n) && (json_int_t)t->dims[0] == json_integer_value(n))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s: 'share_encoder_decoder_embeddings' is false, so there should be a tensor "
                     "'decoder.embed_tokens.weight' of 'decoder_vocab_size' rows",
                     f->dir);
}

/* Whether the family's decoder may have token embeddings of its own, and this folder's has. */
static bool has_two_tables(const struct folder *f)
{
    const struct hf_name *name = f->form->names;
    while (name->gguf && name->cut != CUT_OWN_TABLE)
        name++;
    return name->gguf && json_is_false(json_at(f->config, "share_encoder_decoder_embeddings"));
}

/* Files may hold the token embeddings several times. Tables that are not the same are supported where the configuration says
 * so, a head of its own is. */
static enum hone_status check_copies(struct folder *f, struct hone_error *err)
{
    static const char *const copies[] = {"encoder.embed_tokens.weight", "decoder.embed_tokens.weight"};
    const struct safetensor *shared = find(f, "shared.weight"), *head = find(f, "lm_head.weight");
    shared = shared ? shared : find(f, copies[0]);
    f->two_tables = has_two_tables(f);
    if (f->two_tables) {
        shared = find(f, copies[1]);
        f->own_head = head && !(shared && is_same(head, shared));
        return check_own_table(f, shared, err);
    }
    for (size_t i = 0; i < 2; i++) {
        const struct safetensor *t = find(f, copies[i]);
        if (t && shared && !is_same(t, shared))
            return hone_fail(
                err, HONE_BAD_MODEL,
                "%s: the tensors '%s' and '%s' are not the same; models with two tables of token "
                "embeddings are not supported",
                f->dir, t->name, shared->name);
    }
    f->own_head = head && !(shared && is_same(head, shared));
    return HONE_OK;
}

/* Published configurations of T5 tie the head to the token embeddings unless they say that they do not, and scale what is
 * tied. Newer ones say whether it is scaled and call it tied always; a head that is there nevertheless counts. */
static enum hone_status import_output_scale(struct folder *f, struct hone_error *err)
{
    size_t n_embd = 1;
    char key[128];
    bool untied = json_is_false(json_at(f->config, "tie_word_embeddings"));
    json_t *says = json_at(f->config, "scale_decoder_outputs");
    bool scaled = !f->form->plain_outputs && (json_is_boolean(says) ? json_is_true(says) : !untied);
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, UINT32_MAX, &n_embd, err);
    float scale = scaled ? 1 / sqrtf((float)n_embd) : 1;
    return status == HONE_OK
               ? folder_set(gguf_set_f32(f->g, "hone.output_scale", scale), "hone.output_scale", err)
               : status;
}

/* What token embeddings are multiplied by, where config.json says. */
static enum hone_status import_embedding_scale(struct folder *f, struct hone_error *err)
{
    char key[128];
    size_t n_embd = 1;
    const json_t *scaled = json_at(f->config, "scale_embedding");
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, UINT32_MAX, &n_embd, err);
    if (status != HONE_OK || !json_is_boolean(scaled))
        return status;
    snprintf(key, sizeof key, "%s.embedding_scale", f->arch->name);
    return folder_set(gguf_set_f32(f->g, key, json_is_true(scaled) ? sqrtf((float)n_embd) : 1), key, err);
}

/* T5's own: the size of heads, distances, and the scale of what goes into the head. */
static enum hone_status import_distances_of_t5(struct folder *f, struct hone_error *err)
{
    char key[128];
    snprintf(key, sizeof key, "%s.attention.relative_buckets_count", f->arch->name);
    enum hone_status status = folder_copy_size(f, "attention.key_length", "attention.value_length", err);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, 32), key, err);
    return status == HONE_OK ? import_output_scale(f, err) : status;
}

enum hone_status import_decoder(struct folder *f, struct hone_error *err)
{
    char key[128];
    uint32_t start = 0;
    enum hone_status status = check_copies(f, err);
    snprintf(key, sizeof key, "%s.decoder_block_count", f->arch->name);
    if (status == HONE_OK && !gguf_find(f->g, key))
        status = folder_copy_size(f, "block_count", "decoder_block_count", err);
    if (status == HONE_OK)
        status = f->arch->distance == DISTANCE_BUCKETS ? import_distances_of_t5(f, err)
                                                       : import_embedding_scale(f, err);
    if (status == HONE_OK)
        status = find_start(f, &start, err);
    snprintf(key, sizeof key, "%s.decoder_start_token_id", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, start), key, err);
    return status;
}
