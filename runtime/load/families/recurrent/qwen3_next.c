/* Qwen3-Next and Qwen3.5 (Qwen Team, 2025 and 2026): three of four layers with a gated delta rule, the fourth with attention
 * whose output has a gate and whose heads are rotated in part; Qwen3-Next with experts. */
#include "runtime/load/families/recurrent/rows.h"

#define PARAMS                                                                                               \
    CAUSAL_PARAMS, ROPE_PARAM,                                                                               \
        STATE_PARAMS("linear_conv_kernel_dim", "linear_num_value_heads", "linear_num_key_heads",             \
                     "linear_key_head_dim")

static const struct param_spec params[] = {PARAMS, {0}};
static const struct param_spec params_next[] = {
    PARAMS,
    EXPERT_PARAMS,
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length", PARAM_SIZE, PARAM(n_ff_shared),
     1 << 18, -1},
    {0},
};

/* The norm behind attention is the one before the feed-forward layer. */
#define ROWS                                                                                                 \
    CAUSAL_ENDS(TENSOR_NO_BIAS),                                                                             \
        LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS2, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),                     \
        LAYER_ROW("attn_k", TENSOR_DENSE, DIM_KV, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),                         \
        LAYER_ROW("attn_v", TENSOR_DENSE, DIM_KV, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),                         \
        LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),            \
        HEAD_NORM_ROWS,                                                                                      \
        LAYER_ROW("attn_qkv", TENSOR_DENSE, DIM_CHANNELS, DIM_EMBD, TENSOR_NO_BIAS, recurrent.in),           \
        LAYER_ROW("attn_gate", TENSOR_DENSE, DIM_INNER, DIM_EMBD, TENSOR_NO_BIAS, recurrent.in), DELTA_ROWS, \
        RMS_ROW("attn_norm", attn_norm), RMS_ROW("post_attention_norm", ffn_norm)

#define EXPERTS                                                                                              \
    EXPERT_ROWS, SHARED_ROWS,                                                                                \
        LAYER_ROW("ffn_gate_inp_shexp", TENSOR_DENSE, DIM_ONE, DIM_EMBD,                                     \
                  TENSOR_NO_BIAS | TENSOR_EXACT | TENSOR_SHARED, shared_gate)
static const struct tensor_spec tensors[] = {ROWS, BETA_ROWS, GATED_ROWS, {0}};
static const struct tensor_spec tensors_moe[] = {ROWS, BETA_ROWS, EXPERTS, {0}};
static const struct tensor_spec tensors_next[] = {
    ROWS,
    LAYER_ROW("ssm_ba", TENSOR_DENSE, DIM_STATE_HEADS2, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT,
              recurrent.gates_mix),
    EXPERTS,
    {0},
};

#define NAMES                                                                                                \
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE), {"output_norm", "norm", CUT_PLUS_ONE},                           \
        {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_PLUS_ONE},                                     \
        {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_PLUS_ONE},                  \
        HEAD_NORM_NAMES(CUT_PLUS_ONE), {"blk.%u.ssm_conv1d", "layers.%u.linear_attn.conv1d", CUT_CONV},      \
        {"blk.%u.ssm_dt.bias", "layers.%u.linear_attn.dt_bias", CUT_COLUMN},                                 \
        {"blk.%u.ssm_a", "layers.%u.linear_attn.A_log", CUT_DECAY},                                          \
    {                                                                                                        \
        "blk.%u.ssm_norm", "layers.%u.linear_attn.norm", CUT_NONE                                            \
    }

#define TILED_NAMES                                                                                          \
    NAMES, {"blk.%u.attn_qkv", "layers.%u.linear_attn.in_proj_qkv", CUT_TILED},                              \
        {"blk.%u.attn_gate", "layers.%u.linear_attn.in_proj_z", CUT_TILED},                                  \
        {"blk.%u.ssm_beta", "layers.%u.linear_attn.in_proj_b", CUT_TILED},                                   \
        {"blk.%u.ssm_alpha", "layers.%u.linear_attn.in_proj_a", CUT_TILED},                                  \
    {                                                                                                        \
        "blk.%u.ssm_out", "layers.%u.linear_attn.out_proj", CUT_TILED_COLUMNS                                \
    }
/* Experts of each a matrix, or all in two, as the hub has them. */
#define EXPERTS_NAMES                                                                                        \
    {"blk.%u.ffn_gate_up_exps", "layers.%u.mlp.experts.gate_up_proj", CUT_EXPERTS},                          \
        {"blk.%u.ffn_gate_inp", "layers.%u.mlp.gate", CUT_NONE},                                             \
        {"blk.%u.ffn_gate_exps", "layers.%u.mlp.experts.%u.gate_proj", CUT_EXPERTS},                         \
        {"blk.%u.ffn_up_exps", "layers.%u.mlp.experts.%u.up_proj", CUT_EXPERTS},                             \
        {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.down_proj", CUT_EXPERTS},                            \
        {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.%u.down_proj", CUT_EXPERTS},                         \
        {"blk.%u.ffn_gate_inp_shexp", "layers.%u.mlp.shared_expert_gate", CUT_NONE},                         \
        SHARED_NAMES("layers.%u.mlp.shared_expert.")
