/* BERT (Devlin et al., 2018, arXiv:1810.04805): embeddings of token, position and segment, then layers of attention
 * and feed-forward, each followed by residual and layer norm. RoBERTa (arXiv:1907.11692), XLM-RoBERTa (1911.02116) and
 * DistilBERT (1910.01108) are the same under other names. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {SIZE_PARAMS, {0}};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    {"position_embd", TENSOR_FLOATS, DIM_POSITIONS, DIM_EMBD, 0, AT(position_embd)},
    POSITION_PAD_ROW,
    TYPE_ROW,
    EMBD_NORM_ROW,
    QKV_ROWS(0),
    BERT_LAYER_ROWS,
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    MLM_ROWS,
    {0},
};

static const struct hf_name bert_names[] = {
    BERT_LAYER_NAMES,
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    POOLER_HEAD_NAMES,
    BERT_LM_NAMES,
    {0},
};

static const struct hf_name roberta_names[] = {
    BERT_LAYER_NAMES, ROBERTA_POSITION_NAMES, DENSE_HEAD_NAMES, ROBERTA_LM_NAMES, {0},
};

/* XLM-RoBERTa in the code of flash attention (jina-reranker-v2). */
static const struct hf_name flash_names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_norm", "emb_ln", CUT_NONE},
    {"position_embd", "embeddings.position_embeddings", CUT_PADDING},
    FLASH_LAYER_NAMES("mixer"),
    DENSE_HEAD_NAMES,
    {0},
};

static const struct hf_name distilbert_names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    {"token_embd_norm", "embeddings.LayerNorm", CUT_NONE},
    {"blk.%u.attn_q", "transformer.layer.%u.attention.q_lin", CUT_NONE},
    {"blk.%u.attn_k", "transformer.layer.%u.attention.k_lin", CUT_NONE},
    {"blk.%u.attn_v", "transformer.layer.%u.attention.v_lin", CUT_NONE},
    {"blk.%u.attn_output", "transformer.layer.%u.attention.out_lin", CUT_NONE},
    {"blk.%u.attn_output_norm", "transformer.layer.%u.sa_layer_norm", CUT_NONE},
    {"blk.%u.ffn_up", "transformer.layer.%u.ffn.lin1", CUT_NONE},
    {"blk.%u.ffn_down", "transformer.layer.%u.ffn.lin2", CUT_NONE},
    {"blk.%u.layer_output_norm", "transformer.layer.%u.output_layer_norm", CUT_NONE},
    {"cls", "pre_classifier", CUT_NONE},
    {"cls.output", "classifier", CUT_NONE},
    {"mlm", "vocab_transform", CUT_NONE},
    {"mlm.norm", "vocab_layer_norm", CUT_NONE},
    {"mlm.output", "vocab_projector", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    {"position_embedding_type", "\"absolute\""},
    {"is_decoder", "false"},
    {"add_cross_attention", "false"},
    {0},
};

/* Heads of pre-training, counters, and the pooler where nothing classifies. */
static const char *const ignored[] = {
    "embeddings.position_ids", "cls.", "pooler.", "classifier.", "lm_head.", "vocab_",
    "pre_classifier.",         NULL};

static const char *const bert_classes[] = {"Bert", NULL};
static const char *const roberta_classes[] = {"Roberta", "XLMRoberta", "Camembert", NULL};
static const char *const distilbert_classes[] = {"DistilBert", NULL};
static const struct key_spec distilbert_keys[] = {{"sinusoidal_pos_embds", NULL},
                                                  {"tie_weights_", NULL},
                                                  {NULL, NULL}}; /* how the table was filled at first */

#define BERT_FORM    .fixed = fixed, .ignored = ignored
#define ROBERTA_FORM .prefix = "roberta.", .after_padding = true, BERT_FORM

static const struct hf_form bert = {
    .type = "bert", .prefix = "bert.", .names = bert_names, .classes = bert_classes, BERT_FORM};
/* ERNIE (Sun et al., 2019, arXiv:1907.12412) and its Chinese successors, under BERT's names. */
static const char *const ernie_classes[] = {"Ernie", NULL};
static const struct key_spec ernie_keys[] = {
    {"use_task_id", "true|false"}, {"task_type_vocab_size", NULL}, {NULL, NULL}};
static const struct hf_form ernie = {.type = "ernie",
                                     .prefix = "ernie.",
                                     .names = bert_names,
                                     .task_types = true,
                                     .classes = ernie_classes,
                                     .keys = ernie_keys,
                                     .fixed = fixed,
                                     .ignored = ignored};
static const struct hf_form roberta = {
    .type = "roberta", .names = roberta_names, .classes = roberta_classes, ROBERTA_FORM};
static const struct hf_form xlm_roberta = {
    .type = "xlm-roberta", .names = roberta_names, .classes = roberta_classes, ROBERTA_FORM};
static const char *const flash_classes[] = {"XLMRoberta", "=XLMRobertaFlashConfig", NULL};
static const struct fixed_spec flash_fixed[] = {
    {"position_embedding_type", "\"absolute\""}, {"lora_adaptations", "null"}, {0}};
static const struct key_spec flash_keys[] = {
    {"lora_*", NULL}, /* where there are adapters */
    {"load_trained_adapters", NULL},
    {"emb_pooler", NULL},    /* of a function of its code that Sentence Transformers does not call */
    {"use_reentrant", NULL}, /* of training */
    {"truncate_dim", "null"},
    {NULL, NULL}};
static const struct hf_form flash = {.type = "xlm-roberta",
                                     .option = "use_flash_attn|lora_rank",
                                     .prefix = "roberta.",
                                     .names = flash_names,
                                     .after_padding = true,
                                     .fixed = flash_fixed,
                                     .ignored = ignored,
                                     .keys = flash_keys,
                                     .classes = flash_classes};
static const struct hf_form camembert = {
    .type = "camembert", .names = roberta_names, .classes = roberta_classes, ROBERTA_FORM};
static const struct fixed_spec distilbert_fixed[] = {
    {"layer_norm_eps", "1e-12"}, {"layer_norm_epsilon", "1e-12"}, {"norm_eps", "1e-12"}, {0}};
static const struct default_spec distilbert_defaults[] = {{PARAM(norm_eps), 1e-12}, {0}};
static const struct hf_form distilbert = {.type = "distilbert",
                                          .prefix = "distilbert.",
                                          .names = distilbert_names,
                                          .fixed = distilbert_fixed,
                                          .ignored = ignored,
                                          .head_activation = ACT_RELU,
                                          .defaults = distilbert_defaults,
                                          .keys = distilbert_keys,
                                          .classes = distilbert_classes};

const struct arch arch_bert = {
    .name = "bert",
    .forms = (const struct hf_form *const[]){&bert, &ernie, &roberta, &xlm_roberta, &flash, &camembert,
                                             &distilbert, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .head_without_types = ACT_RELU, /* DistilBERT */
    ENCODER_PASS,
};
