/* EuroBERT (Boizard et al., 2025, arXiv:2503.05500): Llama's layers, whose attention sees both sides; a head of labels
 * sees the first token, the mean, or what its first matrix makes of each token. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
static const struct tensor_spec tensors[] = {
    CAUSAL_ROWS(TENSOR_MAYBE_BIAS),
    {"cls", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_HEAD, AT(cls)},
    {"mlm.output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_MLM | TENSOR_MAYBE_BIAS | TENSOR_TIED,
     AT(mlm_out)},
    {0},
};
static const struct hf_name names[] = {
    CAUSAL_LAYER_NAMES(CUT_NONE, CUT_NONE, CUT_NONE),
    FFN_NORM_NAME,
    {"cls", "dense", CUT_NONE},
    {"cls.output", "classifier", CUT_NONE},
    {"mlm.output", "lm_head", CUT_NONE},
    {0},
};
static const char *const ignored[] = {"lm_head.", "dense.", "classifier.", NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {PARAM(max_length), 8192}, {0}};

static const char *const classes[] = {"EuroBert", NULL};
/* The tokenizer's, said once more. */
static const struct key_spec keys[] = {
    {"bos_token", NULL}, {"eos_token", NULL}, {"pad_token", NULL}, {"mask_token", NULL}, {NULL, NULL}};

static const struct hf_form form = {.type = "eurobert",
                                    .prefix = "model.",
                                    .head_pooling = "late",
                                    .head_pooling_key = "classifier_pooling|clf_pooling",
                                    .keys = keys,
                                    .classes = classes,
                                    .names = names,
                                    .defaults = defaults,
                                    .ignored = ignored};

const struct arch arch_eurobert = {
    .name = "eurobert",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .head_activation = ACT_GELU,
    .two_sided = true,
    CAUSAL_ARCH,
};
