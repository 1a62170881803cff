/* ERNIE 4.5 with experts (Baidu, 2025): ERNIE 4.5's layers, the first without experts; weights by softmax, the best looked for
 * with a bias on top, and some experts that all tokens go through. */
#include "runtime/load/families/experts/rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, EXPERT_PARAMS, SHARED_PARAMS, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             RMS_ROW("attn_norm", attn_norm),
                                             RMS_ROW("ffn_norm", ffn_norm),
                                             GATED_ROWS,
                                             EXPERT_ROWS,
                                             SHARED_ROWS,
                                             ROUTER_BIAS_ROW(TENSOR_OPTIONAL),
                                             {0}};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    GATED_NAMES,
    EXPERT_NAMES,
    SHARED_NAMES("layers.%u.mlp.shared_experts."),
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.moe_statics.e_score_correction_bias", CUT_NONE},
    {0},
};
static const char *const ignored[] = {"mtp_block.", "mtp_emb_norm.", "mtp_hidden_norm.", "mtp_linear_proj.",
                                      NULL};

static const struct default_spec defaults[] = {{PARAM(n_experts), 64},     {PARAM(n_experts_used), 6},
                                               {PARAM(n_ff_expert), 1536}, {PARAM(n_shared_experts), 2},
                                               {PARAM(norm_eps), 1e-5},    {PARAM(rope_base), 500000},
                                               {PARAM(n_dense_layers), 1}, {0}};
static const struct key_spec keys[] = {{"use_bias", NULL},            /* the tensors tell */
                                       {"moe_layer_end_index", NULL}, /* import/experts.c */
                                       {"moe_layer_interval", "1"},
                                       {"moe_norm_min", "1e-12|9.9999999999999998e-13"},
                                       {"moe_use_aux_free", NULL},
                                       {"moe_capacity", NULL},
                                       {"moe_gate", "\"topk\""},
                                       {"num_nextn_predict_layers", NULL},
                                       {NULL, NULL}};
static const char *const classes[] = {"Ernie4_5_Moe", NULL};
static const struct hf_form form = {.type = "ernie4_5_moe",
                                    .classes = classes,
                                    .keys = keys,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};

const struct arch arch_ernie4_5_moe = {
    .name = "ernie4_5-moe",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    CAUSAL_ARCH,
};
