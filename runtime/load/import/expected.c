/* Keys that nothing here reads, since tensors or the family tell the same, and without which llama.cpp opens no file of the
 * family. */
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <string.h>

static bool is_family(const struct folder *f, const char *names)
{
    char name[72];
    snprintf(name, sizeof name, " %.64s ", f->arch->name);
    return strstr(names, name) != NULL;
}

static const char *key_of(const struct folder *f, const char *suffix, char key[128])
{
    snprintf(key, 128, "%s.%s", f->arch->name, suffix);
    return key;
}

/* What a family's own import has written stays. */
static enum hone_status add_size(struct folder *f, const char *suffix, uint64_t n, struct hone_error *err)
{
    char key[128];
    key_of(f, suffix, key);
    return gguf_find(f->g, key) ? HONE_OK : folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

/* Whether the weights of a token's experts are made to sum to one, which hone knows of a family where a file does not say. */
static enum hone_status add_sum(struct folder *f, struct hone_error *err)
{
    char key[128];
    return gguf_find(f->g, key_of(f, "expert_weights_norm", key))
               ? HONE_OK
               : folder_set(gguf_set_bool(f->g, key, !f->arch->experts_any_sum), key, err);
}

/* The width of the experts, of whichever layer has some; DeepSeek's family asks for one even where no layer has. */
static enum hone_status add_expert_sizes(struct folder *f, struct hone_error *err)
{
    char name[64], key[128];
    size_t n_layers = 0, n_ff = 0;
    enum hone_status status = gguf_get_size(f->g, key_of(f, "block_count", key), SIZE_MAX, &n_layers, err);
    for (size_t i = 0; i < n_layers && status == HONE_OK; i++) {
        snprintf(name, sizeof name, "blk.%zu.ffn_down_exps.weight", i);
        const struct gguf_tensor *t = gguf_find_tensor(f->g, name);
        if (!t)
            continue;
        status = add_size(f, "expert_feed_forward_length", t->dims[0], err);
        return status == HONE_OK ? add_sum(f, err) : status;
    }
    if (status != HONE_OK || !is_family(f, " deepseek2 "))
        return status;
    status = gguf_get_size(f->g, key_of(f, "feed_forward_length", key), UINT32_MAX, &n_ff, err);
    if (status == HONE_OK)
        status = add_size(f, "expert_feed_forward_length", n_ff, err);
    if (status == HONE_OK)
        status = add_size(f, "expert_shared_count", 0, err);
    return status == HONE_OK ? add_size(f, "leading_dense_block_count", n_layers, err) : status;
}

/* How many of a head's pairs turn with time, height, width and a fourth thing; a text's positions are the same in all. */
static enum hone_status add_sections(struct folder *f, struct hone_error *err)
{
    enum { N = 4 };
    char key[128];
    size_t n_rot = 0;
    const json_t *list = json_at(f->config, "rope_parameters.mrope_section|rope_scaling.mrope_section");
    int32_t sections[N] = {0};
    enum hone_status status =
        gguf_get_size(f->g, key_of(f, "rope.dimension_count", key), INT32_MAX, &n_rot, err);
    if (status == HONE_OK && n_rot == 0)
        status = gguf_get_size(f->g, key_of(f, "attention.key_length", key), INT32_MAX, &n_rot, err);
    sections[0] = (int32_t)(n_rot / 2);
    for (size_t i = 0; i < json_array_size(list) && i < N; i++) {
        json_int_t n = json_integer_value(json_array_get(list, i));
        sections[i] = n > 0 && n < INT32_MAX ? (int32_t)n : 0;
    }
    key_of(f, "rope.dimension_sections", key);
    return status == HONE_OK && !gguf_find(f->g, key)
               ? folder_set(gguf_set_array(f->g, key, GGUF_I32, sections, N), key, err)
               : status;
}

/* The sizes of the dense layers behind an encoder, of which llama.cpp has two. */
static enum hone_status add_dense_sizes(struct folder *f, struct hone_error *err)
{
    char name[64], suffix[64];
    enum hone_status status = HONE_OK;
    for (int i = 2; i < 4 && status == HONE_OK; i++) {
        snprintf(name, sizeof name, "dense_%d.weight", i);
        const struct gguf_tensor *t = gguf_find_tensor(f->g, name);
        for (int k = 0; k < 2 && t && status == HONE_OK; k++) {
            snprintf(suffix, sizeof suffix, "dense_%d_feat_%s", i, k == 0 ? "in" : "out");
            status = add_size(f, suffix, t->dims[k], err);
        }
    }
    return status;
}

static enum hone_status add_token_types(struct folder *f, struct hone_error *err)
{
    const char *const key = "tokenizer.ggml.token_type_count";
    const struct gguf_tensor *types = gguf_find_tensor(f->g, "token_types.weight");
    return gguf_find(f->g, key)
               ? HONE_OK
               : folder_set(gguf_set_u32(f->g, key, types ? (uint32_t)types->dims[1] : 1), key, err);
}

static enum hone_status add_epsilon(struct folder *f, struct hone_error *err)
{
    char key[128];
    float x = 0;
    enum hone_status status =
        gguf_get_float(f->g, key_of(f, "attention.layer_norm_rms_epsilon", key), &x, err);
    key_of(f, "attention.layer_norm_epsilon", key);
    return status == HONE_OK ? folder_set(gguf_set_f32(f->g, key, x), key, err) : status;
}

/* What all tokens go through beside the experts, in the first layer that has it. */
static enum hone_status add_shared_size(struct folder *f, struct hone_error *err)
{
    char name[64], key[128];
    size_t n_layers = 0;
    enum hone_status status = gguf_get_size(f->g, key_of(f, "block_count", key), SIZE_MAX, &n_layers, err);
    for (size_t i = 0; i < n_layers && status == HONE_OK; i++) {
        snprintf(name, sizeof name, "blk.%zu.ffn_down_shexp.weight", i);
        const struct gguf_tensor *t = gguf_find_tensor(f->g, name);
        if (t)
            return add_size(f, "expert_shared_feed_forward_length", t->dims[0], err);
    }
    return status;
}

enum hone_status import_expected(struct folder *f, struct hone_error *err)
{
    char key[128];
    enum hone_status status = add_expert_sizes(f, err);
    if (status == HONE_OK && is_family(f, " qwen2vl qwen3vl qwen3vlmoe qwen35 qwen35moe "))
        status = add_sections(f, err);
    if (status == HONE_OK && is_family(f, " gemma-embedding "))
        status = add_dense_sizes(f, err);
    if (status == HONE_OK && is_family(f, " bert "))
        status = add_token_types(f, err);
    if (status == HONE_OK && is_family(f, " nemotron_h nemotron_h_moe "))
        status = add_epsilon(f, err);
    if (status == HONE_OK && is_family(f, " ernie4_5-moe "))
        status = add_size(f, "interleave_moe_layer_step", 1, err);
    if (status == HONE_OK && is_family(f, " ernie4_5-moe "))
        status = add_shared_size(f, err);
    if (status == HONE_OK && is_family(f, " gptneox ") &&
        !gguf_find(f->g, key_of(f, "use_parallel_residual", key)))
        status = folder_set(gguf_set_bool(f->g, key, f->arch->parallel), key, err);
    return status;
}
