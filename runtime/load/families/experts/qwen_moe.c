/* Qwen 2 and 3 with experts (Yang et al., 2024, arXiv:2407.10671; 2025, arXiv:2505.09388). Qwen 2 has an expert that all tokens go
 * through, weighed by a gate of its own, and weights that do not sum to 1. */
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
