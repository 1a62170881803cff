/* OLMo Hybrid (Ai2, 2026): a gated delta rule in most layers, with norms before both halves, among layers of OLMo 3's attention,
 * with norms behind them and of all heads' queries and keys at once. Released checkpoints know nothing of positions. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    STATE_PARAMS("linear_conv_kernel_dim", "linear_num_value_heads", "linear_num_key_heads",
                 "linear_key_head_dim"),
    {"", "ssm.write_scale", PARAM_FLOAT, PARAM(recurrent.write_scale), 0, -1},
    {"", "ssm.norm_epsilon", PARAM_FLOAT, PARAM(recurrent.norm_eps), 0, 1e-5},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    WIDE_NORM_ROWS,
    LAYER_ROW("ssm_q", TENSOR_DENSE, DIM_STATE_KEYS, DIM_EMBD, TENSOR_NO_BIAS, recurrent.in),
    LAYER_ROW("ssm_k", TENSOR_DENSE, DIM_STATE_KEYS, DIM_EMBD, TENSOR_NO_BIAS, recurrent.in),
    LAYER_ROW("ssm_v", TENSOR_DENSE, DIM_INNER, DIM_EMBD, TENSOR_NO_BIAS, recurrent.in),
    LAYER_ROW("attn_gate", TENSOR_DENSE, DIM_INNER, DIM_EMBD, TENSOR_NO_BIAS, recurrent.in),
    DELTA_ROWS,
    BETA_ROWS,
    GATED_ROWS,
    LAYER_ROW("attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_RECURS, attn_norm),
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_RECURS, ffn_norm),
    LAYER_ROW("post_attention_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_ATTENDS,
              attn_post_norm),
    LAYER_ROW("post_ffw_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_ATTENDS,
              ffn_post_norm),
    {0},
};

/* What comes behind attention has the name of what comes before the feed-forward layer of the others. */
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    {"output_norm", "norm", CUT_NONE},
    HEAD_NORM_NAMES(CUT_NONE),
    GATED_NAMES,
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.attention_layer_norm", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.feedforward_layer_norm", CUT_NONE},
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.post_attention_norm", "layers.%u.feedforward_layer_norm", CUT_NONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_feedforward_layernorm", CUT_NONE},
    {"blk.%u.ssm_q", "layers.%u.linear_attn.q_proj", CUT_NONE},
    {"blk.%u.ssm_k", "layers.%u.linear_attn.k_proj", CUT_NONE},
    {"blk.%u.ssm_v", "layers.%u.linear_attn.v_proj", CUT_NONE},
    {"blk.%u.attn_gate", "layers.%u.linear_attn.g_proj", CUT_NONE},
    {"blk.%u.ssm_beta", "layers.%u.linear_attn.b_proj", CUT_NONE},
    {"blk.%u.ssm_alpha", "layers.%u.linear_attn.a_proj", CUT_NONE},
    {"blk.%u.ssm_conv1d", "layers.%u.linear_attn.conv1d", CUT_CONV},
    {"blk.%u.ssm_conv1d", "layers.%u.linear_attn.%c_conv1d", CUT_CONV_PARTS},
    {"blk.%u.ssm_dt.bias", "layers.%u.linear_attn.dt_bias", CUT_COLUMN},
    {"blk.%u.ssm_a", "layers.%u.linear_attn.A_log", CUT_DECAY},
    {"blk.%u.ssm_norm", "layers.%u.linear_attn.o_norm", CUT_NONE},
    {"blk.%u.ssm_out", "layers.%u.linear_attn.o_proj", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct key_spec keys[] = {
    {"layer_types", NULL},
    {"linear_value_head_dim", NULL},
    {"linear_allow_neg_eigval", "true|false"},
    {"linear_a_log_min", NULL}, /* how weights begin */
    {"linear_a_log_max", NULL},
    {"linear_dt_min", NULL},
    {"linear_dt_max", NULL},
    {"linear_dt_init_floor", NULL},
    {NULL, NULL},
};

static const char *const classes[] = {"OlmoHybrid", NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {0}}; /* of the convolution, too */
static const struct hf_form form = {.type = "olmo_hybrid",
                                    .classes = classes,
                                    .fixed = fixed,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .rotates = true,
                                    .keys = keys};

const struct arch arch_olmo_hybrid = {
    .name = "olmo-hybrid",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_DELTA,
    .attends_every = 4,
    .rotates_if_told = true,
    CAUSAL_ARCH,
};
