/* EXAONE 3 and 3.5 (LG AI Research, 2024, arXiv:2408.03541 and 2412.04862): Llama's layers under other names. EXAONE 4 (LG AI Research, 2025, arXiv:2507.11407): norms behind each half of a layer and none before, norms of each head's
 * query and key; three layers with a window to one without, which knows nothing of positions. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS), CAUSAL_QKV_ROWS(TENSOR_NO_BIAS), GATED_ROWS, POST_ROWS, HEAD_NORM_ROWS, {0}};
static const struct hf_name names[] = {POST_ONLY_NAMES, {0}};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(window), 4096}, {PARAM(norm_eps), 1e-5}, {0}};
static const char *const form_classes[] = {"Exaone4", NULL};
static const struct key_spec form_keys[] = {{"reorder_and_upcast_attn", NULL}, {NULL, NULL}};
static const struct hf_form form = {.keys = form_keys,
                                    .classes = form_classes,
                                    .type = "exaone4",
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .ignored = ignored};

const struct arch arch_exaone4 = {
    .name = "exaone4",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    CAUSAL_ARCH,
};

static const struct param_spec params_3[] = {
    CAUSAL_SIZES_OF("num_hidden_layers|num_layers", "intermediate_size"),
    {"rms_norm_eps|layer_norm_epsilon", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    ROPE_PARAM,
    {0},
};
static const struct tensor_spec tensors_3[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names_3[] = {
    {"cls.output", "score", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"token_embd", "wte", CUT_NONE},
    {"output_norm", "ln_f", CUT_NONE},
    {"blk.%u.attn_norm", "h.%u.ln_1", CUT_NONE},
    {"blk.%u.attn_q", "h.%u.attn.attention.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "h.%u.attn.attention.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "h.%u.attn.attention.v_proj", CUT_NONE},
    {"blk.%u.attn_output", "h.%u.attn.attention.out_proj", CUT_NONE},
    {"blk.%u.ffn_norm", "h.%u.ln_2", CUT_NONE},
    {"blk.%u.ffn_gate", "h.%u.mlp.c_fc_0", CUT_NONE},
    {"blk.%u.ffn_up", "h.%u.mlp.c_fc_1", CUT_NONE},
    {"blk.%u.ffn_down", "h.%u.mlp.c_proj", CUT_NONE},
    {0},
};
static const struct default_spec defaults_3[] = {{PARAM(rope_base), 500000}, {PARAM(n_kv_heads), 8}, {0}};
static const char *const classes_3[] = {"Exaone", "Llama", NULL};
static const struct key_spec keys_3[] = {{"embed_dropout", NULL}, {NULL, NULL}};
static const struct hf_form form_3 = {.keys = keys_3,
                                      .classes = classes_3,
                                      .type = "exaone",
                                      .prefix = "transformer.",
                                      .names = names_3,
                                      .defaults = defaults_3,
                                      .ignored = ignored};

const struct arch arch_exaone = {
    .name = "exaone",
    .forms = (const struct hf_form *const[]){&form_3, NULL},
    .params = params_3,
    .tensors = tensors_3,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
