/* Gemma 4's text models (Google, 2026): Gemma 3's layers with norms of values, heads of another size in layers that see all
 * tokens, where keys may be values, too; tables of its own in each layer, and last layers that borrow keys and values; or
 * experts beside the feed-forward layers. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-6},
    {"rope_parameters.full_attention.rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0,
     1000000},
    {"rope_parameters.sliding_attention.rope_theta", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    WINDOW_PARAM,
    {"final_logit_softcapping", "final_logit_softcapping", PARAM_FLOAT, PARAM(logits_cap), 0, -1},
    {"num_kv_shared_layers", "attention.shared_kv_layers", PARAM_COUNT, PARAM(n_borrowing), 1024, -1},
    /* import/layers/own_heads.c writes these */
    {"", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},
    {"", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},
    {"", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, 0},
    {"", "attention.key_length_swa", PARAM_SIZE, PARAM(local_head_dim), 1 << 12, -1},
    {"", "embedding_length_per_layer_input", PARAM_COUNT, PARAM(n_per_layer), 1 << 16, -1},
    {"", "expert_count", PARAM_COUNT, PARAM(n_experts), 1 << 12, -1},
    {"", "expert_used_count", PARAM_COUNT, PARAM(n_experts_used), 1 << 12, -1},
    {"", "expert_feed_forward_length", PARAM_COUNT, PARAM(n_ff_expert), 1 << 18, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    PER_LAYER_ROWS,
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_KV, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_OWN_KV, qkv),
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_KV, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_OWN_KV | TENSOR_OPTIONAL,
              qkv),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OWN_KV, k_norm),
    RMS_ROW("attn_norm", attn_norm),
    POST_ROWS,
    RMS_ROW("ffn_norm", ffn_norm),
    LAYER_ROW("ffn_gate", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_BESIDE, ffn_up),
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_BESIDE, ffn_up),
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_NO_BIAS | TENSOR_BESIDE, ffn_down),
    LAYER_ROW("layer_output_scale", TENSOR_FLOATS, DIM_ONE, DIM_NONE, TENSOR_OPTIONAL, out_scale),
    LAYER_ROW("ffn_gate_inp.scale", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_BARE | TENSOR_ROUTED,
              router_norm),
    LAYER_ROW("ffn_down_exps.scale", TENSOR_FLOATS, DIM_EXPERTS, DIM_NONE,
              TENSOR_BARE | TENSOR_ROUTED | TENSOR_OPTIONAL, expert_scales),
    LAYER_ROW("post_ffw_norm_1", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_ROUTED,
              plain_post_norm),
    LAYER_ROW("pre_ffw_norm_2", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_ROUTED,
              experts_norm),
    LAYER_ROW("post_ffw_norm_2", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_ROUTED,
              experts_post_norm),
    EXPERT_ROWS,
    {0},
};

static const struct hf_name names[] = {
    GEMMA_NAMES,
    {"blk.%u.layer_output_scale", "layers.%u.layer_scalar", CUT_BARE},
    {"blk.%u.ffn_gate_inp", "layers.%u.router.proj", CUT_NONE},
    {"blk.%u.ffn_gate_inp.scale", "layers.%u.router.scale", CUT_NONE},
    {"blk.%u.ffn_down_exps.scale", "layers.%u.router.per_expert_scale", CUT_NONE},
    {"blk.%u.post_ffw_norm_1", "layers.%u.post_feedforward_layernorm_1", CUT_NONE},
    {"blk.%u.pre_ffw_norm_2", "layers.%u.pre_feedforward_layernorm_2", CUT_NONE},
    {"blk.%u.post_ffw_norm_2", "layers.%u.post_feedforward_layernorm_2", CUT_NONE},
    {"blk.%u.ffn_gate_up_exps", "layers.%u.experts.gate_up_proj", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.experts.down_proj", CUT_EXPERTS},
    {0},
};
/* What sees images and hears. */
static const char *const ignored[] = {"vision_tower.", "audio_tower.",           "embed_vision.",
                                      "embed_audio.",  "multi_modal_projector.", NULL};

static const struct fixed_spec fixed[] = {
    {"rope_parameters.full_attention.rope_type", "\"proportional\""},
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {"rope_parameters.sliding_attention.partial_rotary_factor", "1.0"},
    {0},
};

/* Configurations name what differs from these. */
static const struct default_spec defaults[] = {
    {PARAM(n_embd), 2304}, {PARAM(n_layers), 30},       {PARAM(n_heads), 8},
    {PARAM(window), 512},  {PARAM(max_length), 131072}, {0},
};

static const char *const classes[] = {"Gemma4Text", "Gemma4", NULL};
static const struct key_spec keys[] = {
    {"head_dim", NULL},
    {"intermediate_size", NULL},
    {"num_key_value_heads", NULL},
    {"global_head_dim", NULL},
    {"num_global_key_value_heads", NULL},
    {"per_layer_config", NULL},
    {"attention_k_eq_v", "true|false"},
    {"use_double_wide_mlp", "true|false"},
    {"hidden_size_per_layer_input", NULL},
    {"vocab_size_per_layer_input", NULL},
    {"enable_moe_block", "true|false"},
    {"num_experts", NULL},
    {"top_k_experts", NULL},
    {"moe_intermediate_size", NULL},
    {"use_bidirectional_attention", "\"vision\""}, /* tokens of images alone */
    {NULL, NULL},
};

/* clang-format off */
#define FORM                                                                                                  \
    .names = names, .defaults = defaults, .fixed = fixed, .ignored = ignored, .keys = keys, .classes = classes, .rotated = 0.25F
/* clang-format on */

static const struct hf_form text = {.type = "gemma4_text", .prefix = "model.", FORM};
/* Beside a model that sees images, which is left out. */
static const struct hf_form images = {
    .type = "gemma4", .part = "text_config", .prefix = "model.language_model.|language_model.", FORM};

const struct arch arch_gemma4 = {
    .name = "gemma4",
    .forms = (const struct hf_form *const[]){&text, &images, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .global_every = 6,
    .global_last = true,
    .scale_embd = true,
    .unscaled = true,
    .own_heads = true,
    .norms_values = true,
    CAUSAL_ARCH,
};
