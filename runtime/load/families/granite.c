/* Granite 3 and 4 (IBM, 2024): Llama's layers with four multipliers, of embeddings, scores, halves of a layer, and
 * logits; some have experts. */
#include "runtime/load/families/experts/rows.h"
#include "runtime/load/import/folder.h"

#include <stdio.h>
#include <string.h>

/* clang-format off */
#define GRANITE_PARAMS                                                                                       \
    CAUSAL_PARAMS, ROPE_PARAM,                                                                               \
    {"embedding_multiplier", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1},                      \
    {"attention_multiplier", "attention.scale", PARAM_FLOAT, PARAM(attn_scale), 0, -1},                      \
    {"residual_multiplier", "residual_scale", PARAM_FLOAT, PARAM(residual_scale), 0, -1},                    \
    {"logits_scaling", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, -1}
/* clang-format on */
static const struct param_spec params[] = {GRANITE_PARAMS, {0}};
static const struct param_spec params_moe[] = {
    GRANITE_PARAMS,
    EXPERT_PARAMS,
    {"shared_intermediate_size", "expert_shared_feed_forward_length", PARAM_COUNT, PARAM(n_ff_shared),
     1 << 18, -1},
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, {0}};
static const struct tensor_spec tensors_moe[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                 CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                 RMS_ROW("attn_norm", attn_norm),
                                                 RMS_ROW("ffn_norm", ffn_norm),
                                                 EXPERT_ROWS,
                                                 SHARED_ROWS,
                                                 {0}};
static const struct hf_name names_moe[] = {
    CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.ffn_gate_inp", "layers.%u.block_sparse_moe.router.layer", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.block_sparse_moe.input_linear", CUT_EXPERTS_FIRST},
    {"blk.%u.ffn_up_exps", "layers.%u.block_sparse_moe.input_linear", CUT_EXPERTS_SECOND},
    {"blk.%u.ffn_down_exps", "layers.%u.block_sparse_moe.output_linear", CUT_EXPERTS},
    {"blk.%u.ffn_gate_shexp", "layers.%u.shared_mlp.input_linear", CUT_FIRST_HALF},
    {"blk.%u.ffn_up_shexp", "layers.%u.shared_mlp.input_linear", CUT_SECOND_HALF},
    {"blk.%u.ffn_down_shexp", "layers.%u.shared_mlp.output_linear", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(attn_scale), 1}, {0}};

static const char *const form_classes[] = {"Granite", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "granite",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};

static const char *const form_moe_classes[] = {"GraniteMoe", NULL};
static const struct hf_form form_moe = {.classes = form_moe_classes,
                                        .type = "granitemoe",
                                        .prefix = "model.",
                                        .names = names_moe,
                                        .ignored = ignored,
                                        .defaults = defaults};

static const char *const form_shared_classes[] = {"GraniteMoeShared", NULL};
static const struct hf_form form_shared = {.classes = form_shared_classes,
                                           .type = "granitemoeshared",
                                           .prefix = "model.",
                                           .names = names_moe,
                                           .ignored = ignored,
                                           .defaults = defaults};

const struct arch arch_granitemoe = {
    .name = "granitemoe",
    .forms = (const struct hf_form *const[]){&form_moe, &form_shared, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};

const struct arch arch_granite = {
    .name = "granite",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};

/* ---- with a window, and sinks ---- */

/* (2026): three of four layers see near tokens alone. What each rotates by is told layer by layer: nothing, or one base for those
 * with a window and one for the others. */
static const struct param_spec params_swa[] = {
    GRANITE_PARAMS,
    WINDOW_PARAM,
    {"", "rope.freq_base_swa", PARAM_FLOAT, PARAM(rope_base_local), 0, -1},
    {0},
};
static const struct param_spec params_moe_swa[] = {
    GRANITE_PARAMS,
    EXPERT_PARAMS,
    {"shared_intermediate_size", "expert_shared_feed_forward_length", PARAM_COUNT, PARAM(n_ff_shared),
     1 << 18, -1},
    WINDOW_PARAM,
    {"", "rope.freq_base_swa", PARAM_FLOAT, PARAM(rope_base_local), 0, -1},
    {0},
};
#define SINKS_ROW LAYER_ROW("attn_sinks", TENSOR_FLOATS, DIM_N_HEADS, DIM_NONE, 0, sinks)
#define SINKS_NAME                                                                                           \
    {                                                                                                        \
        "blk.%u.attn_sinks", "layers.%u.self_attn.sinks", CUT_BARE                                           \
    }
static const struct tensor_spec tensors_swa[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), SINKS_ROW, {0}};
static const struct hf_name names_swa[] = {
    CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, SINKS_NAME, {0}};
