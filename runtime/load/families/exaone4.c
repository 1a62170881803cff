/* EXAONE 4 (LG AI Research, 2025, arXiv:2507.11407): norms behind each half of a layer and none before, norms of each head's
 * query and key; three layers with a window to one without, which knows nothing of positions. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(TENSOR_NO_BIAS), GATED_ROWS, POST_ROWS, HEAD_NORM_ROWS, {0}};
static const struct hf_name names[] = {POST_ONLY_NAMES, {0}};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(window), 4096}, {PARAM(norm_eps), 1e-5}, {0}};
static const char *const form_classes[] = {"Exaone4", NULL};
static const struct key_spec form_keys[] = {{"reorder_and_upcast_attn", NULL}, {NULL, NULL}};
static const struct hf_form form = {.keys = form_keys,
                                    .classes = form_classes,
                                    .type = "exaone4",
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .ignored = ignored};

const struct arch arch_exaone4 = {
    .name = "exaone4",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    CAUSAL_ARCH,
};
