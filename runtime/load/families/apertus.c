/* Apertus (Swiss AI, 2025, arXiv:2509.14233): Llama's layers with norms of heads, without a gate, and with an activation whose numbers
 * each layer has learned. GGUF files keep the rows of queries and keys as the folder has them. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),     CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), UNGATED_ROWS, HEAD_NORM_ROWS,
    RMS_ROW("attn_norm", attn_norm), RMS_ROW("ffn_norm", ffn_norm),      {0}};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    {"output_norm", "norm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.feedforward_layernorm", CUT_NONE},
    HEAD_NORM_NAMES(CUT_NONE),
    {"blk.%u.ffn_up", "layers.%u.mlp.up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE},
    {0},
};
/* The activation's, which import/layers/bends.c reads. */
static const char *const ignored[] = {"*.mlp.act_fn.alpha_p", "*.mlp.act_fn.alpha_n", "*.mlp.act_fn.beta",
                                      "*.mlp.act_fn.eps", NULL};
/* transformers takes another scaling of positions where there is none. */
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {PARAM(rope_base), 12e6}, {0}};
static const struct key_spec keys[] = {{"post_norm", "false"}, {"qk_norm", "true"}, {NULL, NULL}};
static const char *const classes[] = {"Apertus", NULL};
static const struct hf_form form = {.type = "apertus",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .rope_told = true,
                                    .keys = keys,
                                    .ignored = ignored};

const struct arch arch_apertus = {
    .name = "apertus",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_XIELU,
    .rms = true,
    CAUSAL_PASS,
};
