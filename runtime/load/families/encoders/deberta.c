/* DeBERTa's second and third version (He et al., 2020, arXiv:2006.03654; 2021, arXiv:2111.09543): BERT's layers with
 * disentangled attention. llama.cpp has no such family; the names follow its style. */
#include "runtime/load/families/rows.h"
#include "runtime/nn/disentangled.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    NARROW_PARAM,
    {"attention_head_size", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},
    {"", "attention.relative_buckets_count", PARAM_SIZE, PARAM(near_distances), 1 << 20, -1},
    {"", "attention.relative_max_distance", PARAM_SIZE, PARAM(max_distance), 1 << 20, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    {"token_embd", TENSOR_TABLE, DIM_VOCAB, DIM_TOKEN, 0, AT(token_embd)},
    {"position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_TOKEN, TENSOR_OPTIONAL, AT(position_embd)},
    {"token_types", TENSOR_FLOATS, DIM_TYPES, DIM_TOKEN, TENSOR_OPTIONAL, AT(type_embd)},
    {"token_embd_proj", TENSOR_DENSE, DIM_EMBD, DIM_TOKEN, TENSOR_TOKEN_PROJ | TENSOR_NO_BIAS, AT(embd_proj)},
    EMBD_NORM_ROW,
    {"attn_rel_embd", TENSOR_FLOATS, DIM_DISTANCES, DIM_EMBD, TENSOR_OPTIONAL, AT(distance_embd)},
    {"attn_rel_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL, AT(distance_norm)},
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, 0, qkv),
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, 0, qkv),
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, 0, qkv),
    LAYER_ROW("attn_pos_k", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_OWN_KEY, pos_k),
    LAYER_ROW("attn_pos_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_OWN_QUERY, pos_q),
    BERT_LAYER_ROWS,
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    MLM_ROWS,
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_proj", "embeddings.embed_proj", CUT_NONE},
    {"token_embd_norm", "embeddings.LayerNorm", CUT_NONE},
    {"attn_rel_embd", "encoder.rel_embeddings", CUT_NONE},
    {"attn_rel_embd_norm", "encoder.LayerNorm", CUT_NONE},
    {"blk.%u.attn_q", "encoder.layer.%u.attention.self.query_proj", CUT_NONE},
    {"blk.%u.attn_k", "encoder.layer.%u.attention.self.key_proj", CUT_NONE},
    {"blk.%u.attn_v", "encoder.layer.%u.attention.self.value_proj", CUT_NONE},
    {"blk.%u.attn_pos_k", "encoder.layer.%u.attention.self.pos_key_proj", CUT_NONE},
    {"blk.%u.attn_pos_q", "encoder.layer.%u.attention.self.pos_query_proj", CUT_NONE},
    BERT_ATTN_OUTPUT_NAMES,
    BERT_FFN_NAMES,
    POOLER_HEAD_NAMES,
    BERT_LM_NAMES,
    {"mlm", "lm_predictions.lm_head.dense", CUT_NONE},
    {"mlm.norm", "lm_predictions.lm_head.LayerNorm", CUT_NONE},
    {"mlm.output", "lm_predictions.lm_head", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {{"conv_kernel_size", "0"}, {0}};
static const char *const ignored[] = {"embeddings.position_ids",
                                      "embeddings.position_embeddings.",
                                      "cls.",
                                      "lm_predictions.",
                                      "mask_predictions.",
                                      "pooler.",
                                      "classifier.",
                                      NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-7}, {PARAM(max_length), 512}, {0}};

static const char *const classes[] = {"DebertaV2", NULL};
static const struct key_spec keys[] = {
    {"legacy", NULL}, /* how the head of pre-training is called; tensors tell */
    {"norm_rel_ebd", NULL},
    {"share_att_key", NULL},
    {"pos_att_type", NULL},
    {"position_buckets", NULL},
    {"relative_attention", NULL},
    {"max_relative_positions", NULL},
    {"position_biased_input", NULL},
    {"pooler_hidden_size", NULL}, /* the tensors tell */
    {NULL, NULL},
};

static const struct hf_form form = {.type = "deberta-v2",
                                    .prefix = "deberta.",
                                    .names = names,
                                    .fixed = fixed,
                                    .keys = keys,
                                    .classes = classes,
                                    .ignored = ignored,
                                    .head_activation_key = "pooler_hidden_act",
                                    .defaults = defaults};

const struct arch arch_deberta_v2 = {
    .name = "deberta-v2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_GELU,
    .distance = DISTANCE_DISENTANGLED,
    .proj_first = true,
    .workspace = encoder_workspace,
    .scratch = disentangled_scratch,
    .prepare = disentangled_prepare,
    .forward = encoder_forward,
};
