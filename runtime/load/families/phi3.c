/* Phi-3, 3.5 and 4 (Abdin et al., 2024, arXiv:2404.14219; 2412.08905): Llama's layers with queries, keys and values in one
 * matrix, the gate beside what it is for in another, a part of each head rotated, by factors of the text's length. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {CAUSAL_PARAMS, ROPE_PARAM, WINDOW_PARAM, {0}};

static const struct tensor_spec tensors[] = {
    CAUSAL_ROWS(TENSOR_MAYBE_BIAS),
    {"rope_factors_long", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_long)},
    {"rope_factors_short", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_short)},
    {0},
};

static const struct hf_name names[] = {
    {"cls.output", "score", CUT_NONE},
    {"token_embd", "embed_tokens", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    FIRST_NORM_NAMES,
    {"blk.%u.attn_qkv", "layers.%u.self_attn.qkv_proj", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.self_attn.o_proj", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.mlp.gate_up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.mlp.down_proj", CUT_NONE},
    FFN_NORM_NAME,
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const char *const form_classes[] = {"Phi3", NULL};
static const struct key_spec form_keys[] = {
    {"interpolate_factor", NULL}, {"lm_head_bias", "false"}, {"full_attn_mod", "1"}, {NULL, NULL}};
static const struct hf_form form = {.keys = form_keys,
                                    .classes = form_classes,
                                    .type = "phi3",
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .rotated = 1,
                                    .ignored = ignored};

const struct arch arch_phi3 = {
    .name = "phi3",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 1 << 30, /* with a window all layers are local */
    .global_last = true,
    CAUSAL_ARCH,
};
