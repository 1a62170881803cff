/* jina-embeddings-v3 (Sturua et al., 2024, arXiv:2409.10173): XLM-RoBERTa with rotary positions. Of the adapters for tasks
 * that its first form has nothing is known here: the form of transformers has none. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 20000},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,      TYPE_ROW,     EMBD_NORM_ROW, QKV_ROWS(0), BERT_LAYER_ROWS,
    POST_NORM_ROWS, HEAD_ROWS(0), MLM_ROWS,      {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings.word_embeddings", CUT_NONE},
    {"token_types", "embeddings.token_type_embeddings", CUT_NONE},
    {"token_embd_norm", "emb_ln", CUT_NONE},
    FLASH_LAYER_NAMES("mixer"),
    DENSE_HEAD_NAMES,
    ROBERTA_LM_NAMES,
    {0},
};

static const struct fixed_spec fixed[] = {{"rope_parameters.rope_type", "\"default\""}, {0}};
static const char *const ignored[] = {"embeddings.position_ids", "pooler.", "classifier.", "lm_head.", NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {PARAM(max_length), 8194}, {0}};

static const char *const classes[] = {"JinaEmbeddingsV3", NULL};

static const struct hf_form form = {.type = "jina_embeddings_v3",
                                    .classes = classes,
                                    .prefix = "roberta.",
                                    .names = names,
                                    .fixed = fixed,
                                    .ignored = ignored,
                                    .defaults = defaults};

const struct arch arch_jina_bert_v3 = {
    .name = "jina-bert-v3",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    ENCODER_PASS,
};
