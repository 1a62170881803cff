/* Ling and Ring (Inclusion AI, 2025, arXiv:2503.05139): Llama's layers with experts and some for all tokens, of version 1 chosen by a
 * softmax, of version 2 by sigmoids in groups, with norms of heads of which a half is rotated. Sarvam (2026) is version 2 with whole
 * heads rotated. */
#include "runtime/load/families/experts/rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, EXPERT_PARAMS, SIGMOID_PARAMS, {0}};
static const struct param_spec params_1[] = {CAUSAL_PARAMS, ROPE_PARAM, EXPERT_PARAMS, SHARED_PARAMS, {0}};

#define ROWS                                                                                                 \
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), RMS_ROW("attn_norm", attn_norm),        \
        RMS_ROW("ffn_norm", ffn_norm), GATED_ROWS, EXPERT_ROWS, SHARED_ROWS
static const struct tensor_spec tensors_1[] = {ROWS, {0}};
static const struct tensor_spec tensors[] = {
    ROWS,
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OPTIONAL, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OPTIONAL, k_norm),
    ROUTER_BIAS_ROW(TENSOR_OPTIONAL),
    {0},
};

#define NAMES(cut)                                                                                           \
    {"cls.output", "score", CUT_NONE}, {"token_embd", "word_embeddings", CUT_NONE},                          \
        {"output", "lm_head", CUT_NONE}, {"blk.%u.attn_qkv", "layers.%u.attention.query_key_value", cut},    \
        {"blk.%u.attn_output", "layers.%u.attention.dense", CUT_NONE}, FIRST_NORM_NAMES, FFN_NORM_NAME,      \
        GATED_NAMES, EXPERT_NAMES, SHARED_NAMES("layers.%u.mlp.shared_experts.")
static const struct hf_name names_1[] = {NAMES(CUT_QKV_PAIRS), {0}};
static const struct hf_name names[] = {
    NAMES(CUT_NONE),
    {"blk.%u.attn_q_norm", "layers.%u.attention.query_layernorm", CUT_NONE},
    {"blk.%u.attn_k_norm", "layers.%u.attention.key_layernorm", CUT_NONE},
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.gate.expert_bias", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

/* What the hub's configurations say of training, and of parts that the code has in one form only. */
#define HUB_KEYS                                                                                             \
    {"use_qkv_bias", NULL}, {"use_rmsnorm", "true"}, {"norm_head", "false"}, {"norm_softmax", "false"},      \
        {"output_dropout", NULL}, {"using_split_qkv_in_self_attention", "false"}, {"ep_size", NULL},         \
        {"multi_gate", "false"}, {"use_sliding_window", "false"}, {"sliding_window", NULL},                  \
        {"max_window_layers", NULL}, {"num_nextn_predict_layers", NULL}, {"num_mtp_layers", NULL},           \
        {"mtp_loss_scaling_factor", NULL}, {"router_dtype", NULL},                                           \
    {                                                                                                        \
        "moe_router_topk_scaling_factor", "=routed_scaling_factor"                                           \
    }
static const struct key_spec keys_1[] = {HUB_KEYS, {"score_function", "\"softmax\""}, {NULL, NULL}};
static const struct key_spec keys[] = {HUB_KEYS,
                                       {"score_function", "\"sigmoid\""},
                                       {"moe_router_enable_expert_bias", NULL}, /* the tensors tell, */
                                       {"use_qk_norm", NULL},                   /* of both */
                                       {"moe_shared_expert_intermediate_size", "=moe_intermediate_size"},
                                       {"rotary_dim", NULL},
                                       {"scoring_func", "\"sigmoid\""},
                                       {"topk_method", "\"noaux_tc\""},
                                       {NULL, NULL}};

static const char *const classes_1[] = {"=BailingMoeForCausalLM", "=BailingMoeModel", NULL};
static const struct hf_form form_1 = {.type = "bailing_moe",
                                      .classes = classes_1,
                                      .prefix = "model.",
                                      .experts_sum = "norm_topk_prob",
                                      .experts_sum_usual = true,
                                      .names = names_1,
                                      .ignored = ignored,
                                      .keys = keys_1};
#define FORM_2                                                                                               \
    .prefix = "model.", .experts_sum = "norm_topk_prob", .experts_sum_usual = true, .names = names,          \
    .ignored = ignored, .skips_more_layers = true, .keys = keys
static const char *const classes_2[] = {"BailingMoeV2", NULL};
static const struct hf_form form_2 = {FORM_2, .type = "bailing_moe", .classes = classes_2,
                                      .class_start = "BailingMoeV2", .rotated = 0.5F};
static const struct hf_form form_2_later = {FORM_2, .type = "bailing_moe_v2", .classes = classes_2,
                                            .rotated = 0.5F};

static const struct default_spec defaults_sarvam[] = {
    {PARAM(n_kv_heads), 4},     {PARAM(head_dim), 64},
    {PARAM(n_experts), 128},    {PARAM(n_experts_used), 6},
    {PARAM(n_ff_expert), 1024}, {PARAM(n_shared_experts), 1},
    {PARAM(n_dense_layers), 1}, {PARAM(experts_scale), 2.5},
    {PARAM(rope_base), 8e6},    {0}};
static const char *const classes_sarvam[] = {"SarvamMoE", "Glm4Moe", NULL};
static const struct hf_form form_sarvam = {FORM_2, .type = "sarvam_moe", .classes = classes_sarvam,
                                           .defaults = defaults_sarvam, .rotated = 1};

const struct arch arch_bailingmoe = {
    .name = "bailingmoe",
    .forms = (const struct hf_form *const[]){&form_1, NULL},
    .params = params_1,
    .tensors = tensors_1,
    .activation = ACT_SILU,
    .rope_pairs = true,
    CAUSAL_ARCH,
};

const struct arch arch_bailingmoe2 = {
    .name = "bailingmoe2",
    .forms = (const struct hf_form *const[]){&form_2, &form_2_later, &form_sarvam, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
