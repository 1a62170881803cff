/* OLMoE (Muennighoff et al., 2024, arXiv:2409.02060): experts whose weights do not sum to 1, norms of all queries and of all keys
 * at once. FlexOlmo (Shi et al., 2025, arXiv:2507.07024): the same with OLMo 2's norms, behind each half of a layer alone. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, EXPERT_PARAMS, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             RMS_ROW("attn_norm", attn_norm),
                                             RMS_ROW("ffn_norm", ffn_norm),
                                             EXPERT_ROWS,
                                             WIDE_NORM_ROWS,
                                             {0}};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    EXPERT_NAMES,
    HEAD_NORM_NAMES(CUT_NONE),
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const char *const form_classes[] = {"Olmoe", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "olmoe",
                                    .prefix = "model.",
                                    .experts_sum = "norm_topk_prob",
                                    .names = names,
                                    .defaults = defaults,
                                    .ignored = ignored};

const struct arch arch_olmoe = {
    .name = "olmoe",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .experts_any_sum = true,
    CAUSAL_ARCH,
};

static const struct tensor_spec tensors_flex[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                  CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                  EXPERT_ROWS,
                                                  POST_ROWS,
                                                  WIDE_NORM_ROWS,
                                                  {0}};
static const struct hf_name names_flex[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    {"output_norm", "norm", CUT_NONE},
    POST_NAMES(CUT_NONE),
    EXPERT_NAMES,
    HEAD_NORM_NAMES(CUT_NONE),
    {0},
};
static const struct default_spec defaults_flex[] = {
    {PARAM(n_experts), 7}, {PARAM(n_experts_used), 5}, {PARAM(rope_base), 500000}, {0}};
static const char *const classes_flex[] = {"FlexOlmo", NULL};
static const struct hf_form form_flex = {.classes = classes_flex,
                                         .type = "flex_olmo",
                                         .prefix = "model.",
                                         .experts_sum = "norm_topk_prob",
                                         .names = names_flex,
                                         .defaults = defaults_flex,
                                         .ignored = ignored};

const struct arch arch_flex_olmo = {
    .name = "flex-olmo",
    .forms = (const struct hf_form *const[]){&form_flex, NULL},
    .params = params,
    .tensors = tensors_flex,
    .activation = ACT_SILU,
    .experts_any_sum = true,
    CAUSAL_ARCH,
};
