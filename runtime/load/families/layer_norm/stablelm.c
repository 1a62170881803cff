/* StableLM 2 and 3B (Bellagente et al., 2024, arXiv:2402.17834): Llama's layers with layer norms, a part of each head rotated. The
 * model of 12B has norms for each head of queries and keys, and both halves of a layer read its input. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {LAYER_NORM_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    GATED_ROWS,
    LAYER_NORM_ROW("attn_norm", attn_norm),
    SECOND_NORM_ROW,
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_N_HEADS, DIM_HEAD, TENSOR_AS_FIRST, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_N_KV_HEADS, DIM_HEAD, TENSOR_AS_FIRST, k_norm),
    {0},
};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    GATED_NAMES,
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_layernorm.norms.%u", CUT_HEAD_NORMS},
    {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_layernorm.norms.%u", CUT_HEAD_NORMS},
    {0},
};
static const char *const ignored[] = {NULL};
/* The tensors tell. */
static const struct key_spec keys[] = {
    {"use_qkv_bias", "true|false"},
    {"qk_layernorm", "true|false"},
    {"use_parallel_residual", "true|false"},
    {"norm_eps", "=layer_norm_eps"},
    {"rope_pct", "=partial_rotary_factor|rope_parameters.partial_rotary_factor"},
    {"rotary_scaling_factor", "1.0|1"},
    {NULL, NULL}};
static const char *const form_classes[] = {"StableLm", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "stablelm",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .rotated = 0.25F};

const struct arch arch_stablelm = {
    .name = "stablelm",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .gated = true,
    .parallel_unnormed = true,
    CAUSAL_PASS,
};
