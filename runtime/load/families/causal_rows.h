/* What causal families have in common: rows of their tables, and how they are computed. */
#ifndef RUNTIME_LOAD_FAMILIES_CAUSAL_ROWS_H
#define RUNTIME_LOAD_FAMILIES_CAUSAL_ROWS_H

#include "runtime/load/families/rows.h"
#include "runtime/nn/decoder/decoder.h"

/* clang-format off */
/* Other converters write what a configuration calls it, which need not be what it is. */
#define RMS_EPS_KEYS "attention.layer_norm_rms_epsilon|attention.layer_norm_epsilon"
#define EPS_KEYS     "attention.layer_norm_epsilon|attention.layer_norm_rms_epsilon"
#define CAUSAL_PARAMS                                                                                         \
    CAUSAL_SIZES,                                                                                             \
    {"rms_norm_eps", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-6}
#define LAYER_NORM_PARAMS                                                                                     \
    CAUSAL_SIZES,                                                                                             \
    {"layer_norm_eps|layer_norm_epsilon|norm_epsilon", EPS_KEYS, PARAM_FLOAT,           \
     PARAM(norm_eps), 0, 1e-5}

#define CAUSAL_SIZES CAUSAL_SIZES_OF("num_hidden_layers|n_layer", "intermediate_size|ffn_hidden_size")
#define CAUSAL_SIZES_OF(layers, ff)                                                                           \
    {layers, "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                                            \
    {"hidden_size|n_embd", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                        \
    {"num_attention_heads|n_head", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},           \
    {"num_key_value_heads", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},           \
    {"head_dim", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},                           \
    {ff, "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},                                         \
    {"max_position_embeddings|n_positions", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0}

/* Of GPT-2's kind. */
#define GPT_SIZES                                                                                             \
    {"n_layer|num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},                       \
    {"n_embd|hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},                        \
    {"n_head|num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},           \
    {"layer_norm_epsilon", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5}

/* Keys of families that have one activation, and of those whose rotary positions nothing changes, whatever is said. */
#define FIXED_ACTIVATION_KEYS(value)                                                                          \
    {"hidden_activation", value}, {"hidden_act", value}, {"activation_function", value},                      \
    {"activation", value}, {"feed_forward_proj", "null"}, {"feed_forward_type", "null"}
#define NO_ROPE_KEYS                                                                                          \
    {"rope_parameters", "null"}, {"rope_scaling", "null"}, {"partial_rotary_factor", "null"},                 \
    {"rotary_pct", "null"}

/* The same of a family whose norms are layer norms. */
#define LAYER_NORM_ROW(name, member) LAYER_ROW(name, TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS, member)
#define RMS_ROW(name, member) LAYER_ROW(name, TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, member)

/* Each half behind a layer norm of its own, and nothing gated: GPT-2's layer. UNGATED_ROWS stands below. */
#define GPT_LAYER_ROWS                                                                                        \
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), UNGATED_ROWS, LAYER_NORM_ROW("attn_norm", attn_norm),                 \
    LAYER_NORM_ROW("ffn_norm", ffn_norm)
#define GPT_NAMES                                                                                             \
    {"cls.output", "score", CUT_NONE}, {"token_embd", "wte", CUT_NONE}, {"position_embd", "wpe", CUT_NONE},   \
    {"output", "lm_head", CUT_NONE}, {"output_norm", "ln_f", CUT_NONE},                                       \
    {"blk.%u.attn_norm", "h.%u.ln_1", CUT_NONE}, {"blk.%u.ffn_norm", "h.%u.ln_2", CUT_NONE}
#define POSITION_ROW(flags)                                                                                   \
    {"position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD, flags, AT(position_embd)}

/* Of families whose halves both read a layer's input where there is none. */
#define SECOND_NORM_ROW                                                                                       \
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_MAYBE_BIAS | TENSOR_AS_FIRST, ffn_norm)

/* What is not in the layers. A head of labels sees the last token. */
#define CAUSAL_ENDS(norm_bias)                                                                                \
    TOKEN_ROW,                                                                                                \
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, AT(output)},           \
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_EMBD, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_out)},         \
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, norm_bias, AT(output_norm)},                             \
    {"rope_freqs", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_freqs)}

/* One matrix, or one for queries, keys and values each. */
#define CAUSAL_QKV_ROWS(bias)                                                                                 \
    LAYER_ROW("attn_qkv", TENSOR_DENSE, DIM_QKV_GROUPED, DIM_EMBD, TENSOR_FUSED | (bias), qkv),               \
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, bias, qkv),                                        \
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_KV, DIM_EMBD, bias, qkv),                                           \
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_KV, DIM_EMBD, bias, qkv),                                           \
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out)

