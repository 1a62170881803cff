/* mBART (Liu et al., 2020, arXiv:2001.08210): BART with norms before each part of a layer, and behind all layers. */
#include "runtime/load/families/stack_rows.h"

static const struct param_spec params[] = {FAIRSEQ_PARAMS, {0}};
static const struct tensor_spec tensors[] = {FAIRSEQ_ROWS,     POSITION_ROWS(0), EMBEDDING_NORM_ROWS,
                                             OUTPUT_NORM_ROWS, REREAD_HEAD_ROWS, {0}};
static const struct hf_name names[] = {FAIRSEQ_NAMES,     POSITION_NAMES(CUT_PADDING), EMBEDDING_NORM_NAMES,
                                       OUTPUT_NORM_NAMES, REREAD_HEAD_NAMES,           {0}};

static const char *const ignored[] = {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.", NULL};
static const struct key_spec keys[] = {FAIRSEQ_KEYS("true", "true", "false", "true"), {NULL, NULL}};

static const char *const classes[] = {"MBart", NULL};
static const struct hf_form form = {.type = "mbart",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .rows_before = 2,
                                    .keys = keys,
                                    .classes = classes,
                                    .end_token = 2,
                                    .starts_with_last = true};

const struct arch arch_mbart = {
    .name = "mbart",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_GELU,
    .pre_norm = true,
    WRITING_PASS,
};
