/* Marian (Junczys-Dowmunt et al., 2018, arXiv:1804.00344), as which the OPUS-MT models come: BART's layers without the norm
 * behind the embeddings, and positions of sines. Some have two vocabularies, of what is read and of what is written. */
#include "runtime/load/families/stack_rows.h"

static const struct param_spec params[] = {FAIRSEQ_PARAMS, {0}};
static const struct tensor_spec tensors[] = {
    {"dec.token_embd", TENSOR_TABLE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL, AT(decoder_token_embd)},
    FAIRSEQ_ROWS,
    POSITION_ROWS(TENSOR_OPTIONAL),
    {0}};
static const struct hf_name names[] = {
    {"dec.token_embd", "decoder.embed_tokens", CUT_OWN_TABLE}, FAIRSEQ_NAMES, POSITION_NAMES(CUT_NONE), {0}};

static const char *const ignored[] = {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.", NULL};
static const struct key_spec keys[] = {FAIRSEQ_KEYS("false", "false", "true", "false"),
                                       {"decoder_vocab_size", NULL},
                                       {"share_encoder_decoder_embeddings", "true|false"},
                                       {NULL, NULL}};

static const char *const classes[] = {"Marian", NULL};
static const struct hf_form form = {.type = "marian",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .classes = classes};

const struct arch arch_marian = {
    .name = "marian",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_GELU,
    .positions = POSITIONS_SINES,
    WRITING_PASS,
};
