/* What families with latent attention (nn/layers/latent.h) have in common. */
#ifndef RUNTIME_LOAD_FAMILIES_LATENT_ROWS_H
#define RUNTIME_LOAD_FAMILIES_LATENT_ROWS_H

#include "runtime/load/families/causal_rows.h"

/* clang-format off */
/* Files give the sizes of whole heads, some under names of their own beside those of the latent. import/layers/latent.c writes
 * them. */
#define LATENT_PARAMS                                                                                         \
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                               \
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                               \
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},                  \
    {"", "attention.head_count_kv", PARAM_COUNT, PARAM(n_kv_heads), 1 << 12, -1},                             \
    {"intermediate_size", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},                        \
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},                 \
    {"kv_lora_rank", "attention.kv_lora_rank", PARAM_SIZE, PARAM(n_latent), 1 << 12, 0},                      \
    {"q_lora_rank", "attention.q_lora_rank", PARAM_COUNT, PARAM(n_query_latent), 1 << 15, -1},                \
    {"", "attention.key_length_mla|attention.key_length", PARAM_SIZE, PARAM(n_key), 1 << 12, 0},              \
    {"", "attention.value_length_mla|attention.value_length", PARAM_COUNT, PARAM(n_value), 1 << 12, -1},      \
    {"rms_norm_eps", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-6}

#define LATENT_KEYS                                                                                           \
    {"qk_nope_head_dim", NULL}, {"qk_rope_head_dim", NULL}, {"qk_head_dim", NULL}, {"v_head_dim", NULL},      \
    {"num_key_value_heads", NULL}, {"head_dim", NULL} /* of what is rotated, or another thing; nothing reads it */

#define LATENT_ROWS                                                                                           \
    LAYER_ROW("attn_q_a", TENSOR_DENSE, DIM_QUERY_LATENT, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_QUERY_LATENT, latent_in), \
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_QUERIES, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_QUERY_WHOLE, latent_in), \
    LAYER_ROW("attn_kv_a_mqa", TENSOR_DENSE, DIM_LATENT_KEY, DIM_EMBD, TENSOR_MAYBE_BIAS, latent_in),         \
    LAYER_ROW("attn_q_a_norm", TENSOR_NORM, DIM_QUERY_LATENT, DIM_NONE, TENSOR_NO_BIAS | TENSOR_QUERY_LATENT, query_latent_norm), \
    LAYER_ROW("attn_q_b", TENSOR_DENSE, DIM_QUERIES, DIM_QUERY_LATENT, TENSOR_NO_BIAS | TENSOR_QUERY_LATENT, query_up), \
    LAYER_ROW("attn_kv_a_norm", TENSOR_NORM, DIM_LATENT, DIM_NONE, TENSOR_NO_BIAS, latent_norm),              \
    LAYER_ROW("attn_k_b", TENSOR_HEADS, DIM_LATENT, DIM_KEY, TENSOR_NO_BIAS | TENSOR_OPTIONAL, key_up),       \
    LAYER_ROW("attn_v_b", TENSOR_HEADS, DIM_HEAD_VALUE, DIM_LATENT, TENSOR_NO_BIAS | TENSOR_OPTIONAL, value_up), \
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_VALUES, TENSOR_MAYBE_BIAS, attn_out),                \
    RMS_ROW("attn_norm", attn_norm), RMS_ROW("ffn_norm", ffn_norm)

#define LATENT_NAMES                                                                                          \
    {"cls.output", "score", CUT_NONE},                                                                        \
    {"token_embd", "embed_tokens", CUT_NONE},                                                                 \
    {"output", "lm_head", CUT_NONE},                                                                          \
    FIRST_NORM_NAMES,                                                                                         \
    FFN_NORM_NAME,                                                                                            \
    {"blk.%u.attn_q_a", "layers.%u.self_attn.q_a_proj", CUT_NONE},                                            \
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_NONE},                                                \
    {"blk.%u.attn_kv_a_mqa", "layers.%u.self_attn.kv_a_proj_with_mqa", CUT_NONE},                             \
    {"blk.%u.attn_q_a_norm", "layers.%u.self_attn.q_a_layernorm", CUT_NONE},                                  \
    {"blk.%u.attn_q_b", "layers.%u.self_attn.q_b_proj", CUT_NONE},                                            \
    {"blk.%u.attn_kv_a_norm", "layers.%u.self_attn.kv_a_layernorm", CUT_NONE},                                \
    {"blk.%u.attn_kv_b", "layers.%u.self_attn.kv_b_proj", CUT_NONE},                                          \
    {"blk.%u.attn_output", "layers.%u.self_attn.o_proj", CUT_NONE},                                           \
    GATED_NAMES
/* clang-format on */

#endif
