/* ERNIE 4.5 without experts (Baidu, 2025): Llama's layers, whose folders have the elements that are rotated together side by
 * side, as GGUF files do. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE), FFN_NORM_NAME, {0}};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {
    {PARAM(head_dim), 128}, {PARAM(rope_base), 500000}, {PARAM(norm_eps), 1e-5}, {0}};

static const struct key_spec keys[] = {
    {"use_bias", NULL}, {"compression_ratio", "1.0"}, {NULL, NULL}}; /* the tensors tell the first */

static const char *const form_classes[] = {"Ernie4_5", "Ernie4_5_", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "ernie4_5",
                                    .keys = keys,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};

const struct arch arch_ernie4_5 = {
    .name = "ernie4_5",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    CAUSAL_ARCH,
};