static const struct hf_name names[] = {TILED_NAMES, GATED_NAMES, {0}};
static const struct hf_name names_moe[] = {TILED_NAMES, EXPERTS_NAMES, {0}};
static const struct hf_name names_next[] = {
    NAMES,
    {"blk.%u.attn_qkv", "layers.%u.linear_attn.in_proj_qkvz", CUT_QKV_OF_GROUPS},
    {"blk.%u.attn_gate", "layers.%u.linear_attn.in_proj_qkvz", CUT_GATE_OF_GROUPS},
    {"blk.%u.ssm_ba", "layers.%u.linear_attn.in_proj_ba", CUT_NONE},
    {"blk.%u.ssm_out", "layers.%u.linear_attn.out_proj", CUT_NONE},
    EXPERT_NAMES,
    {"blk.%u.ffn_gate_inp_shexp", "layers.%u.mlp.shared_expert_gate", CUT_NONE},
    {"blk.%u.ffn_gate_shexp", "layers.%u.mlp.shared_expert.gate_proj", CUT_NONE},
    {"blk.%u.ffn_up_shexp", "layers.%u.mlp.shared_expert.up_proj", CUT_NONE},
    {"blk.%u.ffn_down_shexp", "layers.%u.mlp.shared_expert.down_proj", CUT_NONE},
    {0},
};
/* What sees images, and what guesses several tokens at once. */
static const char *const ignored[] = {"visual.", "mtp.", NULL};

static const struct default_spec defaults[] = {{PARAM(head_dim), 256},
                                               {PARAM(recurrent.n_heads), 32},
                                               {PARAM(recurrent.n_groups), 16},
                                               {PARAM(recurrent.n_state), 128},
                                               {0}};

/* Layers without experts among those with some. */
static const struct fixed_spec fixed[] = {{"decoder_sparse_step", "1"},
                                          {"mlp_only_layers", "[]"},
                                          {"hidden_act", "\"silu\""},
                                          {0}}; /* of the convolution, too */

static const struct key_spec keys[] = {
    {"linear_value_head_dim", NULL},   {"layer_types", NULL},
    {"full_attention_interval", NULL}, {"attn_output_gate", "true"},
    {"mamba_ssm_dtype", NULL}, /* of the state, which is float32 here */
    {"mtp_num_hidden_layers", NULL},   {"mtp_use_dedicated_embeddings", NULL},
    {"use_sliding_window", "false"},   {NULL, NULL},
};

/* What all forms of Qwen 3.5 have. */
#define FORM_3_5                                                                                             \
    .prefix = "model.language_model.|model.", .fixed = fixed, .ignored = ignored, .rotated = 0.25F,          \
    .keys = keys

static const char *const form_classes[] = {"Qwen3_5", NULL};
static const struct hf_form form_text = {FORM_3_5, .classes = form_classes, .type = "qwen3_5_text",
                                         .names = names, .defaults = defaults};
static const struct hf_form form_images = {FORM_3_5,          .classes = form_classes,
                                           .type = "qwen3_5", .part = "text_config",
                                           .names = names,    .defaults = defaults};
static const struct default_spec defaults_moe[] = {{PARAM(head_dim), 256},
                                                   {PARAM(recurrent.n_heads), 32},
                                                   {PARAM(recurrent.n_groups), 16},
                                                   {PARAM(recurrent.n_state), 128},
                                                   {PARAM(n_experts), 256},
                                                   {PARAM(n_experts_used), 8},
                                                   {PARAM(n_ff_expert), 512},
                                                   {PARAM(n_ff_shared), 512},
                                                   {PARAM(n_ff), 512},
                                                   {0}};
static const char *const form_moe_classes[] = {"Qwen3_5Moe", NULL};
static const struct hf_form form_moe_text = {FORM_3_5, .classes = form_moe_classes,
                                             .type = "qwen3_5_moe_text", .names = names_moe,
                                             .defaults = defaults_moe};
static const struct hf_form form_moe_images = {
    FORM_3_5,           .classes = form_moe_classes, .type = "qwen3_5_moe", .part = "text_config",
    .names = names_moe, .defaults = defaults_moe};
static const char *const form_next_classes[] = {"Qwen3Next", NULL};
static const struct hf_form form_next = {.classes = form_next_classes,
                                         .type = "qwen3_next",
                                         .prefix = "model.",
                                         .experts_sum = "norm_topk_prob",
                                         .experts_sum_usual = true,
                                         .names = names_next,
                                         .fixed = fixed,
                                         .ignored = ignored,
                                         .defaults = defaults,
                                         .rotated = 0.25F,
                                         .keys = keys};

#define FAMILY                                                                                               \
    .activation = ACT_SILU, .recurrent = RECURRENT_DELTA, .attends_every = 4, .gated_attention = true

const struct arch arch_qwen35 = {
    .name = "qwen35",
    .forms = (const struct hf_form *const[]){&form_text, &form_images, NULL},
    .params = params,
    .tensors = tensors,
    .tiled_heads = true,
    FAMILY,
    CAUSAL_ARCH,
};

const struct arch arch_qwen35moe = {
    .name = "qwen35moe",
    .forms = (const struct hf_form *const[]){&form_moe_text, &form_moe_images, NULL},
    .params = params_next,
    .tensors = tensors_moe,
    .tiled_heads = true,
    FAMILY,
    CAUSAL_ARCH,
};

const struct arch arch_qwen3next = {
    .name = "qwen3next",
    .forms = (const struct hf_form *const[]){&form_next, NULL},
    .params = params_next,
    .tensors = tensors_next,
    FAMILY,
    CAUSAL_ARCH,
};
