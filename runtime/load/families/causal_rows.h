/* What causal families have in common: rows of their tables, and how they are computed. */
#ifndef RUNTIME_LOAD_FAMILIES_CAUSAL_ROWS_H
#define RUNTIME_LOAD_FAMILIES_CAUSAL_ROWS_H

#include "runtime/load/families/rows.h"
#include "runtime/nn/decoder.h"

/* clang-format off */
#define CAUSAL_PARAMS                                                                                         \
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                               \
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                               \
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},                  \
    {"num_key_value_heads", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},           \
    {"head_dim", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},                           \
    {"intermediate_size", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},                        \
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},                 \
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-6}

#define RMS_ROW(name, member) LAYER_ROW(name, TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, member)

/* Everything but biases and further norms. A head of labels sees the last token. */
#define CAUSAL_ROWS(bias)                                                                                     \
    TOKEN_ROW,                                                                                                \
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_NO_BIAS, AT(output)},              \
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_out)},         \
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(output_norm)},                        \
    {"rope_freqs", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_freqs)},                      \
    RMS_ROW("attn_norm", attn_norm),                                                                          \
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, bias, qkv),                                        \
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_KV, DIM_EMBD, bias, qkv),                                           \
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_KV, DIM_EMBD, bias, qkv),                                           \
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),                 \
    RMS_ROW("ffn_norm", ffn_norm),                                                                            \
    LAYER_ROW("ffn_gate", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),                         \
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),                           \
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down)

#define HEAD_NORM_ROWS                                                                                        \
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS, q_norm),                        \
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS, k_norm)

/* q, k: what is done to the rows of queries and keys. */
#define CAUSAL_NAMES(q, k, norm) {"cls.output", "score", CUT_NONE}, CAUSAL_LAYER_NAMES(q, k, norm)
#define CAUSAL_LAYER_NAMES(q, k, norm)                                                                              \
    {"token_embd", "embed_tokens", CUT_NONE},                                                                 \
    {"output", "lm_head", CUT_NONE},                                                                          \
    {"output_norm", "norm", norm},                                                                            \
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", norm},                                                  \
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", q},                                                       \
    {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", k},                                                       \
    {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},                                                \
    {"blk.%u.attn_output", "layers.%u.self_attn.o_proj", CUT_NONE},                                           \
    {"blk.%u.ffn_gate", "layers.%u.mlp.gate_proj", CUT_NONE},                                                 \
    {"blk.%u.ffn_up", "layers.%u.mlp.up_proj", CUT_NONE},                                                     \
    {"blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE}

#define FFN_NORM_NAME {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", CUT_NONE}

#define HEAD_NORM_NAMES(norm)                                                                                 \
    {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_norm", norm},                                               \
    {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_norm", norm}

#define ROPE_PARAM                                                                                            \
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000}

#define WINDOW_PARAM                                                                                          \
    {"sliding_window", "attention.sliding_window", PARAM_SIZE, PARAM(window), 1 << 28, -1}

#define CAUSAL_ARCH                                                                                           \
    .pooling = POOL_LAST, .head_pooling = POOL_LAST, .causal = true, .rms = true, .gated = true,              \
    .workspace = decoder_workspace, .scratch = decoder_batch_scratch, .forward = decoder_forward
/* clang-format on */

#endif
