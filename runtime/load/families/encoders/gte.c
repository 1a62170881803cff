/* GTE's encoder, "new" or "gte" in Hugging Face folders (Zhang et al., 2024, arXiv:2407.19669): BERT's layers with
 * rotary positions and a gated feed-forward layer. llama.cpp has no such family; the names follow its style. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 160000},
    {"rope_scaling.factor", "rope.scaling.factor", PARAM_FLOAT, PARAM(rope_factor), 0, 1},
    {0},
};

static const struct tensor_spec tensors[] = {
    TOKEN_ROW,
    TYPE_ROW,
    EMBD_NORM_ROW,
    QKV_ROWS(0),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, 0, attn_out),
    GATE_AND_UP_ROWS(TENSOR_NO_BIAS),
    LAYER_ROW("ffn_down", TENSOR_DENSE, DIM_EMBD, DIM_FF, 0, ffn_down),
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    MLM_ROWS,
    {0},
};

static const struct hf_name names[] = {
    BERT_EMBD_NAMES,
    {"blk.%u.attn_qkv", "encoder.layer.%u.attention.qkv_proj", CUT_NONE},
    {"blk.%u.attn_output", "encoder.layer.%u.attention.o_proj", CUT_NONE},
    {"blk.%u.attn_output_norm", "encoder.layer.%u.attn_ln", CUT_NONE},
    {"blk.%u.ffn_up", "encoder.layer.%u.mlp.up_gate_proj", CUT_FIRST_HALF},
    {"blk.%u.ffn_gate", "encoder.layer.%u.mlp.up_gate_proj", CUT_SECOND_HALF},
    {"blk.%u.ffn_down", "encoder.layer.%u.mlp.down_proj", CUT_NONE},
    {"blk.%u.layer_output_norm", "encoder.layer.%u.mlp_ln", CUT_NONE},
    POOLER_HEAD_NAMES,
    {"mlm", "lm_head.dense", CUT_NONE},
    {"mlm.norm", "lm_head.norm", CUT_NONE},
    {"mlm.norm", "lm_head.layer_norm", CUT_NONE},
    {"mlm.output", "lm_head.decoder", CUT_NONE},
    {0},
};

static const struct fixed_spec fixed[] = {
    {"position_embedding_type", "\"rope\""}, {"rope_parameters.rope_type", "\"default\""},
    {"rope_scaling.type", "\"ntk\""},        {"rope_scaling.mixed_b", "null"},
    {"layer_norm_type", "\"layer_norm\""},   {"pack_qkv", "true"},
    {"logn_attention_scale", "false"},       {0},
};
static const char *const ignored[] = {"pooler.", "classifier.", "lm_head.", NULL};

static const char *const hub_classes[] = {"New", NULL};
static const char *const classes[] = {"Gte", "New", NULL};
static const struct key_spec keys[] = {
    {"use_memory_efficient_attention", NULL}, /* how it is computed */
    {"unpad_inputs", NULL},
    {"logn_attention_clip1", NULL}, /* where logn_attention_scale is true */
    {NULL, NULL},
};

static const struct hf_form hub = {.type = "new",
                                   .prefix = "new.",
                                   .names = names,
                                   .fixed = fixed,
                                   .ignored = ignored,
                                   .keys = keys,
                                   .classes = hub_classes};
static const struct hf_form transformers = {.type = "gte",
                                            .prefix = "gte.",
                                            .names = names,
                                            .fixed = fixed,
                                            .ignored = ignored,
                                            .keys = keys,
                                            .classes = classes};

const struct arch arch_gte = {
    .name = "gte",
    .forms = (const struct hf_form *const[]){&hub, &transformers, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_CLS,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_TANH,
    .mlm_activation = ACT_GELU,
    .gated = true,
    ENCODER_PASS,
};
