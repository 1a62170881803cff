/* GPT-NeoX and Pythia (Black et al., 2022, arXiv:2204.06745; Biderman et al., 2023, arXiv:2304.01373): layer norms, both halves
 * of a layer read its input, each with a norm of its own, or (RedPajama-INCITE) one reads what the other gave; a quarter of each head
 * is rotated. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"intermediate_size", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},
    {"layer_norm_eps", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {"rope_parameters.rope_theta|rope_theta|rotary_emb_base", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base),
     0, 10000},
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),         CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),   UNGATED_ROWS,
    LAYER_NORM_ROW("attn_norm", attn_norm), LAYER_NORM_ROW("ffn_norm", ffn_norm), {0},
};
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "embed_in", CUT_NONE},
    {"output", "embed_out", CUT_NONE},
    {"output_norm", "final_layer_norm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_qkv", "layers.%u.attention.query_key_value", CUT_QKV_GROUPS},
    {"blk.%u.attn_output", "layers.%u.attention.dense", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.mlp.dense_h_to_4h", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.dense_4h_to_h", CUT_NONE},
    {0},
};
static const char *const ignored[] = {"*.attention.bias", "*.attention.masked_bias",
                                      NULL};                                 /* the causal mask */
static const struct fixed_spec fixed[] = {{"partial_rotary_factor", "null"}, /* it is rotary_pct there */
                                          {0}};

/* Of all causal configurations; this family's heads are as wide as its width allows, and share nothing. */
static const struct key_spec keys[] = {{"rotary_pct", NULL},
                                       {"head_dim", NULL},
                                       {"num_key_value_heads", NULL},
                                       {"use_parallel_residual", "true|false"},
                                       {NULL, NULL}};

/* transformers takes frequencies of another "head_dim" for those heads. */
static enum hone_status check_heads(struct folder *f, struct hone_error *err)
{
    const json_t *size = json_at(f->config, "head_dim");
    const double width = json_number_value(json_at(f->config, "hidden_size")),
                 n = json_number_value(json_at(f->config, "num_attention_heads"));
    if (!size || json_number_value(size) * n == width)
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s/config.json: 'head_dim' should be 'hidden_size' by 'num_attention_heads'", f->dir);
}

static const char *const form_classes[] = {"GPTNeoX", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "gpt_neox",
                                    .keys = keys,
                                    .fixed = fixed,
                                    .prefix = "gpt_neox.",
                                    .names = names,
                                    .ignored = ignored,
                                    .import = check_heads,
                                    .rotated = 0.25F};

const struct arch arch_gptneox = {
    .name = "gptneox",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU,
    .parallel = true,
    .parallel_if_told = true,
    CAUSAL_PASS,
};
