/* Qwen 2 and 3 with experts (Yang et al., 2024, arXiv:2407.10671; 2025, arXiv:2505.09388). Qwen 2 has an expert that all tokens go
 * through, weighed by a gate of its own, and weights that do not sum to 1. Mellum 2 (JetBrains, 2026) is Qwen 3 with local layers, which
 * rotate by a base of their own. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params_2[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    WINDOW_PARAM,
    EXPERT_PARAMS,
    {"shared_expert_intermediate_size", "expert_shared_feed_forward_length", PARAM_SIZE, PARAM(n_ff_shared),
     1 << 18, -1},
    {0},
};
static const struct param_spec params_3[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, EXPERT_PARAMS, {0}};

#define ROWS                                                                                                 \
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), RMS_ROW("attn_norm", attn_norm),        \
        RMS_ROW("ffn_norm", ffn_norm), EXPERT_ROWS

static const struct tensor_spec tensors_2[] = {
    ROWS,
    LAYER_ROW("ffn_gate_inp_shexp", TENSOR_DENSE, DIM_ONE, DIM_EMBD,
              TENSOR_NO_BIAS | TENSOR_EXACT | TENSOR_SHARED, shared_gate),
    LAYER_ROW("ffn_gate_shexp", TENSOR_DENSE, DIM_FF_SHARED, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_SHARED,
              shared_up),
    LAYER_ROW("ffn_up_shexp", TENSOR_DENSE, DIM_FF_SHARED, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_SHARED,
              shared_up),
    LAYER_ROW("ffn_down_shexp", TENSOR_DENSE, DIM_EMBD, DIM_FF_SHARED, TENSOR_NO_BIAS | TENSOR_SHARED,
              shared_down),
    {0},
};
static const struct tensor_spec tensors_3[] = {ROWS, HEAD_NORM_ROWS, {0}};

#define NAMES CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE), FIRST_NORM_NAMES, FFN_NORM_NAME, EXPERT_NAMES

static const struct hf_name names_2[] = {
    NAMES,
    {"blk.%u.ffn_gate_inp_shexp", "layers.%u.mlp.shared_expert_gate", CUT_NONE},
    {"blk.%u.ffn_gate_shexp", "layers.%u.mlp.shared_expert.gate_proj", CUT_NONE},
    {"blk.%u.ffn_up_shexp", "layers.%u.mlp.shared_expert.up_proj", CUT_NONE},
    {"blk.%u.ffn_down_shexp", "layers.%u.mlp.shared_expert.down_proj", CUT_NONE},
    {0},
};
static const struct hf_name names_3[] = {NAMES, HEAD_NORM_NAMES(CUT_NONE), {0}};
static const char *const ignored[] = {NULL};

/* Layers without experts among those with some. */
static const struct fixed_spec fixed[] = {{"decoder_sparse_step", "1"}, {"mlp_only_layers", "[]"}, {0}};

static const char *const form_2_classes[] = {"Qwen2Moe", NULL};
static const struct hf_form form_2 = {.classes = form_2_classes,
                                      .type = "qwen2_moe",
                                      .prefix = "model.",
                                      .experts_sum = "norm_topk_prob",
                                      .names = names_2,
                                      .window_if = "use_sliding_window",
                                      .local = LOCAL_EVEN,
                                      .fixed = fixed,
                                      .ignored = ignored};
static const char *const form_3_classes[] = {"Qwen3Moe", NULL};
/* Of parts that the class has always, or never. */
static const struct key_spec keys_3[] = {
    {"use_qk_norm", "true"}, {"shared_expert_intermediate_size", "0"}, {NULL, NULL}};
static const struct hf_form form_3 = {.classes = form_3_classes,
                                      .type = "qwen3_moe",
                                      .prefix = "model.",
                                      .experts_sum = "norm_topk_prob",
                                      .names = names_3,
                                      .window_if = "use_sliding_window",
                                      .local = LOCAL_ALL,
                                      .fixed = fixed,
                                      .keys = keys_3,
                                      .ignored = ignored};

const struct arch arch_qwen2moe = {
    .name = "qwen2moe",
    .forms = (const struct hf_form *const[]){&form_2, NULL},
    .params = params_2,
    .tensors = tensors_2,
    .activation = ACT_SILU,
    .experts_any_sum = true,
    CAUSAL_ARCH,
};

const struct arch arch_qwen3moe = {
    .name = "qwen3moe",
    .forms = (const struct hf_form *const[]){&form_3, NULL},
    .params = params_3,
    .tensors = tensors_3,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};

static const struct param_spec params_mellum[] = {
    CAUSAL_PARAMS,
    {"rope_parameters.full_attention.rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 500000},
    {"rope_parameters.sliding_attention.rope_theta", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    WINDOW_PARAM,
    EXPERT_PARAMS,
    {0},
};
static const struct default_spec defaults_mellum[] = {{PARAM(n_kv_heads), 4},
                                                      {PARAM(head_dim), 128},
                                                      {PARAM(window), 1024},
                                                      {PARAM(n_experts), 64},
                                                      {PARAM(n_experts_used), 8},
                                                      {PARAM(n_ff_expert), 896},
                                                      {0}};
static const struct fixed_spec fixed_mellum[] = {
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {"rope_parameters.rope_type", "null"}, /* each kind of layers has its own */
    {"rope_parameters.rope_theta", "null"},
    {"rope_scaling", "null"},
    {"rope_theta", "null"},
    {"partial_rotary_factor", "null"},
    {0},
};
static const char *const ignored_mellum[] = {"mtp.", NULL};
static const char *const classes_mellum[] = {"Mellum", NULL};
static const struct key_spec keys_mellum[] = {
    {"mlp_layer_types", NULL}, /* import/experts.c */
    {"mtp_layer_types", NULL}, /* of what guesses further tokens */
    {"mtp_mlp_layer_types", NULL}, {"num_nextn_predict_layers", NULL},
    {"num_mtp_layers", NULL},      {NULL, NULL}};
static const struct hf_form form_mellum = {.classes = classes_mellum,
                                           .type = "mellum",
                                           .prefix = "model.",
                                           .experts_sum = "norm_topk_prob",
                                           .experts_sum_usual = true,
                                           .names = names_3,
                                           .defaults = defaults_mellum,
                                           .fixed = fixed_mellum,
                                           .keys = keys_mellum,
                                           .ignored = ignored_mellum};

const struct arch arch_mellum = {
    .name = "mellum",
    .forms = (const struct hf_form *const[]){&form_mellum, NULL},
    .params = params_mellum,
    .tensors = tensors_3,
    .activation = ACT_SILU,
    .global_every = 1, /* no layer is local that is not told to be */
    CAUSAL_ARCH,
};
