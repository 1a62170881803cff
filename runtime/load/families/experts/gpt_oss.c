/* gpt-oss (OpenAI, 2025, arXiv:2508.10925): experts with biases and an activation of both halves, cut to a limit; attention
 * with a sink for each head, every second layer of near tokens alone. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    WINDOW_PARAM,
    EXPERT_PARAMS,
    {"swiglu_limit", "swiglu_limit", PARAM_FLOAT, PARAM(clamp.limit), 0, 7},
    {"swiglu_alpha", "swiglu_alpha", PARAM_FLOAT, PARAM(clamp.slope), 0, 1.702},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_ROW("attn_sinks", TENSOR_FLOATS, DIM_N_HEADS, DIM_NONE, 0, sinks),
    RMS_ROW("attn_norm", attn_norm),
    RMS_ROW("post_attention_norm", ffn_norm),
    LAYER_ROW("ffn_gate_inp", TENSOR_DENSE, DIM_EXPERTS, DIM_EMBD, TENSOR_EXACT, router),
    LAYER_ROW("ffn_gate_exps", TENSOR_EXPERTS, DIM_FF_EXPERT, DIM_EMBD, TENSOR_MAYBE_BIAS, experts_up),
    LAYER_ROW("ffn_up_exps", TENSOR_EXPERTS, DIM_FF_EXPERT, DIM_EMBD, TENSOR_MAYBE_BIAS, experts_up),
    LAYER_ROW("ffn_down_exps", TENSOR_EXPERTS, DIM_EMBD, DIM_FF_EXPERT, TENSOR_MAYBE_BIAS, experts_down),
    {0},
};

static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    {"blk.%u.attn_sinks", "layers.%u.self_attn.sinks", CUT_BARE},
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_gate_inp", "layers.%u.mlp.router", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.mlp.experts.gate_up_proj", CUT_EXPERTS_EVEN},
    {"blk.%u.ffn_up_exps", "layers.%u.mlp.experts.gate_up_proj", CUT_EXPERTS_ODD},
    {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.down_proj", CUT_EXPERTS_TURNED},
    {0},
};
static const char *const ignored[] = {NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {"attention_bias", "true"}, {0}};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {PARAM(rope_base), 150000}, {0}};
static const char *const classes[] = {"GptOss", NULL};
static const struct key_spec keys[] = {{"initial_context_length", NULL},
                                       {"router_aux_loss_coef", NULL},
                                       {"output_router_logits", NULL},
                                       {NULL, NULL}};

static const struct hf_form form = {.classes = classes,
                                    .keys = keys,
                                    .type = "gpt_oss",
                                    .prefix = "model.",
                                    .names = names,
                                    .fixed = fixed,
                                    .packing = "mxfp4",
                                    .defaults = defaults,
                                    .ignored = ignored};

const struct arch arch_gpt_oss = {
    .name = "gpt-oss",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_CLAMPED,
    .global_every = 2,
    .global_last = true,
    .broken_pairs = true,
    CAUSAL_ARCH,
};
