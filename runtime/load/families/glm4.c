/* GLM-4 and GLM-Edge, whose GGUF name is that of their forerunners, and GLM-4-0414 (GLM Team, 2024, arXiv:2406.12793): the gate
 * beside what it is for in one matrix, half of each head rotated, neighbouring elements together. GLM-4-0414 has norms around
 * each half of a layer. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), POST_ROWS, {0}};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.post_attention_norm", "layers.%u.post_self_attn_layernorm", CUT_NONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_mlp_layernorm", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.mlp.gate_up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE},
    {0},
};
static const struct tensor_spec tensors_first[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names_first[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.ffn_up", "layers.%u.mlp.gate_up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1.5625e-7}, {0}};
static const char *const form_classes[] = {"Glm4", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "glm4",
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .ignored = ignored,
                                    .rotated = 0.5F};

const struct arch arch_glm4 = {
    .name = "glm4",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    CAUSAL_ARCH,
};

static const struct default_spec defaults_first[] = {
    {PARAM(n_kv_heads), 2}, {PARAM(head_dim), 128}, {PARAM(norm_eps), 1.5625e-7}, {0}};
static const char *const classes_first[] = {"Glm", NULL};
static const struct hf_form form_first = {.classes = classes_first,
                                          .type = "glm",
                                          .prefix = "model.",
                                          .names = names_first,
                                          .defaults = defaults_first,
                                          .ignored = ignored,
                                          .rotated = 0.5F};

const struct arch arch_chatglm = {
    .name = "chatglm",
    .forms = (const struct hf_form *const[]){&form_first, NULL},
    .params = params,
    .tensors = tensors_first,
    .activation = ACT_SILU,
    .rope_pairs = true,
    CAUSAL_ARCH,
};
