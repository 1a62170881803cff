/* BLOOM and BLOOMZ (BigScience, 2022, arXiv:2211.05100): layer norms, of the token embeddings, too, ALiBi, biases, no gate. */
#include "runtime/load/families/causal_rows.h"

/* No file of the hub's says how long texts may be; these models were trained with as many tokens. */
static const struct param_spec params[] = {
    {"n_layer|num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size|n_embed", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"n_head|num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"", "feed_forward_length", PARAM_FF, PARAM(n_ff), 1 << 18, -1},
    {"seq_length", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 2048},
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    ALIBI_PARAM("", 8),
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    EMBD_NORM_ROW,
    GPT_LAYER_ROWS,
    {0},
};
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "word_embeddings", CUT_NONE},
    {"token_embd_norm", "word_embeddings_layernorm", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "ln_f", CUT_NONE},
    {"blk.%u.attn_norm", "h.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_qkv", "h.%u.self_attention.query_key_value", CUT_QKV_GROUPS},
    {"blk.%u.attn_output", "h.%u.self_attention.dense", CUT_NONE},
    {"blk.%u.ffn_norm", "h.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_up", "h.%u.mlp.dense_h_to_4h", CUT_NONE},
    {"blk.%u.ffn_down", "h.%u.mlp.dense_4h_to_h", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};
static const struct key_spec keys[] = {{"apply_residual_connection_post_layernorm", "false"},
                                       {"slow_but_exact", NULL},        /* how products are cut up, */
                                       {"masked_softmax_fusion", NULL}, /* or joined, in training */
                                       {"bias_dropout_fusion", NULL},
                                       {"attention_softmax_in_fp32", NULL},
                                       {"skip_bias_add*", NULL},
                                       {"offset_alibi", NULL}, /* of what attention does not change by */
                                       FIXED_ACTIVATION_KEYS("\"gelu_new\""),
                                       {NULL, NULL}};
static const char *const form_classes[] = {"Bloom", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "bloom",
                                    .prefix = "transformer.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys};

const struct arch arch_bloom = {
    .name = "bloom",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    CAUSAL_PASS,
};
