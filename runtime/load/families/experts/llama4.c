/* Llama 4 (Meta, 2025): three layers of four are rotated and see their own chunk of a text alone, in the fourth queries grow with
 * their positions instead; experts' weights, a sigmoid each, multiply what they read, and all tokens go through one more. Queries
 * and keys are normed behind the rotation but in the model with 128 experts, where every second layer has none. */
#include "runtime/load/families/experts/rows.h"
#include "runtime/load/import/folder.h"

#include <stdio.h>

static const struct param_spec params[] = {
    CAUSAL_SIZES_OF("num_hidden_layers", "intermediate_size_mlp"),
    {"rms_norm_eps", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    ROPE_PARAM,
    {"attention_chunk_size", "attention.sliding_window", PARAM_SIZE, PARAM(window), 1 << 28, 8192},
    {"attn_scale", "attention.temperature_scale", PARAM_FLOAT, PARAM(query_growth), 0, 0.1},
    {"floor_scale", "attention.temperature_length", PARAM_SIZE, PARAM(growth_length), 1 << 28, 8192},
    {"num_local_experts", "expert_count", PARAM_SIZE, PARAM(n_experts), 1 << 12, 0},
    {"num_experts_per_tok", "expert_used_count", PARAM_SIZE, PARAM(n_experts_used), 1 << 12, 0},
    {"intermediate_size", "expert_feed_forward_length", PARAM_SIZE, PARAM(n_ff_expert), 1 << 18, 0},
    {"", "expert_shared_count", PARAM_COUNT, PARAM(n_shared_experts), 1 << 10, 1},
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {0},
};

static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             RMS_ROW("attn_norm", attn_norm),
                                             RMS_ROW("ffn_norm", ffn_norm),
                                             GATED_ROWS,
                                             EXPERT_ROWS,
                                             SHARED_ROWS,
                                             {0}};

static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.gate_proj", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.down_proj", CUT_NONE},
    {"blk.%u.ffn_gate_inp", "layers.%u.feed_forward.router", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.feed_forward.experts.gate_up_proj", CUT_EXPERTS_TURNED_FIRST},
    {"blk.%u.ffn_up_exps", "layers.%u.feed_forward.experts.gate_up_proj", CUT_EXPERTS_TURNED_SECOND},
    {"blk.%u.ffn_down_exps", "layers.%u.feed_forward.experts.down_proj", CUT_EXPERTS_TURNED},
    SHARED_NAMES("layers.%u.feed_forward.shared_expert."),
    {0},
};
static const char *const ignored[] = {"vision_model.", "multi_modal_projector.", "model.vision_model.",
                                      "model.multi_modal_projector.", NULL};

static enum hone_status wrong(const struct folder *f, const char *name, const char *what,
                              struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be %s", f->dir, name, what);
}

/* Which layers have experts: those of a list, or the last of every so many. */
static enum hone_status import_routed(struct folder *f, struct hone_error *err)
{
    bool routed[MAX_LAYERS];
    json_t *layers = json_at(f->config, "num_hidden_layers"), *list = json_at(f->config, "moe_layers"),
           *step = json_at(f->config, "interleave_moe_layer_step");
    const json_int_t n = layers ? json_integer_value(layers) : 48,
                     every = step ? json_integer_value(step) : 1;
    if (n < 1 || n > MAX_LAYERS)
        return wrong(f, "num_hidden_layers", "1 to 1024", err);
    if (every < 1 || every > MAX_LAYERS)
        return wrong(f, "interleave_moe_layer_step", "1 to 1024", err);
    for (json_int_t i = 0; i < n; i++)
        routed[i] = !list && (i + 1) % every == 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i);
        if (!json_is_integer(one) || json_integer_value(one) < 0 || json_integer_value(one) >= n)
            return wrong(f, "moe_layers", "numbers of layers", err);
        routed[json_integer_value(one)] = true;
    }
    enum hone_status status =
        folder_set(gguf_set_u32(f->g, "llama4.interleave_moe_layer_step", (uint32_t)every),
                   "llama4.interleave_moe_layer_step", err);
    return status == HONE_OK
               ? folder_set(gguf_set_array(f->g, "hone.routed_layers", GGUF_BOOL, routed, (size_t)n),
                            "hone.routed_layers", err)
               : status;
}

/* What is switched off has a number of nothing. */
static enum hone_status import_own(struct folder *f, struct hone_error *err)
{
    const json_t *tunes = json_at(f->config, "attn_temperature_tuning"),
                 *norms = json_at(f->config, "use_qk_norm");
    enum hone_status status = import_routed(f, err);
    if (norms && !json_is_boolean(norms))
        return wrong(f, "use_qk_norm", "true or false", err);
    if (status == HONE_OK)
        status = folder_set(gguf_set_bool(f->g, "hone.norms_heads", !json_is_false(norms)),
                            "hone.norms_heads", err);
    if (status == HONE_OK && json_is_null(json_object_get(f->config, "attention_chunk_size")))
        status =
            folder_set(gguf_set_u32(f->g, "llama4.attention.sliding_window", 0), "attention_chunk_size", err);
    const bool off = json_is_false(tunes) || (json_is_integer(tunes) && json_integer_value(tunes) == 0);
    if (status == HONE_OK && off)
        status = folder_set(gguf_set_f32(f->g, "llama4.attention.temperature_scale", 0),
                            "attn_temperature_tuning", err);
    return status;
}

static const struct default_spec defaults[] = {
    {PARAM(n_layers), 48},       {PARAM(n_embd), 5120},      {PARAM(n_heads), 40},
    {PARAM(n_kv_heads), 8},      {PARAM(head_dim), 128},     {PARAM(n_ff), 16384},
    {PARAM(max_length), 131072}, {PARAM(rope_base), 500000}, {PARAM(n_experts), 16},
    {PARAM(n_experts_used), 1},  {PARAM(n_ff_expert), 8192}, {0}};
static const char *const classes[] = {"Llama4", NULL};
static const struct key_spec keys[] = {
    {"attn_temperature_tuning", NULL}, /* read above */
    {"use_qk_norm", NULL},
    {"moe_layers", NULL},
    {"interleave_moe_layer_step", NULL},
    {"no_rope_layers", NULL},
    {"no_rope_layer_interval", NULL},
    {"for_llm_compressor", NULL}, /* how experts are laid out for quantising */
    {"vision_config", NULL},
    {"image_token_index", NULL},
    {"boi_token_index", NULL},
    {"eoi_token_index", NULL},
    {NULL, NULL}};
#define FORM                                                                                                 \
    .classes = classes, .names = names, .ignored = ignored, .defaults = defaults, .keys = keys,              \
    .import = import_own, .local = LOCAL_ROTATED, .usual_kv_heads = 8
static const struct hf_form form_text = {FORM, .type = "llama4_text",
                                         .prefix = "model.|language_model.model."};
static const struct hf_form form_images = {FORM, .type = "llama4", .part = "text_config",
                                           .prefix =
                                               "language_model.model.|model.language_model.|language_model."};

const struct arch arch_llama4 = {
    .name = "llama4",
    .forms = (const struct hf_form *const[]){&form_text, &form_images, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .unrotated_every = 4,
    .local_chunks = true,
    .norms_heads = true,
    .norms_rotated = true,
    .grows_unrotated = true,
    .weighs_inputs = true,
    .experts_any_sum = true,
    .routed_by_tensor = true,
    .rope_pairs = true,
    CAUSAL_ARCH,
};
