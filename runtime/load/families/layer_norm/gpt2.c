/* GPT-2 (Radford et al., 2019): layer norms, learned positions, one matrix for queries, keys and values. Folders hold matrices
 * as [n_in, n_out]. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    {"num_hidden_layers|n_layer", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size|n_embd", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads|n_head", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"n_inner", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"n_positions|n_ctx", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    POSITION_ROW(0),
    GPT_LAYER_ROWS,
    {0},
};
static const struct hf_name names[] = {
    GPT_NAMES,
    {"blk.%u.attn_qkv", "h.%u.attn.c_attn", CUT_TRANSPOSED},
    {"blk.%u.attn_output", "h.%u.attn.c_proj", CUT_TRANSPOSED},
    {"blk.%u.ffn_up", "h.%u.mlp.c_fc", CUT_TRANSPOSED},
    {"blk.%u.ffn_down", "h.%u.mlp.c_proj", CUT_TRANSPOSED},
    {0},
};
static const char *const ignored[] = {"*.attn.bias", "*.attn.masked_bias", NULL}; /* the causal mask */
static const struct fixed_spec fixed[] = {
    {"scale_attn_by_inverse_layer_idx", "false"},
    {"scale_attn_weights", "true"},
    {"add_cross_attention", "false"},
    {0},
};

static const struct key_spec keys[] = {{"reorder_and_upcast_attn", NULL}, /* how exactly it is computed */
                                       {"n_special", "0"},                /* of the first GPT's, */
                                       {"predict_special_tokens", NULL},  /* which has a head for these */
                                       {NULL, NULL}};

static const char *const form_classes[] = {"GPT2", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "gpt2",
                                    .keys = keys,
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .fixed = fixed};

const struct arch arch_gpt2 = {
    .name = "gpt2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    CAUSAL_PASS,
};
