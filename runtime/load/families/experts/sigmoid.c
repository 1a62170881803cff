/* Families whose routers give each expert a sigmoid, and look for the best with a bias on top (DeepSeek-AI, 2024,
 * arXiv:2412.19437): GLM-4.5 (GLM-4.5 Team, 2025, arXiv:2508.06471), dots.llm1 (Huo et al., 2025, arXiv:2506.05767), EXAONE MoE
 * (LG AI Research, 2026) and MiniMax M2 (MiniMax, 2025). The first layers have no experts, and all tokens go through some. */
#include "runtime/load/families/experts/rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, EXPERT_PARAMS, SIGMOID_PARAMS, {0}};
static const struct param_spec params_window[] = {CAUSAL_PARAMS, ROPE_PARAM,     WINDOW_PARAM,
                                                  EXPERT_PARAMS, SIGMOID_PARAMS, {0}};

#define ROWS                                                                                                 \
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), RMS_ROW("attn_norm", attn_norm),        \
        GATED_ROWS, EXPERT_ROWS, SHARED_ROWS, ROUTER_BIAS_ROW(0)

/* The norm behind attention is the one before the feed-forward layer; the smaller one has no norms of heads. */
static const struct tensor_spec tensors_glm[] = {
    ROWS,
    RMS_ROW("post_attention_norm", ffn_norm),
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OPTIONAL, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OPTIONAL, k_norm),
    {0},
};
static const struct tensor_spec tensors[] = {ROWS, RMS_ROW("ffn_norm", ffn_norm), HEAD_NORM_ROWS, {0}};
static const struct tensor_spec tensors_minimax[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                     CAUSAL_QKV_ROWS(TENSOR_NO_BIAS),
                                                     RMS_ROW("attn_norm", attn_norm),
                                                     RMS_ROW("ffn_norm", ffn_norm),
                                                     WIDE_NORM_ROWS,
                                                     EXPERT_ROWS,
                                                     ROUTER_BIAS_ROW(0),
                                                     {0}};

#define NAMES        CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE), FIRST_NORM_NAMES, HEAD_NORM_NAMES(CUT_NONE)
#define ROUTED_NAMES NAMES, GATED_NAMES, EXPERT_NAMES, SHARED_NAMES("layers.%u.mlp.shared_experts.")

