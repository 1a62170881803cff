/* What families with recurrent layers have in common: rows of their tables. */
#ifndef RUNTIME_LOAD_FAMILIES_RECURRENT_ROWS_H
#define RUNTIME_LOAD_FAMILIES_RECURRENT_ROWS_H

#include "runtime/load/families/experts/rows.h"

/* clang-format off */
#define CONV_PARAM(hf, gguf) {hf, gguf, PARAM_SIZE, PARAM(recurrent.conv_len), 32, 4}

/* Width, heads and the rest; the width is computed from config.json (import/recurrent.c). */
#define STATE_PARAMS(conv, heads, groups, state)                                                              \
    CONV_PARAM(conv, "ssm.conv_kernel"),                                                                      \
    {"", "ssm.inner_size", PARAM_SIZE, PARAM(recurrent.n_inner), 1 << 16, 0},                                 \
    {heads, "ssm.time_step_rank", PARAM_SIZE, PARAM(recurrent.n_heads), 1 << 10, 0},                          \
    {groups, "ssm.group_count", PARAM_SIZE, PARAM(recurrent.n_groups), 1 << 10, 0},                           \
    {state, "ssm.state_size", PARAM_SIZE, PARAM(recurrent.n_state), 1 << 12, 0}

/* Of models whose layers are a scan alone: Mamba and Mamba 2. */
#define SCAN_MODEL_PARAMS(eps_keys)                                                                           \
    {"num_hidden_layers|n_layer", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                       \
    {"hidden_size|d_model", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                       \
    {"", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 1 << 20},                                  \
    {"layer_norm_epsilon", eps_keys, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5}
#define SCAN_MODEL_ROWS                                                                                       \
    TOKEN_ROW,                                                                                                \
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_NO_BIAS, AT(output)},              \
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(output_norm)},                        \
    RMS_ROW("attn_norm", attn_norm)

/* CAUSAL_PARAMS of a family whose layers do not all have heads of keys and values: import/recurrent.c writes how many, and where
 * `layers` is "" also how many layers there are. */
