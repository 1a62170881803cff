/* LFM2 (Liquid AI, 2025): gated short convolutions among layers of attention, with norms of queries and keys; the larger one
 * has experts behind its first layers. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {MIXED_PARAMS("num_hidden_layers", "norm_eps"),
                                           CONV_PARAM("conv_L_cache", "shortconv.l_cache"),
                                           ROPE_PARAM,
                                           {0}};
static const struct param_spec params_moe[] = {
    MIXED_PARAMS("num_hidden_layers", "norm_eps"),
    CONV_PARAM("conv_L_cache", "shortconv.l_cache"),
    ROPE_PARAM,
    EXPERT_PARAMS,
    {"num_dense_layers", "leading_dense_block_count", PARAM_COUNT, PARAM(n_dense_layers), 1024, -1},
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {"routed_scaling_factor", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1},
    {0}};

/* The last norm's name is what files have, who made them by mistake. */
#define ROWS                                                                                                 \
    {"rope_freqs", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_freqs)}, TOKEN_ROW,          \
        {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_NO_BIAS, AT(output)},         \
        {"token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(output_norm)},               \
        CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), HEAD_NORM_ROWS,                                                  \
        LAYER_ROW("shortconv.in_proj", TENSOR_DENSE, DIM_RECURRENT_IN, DIM_EMBD, TENSOR_MAYBE_BIAS,          \
                  recurrent.in),                                                                             \
        LAYER_ROW("shortconv.conv", TENSOR_FLOATS, DIM_CHANNELS, DIM_CONV_LEN, 0, recurrent.conv),           \
        BARE_ROW("shortconv.conv.bias", DIM_CHANNELS, DIM_NONE, TENSOR_OPTIONAL, conv_bias),                 \
        LAYER_ROW("shortconv.out_proj", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_MAYBE_BIAS, recurrent.out), \
        GATED_ROWS, RMS_ROW("attn_norm", attn_norm), RMS_ROW("ffn_norm", ffn_norm)
static const struct tensor_spec tensors[] = {ROWS, {0}};
static const struct tensor_spec tensors_moe[] = {ROWS, EXPERT_ROWS, ROUTER_BIAS_ROW(TENSOR_OPTIONAL), {0}};

#define NAMES                                                                                                \
    {"token_embd", "embed_tokens", CUT_NONE}, {"output", "lm_head", CUT_NONE},                               \
        {"token_embd_norm", "embedding_norm", CUT_NONE},                                                     \
        {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_NONE},                                           \
        {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", CUT_NONE},                                           \
        {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},                                           \
        {"blk.%u.attn_output", "layers.%u.self_attn.out_proj", CUT_NONE},                                    \
        {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_layernorm", CUT_NONE},                                 \
        {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_layernorm", CUT_NONE},                                 \
        {"blk.%u.shortconv.in_proj", "layers.%u.conv.in_proj", CUT_NONE},                                    \
        {"blk.%u.shortconv.conv", "layers.%u.conv.conv", CUT_CONV},                                          \
        {"blk.%u.shortconv.out_proj", "layers.%u.conv.out_proj", CUT_NONE},                                  \
        {"blk.%u.attn_norm", "layers.%u.operator_norm", CUT_NONE},                                           \
    {                                                                                                        \
        "blk.%u.ffn_norm", "layers.%u.ffn_norm", CUT_NONE                                                    \
    }
static const struct hf_name names[] = {
    NAMES,
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.w1", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.w3", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.w2", CUT_NONE},
    {0},
};
static const struct hf_name names_moe[] = {
    NAMES,
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.w1", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.w3", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.w2", CUT_NONE},
    {"blk.%u.ffn_gate_inp", "layers.%u.feed_forward.gate", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.feed_forward.experts.%u.w1", CUT_EXPERTS},
    {"blk.%u.ffn_up_exps", "layers.%u.feed_forward.experts.%u.w3", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.feed_forward.experts.%u.w2", CUT_EXPERTS},
    {"blk.%u.exp_probs_b.bias", "layers.%u.feed_forward.expert_bias", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {
    {PARAM(rope_base), 1000000}, {PARAM(recurrent.conv_len), 3}, {0}};

static const struct key_spec keys[] = {
    MIXED_KEYS,
    {"full_attn_idxs", NULL},
    {"block_ff_dim", NULL},
    {"block_auto_adjust_ff_dim", NULL},
    {"block_ffn_dim_multiplier", NULL},
    {"block_multiple_of", NULL},
    {"conv_bias", NULL}, /* the tensors tell */
    {"tie_embedding", NULL},
    {"block_dim", "=hidden_size"},
    {"conv_dim", "=hidden_size"},
    {"conv_dim_out", "=hidden_size"},
    {"block_norm_eps", "=norm_eps"},
    {"num_heads", "=num_attention_heads"},
    {"theta", "=rope_theta|rope_parameters.rope_theta"},
    {"block_use_swiglu", "true"},
    {"use_pos_enc", "true"},
    {"block_mlp_init_scale", NULL}, /* how weights begin */
    {"block_out_init_scale", NULL},
    {"block_use_xavier_init", NULL},
    {"conv_use_xavier_init", NULL},
    {NULL, NULL},
};

static const char *const form_classes[] = {"Lfm2", NULL};
/* Their classes read no name of an activation. */
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""},
                                          {"hidden_activation", "\"silu\""},
                                          {"activation_function", "\"silu\""},
                                          {"activation", "\"silu\""},
                                          {0}};
static const struct hf_form form = {.classes = form_classes,
                                    .fixed = fixed,
                                    .type = "lfm2",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys};

/* With a model that sees images, which is left out. */
static const char *const ignored_images[] = {"model.vision_tower.", "model.multi_modal_projector.",
                                             "vision_tower.", "multi_modal_projector.", NULL};
static const char *const form_images_classes[] = {"Lfm2Vl", NULL};
static const struct hf_form form_images = {.classes = form_images_classes,
                                           .fixed = fixed,
                                           .type = "lfm2_vl",
                                           .part = "text_config",
                                           .part_type = "lfm2",
                                           .prefix =
                                               "model.language_model.|language_model.model.|language_model.",
                                           .names = names,
                                           .ignored = ignored_images,
                                           .defaults = defaults,
                                           .keys = keys};

const struct arch arch_lfm2 = {
    .name = "lfm2",
    .forms = (const struct hf_form *const[]){&form, &form_images, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_CONV,
    CAUSAL_ARCH,
};

/* ---- with experts ---- */

static const struct default_spec defaults_moe[] = {{PARAM(rope_base), 1000000},
                                                   {PARAM(recurrent.conv_len), 3},
                                                   {PARAM(n_experts), 32},
                                                   {PARAM(n_experts_used), 4},
                                                   {PARAM(n_ff_expert), 1792},
                                                   {PARAM(n_dense_layers), 2},
                                                   {0}};
static const struct key_spec keys_moe[] = {MIXED_KEYS,
                                           {"full_attn_idxs", NULL},
                                           {"conv_bias", NULL}, /* the tensors tell */
                                           {"use_expert_bias", NULL},
                                           {"tie_embedding", NULL},
                                           {NULL, NULL}};
static const char *const form_moe_classes[] = {"Lfm2Moe", NULL};
static const struct hf_form form_moe = {.classes = form_moe_classes,
                                        .fixed = fixed,
                                        .type = "lfm2_moe",
                                        .prefix = "model.",
                                        .experts_sum = "norm_topk_prob",
                                        .experts_sum_usual = true,
                                        .names = names_moe,
                                        .ignored = ignored,
                                        .defaults = defaults_moe,
                                        .keys = keys_moe};

const struct arch arch_lfm2_moe = {
    .name = "lfm2moe",
    .forms = (const struct hf_form *const[]){&form_moe, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_CONV,
    CAUSAL_ARCH,
};
