/* Granite 3 and 4 (IBM, 2024): Llama's layers with four multipliers, of embeddings, scores, halves of a layer, and logits. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    {"embedding_multiplier", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1},
    {"attention_multiplier", "attention.scale", PARAM_FLOAT, PARAM(attn_scale), 0, -1},
    {"residual_multiplier", "residual_scale", PARAM_FLOAT, PARAM(residual_scale), 0, -1},
    {"logits_scaling", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, -1},
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, {0}};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(attn_scale), 1}, {0}};

static const struct hf_form form = {
    .type = "granite", .prefix = "model.", .names = names, .ignored = ignored, .defaults = defaults};

const struct arch arch_granite = {
    .name = "granite",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};
