/* MiniCPM (Hu et al., 2024, arXiv:2404.06395): Llama's layers with embeddings, halves of layers and logits scaled by the model's
 * size; and MiniCPM3 (OpenBMB, 2024), the same with latent attention. */
#include "runtime/load/families/latent_rows.h"

/* clang-format off */
/* import/layers/depth_scales.c writes these. */
#define DEPTH_PARAMS                                                                                          \
    {"", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1},                                           \
    {"", "residual_scale", PARAM_FLOAT, PARAM(residual_scale), 0, -1},                                        \
    {"", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, -1}
#define DEPTH_KEYS {"scale_emb", NULL}, {"scale_depth", NULL}, {"dim_model_base", NULL}
/* clang-format on */
static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, DEPTH_PARAMS, {0}};
static const struct param_spec params3[] = {LATENT_PARAMS, ROPE_PARAM, DEPTH_PARAMS, {0}};
/* clang-format off */
#define FACTOR_ROWS                                                                                           \
    {"rope_factors_long", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_long)},                \
    {"rope_factors_short", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_short)}
/* clang-format on */
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), FACTOR_ROWS, {0}};
static const struct tensor_spec tensors3[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS), LATENT_ROWS, GATED_ROWS, FACTOR_ROWS, {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, {0}};
static const struct hf_name names3[] = {LATENT_NAMES, {0}};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-6}, {0}};
static const struct default_spec defaults3[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const struct key_spec keys[] = {DEPTH_KEYS, {"mup_denominator", NULL}, {NULL, NULL}};
static const struct key_spec keys3[] = {DEPTH_KEYS, LATENT_KEYS, {"mup_denominator", NULL}, {NULL, NULL}};
static const char *const classes[] = {"MiniCPM", NULL};
static const char *const classes3[] = {"MiniCPM3", NULL};

static const struct hf_form form = {.type = "minicpm",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .ignored = ignored,
                                    .depth_scales = {1, 1, 1},
                                    .keys = keys};
static const struct hf_form form3 = {.type = "minicpm3",
                                     .classes = classes3,
                                     .prefix = "model.",
                                     .names = names3,
                                     .defaults = defaults3,
                                     .ignored = ignored,
                                     .depth_scales = {12, 1.4, 256},
                                     .keys = keys3};

const struct arch arch_minicpm = {
    .name = "minicpm",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .depth_scaled = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};

const struct arch arch_minicpm3 = {
    .name = "minicpm3",
    .forms = (const struct hf_form *const[]){&form3, NULL},
    .params = params3,
    .tensors = tensors3,
    .activation = ACT_SILU,
    .latent = true,
    .depth_scaled = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};
