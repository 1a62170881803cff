/* StarCoder 2 (Lozhkov et al., 2024, arXiv:2402.19173): Llama's attention with biases and a window, layer norms, no gate. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {LAYER_NORM_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),         CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),   UNGATED_ROWS,
    LAYER_NORM_ROW("attn_norm", attn_norm), LAYER_NORM_ROW("ffn_norm", ffn_norm), {0},
};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    {"blk.%u.ffn_up", "layers.%u.mlp.c_fc", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.c_proj", CUT_NONE},
    FFN_NORM_NAME,
    {0},
};
static const char *const ignored[] = {NULL};

static const struct key_spec keys[] = {
    {"use_bias", NULL}, /* the tensors tell */
    {"mlp_type", "\"default\""},
    {"norm_type", "\"layer_norm\""},
    {"activation_function", "\"gelu\"|\"gelu_pytorch_tanh\""}, /* hidden_act counts */
    {"scale_attn_weights", "true"},
    {"attention_softmax_in_fp32", NULL}, /* how exactly it is computed */
    {"scale_attention_softmax_in_fp32", NULL},
    {NULL, NULL}};

static const char *const form_classes[] = {"Starcoder2", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "starcoder2",
                                    .keys = keys,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored};

const struct arch arch_starcoder2 = {
    .name = "starcoder2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .global_every = 1 << 30, /* with a window all layers are local */
    .global_last = true,
    CAUSAL_PASS,
};
