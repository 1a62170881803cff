/* Gemma 3's text model (Gemma Team, 2025, arXiv:2503.19786): norms around each half of a layer, five local layers to a
 * global one, each kind with its rotary base, scaled embeddings. Norms multiply by 1 + what the folder holds. EmbeddingGemma (Vera et al., 2025, arXiv:2509.20354)
 * is the same with attention to both sides. */
#include "runtime/load/families/causal_rows.h"

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    {"rope_parameters.full_attention.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base),
     0, 1000000},
    {"rope_parameters.sliding_attention.rope_theta|rope_local_base_freq", "rope.freq_base_swa", PARAM_FLOAT,
     PARAM(rope_base_local), 0, 10000},
    WINDOW_PARAM,
    {"final_logit_softcapping", "final_logit_softcapping", PARAM_FLOAT, PARAM(logits_cap), 0, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ROWS(TENSOR_MAYBE_BIAS),
    HEAD_NORM_ROWS,
    RMS_ROW("post_attention_norm", attn_post_norm),
    RMS_ROW("post_ffw_norm", ffn_post_norm),
    {0},
};

static const struct hf_name names[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_PLUS_ONE),
    {"blk.%u.attn_q_norm", "layers.%u.self_attn.q_norm", CUT_QUERY_NORM},
    {"blk.%u.attn_k_norm", "layers.%u.self_attn.k_norm", CUT_PLUS_ONE},
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_PLUS_ONE},
    {"blk.%u.ffn_norm", "layers.%u.pre_feedforward_layernorm", CUT_PLUS_ONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_feedforward_layernorm", CUT_PLUS_ONE},
    {0},
};
static const struct fixed_spec fixed[] = {
    {"rope_parameters.sliding_attention.rope_type", "\"default\""},
    {0},
};
static const char *const ignored[] = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                      "model.multi_modal_projector.", NULL};

/* Configurations name what differs from these. */
static const struct default_spec defaults[] = {
    {PARAM(n_embd), 2304},       {PARAM(n_layers), 26},  {PARAM(n_heads), 8},
    {PARAM(n_kv_heads), 4},      {PARAM(head_dim), 256}, {PARAM(n_ff), 9216},
    {PARAM(max_length), 131072}, {PARAM(window), 4096},  {0},
};

static const char *const classes[] = {"Gemma3Text", "Gemma3", NULL};
static const struct key_spec keys[] = {
    {"query_pre_attn_scalar", NULL},  /* among the norms of queries */
    {"attn_logit_softcapping", NULL}, /* transformers reads it and does nothing with it */
    {"cache_implementation", NULL},   {"rope_local_base_freq", NULL}, {NULL, NULL},
};

/* clang-format off */
#define TEXT_FORM                                                                                            \
    .prefix = "model.", .names = names, .defaults = defaults, .fixed = fixed, .ignored = ignored, .keys = keys, .classes = classes
/* Beside a model that sees images, which is left out. */
#define IMAGES_FORM                                                                                          \
    .part = "text_config", .prefix = "language_model.model.|model.language_model.|language_model.",          \
    .names = names, .defaults = defaults, .fixed = fixed, .ignored = ignored, .keys = keys, .classes = classes
#define BOTH_SIDES "use_bidirectional_attention"
/* clang-format on */

static const struct hf_form text = {.type = "gemma3_text", TEXT_FORM};
static const struct hf_form images = {.type = "gemma3", IMAGES_FORM};
static const struct hf_form embedding = {
    .type = "gemma3_text", .option = BOTH_SIDES, .halves_window = true, TEXT_FORM};
static const struct hf_form embedding_images = {
    .type = "gemma3", .option = "text_config." BOTH_SIDES, .halves_window = true, IMAGES_FORM};

/* clang-format off */
#define GEMMA3                                                                                               \
    .params = params, .tensors = tensors, .activation = ACT_GELU_TANH, .global_every = 6,                    \
    .global_last = true, .scale_embd = true, .wide_layers = 62 /* 27B */, CAUSAL_ARCH
/* clang-format on */

const struct arch arch_gemma3 = {
    .name = "gemma3", .forms = (const struct hf_form *const[]){&text, &images, NULL}, GEMMA3};
const struct arch arch_gemma_embedding = {
    .name = "gemma-embedding",
    .forms = (const struct hf_form *const[]){&embedding, &embedding_images, NULL},
    .two_sided = true,
    GEMMA3,
};
