/* Persimmon (Adept, 2023): layer norms, of queries' and keys' heads, too, half of each head rotated, biases, squares of what is above 0
 * instead of a gate. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {LAYER_NORM_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    GPT_LAYER_ROWS,
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_MAYBE_BIAS | TENSOR_AS_FIRST, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_MAYBE_BIAS | TENSOR_AS_FIRST, k_norm),
    {0},
};
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "embed_tokens", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "final_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_qkv", "layers.%u.self_attn.query_key_value", CUT_QKV_GROUPS},
    {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_layernorm", CUT_NONE},
    {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_layernorm", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.self_attn.dense", CUT_NONE},
    FFN_NORM_NAME,
    {"blk.%u.ffn_up", "layers.%u.mlp.dense_h_to_4h", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.dense_4h_to_h", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};
/* Heads are as wide as the layers allow, and share nothing. */
static const struct key_spec keys[] = {{"qk_layernorm", "true|false"}, /* the tensors tell */
                                       {"head_dim", "null"},
                                       {"num_key_value_heads", "=num_attention_heads"},
                                       {NULL, NULL}};
static const char *const form_classes[] = {"Persimmon", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "persimmon",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .rotated = 0.5F};

const struct arch arch_persimmon = {
    .name = "persimmon",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_RELU2,
    CAUSAL_PASS,
};
