/* ALBERT (Lan et al., 2019, arXiv:1909.11942): BERT whose layers share their weights, all or by groups of neighbours, and
 * whose token embeddings are narrower than they. llama.cpp has no such family; the names follow its style, and blk.N is a
 * group. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    NARROW_PARAM,
    {"num_hidden_groups", "block_group_count", PARAM_SIZE, PARAM(n_groups), 1024, 1},
    {0},
};

static const struct tensor_spec tensors[] = {
    NARROW_ROWS,     {"token_embd_norm", TENSOR_NORM, DIM_TOKEN, DIM_NONE, 0, AT(embd_norm)},
    QKV_ROWS(0),     BERT_LAYER_ROWS,
    POST_NORM_ROWS,  HEAD_ROWS(0),
    NARROW_MLM_ROWS, {0},
};

#define GROUP "encoder.albert_layer_groups.%u.albert_layers.0."
static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_norm", "embeddings.LayerNorm", CUT_NONE},
    {"token_embd_proj", "encoder.embedding_hidden_mapping_in", CUT_NONE},
    {"blk.%u.attn_q", GROUP "attention.query", CUT_NONE},
    {"blk.%u.attn_k", GROUP "attention.key", CUT_NONE},
    {"blk.%u.attn_v", GROUP "attention.value", CUT_NONE},
    {"blk.%u.attn_output", GROUP "attention.dense", CUT_NONE},
    {"blk.%u.attn_output_norm", GROUP "attention.LayerNorm", CUT_NONE},
    {"blk.%u.ffn_up", GROUP "ffn", CUT_NONE},
    {"blk.%u.ffn_down", GROUP "ffn_output", CUT_NONE},
    {"blk.%u.layer_output_norm", GROUP "full_layer_layer_norm", CUT_NONE},
    {"cls", "pooler", CUT_NONE},
    {"cls.output", "classifier", CUT_NONE},
    {"mlm", "predictions.dense", CUT_NONE},
    {"mlm.norm", "predictions.LayerNorm", CUT_NONE},
    {"mlm.output", "predictions.decoder", CUT_NONE},
    {"mlm.output", "predictions", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    {"position_embedding_type", "\"absolute\""}, {"inner_group_num", "1"}, {0}};
static const char *const ignored[] = {"embeddings.position_ids", "pooler.", "classifier.", "predictions.",
                                      "sop_classifier.",         NULL};
static const struct default_spec defaults[] = {{PARAM(n_token), 128}, {PARAM(norm_eps), 1e-12}, {0}};

static const char *const classes[] = {"Albert", NULL};
static const struct key_spec keys[] = {{"num_hidden_groups", NULL}, {"down_scale_factor", "1"},
                                       {"gap_size", "0"},           {"net_structure_type", "0"},
                                       {"num_memory_blocks", "0"},  {NULL, NULL}};

static const struct hf_form form = {.type = "albert",
                                    .prefix = "albert.",
                                    .names = names,
                                    .fixed = fixed,
                                    .keys = keys,
                                    .classes = classes,
                                    .ignored = ignored,
                                    .defaults = defaults};

const struct arch arch_albert = {
    .name = "albert",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU_TANH,
    .head_activation = ACT_TANH,
    ENCODER_PASS,
};
