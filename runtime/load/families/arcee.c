/* Families whose feed-forward layers square what is above 0 (So et al., 2021, arXiv:2109.08668), without a gate: Arcee's AFM (Arcee
 * AI, 2025), otherwise Llama; and Nemotron 3 and 4 and Minitron (NVIDIA, 2024, arXiv:2402.16819), with layer norms whose weights are 1
 * and what the folder holds, and half of each head rotated; and Jais 2 (Inception, 2025), with layer norms and biases. */
#include "runtime/load/families/causal_rows.h"

#define NAMES(q, k, norm)                                                                                    \
    CAUSAL_PLAIN_NAMES(q, k), {"output_norm", "norm", norm},                                                 \
        {"blk.%u.attn_norm", "layers.%u.input_layernorm", norm},                                             \
        {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", norm},                                     \
        {"blk.%u.ffn_up", "layers.%u.mlp.up_proj", CUT_NONE},                                                \
    {                                                                                                        \
        "blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE                                               \
    }

static const struct param_spec params_arcee[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors_arcee[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),     CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), UNGATED_ROWS,
    RMS_ROW("attn_norm", attn_norm), RMS_ROW("ffn_norm", ffn_norm),      {0}};
static const struct hf_name names_arcee[] = {NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), {0}};
static const char *const ignored[] = {NULL};
static const struct default_spec defaults_arcee[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const char *const classes_arcee[] = {"Arcee", NULL};
static const struct hf_form form_arcee = {.type = "arcee",
                                          .classes = classes_arcee,
                                          .prefix = "model.",
                                          .names = names_arcee,
                                          .defaults = defaults_arcee,
                                          .ignored = ignored};

const struct arch arch_arcee = {
    .name = "arcee",
    .forms = (const struct hf_form *const[]){&form_arcee, NULL},
    .params = params_arcee,
    .tensors = tensors_arcee,
    .activation = ACT_RELU2,
    .rope_pairs = true,
    .rms = true,
    CAUSAL_PASS,
};

static const struct param_spec params[] = {
    CAUSAL_SIZES, ROPE_PARAM, {"norm_eps", EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5}, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),         CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),   UNGATED_ROWS,
    LAYER_NORM_ROW("attn_norm", attn_norm), LAYER_NORM_ROW("ffn_norm", ffn_norm), {0},
};
static const struct hf_name names[] = {NAMES(CUT_NONE, CUT_NONE, CUT_PLUS_ONE), {0}};
static const char *const classes[] = {"Nemotron", NULL};
#define ROTATED "=partial_rotary_factor|rope_parameters.partial_rotary_factor"
static const struct key_spec keys[] = {{"kv_channels", "=head_dim"},
                                       {"rope_percent", ROTATED},
                                       {"partial_rotary_percent", ROTATED},
                                       {NULL, NULL}};
static const struct hf_form form = {.type = "nemotron",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .rotated = 0.5F,
                                    .keys = keys,
                                    .ignored = ignored};

const struct arch arch_nemotron = {
    .name = "nemotron",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_RELU2,
    CAUSAL_PASS,
};

static const struct param_spec params_jais2[] = {LAYER_NORM_PARAMS, ROPE_PARAM, {0}};
static const struct hf_name names_jais2[] = {NAMES(CUT_NONE, CUT_NONE, CUT_NONE), {0}};
static const char *const classes_jais2[] = {"Jais2", NULL};
static const struct hf_form form_jais2 = {
    .type = "jais2", .classes = classes_jais2, .prefix = "model.", .names = names_jais2, .ignored = ignored};

const struct arch arch_jais2 = {
    .name = "jais2",
    .forms = (const struct hf_form *const[]){&form_jais2, NULL},
    .params = params_jais2,
    .tensors = tensors,
    .activation = ACT_RELU2,
    CAUSAL_PASS,
};
