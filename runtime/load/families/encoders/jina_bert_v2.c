/* Jina's BERT, version 2 (Günther et al., 2023, arXiv:2310.19923): BERT with ALiBi (Press et al., arXiv:2108.12409) to
 * both sides instead of position embeddings, and a gated feed-forward layer. Its model for code has further norms: of
 * queries, of keys, and a second one after attention. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {SIZE_PARAMS, {0}};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    TYPE_ROW,
    EMBD_NORM_ROW,
    QKV_ROWS(0),
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEADS, DIM_NONE, TENSOR_OPTIONAL, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEADS, DIM_NONE, TENSOR_OPTIONAL, k_norm),
    LAYER_ROW("attn_norm_2", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL, attn_norm_2),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, 0, attn_out),
    LAYER_ROW("ffn_up", TENSOR_DENSE, DIM_FF2, DIM_EMBD, TENSOR_FUSED | TENSOR_NO_BIAS, ffn_up),
    GATE_AND_UP_ROWS(TENSOR_NO_BIAS),
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, 0, ffn_down),
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    {0},
};

static const struct hf_name names[] = {
    BERT_EMBD_NAMES,
    {"blk.%u.attn_q", "encoder.layer.%u.attention.self.query", CUT_NONE},
    {"blk.%u.attn_k", "encoder.layer.%u.attention.self.key", CUT_NONE},
    {"blk.%u.attn_v", "encoder.layer.%u.attention.self.value", CUT_NONE},
    {"blk.%u.attn_q_norm", "encoder.layer.%u.attention.self.layer_norm_q", CUT_NONE},
    {"blk.%u.attn_k_norm", "encoder.layer.%u.attention.self.layer_norm_k", CUT_NONE},
    {"blk.%u.attn_norm_2", "encoder.layer.%u.layer_norm_1", CUT_NONE},
    BERT_ATTN_OUTPUT_NAMES,
    {"blk.%u.ffn_up", "encoder.layer.%u.mlp.gated_layers", CUT_NONE},
    {"blk.%u.ffn_up", "encoder.layer.%u.mlp.up_gated_layer", CUT_FIRST_HALF},
    {"blk.%u.ffn_gate", "encoder.layer.%u.mlp.up_gated_layer", CUT_SECOND_HALF},
    {"blk.%u.ffn_down", "encoder.layer.%u.mlp.wo", CUT_NONE},
    {"blk.%u.ffn_down", "encoder.layer.%u.mlp.down_layer", CUT_NONE},
    {"blk.%u.layer_output_norm", "encoder.layer.%u.mlp.layernorm", CUT_NONE},
    {"blk.%u.layer_output_norm", "encoder.layer.%u.layer_norm_2", CUT_NONE},
    POOLER_HEAD_NAMES,
    {0},
};

static const struct fixed_spec fixed[] = {
    {"position_embedding_type", "\"alibi\""},
    {"is_decoder", "false"},
    {0},
};
static const char *const ignored[] = {"embeddings.position_ids", "cls.", "pooler.", "classifier.", NULL};

static const char *const classes[] = {"JinaBert", NULL};
static const struct key_spec keys[] = {
    {"emb_pooler", NULL}, {"attn_implementation", NULL}, {"embedding_dropout", NULL}, {NULL, NULL}};

static const struct hf_form form = {.type = "bert",
                                    .class_start = "JinaBert",
                                    .prefix = "bert.",
                                    .names = names,
                                    .fixed = fixed,
                                    .keys = keys,
                                    .classes = classes,
                                    .ignored = ignored};

const struct arch arch_jina_bert_v2 = {
    .name = "jina-bert-v2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .gated = true,
    .distance = DISTANCE_ALIBI,
    ENCODER_PASS,
};
