/* ELECTRA (Clark et al., 2020, arXiv:2003.10555): BERT with token embeddings that may be narrower than its layers. llama.cpp
 * has no such family; the names follow its style. RemBERT (Chung et al., 2020, arXiv:2010.12821) is the same with BERT's head. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {SIZE_PARAMS, NARROW_PARAM, {0}};

static const struct tensor_spec tensors[] = {
    NARROW_ROWS,     {"token_embd_norm", TENSOR_NORM, DIM_TOKEN, DIM_NONE, 0, AT(embd_norm)},
    QKV_ROWS(0),     BERT_LAYER_ROWS,
    POST_NORM_ROWS,  HEAD_ROWS(0),
    NARROW_MLM_ROWS, {0},
};

static const struct hf_name names[] = {
    BERT_LAYER_NAMES,
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    {"token_embd_proj", "embeddings_project", CUT_NONE},
    DENSE_HEAD_NAMES,
    {"mlm", "generator_predictions.dense", CUT_NONE},
    {"mlm.norm", "generator_predictions.LayerNorm", CUT_NONE},
    {"mlm.output", "generator_lm_head", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {{"position_embedding_type", "\"absolute\""},
                                          {"is_decoder", "false"},
                                          {"add_cross_attention", "false"},
                                          {0}};
static const char *const ignored[] = {"embeddings.position_ids",    "classifier.",
                                      "discriminator_predictions.", "generator_predictions.",
                                      "generator_lm_head.",         NULL};

static const struct default_spec defaults[] = {{PARAM(n_token), 128}, {PARAM(norm_eps), 1e-12}, {0}};

static const char *const classes[] = {"Electra", NULL};
static const struct key_spec keys[] = {
    {"summary_type", NULL}, /* of multiple choice, which hone has not */
    {"summary_use_proj", NULL},
    {"summary_activation", NULL},
    {NULL, NULL},
};

static const struct hf_form form = {.type = "electra",
                                    .prefix = "electra.",
                                    .names = names,
                                    .fixed = fixed,
                                    .keys = keys,
                                    .classes = classes,
                                    .ignored = ignored,
                                    .defaults = defaults};

static const struct hf_name rembert_names[] = {
    BERT_LAYER_NAMES,
    {"position_embd", "embeddings.position_embeddings", CUT_NONE},
    {"token_embd_proj", "encoder.embedding_hidden_mapping_in", CUT_NONE},
    POOLER_HEAD_NAMES,
    {"mlm", "cls.predictions.dense", CUT_NONE},
    {"mlm.norm", "cls.predictions.LayerNorm", CUT_NONE},
    {"mlm.output", "cls.predictions.decoder", CUT_NONE},
    {0},
};
static const struct fixed_spec rembert_fixed[] = {
    {"is_decoder", "false"}, {"add_cross_attention", "false"}, {0}};
static const char *const rembert_ignored[] = {"embeddings.position_ids", "cls.", "pooler.", "classifier.",
                                              NULL};
static const struct default_spec rembert_defaults[] = {{PARAM(n_token), 256}, {PARAM(norm_eps), 1e-12}, {0}};
static const char *const rembert_classes[] = {"RemBert", NULL};
static const struct key_spec rembert_keys[] = {{"output_embedding_size", NULL}, /* the tensors tell */
                                               {NULL, NULL}};

static const struct hf_form rembert = {.type = "rembert",
                                       .prefix = "rembert.",
                                       .names = rembert_names,
                                       .fixed = rembert_fixed,
                                       .keys = rembert_keys,
                                       .classes = rembert_classes,
                                       .ignored = rembert_ignored,
                                       .head_activation = ACT_TANH,
                                       .defaults = rembert_defaults};

const struct arch arch_electra = {
    .name = "electra",
    .forms = (const struct hf_form *const[]){&form, &rembert, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_GELU,
    .mlm_activation = ACT_GELU,
    ENCODER_PASS,
};