/* Gated, in one matrix (the gate's rows first) or two; and not gated. */
#define GATED_ROWS                                                                                            \
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF2, DIM_EMBD, TENSOR_FUSED | TENSOR_MAYBE_BIAS, ffn_up),           \
    LAYER_ROW("ffn_gate", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),                         \
    UNGATED_ROWS
#define UNGATED_ROWS                                                                                          \
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),                           \
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down)

/* A feed-forward layer of experts. */
#define EXPERT_ROWS                                                                                           \
    LAYER_ROW("ffn_gate_inp", TENSOR_DENSE, DIM_EXPERTS, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT, router),    \
    LAYER_ROW("ffn_gate_up_exps", TENSOR_EXPERTS, DIM_FF_EXPERT2, DIM_EMBD, TENSOR_FUSED, experts_up),        \
    LAYER_ROW("ffn_gate_exps", TENSOR_EXPERTS, DIM_FF_EXPERT, DIM_EMBD, 0, experts_up),                       \
    LAYER_ROW("ffn_up_exps", TENSOR_EXPERTS, DIM_FF_EXPERT, DIM_EMBD, 0, experts_up),                         \
    LAYER_ROW("ffn_down_exps", TENSOR_EXPERTS, DIM_EMBD, DIM_FF_EXPERT, 0, experts_down)

/* What each layer knows of a token by a table of its own. */
#define PER_LAYER_ROWS                                                                                        \
    {"per_layer_token_embd", TENSOR_TABLE, DIM_PER_LAYER_ROWS, DIM_PER_LAYERS, TENSOR_PER_LAYER, AT(per_layer_embd)}, \
    {"per_layer_model_proj", TENSOR_DENSE, DIM_PER_LAYERS, DIM_EMBD, TENSOR_PER_LAYER | TENSOR_NO_BIAS, AT(per_layer_proj)}, \
    {"per_layer_proj_norm", TENSOR_NORM, DIM_PER_LAYER, DIM_NONE, TENSOR_PER_LAYER | TENSOR_NO_BIAS, AT(per_layer_proj_norm)}, \
    LAYER_ROW("inp_gate", TENSOR_DENSE, DIM_PER_LAYER, DIM_EMBD, TENSOR_PER_LAYER | TENSOR_NO_BIAS, per_layer_gate), \
    LAYER_ROW("proj", TENSOR_DENSE, DIM_EMBD, DIM_PER_LAYER, TENSOR_PER_LAYER | TENSOR_NO_BIAS, per_layer_out), \
    LAYER_ROW("post_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_PER_LAYER | TENSOR_NO_BIAS, per_layer_norm)
#define PER_LAYER_NAMES                                                                                       \
    {"per_layer_token_embd", "embed_tokens_per_layer", CUT_NONE},                                             \
    {"per_layer_model_proj", "per_layer_model_projection", CUT_NONE},                                         \
    {"per_layer_proj_norm", "per_layer_projection_norm", CUT_NONE},                                           \
    {"blk.%u.inp_gate", "layers.%u.per_layer_input_gate", CUT_NONE},                                          \
    {"blk.%u.proj", "layers.%u.per_layer_projection", CUT_NONE},                                              \
    {"blk.%u.post_norm", "layers.%u.post_per_layer_input_norm", CUT_NONE}

#define EXPERT_PARAMS                                                                                         \
    {"num_local_experts|num_experts|moe_num_experts|n_routed_experts", "expert_count", PARAM_SIZE, PARAM(n_experts), 1 << 12, 0},\
    {"num_experts_per_tok|experts_per_token|moe_k|moe_topk", "expert_used_count", PARAM_SIZE, PARAM(n_experts_used), 1 << 12, 0}, \
    {"moe_intermediate_size", "expert_feed_forward_length", PARAM_SIZE, PARAM(n_ff_expert), 1 << 18, -1}

/* Everything but further norms. */
#define CAUSAL_ROWS(bias)                                                                                     \
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(bias), GATED_ROWS, RMS_ROW("attn_norm", attn_norm),          \
        RMS_ROW("ffn_norm", ffn_norm)

/* Norms around each half, and after the halves alone. */
#define POST_ROWS                                                                                             \
    RMS_ROW("post_attention_norm", attn_post_norm), RMS_ROW("post_ffw_norm", ffn_post_norm)

/* Of all heads' queries or keys at once. */
#define WIDE_NORM_ROWS                                                                                        \
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEADS, DIM_NONE, TENSOR_NO_BIAS, q_norm),                       \
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_KV, DIM_NONE, TENSOR_NO_BIAS, k_norm)

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

