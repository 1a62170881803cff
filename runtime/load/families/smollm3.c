/* SmolLM3 (Bakouch et al., 2025): Llama's layers, of which every fourth knows nothing of positions. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, {0}};
static const char *const ignored[] = {NULL};

static const struct key_spec keys[] = {
    {"no_rope_layers", NULL}, {"no_rope_layer_interval", NULL}, {NULL, NULL}};

static const struct default_spec defaults[] = {{PARAM(rope_base), 2e6}, {0}};
static const char *const form_classes[] = {"SmolLM3", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "smollm3",
                                    .keys = keys,
                                    .prefix = "model.",
                                    .names = names,
                                    .window_if = "use_sliding_window",
                                    .local = LOCAL_UNROTATED,
                                    .defaults = defaults,
                                    .ignored = ignored};

const struct arch arch_smollm3 = {
    .name = "smollm3",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .unrotated_every = 4,
    CAUSAL_ARCH,
};
