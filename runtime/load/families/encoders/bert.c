/* BERT (Devlin et al., 2018, arXiv:1810.04805): embeddings of token, position and segment, then layers of attention
 * and feed-forward, each followed by residual and layer norm. RoBERTa (arXiv:1907.11692), XLM-RoBERTa (1911.02116) and
 * DistilBERT (1910.01108) are the same under other names. */
#include "runtime/load/families/rows.h"
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <string.h>

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
/* BigBird (Zaheer et al., 2020, arXiv:2007.14062), with attention to all tokens. That to some of them, which transformers takes where
 * nothing is said, chooses blocks by chance. */
static enum hone_status import_big_bird(struct folder *f, struct hone_error *err)
{
    const char *type = json_string_value(json_object_get(f->config, "attention_type"));
    if (type && strcmp(type, "original_full") == 0)
        return HONE_OK;
    return keys_refuse(
        f->keys, err,
        "%s/config.json: 'attention_type' is '%.64s', whose blocks are chosen by chance; expected "
        "'original_full', which transformers, too, takes for texts of up to 704 tokens",
        f->dir, type ? type : "block_sparse");
}

static const struct hf_name big_bird_names[] = {
    BERT_LAYER_NAMES,
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    DENSE_HEAD_NAMES,
    BERT_LM_NAMES,
    {0},
};
static const char *const big_bird_classes[] = {"BigBird", NULL};
static const struct key_spec big_bird_keys[] = {{"attention_type", NULL},        {"block_size", NULL},
                                                {"num_random_blocks", NULL},     {"use_bias", "true"},
                                                {"rescale_embeddings", "false"}, {NULL, NULL}};
static const struct default_spec big_bird_defaults[] = {{PARAM(norm_eps), 1e-12}, {0}};
static const struct hf_form big_bird = {.type = "big_bird",
                                        .prefix = "bert.",
                                        .names = big_bird_names,
                                        .classes = big_bird_classes,
                                        .keys = big_bird_keys,
                                        .head_activation = ACT_GELU_TANH,
                                        .head_activation_key = "hidden_act",
                                        .usual_activation = "gelu_new",
                                        .defaults = big_bird_defaults,
                                        .import = import_big_bird,
                                        BERT_FORM};
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
    .forms = (const struct hf_form *const[]){&bert, &ernie, &big_bird, &roberta, &xlm_roberta, &flash,
                                             &camembert, &distilbert, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .head_without_types = ACT_RELU, /* DistilBERT */
    ENCODER_PASS,
};
