/* BART (Lewis et al., 2019, arXiv:1910.13461): layers of BERT's kind, learned positions, and a norm behind the embeddings.
 * PLBART (Ahmad et al., 2021, arXiv:2103.06333) is the same for code. */
#include "runtime/load/families/stack_rows.h"

static const struct param_spec params[] = {FAIRSEQ_PARAMS, {0}};
static const struct tensor_spec tensors[] = {
    FAIRSEQ_ROWS, POSITION_ROWS(0), EMBEDDING_NORM_ROWS, REREAD_HEAD_ROWS, {0}};
static const struct hf_name names[] = {
    FAIRSEQ_NAMES, POSITION_NAMES(CUT_PADDING), EMBEDDING_NORM_NAMES, REREAD_HEAD_NAMES, {0}};

/* Copies of the token embeddings; the version, which old checkpoints hold as a tensor. */
static const char *const ignored[] = {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.",
                                      "encoder.version",       "decoder.version",       NULL};
static const struct key_spec keys[] = {FAIRSEQ_KEYS("false", "false", "false", "true"),
                                       {"prefix", "\"\"|\" \""}, /* of a pipeline that transformers had */
                                       {"replacing_rate", NULL}, /* of distilling */
                                       {"save_step", NULL},
                                       {NULL, NULL}};

static const char *const bart_classes[] = {"Bart", NULL};
static const char *const plbart_classes[] = {"PLBart", NULL};

static const struct hf_form bart = {.type = "bart",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .rows_before = 2,
                                    .keys = keys,
                                    .classes = bart_classes,
                                    .end_token = 2,
                                    .start_token = 2};
static const struct hf_form plbart = {.type = "plbart",
                                      .prefix = "model.",
                                      .names = names,
                                      .ignored = ignored,
                                      .rows_before = 2,
                                      .keys = keys,
                                      .classes = plbart_classes,
                                      .end_token = 2,
                                      .starts_with_last = true};

const struct arch arch_bart = {
    .name = "bart",
    .forms = (const struct hf_form *const[]){&bart, &plbart, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_GELU,
    WRITING_PASS,
};
