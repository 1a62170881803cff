/* Command R and R7B (Cohere, 2024 and 2025): layer norms without biases, both halves of a layer read what one norm made of its
 * input, logits multiplied by a number. R7B has three layers with a window to one without, which knows nothing of positions. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    LAYER_NORM_PARAMS,
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {"logit_scale", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, 0.0625},
    {0},
};
static const struct param_spec params_2[] = {
    LAYER_NORM_PARAMS,
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {"logit_scale", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, 0.0625},
    WINDOW_PARAM,
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             GATED_ROWS,
                                             RMS_ROW("attn_norm", attn_norm),
                                             {0}};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    GATED_NAMES,
    FIRST_NORM_NAMES,
    {0},
};
static const char *const ignored[] = {NULL};
static const struct default_spec defaults[] = {{PARAM(rope_base), 500000}, {0}};
static const struct default_spec defaults_2[] = {{PARAM(window), 4096}, {0}};

static const struct key_spec keys[] = {{"use_qk_norm", NULL}, {NULL, NULL}}; /* the tensors tell */

static const char *const form_classes[] = {"Cohere", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "cohere",
                                    .keys = keys,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};
static const char *const form_2_classes[] = {"Cohere2", NULL};
/* What the hub's configurations say of what the class does in one way only. */
static const struct key_spec keys_2[] = {{"layer_switch", "4"},
                                         {"order_of_interleaved_layers", "\"local_attn_first\""},
                                         {"position_embedding_type", "\"rope_gptj\""},
                                         {"rotary_pct", "1.0|1"},
                                         {"use_embedding_sharing", "true"},
                                         {"use_gated_activation", "true"},
                                         {"use_parallel_block", "true"},
                                         {"use_parallel_embedding", NULL}, /* how it is computed */
                                         {NULL, NULL}};
static const struct hf_form form_2 = {.classes = form_2_classes,
                                      .type = "cohere2",
                                      .keys = keys_2,
                                      .prefix = "model.",
                                      .names = names,
                                      .ignored = ignored,
                                      .defaults = defaults_2};

const struct arch arch_command_r = {
    .name = "command-r",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .parallel = true,
    .gated = true,
    CAUSAL_PASS,
};

const struct arch arch_cohere2 = {
    .name = "cohere2",
    .forms = (const struct hf_form *const[]){&form_2, NULL},
    .params = params_2,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    .rope_pairs = true,
    .parallel = true,
    .gated = true,
    CAUSAL_PASS,
};