static const struct hf_name names_glm[] = {
    ROUTED_NAMES,
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.gate.e_score_correction_bias", CUT_NONE},
    {0},
};
static const struct hf_name names_dots[] = {
    ROUTED_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.gate.e_score_correction_bias", CUT_NONE},
    {0},
};
static const struct hf_name names_exaone[] = {
    ROUTED_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.e_score_correction_bias", CUT_NONE},
    {0},
};
static const struct hf_name names_minimax[] = {
    NAMES,
    FFN_NORM_NAME,
    SPARSE_BLOCK_NAMES,
    {"blk.%u.exp_probs_b.bias", "layers.%u.block_sparse_moe.e_score_correction_bias", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};
static const char *const ignored_mtp[] = {"mtp.", NULL};

/* How experts are chosen, which the classes do in one way only. */
#define SIGMOID_KEYS                                                                                         \
    {"scoring_func", "\"sigmoid\""}, {"topk_method", "\"noaux_tc\""},                                        \
    {                                                                                                        \
        "moe_layer_freq", "1"                                                                                \
    }

/* ---- GLM-4.5 ---- */

static const struct default_spec defaults_glm[] = {{PARAM(n_experts), 128},
                                                   {PARAM(n_experts_used), 8},
                                                   {PARAM(n_ff_expert), 1408},
                                                   {PARAM(n_shared_experts), 1},
                                                   {PARAM(n_dense_layers), 1},
                                                   {PARAM(norm_eps), 1e-5},
                                                   {0}};
static const char *const classes_glm[] = {"Glm4Moe", NULL};
static const struct key_spec keys_glm[] = {{"use_qk_norm", NULL}, /* the tensors tell */
                                           SIGMOID_KEYS,
                                           {"ep_size", NULL},
                                           {"num_nextn_predict_layers", NULL},
                                           {NULL, NULL}};
static const struct hf_form form_glm = {.type = "glm4_moe",
                                        .classes = classes_glm,
                                        .prefix = "model.",
                                        .experts_sum = "norm_topk_prob",
                                        .experts_sum_usual = true,
                                        .names = names_glm,
                                        .defaults = defaults_glm,
                                        .ignored = ignored,
                                        .rotated = 0.5F,
                                        .skips_more_layers = true,
                                        .keys = keys_glm};

/* Solar Open (Upstage, 2026): all layers have experts, and heads no norms. */
static const struct default_spec defaults_solar[] = {
    {PARAM(head_dim), 128},     {PARAM(n_experts), 128}, {PARAM(n_experts_used), 8},
    {PARAM(n_ff_expert), 1280}, {PARAM(n_ff), 1280},     {PARAM(n_shared_experts), 1},
    {PARAM(norm_eps), 1e-5},    {PARAM(rope_base), 1e6}, {0}};
static const char *const classes_solar[] = {"SolarOpen", NULL};
static const struct fixed_spec fixed_solar[] = {{"first_k_dense_replace", "0"}, {0}};
static const struct key_spec keys_solar[] = {{"use_qk_norm", "false"},
                                             SIGMOID_KEYS,
                                             {"ep_size", NULL},
                                             {"num_nextn_predict_layers", NULL},
                                             {NULL, NULL}};
static const struct hf_form form_solar = {.type = "solar_open",
                                          .classes = classes_solar,
                                          .prefix = "model.",
                                          .experts_sum = "norm_topk_prob",
                                          .experts_sum_usual = true,
                                          .names = names_glm,
                                          .defaults = defaults_solar,
                                          .ignored = ignored,
                                          .rotated = 1,
                                          .fixed = fixed_solar,
                                          .skips_more_layers = true,
                                          .keys = keys_solar};

const struct arch arch_glm4_moe = {
    .name = "glm4moe",
    .forms = (const struct hf_form *const[]){&form_glm, &form_solar, NULL},
    .params = params,
    .tensors = tensors_glm,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};

/* ---- dots.llm1 ---- */

static const struct default_spec defaults_dots[] = {{PARAM(window), 4096}, {0}};
static const char *const classes_dots[] = {"Dots1", NULL};
static const struct key_spec keys_dots[] = {
    {"scoring_func", "\"noaux_tc\"|\"sigmoid\""}, /* one way by two names */
    SIGMOID_KEYS,
    {"use_sliding_window", "false"},
    {NULL, NULL}};
static const struct hf_form form_dots = {.type = "dots1",
                                         .classes = classes_dots,
                                         .prefix = "model.",
                                         .experts_sum = "norm_topk_prob",
                                         .names = names_dots,
                                         .defaults = defaults_dots,
                                         .ignored = ignored,
                                         .keys = keys_dots,
                                         .local_from = 62};

const struct arch arch_dots1 = {
    .name = "dots1",
    .forms = (const struct hf_form *const[]){&form_dots, NULL},
    .params = params_window,
    .tensors = tensors,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};

/* ---- EXAONE MoE ---- */

static const struct default_spec defaults_exaone[] = {
    {PARAM(n_experts), 128},      {PARAM(n_experts_used), 8},  {PARAM(n_ff_expert), 1024},
    {PARAM(n_shared_experts), 1}, {PARAM(window), 4096},       {PARAM(n_dense_layers), 1},
    {PARAM(norm_eps), 1e-5},      {PARAM(experts_scale), 2.5}, {0}};
static const char *const classes_exaone[] = {"ExaoneMoe", "ExaoneMoE", NULL};
static const struct key_spec keys_exaone[] = {{"mlp_layer_types", NULL}, /* import/experts.c */
                                              {"is_moe_layer", NULL},
                                              SIGMOID_KEYS,
                                              {"num_nextn_predict_layers", NULL},
                                              {NULL, NULL}};
static const struct hf_form form_exaone = {.type = "exaone_moe",
                                           .classes = classes_exaone,
                                           .prefix = "model.",
                                           .experts_sum = "norm_topk_prob",
                                           .experts_sum_usual = true,
                                           .names = names_exaone,
                                           .defaults = defaults_exaone,
                                           .ignored = ignored_mtp,
                                           .keys = keys_exaone};

const struct arch arch_exaone_moe = {
    .name = "exaone-moe",
    .forms = (const struct hf_form *const[]){&form_exaone, NULL},
    .params = params_window,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    CAUSAL_ARCH,
};

/* ---- MiniMax M2 ---- */

static const struct param_spec params_minimax[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    EXPERT_PARAMS,
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {0}};
static const struct default_spec defaults_minimax[] = {{PARAM(n_experts), 256},
                                                       {PARAM(n_experts_used), 8},
                                                       {PARAM(head_dim), 128},
                                                       {PARAM(rope_base), 5e6},
                                                       {0}};
static const char *const classes_minimax[] = {"MiniMaxM2", NULL};
/* The hub's configurations say of parts that the class does not have that there are none, and of those that predict further
 * tokens how many. */
static const struct key_spec keys_minimax[] = {
    {"scoring_func", "\"sigmoid\""},
    {"use_routing_bias", "true"},
    {"use_qk_norm", "true"},
    {"qk_norm_type", "\"per_layer\""},
    {"shared_intermediate_size", "0"},
    {"use_mtp", NULL},
    {"num_mtp_modules", NULL},
    {"mtp_transformer_layers", NULL},
    {"rotary_dim", NULL},
    {"attn_type_list", "[1...]"},
    {"layernorm_full_attention_beta", "1.0|1"},
    {"layernorm_linear_attention_beta", "1.0|1"},
    {"layernorm_mlp_beta", "1.0|1"},
    {"mlp_intermediate_size", NULL}, /* of layers without experts */
    {"shared_moe_mode", NULL},       /* of an expert for all tokens */
    {NULL, NULL}};
static const struct hf_form form_minimax = {.type = "minimax_m2",
                                            .classes = classes_minimax,
                                            .prefix = "model.",
                                            .names = names_minimax,
                                            .defaults = defaults_minimax,
                                            .ignored = ignored_mtp,
                                            .rotated = 1,
                                            .keys = keys_minimax};

const struct arch arch_minimax_m2 = {
    .name = "minimax-m2",
    .forms = (const struct hf_form *const[]){&form_minimax, NULL},
    .params = params_minimax,
    .tensors = tensors_minimax,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
