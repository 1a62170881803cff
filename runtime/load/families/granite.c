/* Granite 3 and 4 (IBM, 2024): Llama's layers with four multipliers, of embeddings, scores, halves of a layer, and
 * logits; some have experts. */
#include "runtime/load/families/experts/rows.h"

/* clang-format off */
#define GRANITE_PARAMS                                                                                       \
    CAUSAL_PARAMS, ROPE_PARAM,                                                                               \
    {"embedding_multiplier", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1},                      \
    {"attention_multiplier", "attention.scale", PARAM_FLOAT, PARAM(attn_scale), 0, -1},                      \
    {"residual_multiplier", "residual_scale", PARAM_FLOAT, PARAM(residual_scale), 0, -1},                    \
    {"logits_scaling", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, -1}
/* clang-format on */
static const struct param_spec params[] = {GRANITE_PARAMS, {0}};
static const struct param_spec params_moe[] = {
    GRANITE_PARAMS,
    EXPERT_PARAMS,
    {"shared_intermediate_size", "expert_shared_feed_forward_length", PARAM_COUNT, PARAM(n_ff_shared),
     1 << 18, -1},
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, {0}};
static const struct tensor_spec tensors_moe[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                 CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                 RMS_ROW("attn_norm", attn_norm),
                                                 RMS_ROW("ffn_norm", ffn_norm),
                                                 EXPERT_ROWS,
                                                 SHARED_ROWS,
                                                 {0}};
static const struct hf_name names_moe[] = {
    CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.ffn_gate_inp", "layers.%u.block_sparse_moe.router.layer", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.block_sparse_moe.input_linear", CUT_EXPERTS_FIRST},
    {"blk.%u.ffn_up_exps", "layers.%u.block_sparse_moe.input_linear", CUT_EXPERTS_SECOND},
    {"blk.%u.ffn_down_exps", "layers.%u.block_sparse_moe.output_linear", CUT_EXPERTS},
    {"blk.%u.ffn_gate_shexp", "layers.%u.shared_mlp.input_linear", CUT_FIRST_HALF},
    {"blk.%u.ffn_up_shexp", "layers.%u.shared_mlp.input_linear", CUT_SECOND_HALF},
    {"blk.%u.ffn_down_shexp", "layers.%u.shared_mlp.output_linear", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(attn_scale), 1}, {0}};

static const char *const form_classes[] = {"Granite", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "granite",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};

static const char *const form_moe_classes[] = {"GraniteMoe", NULL};
static const struct hf_form form_moe = {.classes = form_moe_classes,
                                        .type = "granitemoe",
                                        .prefix = "model.",
                                        .names = names_moe,
                                        .ignored = ignored,
                                        .defaults = defaults};

static const char *const form_shared_classes[] = {"GraniteMoeShared", NULL};
static const struct hf_form form_shared = {.classes = form_shared_classes,
                                           .type = "granitemoeshared",
                                           .prefix = "model.",
                                           .names = names_moe,
                                           .ignored = ignored,
                                           .defaults = defaults};

const struct arch arch_granitemoe = {
    .name = "granitemoe",
    .forms = (const struct hf_form *const[]){&form_moe, &form_shared, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};

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
