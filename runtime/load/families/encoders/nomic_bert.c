/* nomic-bert (Nussbaum et al., 2024, arXiv:2402.01613): BERT's layers with rotary positions, SwiGLU, and no biases but
 * in the norms. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    {"head_dim", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},
    {"rope_parameters.rope_theta|rotary_emb_base", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 1000},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    TYPE_ROW,
    EMBD_NORM_ROW,
    QKV_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),
    GATE_AND_UP_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, TENSOR_MAYBE_BIAS, ffn_down),
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_norm", "emb_ln", CUT_NONE},
    {"blk.%u.attn_qkv", "encoder.layers.%u.attn.Wqkv", CUT_NONE},
    {"blk.%u.attn_output", "encoder.layers.%u.attn.out_proj", CUT_NONE},
    {"blk.%u.attn_output_norm", "encoder.layers.%u.norm1", CUT_NONE},
    {"blk.%u.ffn_gate", "encoder.layers.%u.mlp.fc12", CUT_NONE},
    {"blk.%u.ffn_up", "encoder.layers.%u.mlp.fc11", CUT_NONE},
    {"blk.%u.ffn_down", "encoder.layers.%u.mlp.fc2", CUT_NONE},
    {"blk.%u.layer_output_norm", "encoder.layers.%u.norm2", CUT_NONE},
    POOLER_HEAD_NAMES,
    {0},
};

static const struct fixed_spec fixed[] = {
    {"rope_parameters.rope_type", "\"default\""},
    {"rotary_emb_fraction", "1.0"},
    {"rotary_emb_interleaved", "false"},
    {"rotary_emb_scale_base", "null"},
    {"rotary_scaling_factor", "null"},
    {"prenorm", "false"},
    {"parallel_block", "false"},
    {"use_rms_norm", "false"},
    {"causal", "false"},
    {"moe_every_n_layers", "0"},
    {0},
};
static const char *const ignored[] = {"cls.", "pooler.", "classifier.", "lm_head.", NULL};

static const char *const classes[] = {"NomicBert", NULL};
static const struct key_spec keys[] = {
    {"mlp_fc1_bias", NULL}, /* the tensors tell these */
    {"mlp_fc2_bias", NULL},
    {"qkv_proj_bias", NULL},
    {"attn_pdrop", NULL}, /* of training, and of how it is computed */
    {"embd_pdrop", NULL},
    {"resid_pdrop", NULL},
    {"fused_bias_fc", NULL},
    {"fused_dropout_add_ln", NULL},
    {"residual_in_fp32", NULL},
    {"reorder_and_upcast_attn", NULL},
    {"use_xentropy", NULL},
    {"pad_vocab_size_multiple", NULL},
    {"max_trained_positions", NULL},
    {"dense_seq_output", NULL},
    {"last_layer_subset", NULL},
    {"summary_*", NULL},
    {"expert_choice_router", "false"},
    {"num_experts", NULL}, /* where moe_every_n_layers names none */
    {"moe_*", NULL},
    {"num_shared_experts", NULL},
    {"ffn_div", NULL},
    {"router_aux_loss_coef", NULL},
    {"add_pooling_layer", NULL},
    {"scale_attn_by_inverse_layer_idx", "false"},
    {"scale_attn_weights", "true"},
    {NULL, NULL},
};

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
