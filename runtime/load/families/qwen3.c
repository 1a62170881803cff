/* Qwen 3 (Yang et al., 2025, arXiv:2505.09388): Llama's layers with norms of each head's query and key. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), HEAD_NORM_ROWS, {0}};
static const struct hf_name names[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE), FFN_NORM_NAME, HEAD_NORM_NAMES(CUT_NONE), {0}};
static const char *const ignored[] = {NULL};

/* The second is jina-reranker-v3's (import/sentence/listwise.c). */
static const char *const classes[] = {"Qwen3", "=JinaForRanking", NULL};

static const struct hf_form form = {.type = "qwen3",
                                    .prefix = "model.",
                                    .names = names,
                                    .window_if = "use_sliding_window",
                                    .classes = classes,
                                    .ignored = ignored};

/* In InternVL (Shanghai AI Laboratory, 2025, arXiv:2504.10479), without what sees. */
static const char *const ignored_eyes[] = {LLAVA_IGNORED, NULL};
static const char *const classes_eyes[] = {"InternVL", NULL};
#define EYES_FORM                                                                                            \
    .names = names, .window_if = "use_sliding_window", .classes = classes_eyes, .ignored = ignored_eyes
static const struct hf_form internvl = {EYES_FORM, LLAVA_FORM("internvl", "qwen3")};

const struct arch arch_qwen3 = {
    .name = "qwen3",
    .forms = (const struct hf_form *const[]){&form, &internvl, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
