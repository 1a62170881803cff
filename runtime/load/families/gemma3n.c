/* Gemma 3n's text model (Google, 2025): layers of several rows a token (nn/layers/altup.h), tables of each layer's own, and last layers
 * that borrow keys and values. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"num_key_value_heads", "attention.head_count_kv", PARAM_SIZE, PARAM(n_kv_heads), 1 << 12, -1},
    {"head_dim", "attention.key_length", PARAM_SIZE, PARAM(head_dim), 1 << 12, -1},
    {"", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0}, /* import/layers/altup.c */
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 28, 0},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-6},
    {"rope_parameters.full_attention.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base),
     0, 1000000},
    {"rope_parameters.sliding_attention.rope_theta|rope_local_base_freq", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    WINDOW_PARAM,
    {"final_logit_softcapping", "final_logit_softcapping", PARAM_FLOAT, PARAM(logits_cap), 0, 30},
    {"num_kv_shared_layers", "attention.shared_kv_layers", PARAM_COUNT, PARAM(n_borrowing), 1024, -1},
    {"hidden_size_per_layer_input", "embedding_length_per_layer_input", PARAM_SIZE, PARAM(n_per_layer),
     1 << 16, 0},
    {"altup_num_inputs", "altup.num_inputs", PARAM_SIZE, PARAM(n_streams), 64, 4},
    {"altup_active_idx", "altup.active_idx", PARAM_COUNT, PARAM(active_stream), 63, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    PER_LAYER_ROWS,
    {"altup_proj", TENSOR_STREAMS, DIM_EMBD, DIM_EMBD, 0, AT(stream_proj)},
    {"altup_unembd_proj", TENSOR_STREAMS, DIM_EMBD, DIM_EMBD, 0, AT(stream_unproj)},
    LAYER_ROW("attn_q", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_MAYBE_BIAS, qkv),
    LAYER_ROW("attn_k", TENSOR_DENSE, DIM_KV, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_OWN_KV, qkv),
    LAYER_ROW("attn_v", TENSOR_DENSE, DIM_KV, DIM_EMBD, TENSOR_MAYBE_BIAS | TENSOR_OWN_KV, qkv),
    LAYER_ROW("attn_output", TENSOR_DENSE, DIM_EMBD, DIM_HEADS, TENSOR_MAYBE_BIAS, attn_out),
    LAYER_ROW("attn_q_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS, q_norm),
    LAYER_ROW("attn_k_norm", TENSOR_NORM, DIM_HEAD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_OWN_KV, k_norm),
    RMS_ROW("attn_norm", attn_norm),
    POST_ROWS,
    RMS_ROW("ffn_norm", ffn_norm),
    GATED_ROWS,
    LAYER_ROW("altup_router", TENSOR_DENSE, DIM_STREAMS, DIM_EMBD, TENSOR_NO_BIAS | TENSOR_EXACT,
              stream_router),
    RMS_ROW("altup_router_norm", stream_norm),
    LAYER_ROW("altup_predict_coef", TENSOR_FLOATS, DIM_STREAMS2, DIM_STREAMS, 0, stream_predict),
    LAYER_ROW("altup_correct_coef", TENSOR_FLOATS, DIM_STREAMS, DIM_STREAMS, 0, stream_correct),
    LAYER_ROW("altup_correct_scale", TENSOR_FLOATS, DIM_EMBD, DIM_NONE, 0, stream_scale),
    LAYER_ROW("laurel_l", TENSOR_DENSE, DIM_LAUREL, DIM_EMBD, TENSOR_NO_BIAS, laurel_left),
    LAYER_ROW("laurel_r", TENSOR_DENSE, DIM_EMBD, DIM_LAUREL, TENSOR_NO_BIAS, laurel_right),
    RMS_ROW("laurel_post_norm", laurel_norm),
    {0},
};

static const struct hf_name names[] = {
    GEMMA_NAMES,
    {"altup_proj", "altup_projections.%u", CUT_STREAMS},
    {"altup_unembd_proj", "altup_unembed_projections.%u", CUT_STREAMS},
    {"blk.%u.altup_router", "layers.%u.altup.modality_router", CUT_NONE},
    {"blk.%u.altup_router_norm", "layers.%u.altup.router_norm", CUT_NONE},
    {"blk.%u.altup_predict_coef", "layers.%u.altup.prediction_coefs", CUT_NONE},
    {"blk.%u.altup_correct_coef", "layers.%u.altup.correction_coefs", CUT_NONE},
    {"blk.%u.altup_correct_scale", "layers.%u.altup.correct_output_scale", CUT_BARE},
    {"blk.%u.laurel_l", "layers.%u.laurel.linear_left", CUT_NONE},
    {"blk.%u.laurel_r", "layers.%u.laurel.linear_right", CUT_NONE},
    {"blk.%u.laurel_post_norm", "layers.%u.laurel.post_laurel_norm", CUT_NONE},
    {0},
};
/* What sees images and hears. */
static const char *const ignored[] = {"vision_tower.",       "audio_tower.",        "embed_vision.",
                                      "embed_audio.",        "model.vision_tower.", "model.audio_tower.",
                                      "model.embed_vision.", "model.embed_audio.",  NULL};

static const struct fixed_spec fixed[] = {
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {"altup_correct_scale", "true"},
    {0},
};

/* Configurations name what differs from these. */
static const struct default_spec defaults[] = {
    {PARAM(n_embd), 2048},      {PARAM(n_layers), 35},
    {PARAM(n_heads), 8},        {PARAM(n_kv_heads), 2},
    {PARAM(head_dim), 256},     {PARAM(window), 512},
    {PARAM(max_length), 32768}, {PARAM(n_borrowing), 15},
    {PARAM(n_per_layer), 256},  {0},
};

static const char *const classes[] = {"Gemma3nText", "Gemma3n", NULL};
static const struct key_spec keys[] = {
    {"intermediate_size", NULL},
    {"activation_sparsity_pattern", NULL},
    {"vocab_size_per_layer_input", NULL},
    {"laurel_rank", NULL},     /* the tensors tell */
    {"altup_coef_clip", NULL}, /* of training */
    {"altup_lr_multiplier", NULL},
    {"query_pre_attn_scalar",
     NULL}, /* what scores are divided by in other models of the name; nothing here */
    {"rope_local_base_freq", NULL},
    {NULL, NULL},
};

/* clang-format off */
#define FORM                                                                                                  \
    .names = names, .defaults = defaults, .fixed = fixed, .ignored = ignored, .keys = keys, .classes = classes
/* clang-format on */

static const struct hf_form text = {.type = "gemma3n_text", .prefix = "model.", FORM};
/* Beside a model that sees images and hears, which is left out. */
static const struct hf_form images = {
    .type = "gemma3n", .part = "text_config", .prefix = "model.language_model.|language_model.", FORM};

const struct arch arch_gemma3n = {
    .name = "gemma3n",
    .forms = (const struct hf_form *const[]){&text, &images, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_GELU_TANH,
    .global_every = 5,
    .global_last = true,
    .scale_embd = true,
    .unscaled = true,
    .norms_values = true,
    .altup = true,
    CAUSAL_ARCH,
};
