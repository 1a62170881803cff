/* Pegasus (Zhang et al., 2019, arXiv:1912.08777): BART's layers with norms before their parts, and positions of sines. */
#include "runtime/load/families/stack_rows.h"

static const struct param_spec params[] = {FAIRSEQ_PARAMS, {0}};
static const struct tensor_spec tensors[] = {
    FAIRSEQ_ROWS, POSITION_ROWS(TENSOR_OPTIONAL), OUTPUT_NORM_ROWS, {0}};
static const struct hf_name names[] = {FAIRSEQ_NAMES, POSITION_NAMES(CUT_NONE), OUTPUT_NORM_NAMES, {0}};

static const char *const ignored[] = {"encoder.embed_tokens.", "decoder.embed_tokens.", "lm_head.", NULL};
static const struct key_spec keys[] = {FAIRSEQ_KEYS("true", "true", "true", "false"), {NULL, NULL}};

static const char *const classes[] = {"Pegasus", NULL};
static const struct hf_form form = {.type = "pegasus",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .keys = keys,
                                    .classes = classes};

const struct arch arch_pegasus = {
    .name = "pegasus",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_GELU,
    .pre_norm = true,
    .positions = POSITIONS_SINES,
    WRITING_PASS,
};
