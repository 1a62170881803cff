/* Falcon (Almazrouei et al., 2023, arXiv:2311.16867): layer norms, both halves of a layer read its input, one key and value for all
 * heads. Larger models have several, and a norm for each half; those of RefinedWeb alone (falcon-rw, arXiv:2306.01116) have one half
 * after the other, and ALiBi instead of rotary positions. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},
    {"ffn_hidden_size", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 2048},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    ALIBI_PARAM("", -1),
    ROPE_PARAM,
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    UNGATED_ROWS,
    LAYER_NORM_ROW("attn_norm", attn_norm),
    LAYER_ROW("attn_norm_2", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS | TENSOR_AS_FIRST,
              attn_norm_2),
    SECOND_NORM_ROW,
    {0},
};
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "word_embeddings", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "ln_f", CUT_NONE},
    {"blk.%u.attn_norm", "h.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "h.%u.ln_mlp", CUT_NONE},
    {"blk.%u.attn_norm_2", "h.%u.ln_attn", CUT_NONE},
    {"blk.%u.attn_qkv", "h.%u.self_attention.query_key_value", CUT_QKV_GROUPS},
    {"blk.%u.attn_output", "h.%u.self_attention.dense", CUT_NONE},
    {"blk.%u.ffn_norm", "h.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_up", "h.%u.mlp.dense_h_to_4h", CUT_NONE},
    {"blk.%u.ffn_down", "h.%u.mlp.dense_4h_to_h", CUT_NONE},
    {0},
};

/* How many keys and values there are, in words of which some count only beside others; and whether positions are rotated. */
static enum hone_status import(struct folder *f, struct hone_error *err)
{
    const bool grouped = json_is_true(json_at(f->config, "new_decoder_architecture"));
    const bool one = !json_is_false(json_at(f->config, "multi_query"));
    const json_t *heads = json_at(f->config, "num_attention_heads"),
                 *kv_heads = json_at(f->config, "num_kv_heads");
    const json_int_t n_heads = json_integer_value(heads);
    json_int_t n_kv = kv_heads ? json_integer_value(kv_heads) : n_heads;
    if (grouped && json_is_false(json_at(f->config, "parallel_attn")))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'parallel_attn' is false, which is not supported where "
                         "'new_decoder_architecture' is true",
                         f->dir);
    if (!grouped && one)
        n_kv = 1;
    if (n_kv < 1 || n_kv > n_heads || (!grouped && !one && n_kv != n_heads))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'num_kv_heads' is %lld, expected %s%lld",
                         f->dir, (long long)n_kv, grouped ? "1 to " : "", (long long)n_heads);
    enum hone_status status = folder_set(gguf_set_u32(f->g, "falcon.attention.head_count_kv", (uint32_t)n_kv),
                                         "falcon.attention.head_count_kv", err);
    if (status != HONE_OK || !json_is_true(json_at(f->config, "alibi")))
        return status;
    bool ok = gguf_set_f32(f->g, "falcon.attention.max_alibi_bias", 8) &&
              gguf_set_f32(f->g, "falcon.rope.freq_base", 0);
    return folder_set(ok, "falcon.attention.max_alibi_bias", err);
}

static const char *const ignored[] = {NULL};
static const struct key_spec keys[] = {{"new_decoder_architecture", "true|false"},
                                       {"multi_query", "true|false"},
                                       {"num_kv_heads", NULL},
                                       {"alibi", "true|false"},
                                       {"parallel_attn", "true|false"}, /* the tensors tell, */
                                       {"num_ln_in_parallel_attn", "1|2"},
                                       {"bias", "true|false"},
                                       {"ff_factor", NULL}, /* ffn_hidden_size counts */
                                       {"apply_residual_connection_post_layernorm", "false"},
                                       {NULL, NULL}};
static const char *const form_classes[] = {"Falcon", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "falcon",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .import = import};

const struct arch arch_falcon = {
    .name = "falcon",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU,
    .parallel_unnormed = true,
    .alibi_of_keys = true,
    CAUSAL_PASS,
};
