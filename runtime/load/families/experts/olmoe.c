/* OLMoE (Muennighoff et al., 2024, arXiv:2409.02060): experts whose weights do not sum to 1, norms of all queries and of all keys
 * at once. */
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
