/* Qwen 2 and 2.5 (Yang et al., 2024, arXiv:2407.10671): Llama's layers with biases of queries, keys and values. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE), FFN_NORM_NAME, {0}};
static const char *const ignored[] = {NULL};

static const char *const classes[] = {"Qwen2", NULL};
/* The second is of another program, and of texts that are longer than what the model was trained with. */
static const struct key_spec keys[] = {
    {"use_mrope", "false"}, {"dual_chunk_attention_config", NULL}, {NULL, NULL}};

static const struct hf_form form = {.type = "qwen2",
                                    .prefix = "model.",
                                    .names = names,
                                    .window_if = "use_sliding_window",
                                    .keys = keys,
                                    .classes = classes,
                                    .ignored = ignored};

/* In InternVL (Shanghai AI Laboratory, 2025, arXiv:2504.10479) and LLaVA-OneVision, without what sees. */
static const char *const ignored_eyes[] = {LLAVA_IGNORED, NULL};
static const char *const classes_eyes[] = {"InternVL", "LlavaOnevision", NULL};
#define EYES_FORM                                                                                            \
    .names = names, .window_if = "use_sliding_window", .classes = classes_eyes, .ignored = ignored_eyes
static const struct hf_form internvl = {EYES_FORM, LLAVA_FORM("internvl", "qwen2")};
static const struct hf_form onevision = {EYES_FORM, LLAVA_FORM("llava_onevision", "qwen2")};

const struct arch arch_qwen2 = {
    .name = "qwen2",
    .forms = (const struct hf_form *const[]){&form, &internvl, &onevision, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
