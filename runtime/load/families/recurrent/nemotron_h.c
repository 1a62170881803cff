/* Nemotron-H and Nemotron 3 (NVIDIA, 2025, arXiv:2504.03624, arXiv:2512.20848): each layer is Mamba 2's scan, or attention that knows
 * nothing of positions, or a feed-forward layer that squares what is above 0, which may be one of experts. */
#include "runtime/load/families/recurrent/rows.h"

#define PARAMS                                                                                               \
    MIXED_PARAMS("", "layer_norm_epsilon"),                                                                  \
        STATE_PARAMS("conv_kernel", "mamba_num_heads", "n_groups", "ssm_state_size"), ROPE_PARAM
static const struct param_spec params[] = {PARAMS, {0}};
static const struct param_spec params_moe[] = {
    PARAMS,
    {"", "expert_count", PARAM_SIZE, PARAM(n_experts), 1 << 12, 0},
    {"", "expert_used_count", PARAM_SIZE, PARAM(n_experts_used), 1 << 12, 0},
    {"", "expert_feed_forward_length", PARAM_SIZE, PARAM(n_ff_expert), 1 << 18, -1},
    {"", "expert_shared_feed_forward_length", PARAM_COUNT, PARAM(n_ff_shared), 1 << 18, -1},
    {"n_shared_experts", "expert_shared_count", PARAM_COUNT, PARAM(n_shared_experts), 1 << 10, -1},
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {"n_group", "expert_group_count", PARAM_COUNT, PARAM(n_expert_groups), 1 << 12, -1},
    {"topk_group", "expert_group_used_count", PARAM_COUNT, PARAM(n_groups_used), 1 << 12, -1},
    {"routed_scaling_factor", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1},
    {0}};

/* The one norm of a layer is before whatever it has. */
#define ROWS                                                                                                 \
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), SCAN_ROWS(0), UNGATED_ROWS,             \
        RMS_ROW("attn_norm", attn_norm), RMS_ROW("attn_norm", ffn_norm)
static const struct tensor_spec tensors[] = {ROWS, {0}};
static const struct tensor_spec tensors_moe[] = {
    ROWS,
    LAYER_ROW("ffn_gate_inp", TENSOR_DENSE, DIM_EXPERTS, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT, router),
    LAYER_ROW("ffn_up_exps", TENSOR_EXPERTS, DIM_FF_EXPERT, DIM_EMBD, 0, experts_up),
    LAYER_ROW("ffn_down_exps", TENSOR_EXPERTS, DIM_EMBD, DIM_FF_EXPERT, 0, experts_down),
    LAYER_ROW("ffn_up_shexp", TENSOR_DENSE, DIM_FF_SHARED, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_SHARED,
              shared_up),
    LAYER_ROW("ffn_down_shexp", TENSOR_DENSE, DIM_EMBD, DIM_FF_SHARED, TENSOR_MAYBE_BIAS | TENSOR_SHARED,
              shared_down),
    ROUTER_BIAS_ROW(0),
    {0},
};

#define NAMES                                                                                                \
    {"token_embd", "embeddings", CUT_NONE}, {"output", "lm_head", CUT_NONE},                                 \
        {"output_norm", "norm_f", CUT_NONE}, {"blk.%u.attn_norm", "layers.%u.norm", CUT_NONE},               \
        {"blk.%u.attn_q", "layers.%u.mixer.q_proj", CUT_NONE},                                               \
        {"blk.%u.attn_k", "layers.%u.mixer.k_proj", CUT_NONE},                                               \
        {"blk.%u.attn_v", "layers.%u.mixer.v_proj", CUT_NONE},                                               \
        {"blk.%u.attn_output", "layers.%u.mixer.o_proj", CUT_NONE}, SCAN_NAMES("layers.%u.mixer."),          \
        {"blk.%u.ffn_up", "layers.%u.mixer.up_proj", CUT_NONE},                                              \
    {                                                                                                        \
        "blk.%u.ffn_down", "layers.%u.mixer.down_proj", CUT_NONE                                             \
    }
