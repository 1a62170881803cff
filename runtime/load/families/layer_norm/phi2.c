/* Phi-1, 1.5 and 2 (Li et al., 2023, arXiv:2309.05463): layer norms, both halves of a layer read what one norm made of its input,
 * a part of each head is rotated; what predicts tokens has biases. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {LAYER_NORM_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             UNGATED_ROWS,
                                             LAYER_NORM_ROW("attn_norm", attn_norm),
                                             {0}};
static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "embed_tokens", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "final_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.self_attn.dense", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.mlp.fc1", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.fc2", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};
static const struct fixed_spec fixed[] = {{"qk_layernorm", "false"}, {0}};

static const char *const form_classes[] = {"Phi", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "phi",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .fixed = fixed,
                                    .rotated = 0.5F};

const struct arch arch_phi2 = {
    .name = "phi2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .parallel = true,
    CAUSAL_PASS,
};
