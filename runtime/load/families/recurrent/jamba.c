/* Jamba (AI21, 2024, arXiv:2403.19887): Mamba's scan in most layers, attention that knows nothing of positions in every eighth,
 * and experts in every second. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {
    MIXED_PARAMS("num_hidden_layers", "rms_norm_eps"),
    SELECTIVE_PARAMS("mamba_d_conv", "mamba_d_state"),
    {"", "expert_count", PARAM_COUNT, PARAM(n_experts), 1 << 12, -1},
    {"", "expert_used_count", PARAM_COUNT, PARAM(n_experts_used), 1 << 12, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_NO_BIAS),
    SELECTIVE_ROWS,
    LAYER_ROW("ssm_dt_norm", TENSOR_FLOATS, DIM_TIME_RANK, DIM_NONE, 0, recurrent.times_norm),
    LAYER_ROW("ssm_b_norm", TENSOR_FLOATS, DIM_STATE, DIM_NONE, 0, recurrent.k_norm),
    LAYER_ROW("ssm_c_norm", TENSOR_FLOATS, DIM_STATE, DIM_NONE, 0, recurrent.q_norm),
    GATED_ROWS,
    EXPERT_ROWS,
    RMS_ROW("attn_norm", attn_norm),
    RMS_ROW("ffn_norm", ffn_norm),
    {0},
};

static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    {"output_norm", "final_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    SELECTIVE_NAMES("layers.%u.mamba."),
    {"blk.%u.ssm_dt_norm", "layers.%u.mamba.dt_layernorm", CUT_NONE},
    {"blk.%u.ssm_b_norm", "layers.%u.mamba.b_layernorm", CUT_NONE},
    {"blk.%u.ssm_c_norm", "layers.%u.mamba.c_layernorm", CUT_NONE},
    FEED_FORWARD_NAMES,
    {"blk.%u.ffn_gate_inp", "layers.%u.feed_forward.router", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.feed_forward.experts.%u.gate_proj", CUT_EXPERTS},
    {"blk.%u.ffn_up_exps", "layers.%u.feed_forward.experts.%u.up_proj", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.feed_forward.experts.%u.down_proj", CUT_EXPERTS},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {
    {PARAM(norm_eps), 1e-6}, {PARAM(max_length), 262144}, {PARAM(recurrent.n_state), 16}, {0}};

static const struct key_spec keys[] = {
    SELECTIVE_KEYS,
    {"num_key_value_heads", NULL},
    {"intermediate_size", NULL},
    {"attn_layer_period", NULL},
    {"attn_layer_offset", NULL},
    {"expert_layer_period", NULL},
    {"expert_layer_offset", NULL},
    {"num_experts", NULL},
    {"num_local_experts", NULL},
    {"num_experts_per_tok", NULL},
    {"mamba_expand", NULL},
    {"mamba_dt_rank", NULL},
    {"mamba_conv_bias", NULL}, /* the tensors tell */
    {"mamba_proj_bias", NULL},
    {"mamba_inner_layernorms", "true"},
    {"use_mamba_kernels", NULL},
    {"num_logits_to_keep", NULL},
    {"calc_logits_for_entire_prompt", NULL},
    {"sliding_window", NULL}, /* nothing reads it */
    {NULL, NULL},
};

static const char *const classes[] = {"Jamba", NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {0}}; /* of the convolution, too */
static const struct hf_form form = {.type = "jamba",
                                    .classes = classes,
                                    .fixed = fixed,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .usual_kv_heads = 8,
                                    .defaults = defaults,
                                    .keys = keys};

const struct arch arch_jamba = {
    .name = "jamba",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_SELECTIVE,
    .experts_any_sum = true,
    .routed_by_tensor = true,
    CAUSAL_ARCH,
};
