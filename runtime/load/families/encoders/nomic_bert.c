/* nomic-bert (Nussbaum et al., 2024, arXiv:2402.01613): BERT's layers with rotary positions, SwiGLU, and no biases but
 * in the norms. And its second version (Nussbaum and Duderstadt, 2025, arXiv:2502.07972), with biases and without gates, where
 * every other layer has experts. */
#include "runtime/load/families/rows.h"

/* clang-format off */
#define PARAMS                                                                                                       \
    SIZE_PARAMS,                                                                                             \
    {"head_dim", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},                          \
    {"rope_parameters.rope_theta|rotary_emb_base", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 1000}
/* clang-format on */

static const struct param_spec params[] = {PARAMS, {0}};
static const struct param_spec moe_params[] = {
    PARAMS,
    {"num_experts", "expert_count", PARAM_SIZE, PARAM(n_experts), 1 << 12, 8},
    {"moe_top_k", "expert_used_count", PARAM_SIZE, PARAM(n_experts_used), 1 << 12, 2},
    {"moe_every_n_layers", "moe_every_n_layers", PARAM_SIZE, PARAM(experts_every), 1 << 12, 0},
    {0},
};

#define ATTENTION_ROWS                                                                                       \
    TOKEN_ROW, TYPE_ROW, EMBD_NORM_ROW, QKV_ROWS(TENSOR_MAYBE_BIAS),                                         \
        LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out)
#define DOWN_ROW LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down)

static const struct tensor_spec tensors[] = {
    ATTENTION_ROWS,
    GATE_AND_UP_ROWS(TENSOR_MAYBE_BIAS),
    DOWN_ROW,
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    MLM_ROWS,
    {0},
};
static const struct tensor_spec moe_tensors[] = {
    ATTENTION_ROWS,
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF, DIM_EMBD, TENSOR_MAYBE_BIAS, ffn_up),
    DOWN_ROW,
    LAYER_ROW("ffn_gate_inp", TENSOR_DENSE, DIM_EXPERTS, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT, router),
    LAYER_ROW("ffn_up_exps", TENSOR_EXPERTS, DIM_FF_EXPERT, DIM_EMBD, TENSOR_NO_BIAS, experts_up),
    LAYER_ROW("ffn_down_exps", TENSOR_EXPERTS, DIM_EMBD, DIM_FF_EXPERT, TENSOR_NO_BIAS, experts_down),
    /* which llama.cpp's converter leaves out */
    LAYER_ROW("ffn_exps_bias", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL | TENSOR_BARE,
              experts_bias),
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    {0},
};

/* clang-format off */
#define ATTENTION_NAMES                                                                                              \
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},                                                  \
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},                                           \
    {"token_embd_norm", "emb_ln", CUT_NONE},                                                                 \
    {"blk.%u.attn_qkv", "encoder.layers.%u.attn.Wqkv", CUT_NONE},                                            \
    {"blk.%u.attn_output", "encoder.layers.%u.attn.out_proj", CUT_NONE},                                     \
    {"blk.%u.attn_output_norm", "encoder.layers.%u.norm1", CUT_NONE},                                        \
    {"blk.%u.ffn_down", "encoder.layers.%u.mlp.fc2", CUT_NONE},                                              \
    {"blk.%u.layer_output_norm", "encoder.layers.%u.norm2", CUT_NONE},                                       \
    POOLER_HEAD_NAMES
/* clang-format on */

static const struct hf_name names[] = {
    ATTENTION_NAMES,
    {"blk.%u.ffn_gate", "encoder.layers.%u.mlp.fc12", CUT_NONE},
    {"blk.%u.ffn_up", "encoder.layers.%u.mlp.fc11", CUT_NONE},
    {"mlm", "cls.predictions.transform.dense", CUT_NONE},
    {"mlm.norm", "cls.predictions.transform.layer_norm", CUT_NONE},
    {"mlm.output", "cls.predictions.decoder", CUT_NONE},
    {"mlm.output", "cls.predictions", CUT_NONE},
    {0},
};
#define EXPERTS "encoder.layers.%u.mlp.experts."
static const struct hf_name moe_names[] = {
    ATTENTION_NAMES,
    {"blk.%u.ffn_up", "encoder.layers.%u.mlp.fc1", CUT_NONE},
    {"blk.%u.ffn_gate_inp", "encoder.layers.%u.mlp.router.layer", CUT_NONE},
    {"blk.%u.ffn_up_exps", EXPERTS "mlp.w1", CUT_EXPERTS_STACKED},
    {"blk.%u.ffn_down_exps", EXPERTS "mlp.w2", CUT_EXPERTS_STACKED_TURNED},
    {"blk.%u.ffn_exps_bias", EXPERTS "bias", CUT_NONE},
    {0},
};

