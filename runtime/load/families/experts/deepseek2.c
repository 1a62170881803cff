/* DeepSeek V2 (DeepSeek-AI, 2024, arXiv:2405.04434) and V3 (arXiv:2412.19437), GLM-4.7-Flash (Zhipu AI, 2026) and Youtu-LLM
 * (Tencent, 2025), which has no experts: latent attention. V2's routers have a softmax, the others' a sigmoid and a bias. */
#include "runtime/load/families/experts/rows.h"
#include "runtime/load/families/latent_rows.h"

static const struct param_spec params[] = {
    LATENT_PARAMS,
    ROPE_PARAM,
    {"n_routed_experts|num_local_experts|num_experts", "expert_count", PARAM_COUNT, PARAM(n_experts), 1 << 12,
     -1},
    {"num_experts_per_tok", "expert_used_count", PARAM_COUNT, PARAM(n_experts_used), 1 << 12, -1},
    {"moe_intermediate_size", "expert_feed_forward_length", PARAM_COUNT, PARAM(n_ff_expert), 1 << 18, -1},
    SHARED_PARAMS,
    {"", "expert_gating_func", PARAM_COUNT, PARAM(routing), 3, -1},
    {"n_group", "expert_group_count", PARAM_COUNT, PARAM(n_expert_groups), 1 << 12, -1},
    {"topk_group", "expert_group_used_count", PARAM_COUNT, PARAM(n_groups_used), 1 << 12, -1},
    {"routed_scaling_factor", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),     LATENT_ROWS, GATED_ROWS, EXPERT_ROWS, SHARED_ROWS,
    ROUTER_BIAS_ROW(TENSOR_SIGMOID), {0}};

#define ROUTED_NAMES LATENT_NAMES, EXPERT_NAMES, SHARED_NAMES("layers.%u.mlp.shared_experts.")
static const struct hf_name names_v2[] = {ROUTED_NAMES, {0}};
static const struct hf_name names_v3[] = {
    ROUTED_NAMES, {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.gate.e_score_correction_bias", CUT_NONE}, {0}};
static const struct hf_name names_youtu[] = {LATENT_NAMES, {0}};
static const char *const ignored[] = {NULL};

/* clang-format off */
/* What configurations on the hub say of training, and of routers what their class has in one form only. */
#define HUB_KEYS                                                                                              \
    LATENT_KEYS, {"aux_loss_alpha", NULL}, {"seq_aux", NULL}, {"ep_size", NULL}, {"moe_layer_freq", "1"},     \
    {"num_nextn_predict_layers", NULL}, {"num_mtp_layers", NULL}, {"rope_interleave", "true"}
/* clang-format on */
static const struct key_spec keys_v2[] = {HUB_KEYS,
                                          {"scoring_func", "\"softmax\""},
                                          {"topk_method", "\"greedy\"|\"group_limited_greedy\""},
                                          {"norm_topk_prob", "false"},
                                          {NULL, NULL}};
static const struct key_spec keys_v3[] = {
    HUB_KEYS, {"scoring_func", "\"sigmoid\""}, {"topk_method", "\"noaux_tc\""}, {NULL, NULL}};
static const struct key_spec keys_glm[] = {HUB_KEYS,
                                           {"scoring_func", "\"sigmoid\""},
                                           {"topk_method", "\"noaux_tc\""},
                                           {"mlp_layer_types", NULL}, /* import/experts.c */
                                           {NULL, NULL}};
static const struct key_spec keys_youtu[] = {HUB_KEYS, {"mlp_layer_types", NULL}, {NULL, NULL}};

/* Configurations name what differs from these. */
static const struct default_spec defaults_v2[] = {{PARAM(routing), ROUTE_SOFTMAX}, {0}};
static const struct default_spec defaults_v3[] = {{PARAM(routing), ROUTE_SIGMOID},
                                                  {PARAM(n_expert_groups), 8},
                                                  {PARAM(n_groups_used), 4},
                                                  {PARAM(n_dense_layers), 3},
                                                  {PARAM(n_shared_experts), 1},
                                                  {PARAM(experts_scale), 2.5},
                                                  {0}};
static const struct default_spec defaults_glm[] = {
    {PARAM(routing), ROUTE_SIGMOID}, {PARAM(n_dense_layers), 1}, {PARAM(n_shared_experts), 1},
    {PARAM(experts_scale), 1.8},     {PARAM(norm_eps), 1e-5},    {0}};

static const char *const classes_v2[] = {"DeepseekV2", NULL};
static const struct hf_form form_v2 = {.type = "deepseek_v2",
                                       .classes = classes_v2,
                                       .prefix = "model.",
                                       .names = names_v2,
                                       .defaults = defaults_v2,
                                       .ignored = ignored,
                                       .keys = keys_v2};
static const char *const classes_v3[] = {"DeepseekV3", NULL};
static const struct hf_form form_v3 = {.type = "deepseek_v3",
                                       .classes = classes_v3,
                                       .prefix = "model.",
                                       .names = names_v3,
                                       .defaults = defaults_v3,
                                       .ignored = ignored,
                                       .experts_sum = "norm_topk_prob",
                                       .experts_sum_usual = true,
                                       .skips_more_layers = true,
                                       .keys = keys_v3};
static const char *const classes_glm[] = {"Glm4MoeLite", NULL};
static const struct hf_form form_glm = {.type = "glm4_moe_lite",
                                        .classes = classes_glm,
                                        .prefix = "model.",
                                        .names = names_v3,
                                        .defaults = defaults_glm,
                                        .ignored = ignored,
                                        .experts_sum = "norm_topk_prob",
                                        .experts_sum_usual = true,
                                        .skips_more_layers = true,
                                        .keys = keys_glm};
static const char *const classes_youtu[] = {"Youtu", NULL};
static const struct hf_form form_youtu = {.type = "youtu",
                                          .classes = classes_youtu,
                                          .prefix = "model.",
                                          .names = names_youtu,
                                          .ignored = ignored,
                                          .keys = keys_youtu};

const struct arch arch_deepseek2 = {
    .name = "deepseek2",
    .forms = (const struct hf_form *const[]){&form_v2, &form_v3, &form_glm, &form_youtu, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .latent = true,
    .rope_pairs = true,
    .experts_any_sum = true,
    CAUSAL_ARCH,
};
