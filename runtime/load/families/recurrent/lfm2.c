/* LFM2 (Liquid AI, 2025): gated short convolutions among layers of attention, with norms of queries and keys; the larger one
 * has experts behind its first layers. */
#include "runtime/load/families/recurrent/rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {MIXED_PARAMS("num_hidden_layers", "norm_eps"),
                                           CONV_PARAM("conv_L_cache", "shortconv.l_cache"),
                                           ROPE_PARAM,
                                           {0}};
static const struct param_spec params_moe[] = {
    MIXED_PARAMS("num_hidden_layers", "norm_eps"),
    CONV_PARAM("conv_L_cache", "shortconv.l_cache"),
    ROPE_PARAM,
    EXPERT_PARAMS,
    {"num_dense_layers", "leading_dense_block_count", PARAM_COUNT, PARAM(n_dense_layers), 1024, -1},
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {"routed_scaling_factor", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1},
    {0}};

/* The last norm's name is what files have, who made them by mistake. */
#define ROWS                                                                                                 \
    {"rope_freqs", TENSOR_FLOATS, DIM_PAIRS, DIM_NONE, TENSOR_OPTIONAL, AT(rope_freqs)}, TOKEN_ROW,          \
        {"output", TENSOR_DENSE, DIM_VOCAB, DIM_EMBD, TENSOR_OPTIONAL | TENSOR_NO_BIAS, AT(output)},         \
        {"token_embd_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS, AT(output_norm)},               \
        CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS), HEAD_NORM_ROWS,                                                  \
        LAYER_ROW("shortconv.in_proj", TENSOR_DENSE, DIM_RECURRENT_IN, DIM_EMBD, TENSOR_MAYBE_BIAS,          \
                  recurrent.in),                                                                             \
        LAYER_ROW("shortconv.conv", TENSOR_FLOATS, DIM_CHANNELS, DIM_CONV_LEN, 0, recurrent.conv),           \
        BARE_ROW("shortconv.conv.bias", DIM_CHANNELS, DIM_NONE, TENSOR_OPTIONAL, conv_bias),                 \
        LAYER_ROW("shortconv.out_proj", TENSOR_DENSE, DIM_EMBD, DIM_EMBD, TENSOR_MAYBE_BIAS, recurrent.out), \
        GATED_ROWS, RMS_ROW("attn_norm", attn_norm), RMS_ROW("ffn_norm", ffn_norm)
static const struct tensor_spec tensors[] = {ROWS, {0}};
static const struct tensor_spec tensors_moe[] = {ROWS, EXPERT_ROWS, ROUTER_BIAS_ROW(TENSOR_OPTIONAL), {0}};

#define NAMES                                                                                                \
    {"token_embd", "embed_tokens", CUT_NONE}, {"output", "lm_head", CUT_NONE},                               \
        {"token_embd_norm", "embedding_norm", CUT_NONE},                                                     \
        {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_NONE},                                           \
        {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", CUT_NONE},                                           \
        {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},                                           \
        {"blk.%u.attn_output", "layers.%u.self_attn.out_proj", CUT_NONE},                                    \
        {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_layernorm", CUT_NONE},                                 \
        {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_layernorm", CUT_NONE},                                 \
        {"blk.%u.shortconv.in_proj", "layers.%u.conv.in_proj", CUT_NONE},                                    \
        {"blk.%u.shortconv.conv", "layers.%u.conv.conv", CUT_CONV},                                          \
        {"blk.%u.shortconv.out_proj", "layers.%u.conv.out_proj", CUT_NONE},                                  \
        {"blk.%u.attn_norm", "layers.%u.operator_norm", CUT_NONE},                                           \
    {                                                                                                        \
        "blk.%u.ffn_norm", "layers.%u.ffn_norm", CUT_NONE                                                    \
    }
static const struct hf_name names[] = {
    NAMES,
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.w1", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.w3", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.w2", CUT_NONE},
    {0},
};
static const struct hf_name names_moe[] = {
    NAMES,
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.w1", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.w3", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.w2", CUT_NONE},
    {"blk.%u.ffn_gate_inp", "layers.%u.feed_forward.gate", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.feed_forward.experts.%u.w1", CUT_EXPERTS},
    {"blk.%u.ffn_up_exps", "layers.%u.feed_forward.experts.%u.w3", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.feed_forward.experts.%u.w2", CUT_EXPERTS},
    {"blk.%u.exp_probs_b.bias", "layers.%u.feed_forward.expert_bias", CUT_NONE},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {
    {PARAM(rope_base), 1000000}, {PARAM(recurrent.conv_len), 3}, {0}};

static const struct key_spec keys[] = {
    MIXED_KEYS,
    {"full_attn_idxs", NULL},
    {"block_ff_dim", NULL},
    {"block_auto_adjust_ff_dim", NULL},
    {"block_ffn_dim_multiplier", NULL},
    {"block_multiple_of", NULL},
    {"conv_bias", NULL}, /* the tensors tell */
    {"tie_embedding", NULL},
    {"block_dim", "=hidden_size"},
    {"conv_dim", "=hidden_size"},
    {"conv_dim_out", "=hidden_size"},
    {"block_norm_eps", "=norm_eps"},
    {"num_heads", "=num_attention_heads"},
    {"theta", "=rope_theta|rope_parameters.rope_theta"},
    {"block_use_swiglu", "true"},
    {"use_pos_enc", "true"},
    {"block_mlp_init_scale", NULL}, /* how weights begin */
    {"block_out_init_scale", NULL},
    {"block_use_xavier_init", NULL},
    {"conv_use_xavier_init", NULL},
    {NULL, NULL},
};

static const char *const form_classes[] = {"Lfm2", NULL};
/* Their classes read no name of an activation. */
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""},
                                          {"hidden_activation", "\"silu\""},
                                          {"activation_function", "\"silu\""},
                                          {"activation", "\"silu\""},
                                          {0}};
static const struct hf_form form = {.classes = form_classes,
                                    .fixed = fixed,
                                    .type = "lfm2",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys};

/* With a model that sees images, which is left out. */
static const char *const ignored_images[] = {"model.vision_tower.", "model.multi_modal_projector.",
                                             "vision_tower.", "multi_modal_projector.", NULL};
static const char *const form_images_classes[] = {"Lfm2Vl", NULL};
static const struct hf_form form_images = {.classes = form_images_classes,
                                           .fixed = fixed,
                                           .type = "lfm2_vl",
                                           .part = "text_config",
                                           .part_type = "lfm2",
                                           .prefix =
                                               "model.language_model.|language_model.model.|language_model.",
                                           .names = names,
                                           .ignored = ignored_images,
                                           .defaults = defaults,
                                           .keys = keys};

const struct arch arch_lfm2 = {
    .name = "lfm2",
    .forms = (const struct hf_form *const[]){&form, &form_images, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_CONV,
    CAUSAL_ARCH,
};

/* ---- with experts ---- */

static const struct default_spec defaults_moe[] = {{PARAM(rope_base), 1000000},
                                                   {PARAM(recurrent.conv_len), 3},
                                                   {PARAM(n_experts), 32},
                                                   {PARAM(n_experts_used), 4},
                                                   {PARAM(n_ff_expert), 1792},
                                                   {PARAM(n_dense_layers), 2},
                                                   {0}};
static const struct key_spec keys_moe[] = {MIXED_KEYS,
                                           {"full_attn_idxs", NULL},
                                           {"conv_bias", NULL}, /* the tensors tell */
                                           {"use_expert_bias", NULL},
                                           {"tie_embedding", NULL},
                                           {NULL, NULL}};
static const char *const form_moe_classes[] = {"Lfm2Moe", NULL};
static const struct hf_form form_moe = {.classes = form_moe_classes,
                                        .fixed = fixed,
                                        .type = "lfm2_moe",
                                        .prefix = "model.",
                                        .experts_sum = "norm_topk_prob",
                                        .experts_sum_usual = true,
                                        .names = names_moe,
                                        .ignored = ignored,
                                        .defaults = defaults_moe,
                                        .keys = keys_moe};

const struct arch arch_lfm2_moe = {
    .name = "lfm2moe",
    .forms = (const struct hf_form *const[]){&form_moe, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_CONV,
    CAUSAL_ARCH,
};

/* ---- LFM3 ---- */

/* (2026): norms behind the halves, too, a gate for each head of attention's output, and layers of attention with a window, which
 * rotate whole heads by a base of their own. */
static const struct param_spec params_3[] = {
    MIXED_PARAMS("num_hidden_layers", "norm_eps|rms_norm_eps"),
    CONV_PARAM("conv_L_cache", "shortconv.l_cache"),
    {"rope_parameters.full_attention.rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 1e6},
    {"rope_parameters.sliding_attention.rope_theta", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    WINDOW_PARAM,
    {0},
};
#define SANDWICH_ROW(name, member)                                                                           \
    LAYER_ROW(name, TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OPTIONAL | TENSOR_AS_FIRST,     \
              member)
static const struct tensor_spec tensors_3[] = {
    ROWS,
    LAYER_ROW("attn_gate", TENSOR_DENSE, DIM_N_HEADS, DIM_EMBD, TENSOR_NO_BIAS, qkv),
    SANDWICH_ROW("post_attention_norm", attn_post_norm),
    SANDWICH_ROW("post_ffw_norm", ffn_post_norm),
    {0},
};
static const struct hf_name names_3[] = {
    {"token_embd", "embed_tokens", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_NONE},
    {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", CUT_NONE},
    {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},
    {"blk.%u.attn_output", "layers.%u.self_attn.o_proj", CUT_NONE},
    HEAD_NORM_NAMES(CUT_NONE),
    {"token_embd_norm", "embedding_norm", CUT_NONE},
    {"blk.%u.attn_gate", "layers.%u.self_attn.gate_proj", CUT_NONE},
    {"blk.%u.shortconv.in_proj", "layers.%u.conv.in_proj", CUT_NONE},
    {"blk.%u.shortconv.conv", "layers.%u.conv.conv", CUT_CONV},
    {"blk.%u.shortconv.out_proj", "layers.%u.conv.out_proj", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.operator_norm", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.ffn_norm", CUT_NONE},
    {"blk.%u.post_attention_norm", "layers.%u.post_operator_norm", CUT_NONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_ffn_norm", CUT_NONE},
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.w1", CUT_NONE},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.w3", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.w2", CUT_NONE},
    {0},
};
static const struct default_spec defaults_3[] = {{PARAM(head_dim), 128},
                                                 {PARAM(window), 256},
                                                 {PARAM(norm_eps), 1e-5},
                                                 {PARAM(recurrent.conv_len), 7},
                                                 {0}};
static const struct fixed_spec fixed_3[] = {
    {"hidden_act", "\"silu\""},
    {"hidden_activation", "\"silu\""},
    {"activation_function", "\"silu\""},
    {"activation", "\"silu\""},
    {"use_attention_gate", "true"},
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {"rope_parameters.sliding_attention.partial_rotary_factor", "1.0"},
    {"rope_parameters.rope_type", "null"}, /* each kind of layers has its own */
    {"rope_parameters.rope_theta", "null"},
    {0},
};

/* Which layers are what where nothing tells; and norms that are switched off, whose tensors would be read. */
static enum hone_status import_kinds(struct folder *f, struct hone_error *err)
{
    const json_t *normed = json_at(f->config, "use_sandwich_norm"),
                 *n = json_at(f->config, "num_hidden_layers");
    const bool there = safetensors_find(f->tensors, "model.layers.0.post_ffn_norm.weight") != NULL;
    if ((normed && !json_is_boolean(normed)) || there == json_is_false(normed))
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/config.json: 'use_sandwich_norm' should be %s, as the safetensors hold %s tensor "
            "'model.layers.0.post_ffn_norm.weight'",
            f->dir, there ? "true" : "false", there ? "a" : "no");
    if (json_at(f->config, "layer_types"))
        return HONE_OK;
    json_t *types = json_array();
    bool good = types != NULL;
    for (json_int_t i = 0; i < json_integer_value(n) && i < 1024; i++)
        good = good && json_array_append_new(types, json_string(i % 4 == 2            ? "full_attention"
                                                                : i % 4 == 0 && i > 0 ? "sliding_attention"
                                                                                      : "conv")) == 0;
    good = good && json_object_set(f->config, "layer_types", types) == 0;
    json_decref(types);
    return good ? HONE_OK : hone_no_memory(err, "layer_types", 1024);
}

static const struct key_spec keys_3[] = {MIXED_KEYS,
                                         {"use_sandwich_norm", NULL}, /* read above */
                                         {"conv_bias", NULL},         /* the tensors tell */
                                         {NULL, NULL}};
static const char *const form_3_classes[] = {"Lfm3", NULL};
static const struct hf_form form_3 = {.classes = form_3_classes,
                                      .fixed = fixed_3,
                                      .type = "lfm3",
                                      .prefix = "model.",
                                      .names = names_3,
                                      .ignored = ignored,
                                      .defaults = defaults_3,
                                      .rope_told = true,
                                      .usual_kv_heads = 4,
                                      .import = import_kinds,
                                      .keys = keys_3};

const struct arch arch_lfm3 = {
    .name = "lfm3",
    .forms = (const struct hf_form *const[]){&form_3, NULL},
    .params = params_3,
    .tensors = tensors_3,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_CONV,
    .gated_attention = true,
    .gates = GATES_OF_HEADS,
    CAUSAL_ARCH,
};
