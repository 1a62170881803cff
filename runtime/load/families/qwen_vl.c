/* Text models of Qwen's that see images: Qwen2-VL and Qwen2.5-VL (Wang et al., 2024, arXiv:2409.12191; Bai et al., 2025,
 * arXiv:2502.13923) and Qwen3-VL (2025), which are Qwen 2 and 3. Rotary positions have parts for time, height and width; a text's are
 * the same in all three, which leaves the usual rotation. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct param_spec params_moe[] = {CAUSAL_PARAMS, ROPE_PARAM, EXPERT_PARAMS, {0}};

static const struct tensor_spec tensors_2[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct tensor_spec tensors_3[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), HEAD_NORM_ROWS, {0}};
static const struct tensor_spec tensors_moe[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                 CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                 RMS_ROW("attn_norm", attn_norm),
                                                 RMS_ROW("ffn_norm", ffn_norm),
                                                 EXPERT_ROWS,
                                                 HEAD_NORM_ROWS,
                                                 {0}};

#define NAMES CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE), FFN_NORM_NAME
static const struct hf_name names_2[] = {NAMES, {0}};
static const struct hf_name names_3[] = {NAMES, HEAD_NORM_NAMES(CUT_NONE), {0}};
static const struct hf_name names_moe[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    {"output_norm", "norm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    FFN_NORM_NAME,
    HEAD_NORM_NAMES(CUT_NONE),
    {"blk.%u.ffn_gate_inp", "layers.%u.mlp.gate", CUT_NONE},
    {"blk.%u.ffn_gate_up_exps", "layers.%u.mlp.experts.gate_up_proj", CUT_EXPERTS_MAYBE_TURNED},
    {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.down_proj", CUT_EXPERTS_MAYBE_TURNED},
    {0},
};

static const char *const ignored[] = {"visual.", NULL};
/* Which tokens stand for what is seen; and of the flat configurations of old, what sees. */
static const struct key_spec keys[] = {{"vision_config", NULL},
                                       {"image_token_id", NULL},
                                       {"video_token_id", NULL},
                                       {"vision_start_token_id", NULL},
                                       {"vision_end_token_id", NULL},
                                       {"vision_token_id", NULL},
                                       {NULL, NULL}};

#define FORM .prefix = "model.language_model.|model.", .ignored = ignored, .keys = keys
#define FORM_2                                                                                               \
    FORM, .names = names_2, .window_if = "use_sliding_window", .defaults = defaults_2, .classes = classes_2

static const struct default_spec defaults_2[] = {{PARAM(norm_eps), 1e-5}, {PARAM(rope_base), 1e6}, {0}};
static const char *const classes_2[] = {"Qwen2VL", "Qwen2_5_VL", NULL};
static const struct hf_form form_2_flat = {FORM_2, .type = "qwen2_vl"};
static const struct hf_form form_2 = {FORM_2, .type = "qwen2_vl", .part = "text_config",
                                      .part_type = "qwen2_vl_text"};
static const struct hf_form form_2_5_flat = {FORM_2, .type = "qwen2_5_vl"};
static const struct hf_form form_2_5 = {FORM_2, .type = "qwen2_5_vl", .part = "text_config",
                                        .part_type = "qwen2_5_vl_text"};

static const struct default_spec defaults_3[] = {{PARAM(rope_base), 500000}, {PARAM(head_dim), 128}, {0}};
static const char *const classes_3[] = {"Qwen3VL", NULL};
static const struct hf_form form_3 = {FORM,
                                      .type = "qwen3_vl",
                                      .part = "text_config",
                                      .names = names_3,
                                      .no_window = true,
                                      .defaults = defaults_3,
                                      .classes = classes_3};

/* Layers without experts among those with some. */
static const struct fixed_spec fixed[] = {{"decoder_sparse_step", "1"}, {"mlp_only_layers", "[]"}, {0}};
static const struct default_spec defaults_moe[] = {{PARAM(rope_base), 500000}, {0}};
/* The weights of experts sum to 1 in this class, whatever the configuration says. */
static const struct key_spec keys_moe[] = {{"norm_topk_prob", "true"}, {NULL, NULL}};
static const char *const classes_moe[] = {"Qwen3VLMoe", NULL};
static const struct hf_form form_moe = {.prefix = "model.language_model.|model.",
                                        .ignored = ignored,
                                        .keys = keys_moe,
                                        .type = "qwen3_vl_moe",
                                        .part = "text_config",
                                        .names = names_moe,
                                        .fixed = fixed,
                                        .defaults = defaults_moe,
                                        .classes = classes_moe};

const struct arch arch_qwen2vl = {
    .name = "qwen2vl",
    .forms = (const struct hf_form *const[]){&form_2_flat, &form_2, &form_2_5_flat, &form_2_5, NULL},
    .params = params,
    .tensors = tensors_2,
    .activation = ACT_SILU,
    .rope_sections = true,
    CAUSAL_ARCH,
};

const struct arch arch_qwen3vl = {
    .name = "qwen3vl",
    .forms = (const struct hf_form *const[]){&form_3, NULL},
    .params = params,
    .tensors = tensors_3,
    .activation = ACT_SILU,
    .rope_sections = true,
    CAUSAL_ARCH,
};

const struct arch arch_qwen3vlmoe = {
    .name = "qwen3vlmoe",
    .forms = (const struct hf_form *const[]){&form_moe, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .rope_sections = true,
    CAUSAL_ARCH,
};