static const struct tensor_spec tensors_moe_swa[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                     CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                     RMS_ROW("attn_norm", attn_norm),
                                                     RMS_ROW("ffn_norm", ffn_norm),
                                                     EXPERT_ROWS,
                                                     SHARED_ROWS,
                                                     SINKS_ROW,
                                                     {0}};
static const struct hf_name names_moe_swa[] = {
    CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    SINKS_NAME,
    {"blk.%u.ffn_gate_inp", "layers.%u.block_sparse_moe.router", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.block_sparse_moe.experts.gate_up_proj", CUT_EXPERTS_FIRST},
    {"blk.%u.ffn_up_exps", "layers.%u.block_sparse_moe.experts.gate_up_proj", CUT_EXPERTS_SECOND},
    {"blk.%u.ffn_down_exps", "layers.%u.block_sparse_moe.experts.down_proj", CUT_EXPERTS},
    {"blk.%u.ffn_gate_shexp", "layers.%u.shared_mlp.input_linear", CUT_FIRST_HALF},
    {"blk.%u.ffn_up_shexp", "layers.%u.shared_mlp.input_linear", CUT_SECOND_HALF},
    {"blk.%u.ffn_down_shexp", "layers.%u.shared_mlp.output_linear", CUT_NONE},
    {0},
};

static bool is_local(const struct folder *f, size_t i)
{
    const json_t *types = json_at(f->config, "layer_types");
    const char *type = json_string_value(json_array_get(types, i));
    return types ? type && strcmp(type, "sliding_attention") == 0 : i % 4 != 0;
}

/* One base of each kind of layers, and which rotate nothing. */
static enum hone_status import_bases(struct folder *f, struct hone_error *err)
{
    char key[64];
    bool unrotated[1024], any = false;
    double bases[2] = {0, 0};
    json_t *list = json_at(f->config, "layer_rope_theta"), *layers = json_at(f->config, "num_hidden_layers");
    const size_t n = json_array_size(list);
    if (!list)
        return HONE_OK;
    if (n > 1024 || json_integer_value(layers) != (json_int_t)n)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'layer_rope_theta' should be a number a layer",
                         f->dir);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        const double base = json_number_value(one);
        double *of = &bases[is_local(f, i)];
        unrotated[i] = base == 0;
        any |= unrotated[i];
        if (!json_is_number(one) || base < 0 || base > 1e30 || (*of > 0 && base > 0 && base != *of))
            return hone_fail(
                err, HONE_BAD_MODEL,
                "%s/config.json: 'layer_rope_theta' should be 0 or one number in all layers with "
                "a window, and 0 or one number in the others",
                f->dir);
        *of = base > 0 ? base : *of;
    }
    enum hone_status status = HONE_OK;
    const double global = bases[0] > 0 ? bases[0] : bases[1];
    snprintf(key, sizeof key, "%s.rope.freq_base", f->arch->name);
    if (global > 0)
        status = folder_set(gguf_set_f32(f->g, key, (float)global), key, err);
    snprintf(key, sizeof key, "%s.rope.freq_base_swa", f->arch->name);
    if (status == HONE_OK && bases[1] > 0 && bases[1] != global)
        status = folder_set(gguf_set_f32(f->g, key, (float)bases[1]), key, err);
    return status == HONE_OK && any
               ? folder_set(gguf_set_array(f->g, "hone.unrotated_layers", GGUF_BOOL, unrotated, n),
                            "hone.unrotated_layers", err)
               : status;
}

static const struct default_spec defaults_swa[] = {
    {PARAM(attn_scale), 1}, {PARAM(n_kv_heads), 4}, {PARAM(window), 128}, {PARAM(norm_eps), 1e-5}, {0}};
