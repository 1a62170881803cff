/* MPNet (Song et al., 2020, arXiv:2004.09297): BERT without segments, with a bias for the distance of two tokens, one
 * table for all layers. llama.cpp has no such family; the names follow its style. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {SIZE_PARAMS, {0}};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD, 0, AT(position_embd)},
    POSITION_PAD_ROW,
    EMBD_NORM_ROW,
    {"attn_rel_b", TENSOR_FLOATS, DIM_BUCKETS, DIM_N_HEADS, 0, AT(distance_bias)},
    QKV_ROWS(0),
    BERT_LAYER_ROWS,
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    MLM_ROWS,
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    ROBERTA_POSITION_NAMES,
    {"token_embd_norm", "embeddings.LayerNorm", CUT_NONE},
    {"attn_rel_b", "encoder.relative_attention_bias", CUT_NONE},
    {"blk.%u.attn_q", "encoder.layer.%u.attention.attn.q", CUT_NONE},
    {"blk.%u.attn_k", "encoder.layer.%u.attention.attn.k", CUT_NONE},
    {"blk.%u.attn_v", "encoder.layer.%u.attention.attn.v", CUT_NONE},
    {"blk.%u.attn_output", "encoder.layer.%u.attention.attn.o", CUT_NONE},
    {"blk.%u.attn_output_norm", "encoder.layer.%u.attention.LayerNorm", CUT_NONE},
    BERT_FFN_NAMES,
    DENSE_HEAD_NAMES,
    ROBERTA_LM_NAMES,
    {0},
};

/* Positions start behind row 1 whatever the padding token is, so it has to be 1. */
static const struct fixed_spec fixed[] = {
    {"pad_token_id", "1"}, {"relative_attention_num_buckets", "32"}, {0}};
static const char *const ignored[] = {"embeddings.position_ids", "pooler.", "classifier.", "lm_head.", NULL};

static const char *const classes[] = {"MPNet", NULL};

static const struct hf_form form = {.type = "mpnet",
                                    .prefix = "mpnet.",
                                    .names = names,
                                    .fixed = fixed,
                                    .classes = classes,
                                    .ignored = ignored,
                                    .after_padding = true};

const struct arch arch_mpnet = {
    .name = "mpnet",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .mlm_activation = ACT_GELU,
    .distance = DISTANCE_BUCKETS,
    ENCODER_PASS,
};
