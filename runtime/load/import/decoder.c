/* What a folder says of a decoder behind an encoder. */
#include "runtime/load/import/folder.h"

#include <math.h>
#include <stdio.h>

/* A token's id in generation_config.json, or else in config.json. */
static enum hone_status find_start(struct folder *f, uint32_t *out, struct hone_error *err)
{
    json_t *generation;
    enum hone_status status = folder_json(f, "generation_config.json", false, &generation, err);
    if (status != HONE_OK)
        return status;
    json_t *id = json_at(generation, "decoder_start_token_id");
    id = id ? id : json_at(f->config, "decoder_start_token_id|pad_token_id");
    json_int_t n = json_integer_value(id);
    bool good = !id || (json_is_integer(id) && n >= 0 && n <= INT32_MAX);
    *out = good ? (uint32_t)n : 0;
    json_decref(generation);
    return good ? HONE_OK
                : hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'decoder_start_token_id' should be a token",
                            f->dir);
}

/* Published configurations tie the head to the token embeddings unless they say that they do not, and scale what is
 * tied. Newer ones say whether it is scaled and call it tied always; a head that is there nevertheless counts. */
static enum hone_status import_head(struct folder *f, struct hone_error *err)
{
    size_t n_embd = 1;
    char key[128];
    bool untied = json_is_false(json_at(f->config, "tie_word_embeddings"));
    json_t *says = json_at(f->config, "scale_decoder_outputs");
    bool scaled = !f->form->plain_outputs && (json_is_boolean(says) ? json_is_true(says) : !untied);
    f->own_head = safetensors_find(f->tensors, "lm_head.weight") ||
                  safetensors_find(f->tensors, "transformer.lm_head.weight");
    snprintf(key, sizeof key, "%s.embedding_length", f->arch->name);
    enum hone_status status = gguf_get_size(f->g, key, UINT32_MAX, &n_embd, err);
    float scale = scaled ? 1 / sqrtf((float)n_embd) : 1;
    return status == HONE_OK
               ? folder_set(gguf_set_f32(f->g, "hone.output_scale", scale), "hone.output_scale", err)
               : status;
}

enum hone_status import_decoder(struct folder *f, struct hone_error *err)
{
    char key[128];
    uint32_t start = 0;
    enum hone_status status = HONE_OK;
    snprintf(key, sizeof key, "%s.decoder_block_count", f->arch->name);
    if (!gguf_find(f->g, key))
        status = folder_copy_size(f, "block_count", "decoder_block_count", err);
    if (status == HONE_OK)
        status = folder_copy_size(f, "attention.key_length", "attention.value_length", err);
    snprintf(key, sizeof key, "%s.attention.relative_buckets_count", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, 32), key, err);
    if (status == HONE_OK)
        status = find_start(f, &start, err);
    snprintf(key, sizeof key, "%s.decoder_start_token_id", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_u32(f->g, key, start), key, err);
    return status == HONE_OK ? import_head(f, err) : status;
}
