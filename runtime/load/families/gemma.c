/* Gemma and Gemma 2 (Gemma Team, 2024, arXiv:2403.08295 and 2408.00118). Norms multiply by 1 + what the folder holds, token
 * embeddings by the root of their width. Gemma 2 has norms around each half of a layer, caps, and every second layer sees near
 * tokens alone; VaultGemma (2025, arXiv:2510.15001) is the same with norms before the halves alone. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_PLUS_ONE),
    {"blk.%u.ffn_norm", "layers.%u.post_attention_layernorm", CUT_PLUS_ONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct param_spec params_2[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    WINDOW_PARAM,
    {"query_pre_attn_scalar", "attention.scale", PARAM_INVERSE_ROOT, PARAM(attn_scale), 0, -1},
    {"attn_logit_softcapping", "attn_logit_softcapping", PARAM_FLOAT, PARAM(attn_cap), 0, -1},
    {"final_logit_softcapping", "final_logit_softcapping", PARAM_FLOAT, PARAM(logits_cap), 0, -1},
    {0},
};
static const struct tensor_spec tensors_2[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), POST_ROWS, {0}};
static const struct hf_name names_2[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_PLUS_ONE),
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_PLUS_ONE},
    {"blk.%u.ffn_norm", "layers.%u.pre_feedforward_layernorm", CUT_PLUS_ONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_feedforward_layernorm", CUT_PLUS_ONE},
    {0},
};

/* Configurations name what differs from these. */
static const struct default_spec defaults[] = {{PARAM(head_dim), 256}, {0}};
static const struct default_spec defaults_2[] = {
    {PARAM(head_dim), 256}, {PARAM(window), 4096},   {PARAM(attn_scale), 256},
    {PARAM(attn_cap), 50},  {PARAM(logits_cap), 30}, {0},
};

static const char *const form_classes[] = {"Gemma", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "gemma",
                                    .gelu_by_tanh = true,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};
static const char *const form_2_classes[] = {"Gemma2", NULL};
static const struct key_spec form_2_keys[] = {
    {"cache_implementation", NULL}, {"sliding_window_size", NULL}, {NULL, NULL}};
static const struct hf_form form_2 = {.keys = form_2_keys,
                                      .classes = form_2_classes,
                                      .type = "gemma2",
                                      .prefix = "model.",
                                      .names = names_2,
                                      .ignored = ignored,
                                      .defaults = defaults_2};

const struct arch arch_gemma = {
    .name = "gemma",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .scale_embd = true,
    CAUSAL_ARCH,
};

const struct arch arch_gemma2 = {
    .name = "gemma2",
    .forms = (const struct hf_form *const[]){&form_2, NULL},
    .params = params_2,
    .tensors = tensors_2,
    .activation = ACT_GELU_TANH,
    .global_every = 2,
    .global_last = true,
    .scale_embd = true,
    .wide_layers = 46 /* 27B */,
    CAUSAL_ARCH,
};

static const struct tensor_spec tensors_vault[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names_vault[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_PLUS_ONE),
    {"blk.%u.ffn_norm", "layers.%u.pre_feedforward_layernorm", CUT_PLUS_ONE},
    {0},
};
static const char *const vault_classes[] = {"VaultGemma", NULL};
static const struct hf_form form_vault = {.keys = form_2_keys,
                                          .classes = vault_classes,
                                          .type = "vaultgemma",
                                          .prefix = "model.",
                                          .names = names_vault,
                                          .ignored = ignored,
                                          .defaults = defaults_2};

const struct arch arch_vaultgemma = {
    .name = "vaultgemma",
    .forms = (const struct hf_form *const[]){&form_vault, NULL},
    .params = params_2,
    .tensors = tensors_vault,
    .activation = ACT_GELU_TANH,
    .global_every = 2,
    .global_last = true,
    .scale_embd = true,
    CAUSAL_ARCH,
};
