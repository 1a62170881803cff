/* XLM-RoBERTa-XL (Goyal et al., 2021, arXiv:2105.00572): XLM-RoBERTa whose layers begin with their norms, one following all of
 * them and none the embeddings. llama.cpp has no such family; the names follow its style. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {SIZE_PARAMS, {0}};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD, 0, AT(position_embd)},
    POSITION_PAD_ROW,
    TYPE_ROW,
    QKV_ROWS(0),
    BERT_LAYER_ROWS,
    LAYER_ROW("attn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, attn_norm),
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, ffn_norm),
    {"enc.output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, 0, AT(encoder_norm)},
    HEAD_ROWS(0),
    MLM_ROWS,
    {0},
};

#define LAYER "encoder.layer.%u."
static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    ROBERTA_POSITION_NAMES,
    {"blk.%u.attn_norm", LAYER "attention.self_attn_layer_norm", CUT_NONE},
    {"blk.%u.attn_q", LAYER "attention.self.query", CUT_NONE},
    {"blk.%u.attn_k", LAYER "attention.self.key", CUT_NONE},
    {"blk.%u.attn_v", LAYER "attention.self.value", CUT_NONE},
    {"blk.%u.attn_output", LAYER "attention.output.dense", CUT_NONE},
    {"blk.%u.ffn_norm", LAYER "LayerNorm", CUT_NONE},
    {"blk.%u.ffn_up", LAYER "intermediate.dense", CUT_NONE},
    {"blk.%u.ffn_down", LAYER "output.dense", CUT_NONE},
    {"enc.output_norm", "encoder.LayerNorm", CUT_NONE},
    DENSE_HEAD_NAMES,
    ROBERTA_LM_NAMES,
    {0},
};

static const struct fixed_spec fixed[] = {{"position_embedding_type", "\"absolute\""},
                                          {"is_decoder", "false"},
                                          {"add_cross_attention", "false"},
                                          {0}};
static const char *const ignored[] = {"embeddings.position_ids", "pooler.", "classifier.", "lm_head.", NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const char *const classes[] = {"XLMRobertaXL", NULL};

static const struct hf_form form = {.type = "xlm-roberta-xl",
                                    .prefix = "roberta.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .classes = classes,
                                    .after_padding = true};

const struct arch arch_xlm_roberta_xl = {
    .name = "xlm-roberta-xl",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .mlm_activation = ACT_GELU,
    .pre_norm = true,
    ENCODER_PASS,
};