#define MIXED_PARAMS(layers, eps)                                                                             \
    {layers, "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                               \
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                               \
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},                  \
    {"", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},                              \
    {"head_dim", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},                           \
    {"", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},                                         \
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},                 \
    {eps, RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5}

#define MIXED_KEYS                                                                                            \
    {"num_key_value_heads", NULL}, {"intermediate_size", NULL}, {"layer_types", NULL},                        \
    {"layers_block_type", NULL}

/* Names are whole: of vectors that have no ".weight". */
#define BARE_ROW(name, rows, cols, flags, member)                                                             \
    LAYER_ROW(name, TENSOR_FLOATS, rows, cols, TENSOR_BARE | (flags), recurrent.member)

/* The scan of a state-space model. */
#define SCAN_ROWS(norm_flags)                                                                                 \
    LAYER_ROW("ssm_in", TENSOR_DENSE, DIM_RECURRENT_IN, DIM_EMBD, TENSOR_MAYBE_BIAS, recurrent.in),           \
    LAYER_ROW("ssm_conv1d", TENSOR_FLOATS, DIM_CHANNELS, DIM_CONV_LEN, 0, recurrent.conv),                    \
    BARE_ROW("ssm_conv1d.bias", DIM_CHANNELS, DIM_NONE, TENSOR_OPTIONAL, conv_bias),                          \
    BARE_ROW("ssm_dt.bias", DIM_STATE_HEADS, DIM_NONE, 0, time_bias),                                         \
    BARE_ROW("ssm_a", DIM_STATE_HEADS, DIM_ONE, 0, decay),                                                    \
    BARE_ROW("ssm_d", DIM_STATE_HEADS, DIM_ONE, 0, skip),                                                     \
    LAYER_ROW("ssm_norm", TENSOR_FLOATS, DIM_STATE_GROUPS, DIM_GROUP_WIDTH, norm_flags, recurrent.norm),      \
    LAYER_ROW("ssm_out", TENSOR_DENSE, DIM_EMBD, DIM_INNER, TENSOR_MAYBE_BIAS, recurrent.out)

#define SCAN_NAMES(at)                                                                                        \
    {"blk.%u.ssm_in", at "in_proj", CUT_NONE},                                                                \
    {"blk.%u.ssm_conv1d", at "conv1d", CUT_CONV},                                                             \
    {"blk.%u.ssm_dt.bias", at "dt_bias", CUT_NONE},                                                           \
    {"blk.%u.ssm_a", at "A_log", CUT_DECAY},                                                                  \
    {"blk.%u.ssm_d", at "D", CUT_COLUMN},                                                                     \
    {"blk.%u.ssm_norm", at "norm", CUT_GROUPS},                                                               \
    {"blk.%u.ssm_out", at "out_proj", CUT_NONE}

/* Mamba's scan of channels. Width and rank are computed from config.json (import/layers/selective.c). */
#define SELECTIVE_PARAMS(conv, state)                                                                         \
    CONV_PARAM(conv, "ssm.conv_kernel"),                                                                      \
    {"", "ssm.inner_size", PARAM_SIZE, PARAM(recurrent.n_inner), 1 << 16, 0},                                 \
    {"", "ssm.time_step_rank", PARAM_SIZE, PARAM(recurrent.time_rank), 1 << 15, 0},                           \
    {state, "ssm.state_size", PARAM_SIZE, PARAM(recurrent.n_state), 1 << 12, 0}

#define SELECTIVE_ROWS                                                                                        \
    LAYER_ROW("ssm_in", TENSOR_DENSE, DIM_RECURRENT_IN, DIM_EMBD, TENSOR_MAYBE_BIAS, recurrent.in),           \
    LAYER_ROW("ssm_conv1d", TENSOR_FLOATS, DIM_CHANNELS, DIM_CONV_LEN, 0, recurrent.conv),                    \
    BARE_ROW("ssm_conv1d.bias", DIM_CHANNELS, DIM_NONE, TENSOR_OPTIONAL, conv_bias),                          \
    LAYER_ROW("ssm_x", TENSOR_DENSE, DIM_SELECTED, DIM_INNER, TENSOR_NO_BIAS, recurrent.select),              \
    LAYER_ROW("ssm_dt", TENSOR_DENSE, DIM_INNER, DIM_TIME_RANK, 0, recurrent.times),                          \
    BARE_ROW("ssm_a", DIM_INNER, DIM_STATE, 0, decay),                                                        \
    BARE_ROW("ssm_d", DIM_INNER, DIM_NONE, 0, skip),                                                          \
    LAYER_ROW("ssm_out", TENSOR_DENSE, DIM_EMBD, DIM_INNER, TENSOR_MAYBE_BIAS, recurrent.out)

#define SELECTIVE_NAMES(at)                                                                                   \
    {"blk.%u.ssm_in", at "in_proj", CUT_NONE},                                                                \
    {"blk.%u.ssm_conv1d", at "conv1d", CUT_CONV},                                                             \
    {"blk.%u.ssm_x", at "x_proj", CUT_NONE},                                                                  \
    {"blk.%u.ssm_dt", at "dt_proj", CUT_NONE},                                                                \
    {"blk.%u.ssm_a", at "A_log", CUT_DECAY},                                                                  \
    {"blk.%u.ssm_d", at "D", CUT_COLUMN},                                                                     \
    {"blk.%u.ssm_out", at "out_proj", CUT_NONE}

/* Which of several ways to compute the same is taken. */
#define SELECTIVE_KEYS {"use_mambapy", NULL}, {"use_associative_scan", NULL}

/* A gated delta rule, but for what makes queries, keys, values and the gate; how much is written and kept. */
#define DELTA_ROWS                                                                                            \
    LAYER_ROW("ssm_conv1d", TENSOR_FLOATS, DIM_CHANNELS, DIM_CONV_LEN, 0, recurrent.conv),                    \
    BARE_ROW("ssm_dt.bias", DIM_STATE_HEADS, DIM_NONE, 0, time_bias),                                         \
    BARE_ROW("ssm_a", DIM_STATE_HEADS, DIM_NONE, 0, decay),                                                   \
    LAYER_ROW("ssm_norm", TENSOR_FLOATS, DIM_VALUE, DIM_NONE, 0, recurrent.norm),                             \
    LAYER_ROW("ssm_out", TENSOR_DENSE, DIM_EMBD, DIM_INNER, TENSOR_NO_BIAS, recurrent.out)
#define BETA_ROWS                                                                                             \
    LAYER_ROW("ssm_beta", TENSOR_DENSE, DIM_STATE_HEADS, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT,             \
              recurrent.gates),                                                                               \
    LAYER_ROW("ssm_alpha", TENSOR_DENSE, DIM_STATE_HEADS, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT,            \
              recurrent.gates)

/* The second half of a layer, as Bamba and Jamba call it. */
#define FEED_FORWARD_NAMES                                                                                    \
    {"blk.%u.ffn_norm", "layers.%u.pre_ff_layernorm", CUT_NONE},                                              \
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.gate_proj", CUT_NONE},                                        \
    {"blk.%u.ffn_up", "layers.%u.feed_forward.up_proj", CUT_NONE},                                            \
    {"blk.%u.ffn_down", "layers.%u.feed_forward.down_proj", CUT_NONE}

/* What tells nothing that tensors and other keys do not. */
#define SCAN_KEYS                                                                                             \
    {"mamba_expand", NULL}, {"mamba_d_head", NULL}, {"mamba_chunk_size", NULL}, {"mamba_conv_bias", NULL},    \
    {"mamba_proj_bias", NULL}, {"time_step_limit", NULL}, {"time_step_min", NULL}, {"time_step_max", NULL},   \
    {"time_step_floor", NULL}
/* clang-format on */

#endif
