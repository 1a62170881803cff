/* Seed-OSS (ByteDance Seed, 2025): Llama's layers with biases, whose folders are not rotated in pairs. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, {0}};
/* The norm behind attention is the one before the feed-forward layer. */
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),     CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),       GATED_ROWS,
    RMS_ROW("attn_norm", attn_norm), RMS_ROW("post_attention_norm", ffn_norm), {0}};
static const struct hf_name names[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE),
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};
static const struct default_spec defaults[] = {{PARAM(head_dim), 128}, {0}};
static const struct key_spec keys[] = {{"attention_out_bias", NULL}, {NULL, NULL}}; /* the tensors tell */
static const char *const classes[] = {"SeedOss", NULL};
static const struct hf_form form = {.type = "seed_oss",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys};

const struct arch arch_seed_oss = {
    .name = "seed_oss",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
