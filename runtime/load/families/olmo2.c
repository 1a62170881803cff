/* OLMo 2 and 3 (OLMo Team, 2024, arXiv:2501.00656): norms behind each half of a layer and none before, norms of all queries and
 * of all keys at once. OLMo 3 has three layers with a window to one without; positions are scaled in the latter alone. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    {"rope_parameters.full_attention.rope_theta|rope_parameters.rope_theta|rope_theta", "rope.freq_base",
     PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    WINDOW_PARAM,
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             GATED_ROWS,
                                             POST_ROWS,
                                             WIDE_NORM_ROWS,
                                             {0}};
static const struct hf_name names[] = {POST_ONLY_NAMES, {0}};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const struct default_spec defaults_3[] = {
    {PARAM(window), 4096}, {PARAM(norm_eps), 1e-5}, {PARAM(rope_base), 500000}, {0}};
static const struct fixed_spec fixed[] = {{"rope_parameters.full_attention", "null"}, {0}};
static const struct fixed_spec fixed_3[] = {
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {"rope_parameters.rope_type", "null"}, /* each kind of layers has its own */
    {"rope_parameters.rope_theta", "null"},
    {"rope_parameters.type", "null"},
    {"rope_parameters.factor", "null"},
    {0},
};

static const char *const form_classes[] = {"Olmo2", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "olmo2",
                                    .no_window = true,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .fixed = fixed};
static const char *const form_3_classes[] = {"Olmo3", NULL};
static const struct hf_form form_3 = {.classes = form_3_classes,
                                      .type = "olmo3",
                                      .prefix = "model.",
                                      .names = names,
                                      .ignored = ignored,
                                      .defaults = defaults_3,
                                      .fixed = fixed_3};

const struct arch arch_olmo2 = {
    .name = "olmo2",
    .forms = (const struct hf_form *const[]){&form, &form_3, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .local_unscaled = true,
    CAUSAL_ARCH,
};