static const struct default_spec defaults_moe_swa[] = {
    {PARAM(attn_scale), 1}, {PARAM(window), 128}, {PARAM(n_experts), 8}, {PARAM(n_experts_used), 2}, {0}};
static const struct key_spec keys_swa[] = {{"layer_rope_theta", NULL}, /* read above */ {NULL, NULL}};
static const char *const classes_swa[] = {"GraniteSWA", NULL};
static const struct hf_form form_swa = {.classes = classes_swa,
                                        .type = "granite_swa",
                                        .prefix = "model.",
                                        .names = names_swa,
                                        .ignored = ignored,
                                        .import = import_bases,
                                        .keys = keys_swa,
                                        .defaults = defaults_swa};
static const char *const classes_moe_swa[] = {"GraniteMoeSWA", NULL};
static const struct hf_form form_moe_swa = {.classes = classes_moe_swa,
                                            .type = "granitemoe_swa",
                                            .prefix = "model.",
                                            .names = names_moe_swa,
                                            .ignored = ignored,
                                            .import = import_bases,
                                            .keys = keys_swa,
                                            .defaults = defaults_moe_swa};

const struct arch arch_granite_swa = {
    .name = "granite-swa",
    .forms = (const struct hf_form *const[]){&form_swa, NULL},
    .params = params_swa,
    .tensors = tensors_swa,
    .activation = ACT_SILU,
    .global_every = 4,
    .rope_pairs = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};

const struct arch arch_granitemoe_swa = {
    .name = "granitemoe-swa",
    .forms = (const struct hf_form *const[]){&form_moe_swa, NULL},
    .params = params_moe_swa,
    .tensors = tensors_moe_swa,
    .activation = ACT_SILU,
    .global_every = 4,
    .rope_pairs = true,
    .logits_divided = true,
    CAUSAL_ARCH,
};

/* ---- HyperCLOVA X SEED Think ---- */

/* (NAVER, 2025): the same with norms behind the halves, too, and logits that are multiplied. */
static const struct tensor_spec tensors_clova[] = {
    CAUSAL_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_ROW("post_attention_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE,
              TENSOR_NO_BIAS | TENSOR_OPTIONAL | TENSOR_AS_FIRST, attn_post_norm),
    LAYER_ROW("post_ffw_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE,
              TENSOR_NO_BIAS | TENSOR_OPTIONAL | TENSOR_AS_FIRST, ffn_post_norm),
    {0},
};
static const struct hf_name names_clova[] = {
    CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE),
    FFN_NORM_NAME,
    {"blk.%u.post_attention_norm", "layers.%u.post_norm1", CUT_NONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_norm2", CUT_NONE},
    {0},
};

/* Tensors of norms that are switched off would be read. */
static enum hone_status import_norms(struct folder *f, struct hone_error *err)
{
    const json_t *normed = json_at(f->config, "use_post_norm");
    const bool there = safetensors_find(f->tensors, "model.layers.0.post_norm1.weight") != NULL;
    if (normed && !json_is_boolean(normed))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'use_post_norm' should be true or false",
                         f->dir);
    return there == !json_is_false(normed)
               ? HONE_OK
               : hone_fail(err, HONE_BAD_MODEL,
                           "%s/config.json: 'use_post_norm' is %s, but the safetensors hold %s tensor "
                           "'model.layers.0.post_norm1.weight'",
                           f->dir, json_is_false(normed) ? "false" : "true", there ? "a" : "no");
}

static const struct key_spec keys_clova[] = {{"use_post_norm", NULL}, /* read above */ {NULL, NULL}};
static const char *const classes_clova[] = {"HyperCLOVAX", NULL};
static const struct hf_form form_clova = {.classes = classes_clova,
                                          .type = "hyperclovax",
                                          .prefix = "model.",
                                          .names = names_clova,
                                          .ignored = ignored,
                                          .import = import_norms,
                                          .keys = keys_clova};

const struct arch arch_hyperclovax = {
    .name = "hyperclovax",
    .forms = (const struct hf_form *const[]){&form_clova, NULL},
    .params = params,
    .tensors = tensors_clova,
    .activation = ACT_SILU,
    .rope_pairs = true,
    CAUSAL_ARCH,
};