/* The same of layers whose norms have other names, without a norm. */
#define CAUSAL_PLAIN_NAMES(q, k)                                                                              \
    {"cls.output", "score", CUT_NONE},                                                                        \
    {"token_embd", "embed_tokens", CUT_NONE},                                                                 \
    {"output", "lm_head", CUT_NONE},                                                                          \
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", q},                                                       \
    {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", k},                                                       \
    {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},                                                \
    {"blk.%u.attn_output", "layers.%u.self_attn.o_proj", CUT_NONE}

#define EXPERT_NAMES                                                                                          \
    {"blk.%u.ffn_gate_inp", "layers.%u.mlp.gate", CUT_NONE},                                                  \
    {"blk.%u.ffn_gate_exps", "layers.%u.mlp.experts.%u.gate_proj", CUT_EXPERTS},                              \
    {"blk.%u.ffn_up_exps", "layers.%u.mlp.experts.%u.up_proj", CUT_EXPERTS},                                  \
    {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.%u.down_proj", CUT_EXPERTS}

/* The same as Mixtral calls them. */
#define SPARSE_BLOCK_NAMES                                                                                    \
    {"blk.%u.ffn_gate_inp", "layers.%u.block_sparse_moe.gate", CUT_NONE},                                     \
    {"blk.%u.ffn_gate_exps", "layers.%u.block_sparse_moe.experts.%u.w1", CUT_EXPERTS},                        \
    {"blk.%u.ffn_up_exps", "layers.%u.block_sparse_moe.experts.%u.w3", CUT_EXPERTS},                          \
    {"blk.%u.ffn_down_exps", "layers.%u.block_sparse_moe.experts.%u.w2", CUT_EXPERTS}

#define GATED_NAMES                                                                                           \
    {"blk.%u.ffn_gate", "layers.%u.mlp.gate_proj", CUT_NONE},                                                 \
    {"blk.%u.ffn_up", "layers.%u.mlp.up_proj", CUT_NONE},                                                     \
    {"blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE}

/* The norms behind all layers and before attention; that before the feed-forward layer. */
#define FIRST_NORM_NAMES                                                                                      \
    {"output_norm", "norm", CUT_NONE}, {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE}
#define FFN_NORM_NAME {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", CUT_NONE}

#define POST_NAMES(norm)                                                                                      \
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", norm},                               \
    {"blk.%u.post_ffw_norm", "layers.%u.post_feedforward_layernorm", norm}

#define HEAD_NORM_NAMES(norm)                                                                                 \
    {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_norm", norm},                                               \
    {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_norm", norm}

/* All of layers with norms of queries and keys, and behind each half, but none before. */
#define POST_ONLY_NAMES                                                                                       \
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE), GATED_NAMES, {"output_norm", "norm", CUT_NONE},                   \
    POST_NAMES(CUT_NONE), HEAD_NORM_NAMES(CUT_NONE)

/* Gemma's layers from 3n on: norms before and after both halves, and tables of embeddings for each layer. */
#define GEMMA_NAMES                                                                                           \
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE), FIRST_NORM_NAMES, HEAD_NORM_NAMES(CUT_NONE),                      \
    POST_NAMES(CUT_NONE), {"blk.%u.ffn_norm", "layers.%u.pre_feedforward_layernorm", CUT_NONE},               \
    GATED_NAMES, PER_LAYER_NAMES

#define ROPE_PARAM                                                                                            \
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000}

/* Text models in LLaVA and what is built like it, and what is left out of those. */
#define LLAVA_PREFIX "model.language_model.|language_model.model.|language_model."
#define LLAVA_IGNORED                                                                                         \
    "vision_tower.", "model.vision_tower.", "image_newline", "model.image_newline", "multi_modal_projector.",  \
    "model.multi_modal_projector."
#define LLAVA_FORM(name, text)                                                                                \
    .type = name, .part = "text_config", .part_type = text, .prefix = LLAVA_PREFIX

#define ALIBI_PARAM(hf, usual)                                                                                \
    {hf, "attention.max_alibi_bias", PARAM_FLOAT, PARAM(alibi), 0, usual}

#define WINDOW_PARAM                                                                                          \
    {"sliding_window", "attention.sliding_window", PARAM_SIZE, PARAM(window), 1 << 28, -1}

#define CAUSAL_PASS                                                                                           \
    .pooling = POOL_LAST, .head_pooling = POOL_LAST, .causal = true, .workspace = decoder_workspace,          \
    .scratch = decoder_batch_scratch, .forward = decoder_forward
#define CAUSAL_ARCH CAUSAL_PASS, .rms = true, .gated = true
/* clang-format on */

#endif
