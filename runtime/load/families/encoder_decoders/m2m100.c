/* M2M100 (Fan et al., 2020, arXiv:2010.11125) and NLLB-200 (2022, arXiv:2207.04672): norms before each part of a layer, and
 * fairseq's positions, which padding tokens have none of. */
#include "runtime/load/families/stack_rows.h"

static const struct param_spec params[] = {FAIRSEQ_PARAMS, {0}};
static const struct tensor_spec tensors[] = {
    FAIRSEQ_ROWS, POSITION_ROWS(TENSOR_OPTIONAL), OUTPUT_NORM_ROWS, {0}};
static const struct hf_name names[] = {FAIRSEQ_NAMES, OUTPUT_NORM_NAMES, {0}};

/* Copies, and what transformers makes anew of positions. */
static const char *const ignored[] = {"encoder.embed_tokens.",    "decoder.embed_tokens.",    "lm_head.",
                                      "encoder.embed_positions.", "decoder.embed_positions.", NULL};
static const struct key_spec keys[] = {FAIRSEQ_KEYS("true", "true", "true", "false"), {NULL, NULL}};

static const char *const classes[] = {"M2M100", NULL};
static const struct hf_form form = {.type = "m2m_100",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .after_padding = true,
                                    .keys = keys,
                                    .classes = classes,
                                    .start_token = 2};

const struct arch arch_m2m100 = {
    .name = "m2m100",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_MEAN,
    .activation = ACT_RELU,
    .pre_norm = true,
    .scale_embd = true,
    .positions = POSITIONS_FAIRSEQ,
    WRITING_PASS,
};
