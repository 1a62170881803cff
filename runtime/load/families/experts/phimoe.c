/* Phi-3.5-MoE (Abdin et al., 2024, arXiv:2404.14219): layer norms, biases, and two experts a token, each weighed among those
 * near it. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    CAUSAL_SIZES,
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon|attention.layer_norm_epsilon", PARAM_FLOAT,
     PARAM(norm_eps), 0, 1e-5},
    ROPE_PARAM,
    WINDOW_PARAM,
    EXPERT_PARAMS,
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_NORM_ROW("attn_norm", attn_norm),
    LAYER_NORM_ROW("ffn_norm", ffn_norm),
    EXPERT_ROWS,
    {"rope_factors_long", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_long)},
    {"rope_factors_short", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_short)},
    {0},
};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE), FIRST_NORM_NAMES, FFN_NORM_NAME, SPARSE_BLOCK_NAMES, {0},
};
static const char *const ignored[] = {NULL};
static const struct default_spec defaults[] = {{PARAM(n_experts), 16},
                                               {PARAM(n_experts_used), 2},
                                               {PARAM(norm_eps), 1e-5},
                                               {PARAM(rope_base), 1e6},
                                               {0}};
static const struct fixed_spec fixed[] = {{"num_experts_per_tok", "2"}, {"router_jitter_noise", "0.01"}, {0}};
static const struct key_spec keys[] = {{"lm_head_bias", NULL}, /* the tensors tell */
                                       {"input_jitter_noise", NULL},
                                       {NULL, NULL}};
static const char *const classes[] = {"Phimoe", "PhiMoE", NULL};
static const struct hf_form form = {.type = "phimoe",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .fixed = fixed,
                                    .keys = keys,
                                    .ignored = ignored,
                                    .defaults = defaults};

const struct arch arch_phimoe = {
    .name = "phimoe",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .routing = ROUTE_SPARSE,
    .rope_mscale = true,
    .global_every = 1 << 30, /* with a window all layers are local */
    .global_last = true,
    .gated = true,
    CAUSAL_PASS,
};