static const struct hf_name names[] = {NAMES, {0}};
static const struct hf_name names_moe[] = {
    NAMES,
    {"blk.%u.ffn_gate_inp", "layers.%u.mixer.gate", CUT_NONE},
    {"blk.%u.ffn_up_exps", "layers.%u.mixer.experts.%u.up_proj", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.mixer.experts.%u.down_proj", CUT_EXPERTS},
    {"blk.%u.ffn_up_shexp", "layers.%u.mixer.shared_experts.up_proj", CUT_NONE},
    {"blk.%u.ffn_down_shexp", "layers.%u.mixer.shared_experts.down_proj", CUT_NONE},
    {"blk.%u.exp_probs_b.bias", "layers.%u.mixer.gate.e_score_correction_bias", CUT_NONE},
    {0},
};
/* What guesses further tokens. */
static const char *const ignored[] = {"mtp.", NULL};

static const struct default_spec defaults[] = {{PARAM(n_heads), 32},
                                               {PARAM(head_dim), 128},
                                               {PARAM(max_length), 4096},
                                               {PARAM(norm_eps), 1e-5},
                                               {PARAM(recurrent.n_heads), 128},
                                               {PARAM(recurrent.n_groups), 8},
                                               {PARAM(recurrent.n_state), 128},
                                               {0}};

/* Its classes read activations by names of their own. */
static const struct fixed_spec fixed[] = {{"mlp_hidden_act", "\"relu2\""},
                                          {"mamba_hidden_act", "\"silu\""},
                                          {"hidden_act", "\"relu2\""},
                                          {"hidden_activation", "\"relu2\""},
                                          {"activation_function", "\"relu2\""},
                                          {"activation", "\"relu2\""},
                                          {0}};

static const struct key_spec keys[] = {
    SCAN_KEYS,
    {"num_hidden_layers", NULL}, /* the list of them counts */
    {"layers_block_type", NULL},
    {"layer_types", NULL},
    {"hybrid_override_pattern", NULL},
    {"mtp_layers_block_type", NULL},
    {"mtp_hybrid_override_pattern", NULL},
    {"num_nextn_predict_layers", NULL},
    {"num_key_value_heads", NULL},
    {"intermediate_size", NULL},
    {"attention_head_dim", NULL},
    {"n_routed_experts", NULL},
    {"n_shared_experts", NULL},
    {"num_experts_per_tok", NULL},
    {"moe_intermediate_size", NULL},
    {"moe_shared_expert_intermediate_size", NULL},
    {"moe_shared_expert_overlap", NULL}, /* of products in time */
    {"moe_latent_size", "null"},
    {"routed_scaling_factor", NULL},
    {"norm_topk_prob", "true|false"},
    {"n_group", NULL},
    {"topk_group", NULL},
    {"router_aux_loss_coef", NULL},
    {"output_router_logits", NULL},
    {"sliding_window", NULL}, /* nothing reads it */
    {"mamba_num_heads", NULL},
    {"mamba_head_dim", NULL},
    {"mamba_ssm_cache_dtype", NULL}, /* of the state, which is float32 here */
    {"ssm_state_size", NULL},
    {"conv_kernel", NULL},
    {"expand", NULL},
    {"chunk_size", NULL},
    {"use_conv_bias", NULL},
    {"use_mamba_kernels", NULL},
    {"num_logits_to_keep", NULL},
    {"residual_in_fp32", NULL},
    {"rescale_prenorm_residual", NULL}, /* how weights begin */
    {"time_step_rank", NULL},
    {"norm_eps", "=layer_norm_epsilon"},
    {"rms_norm_eps", "=layer_norm_epsilon"},
    {"num_query_groups", "=num_key_value_heads"},
    {NULL, NULL},
};

static const char *const classes[] = {"NemotronH", NULL};
#define FORM                                                                                                 \
    .type = "nemotron_h", .classes = classes, .prefix = "backbone.|model.", .fixed = fixed,                  \
    .ignored = ignored, .defaults = defaults, .keys = keys
static const struct hf_form form = {FORM, .names = names};
static const struct hf_form form_moe = {
    FORM, .names = names_moe, .option = "layers_block_type~moe|layer_types~moe|hybrid_override_pattern~E",
    .experts_sum = "norm_topk_prob", .experts_sum_usual = true};

#define FAMILY                                                                                               \
    .activation = ACT_RELU2, .recurrent = RECURRENT_SSM, .halves = true, .unrotated_every = 1, .rms = true,  \
    CAUSAL_PASS

const struct arch arch_nemotron_h = {
    .name = "nemotron_h",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    FAMILY,
};

const struct arch arch_nemotron_h_moe = {
    .name = "nemotron_h_moe",
    .forms = (const struct hf_form *const[]){&form_moe, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    FAMILY,
};