/* clang-format off */
#define FIXED                                                                                                        \
    {"rope_parameters.rope_type", "\"default\""}, {"rotary_emb_fraction", "1.0"},                            \
    {"rotary_emb_interleaved", "false"}, {"rotary_emb_scale_base", "null"},                                  \
    {"rotary_scaling_factor", "null"}, {"prenorm", "false"}, {"parallel_block", "false"},                    \
    {"use_rms_norm", "false"}, {"causal", "false"}
/* clang-format on */

static const struct fixed_spec fixed[] = {FIXED, {"moe_every_n_layers", "0"}, {0}};
static const struct fixed_spec moe_fixed[] = {FIXED,
                                              {"activation_function", "\"gelu\""},
                                              {"num_shared_experts", "0"},
                                              {"moe_normalize_expert_weights", "false"},
                                              {0}};
static const char *const ignored[] = {"cls.", "pooler.", "classifier.", "lm_head.", NULL};

static const char *const classes[] = {"NomicBert", NULL};
/* What the tensors tell, or is of training, and of how it is computed. */
/* clang-format off */
#define KEYS                                                                                                         \
    {"mlp_fc1_bias", NULL}, {"mlp_fc2_bias", NULL}, {"qkv_proj_bias", NULL}, {"attn_pdrop", NULL},           \
    {"embd_pdrop", NULL}, {"resid_pdrop", NULL}, {"fused_bias_fc", NULL}, {"fused_dropout_add_ln", NULL},    \
    {"residual_in_fp32", NULL}, {"reorder_and_upcast_attn", NULL}, {"use_xentropy", NULL},                   \
    {"pad_vocab_size_multiple", NULL}, {"pad_vocab_to_multiple_of", NULL}, {"max_trained_positions", NULL},  \
    {"dense_seq_output", NULL}, {"last_layer_subset", NULL}, {"summary_*", NULL}, {"ffn_div", NULL},         \
    {"router_aux_loss_coef", NULL}, {"add_pooling_layer", NULL}, {"parallel_block_tied_norm", NULL},         \
    {"scale_attn_by_inverse_layer_idx", "false"}, {"scale_attn_weights", "true"},                            \
    {"expert_choice_router", "false"}
/* clang-format on */

static const struct key_spec keys[] = {
    KEYS,
    {"num_experts", NULL}, /* where moe_every_n_layers names none */
    {"moe_*", NULL},
    {"num_shared_experts", NULL},
    {NULL, NULL},
};
static const struct key_spec moe_keys[] = {KEYS, {"moe_impl", NULL}, {"moe_resid_pdrop", NULL}, {NULL, NULL}};

static const struct hf_form form = {.type = "nomic_bert",
                                    .prefix = "nomic_bert.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .classes = classes};

const struct arch arch_nomic_bert = {
    .name = "nomic-bert",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_SILU,
    .head_activation = ACT_TANH,
    .gated = true,
    ENCODER_PASS,
};

static const struct hf_form moe_form = {.type = "nomic_bert",
                                        .option = "moe_every_n_layers",
                                        .prefix = "nomic_bert.|bert.",
                                        .names = moe_names,
                                        .fixed = moe_fixed,
                                        .ignored = ignored,
                                        .keys = moe_keys,
                                        .classes = classes};

const struct arch arch_nomic_bert_moe = {
    .name = "nomic-bert-moe",
    .forms = (const struct hf_form *const[]){&moe_form, NULL},
    .params = moe_params,
    .tensors = moe_tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .experts_any_sum = true,
    ENCODER_PASS,
};
