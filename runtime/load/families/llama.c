/* Llama (Touvron et al., 2023, arXiv:2307.09288; Grattafiori et al., 2024, arXiv:2407.21783) and what has its shape:
 * SmolLM, Mistral (with a window), Mixtral. GGUF files hold the rows of queries and keys so that pairs lie side by side. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <string.h>

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    WINDOW_PARAM,
    {"num_local_experts", "expert_count", PARAM_SIZE, PARAM(n_experts), 1 << 12, -1},
    {"num_experts_per_tok", "expert_used_count", PARAM_SIZE, PARAM(n_experts_used), 1 << 12, -1},
    {0},
};

static const struct tensor_spec tensors[] = {CAUSAL_ROWS(TENSOR_MAYBE_BIAS), EXPERT_ROWS, {0}};
static const struct hf_name names[] = {CAUSAL_NAMES(CUT_PAIRS, CUT_KV_PAIRS, CUT_NONE), FFN_NORM_NAME, {0}};
static const char *const ignored[] = {NULL};

static const char *const llama_classes[] = {"Llama", NULL};
static const char *const mistral_classes[] = {"Mistral", NULL};
static const char *const mistral3_classes[] = {"Mistral3", NULL};
/* transformers' Llama has no window, whatever its configuration says. */
static const struct key_spec llama_keys[] = {{"sliding_window", NULL},
                                             {"is_llama_config", "true"},
                                             {"rope_interleaved", "false"},
                                             {"activation", "\"swiglu\""}, /* beside hidden_act */
                                             {NULL, NULL}};
static const struct default_spec mistral_defaults[] = {{PARAM(window), 4096}, {0}};

static const struct hf_form llama = {.type = "llama",
                                     .prefix = "model.",
                                     .names = names,
                                     .ignored = ignored,
                                     .no_window = true,
                                     .keys = llama_keys,
                                     .classes = llama_classes};
/* Llamas that encode (NVIDIA's llama-nemotron-embed and -rerank): code of the hub, which takes the mask away, and pools what a
 * head of labels reads. */
static const char *const two_sided_classes[] = {"LlamaBidirectional", NULL};
static const struct fixed_spec two_sided_fixed[] = {{"pooling", "\"avg\""}, {0}};
static const struct key_spec two_sided_keys[] = {{"sliding_window", NULL}, {NULL, NULL}};

/* Logits are divided by a temperature, which embeddings know nothing of. */
static enum hone_status import_two_sided(struct folder *f, struct hone_error *err)
{
    const json_t *value = json_object_get(f->config, "temperature");
    const char *class = json_string_value(json_array_get(json_object_get(f->config, "architectures"), 0));
    if (!value || json_number_value(value) == 1 || !class || !strstr(class, "Classification"))
        return HONE_OK;
    return keys_refuse(f->keys, err,
                       "%s/config.json: 'temperature' is %g, which is not supported; expected 1", f->dir,
                       json_number_value(value));
}

static const struct hf_form two_sided = {.type = "llama_bidirec",
                                         .prefix = "model.",
                                         .names = names,
                                         .ignored = ignored,
                                         .no_window = true,
                                         .both_sides = true,
                                         .head_pooling = "mean",
                                         .fixed = two_sided_fixed,
                                         .keys = two_sided_keys,
                                         .classes = two_sided_classes,
                                         .import = import_two_sided};
static const struct hf_form mistral = {.type = "mistral",
                                       .prefix = "model.",
                                       .names = names,
                                       .ignored = ignored,
                                       .defaults = mistral_defaults,
                                       .classes = mistral_classes};

/* InternLM 3 (Shanghai AI Laboratory, 2025): the same with other numbers where a configuration has none. */
static const char *const internlm3_classes[] = {"InternLM3", "Llama", NULL};
static const struct key_spec internlm3_keys[] = {{"bias", NULL}, /* the tensors tell */ {NULL, NULL}};
static const struct default_spec internlm3_defaults[] = {
    {PARAM(n_kv_heads), 2}, {PARAM(head_dim), 128}, {PARAM(norm_eps), 1e-5}, {0}};
static const struct hf_form internlm3 = {.type = "internlm3",
                                         .prefix = "model.",
                                         .names = names,
                                         .ignored = ignored,
                                         .no_window = true,
                                         .defaults = internlm3_defaults,
                                         .keys = internlm3_keys,
                                         .classes = internlm3_classes};

/* Helium (Kyutai, 2025): pairs lie side by side in the folder, too. */
static const struct hf_name names_helium[] = {CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE), FFN_NORM_NAME, {0}};
static const char *const helium_classes[] = {"Helium", NULL};
static const struct default_spec helium_defaults[] = {{PARAM(n_kv_heads), 20},
                                                      {PARAM(head_dim), 128},
                                                      {PARAM(norm_eps), 1e-8},
                                                      {PARAM(rope_base), 100000},
                                                      {0}};
static const struct hf_form helium = {.type = "helium",
                                      .prefix = "model.",
                                      .names = names_helium,
                                      .ignored = ignored,
                                      .no_window = true,
                                      .defaults = helium_defaults,
                                      .classes = helium_classes};

/* Ministral (Mistral AI, 2024) and CWM (Meta, 2025, arXiv:2510.02387): some layers may see all tokens; of CWM the first of four. */
static const char *const ministral_classes[] = {"Ministral", NULL};
static const struct hf_form ministral = {.type = "ministral",
                                         .prefix = "model.",
                                         .names = names,
                                         .ignored = ignored,
                                         .some_local = true,
                                         .defaults = mistral_defaults,
                                         .classes = ministral_classes};
static const char *const cwm_classes[] = {"Cwm", NULL};
static const struct default_spec cwm_defaults[] = {
    {PARAM(head_dim), 128}, {PARAM(norm_eps), 1e-5}, {PARAM(rope_base), 1e6}, {PARAM(window), 8192}, {0}};
static const struct hf_form cwm = {.type = "cwm",
                                   .prefix = "model.",
                                   .names = names,
                                   .ignored = ignored,
                                   .some_local = true,
                                   .first_global = 4,
                                   .rope_told = true,
                                   .usual_kv_heads = 8,
                                   .defaults = cwm_defaults,
                                   .classes = cwm_classes};

/* IQuest-Coder (2026): what its class could do beside, no model of it does. */
static const char *const iquest_classes[] = {"IQuestCoder", "Llama", NULL};
static const struct key_spec iquest_keys[] = {
    {"clip_qkv", "null"}, {"use_sliding_window", "false"}, {"sliding_window", NULL}, {NULL, NULL}};
static const struct default_spec iquest_defaults[] = {
    {PARAM(n_kv_heads), 8}, {PARAM(head_dim), 128}, {PARAM(norm_eps), 1e-5}, {0}};
static const struct hf_form iquest = {.type = "iquestcoder",
                                      .prefix = "model.",
                                      .names = names,
                                      .ignored = ignored,
                                      .no_window = true,
                                      .defaults = iquest_defaults,
                                      .keys = iquest_keys,
                                      .classes = iquest_classes};

/* With experts (Jiang et al., 2024, arXiv:2401.04088). */
static const struct hf_name names_experts[] = {
    CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS), FIRST_NORM_NAMES, FFN_NORM_NAME, SPARSE_BLOCK_NAMES, {0},
};
static const struct default_spec mixtral_defaults[] = {
    {PARAM(n_experts), 8}, {PARAM(n_experts_used), 2}, {PARAM(norm_eps), 1e-5}, {PARAM(rope_base), 1e6}, {0}};
static const char *const mixtral_classes[] = {"Mixtral", NULL};
static const struct hf_form mixtral = {.classes = mixtral_classes,
                                       .type = "mixtral",
                                       .prefix = "model.",
                                       .names = names_experts,
                                       .ignored = ignored,
                                       .defaults = mixtral_defaults};

/* Mistral 3 beside a model that sees images, which is left out. Its text model may be of any type in transformers, whose own
 * numbers count where text_config has none: this one's, and Ministral 3's below. */
static const char *const ignored_images[] = {"vision_tower.", "multi_modal_projector.", "model.vision_tower.",
                                             "model.multi_modal_projector.", NULL};
static const struct key_spec mistral3_keys[] = {{"model_type", "\"mistral\""}, {NULL, NULL}};
#define MISTRAL3_FORM                                                                                        \
    .type = "mistral3", .part = "text_config",                                                               \
    .prefix = "language_model.model.|model.language_model.|language_model.", .names = names,                 \
    .ignored = ignored_images, .classes = mistral3_classes
static const struct hf_form mistral3 = {MISTRAL3_FORM, .defaults = mistral_defaults, .keys = mistral3_keys};

/* SmolVLM and Idefics 3 (Hugging Face, 2024, arXiv:2504.05299, arXiv:2408.12637), and LLaVA (Liu et al., 2023, arXiv:2304.08485) whose
 * text model is a Llama. What their classes once had for images is written into the text model's configuration. */
static const char *const ignored_connected[] = {"model.vision_model.", "model.connector.", "vision_model.",
                                                "connector.",          LLAVA_IGNORED,      NULL};
static const struct key_spec connected_keys[] = {
    {"model_type", "\"llama\""},   {"sliding_window", NULL},
    {"perceiver_config", NULL},    {"qk_layer_norms", "false"},
    {"use_resampler", "false"},    {"rope_interleaved", "false"},
    {"is_llama_config", "true"},   {"pixel_shuffle_factor", NULL},
    {"neftune_noise_alpha", NULL}, {NULL, NULL}};
static const char *const connected_classes[] = {"SmolVLM",   "Idefics3", "Llava",
                                                "LlavaNext", "InternVL", NULL};
static const struct default_spec connected_defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};
#define CONNECTED_FORM                                                                                       \
    .names = names, .ignored = ignored_connected, .no_window = true, .keys = connected_keys,                 \
    .classes = connected_classes
#define SMOLVLM_FORM                                                                                         \
    CONNECTED_FORM, .part = "text_config", .part_type = "llama", .prefix = "model.text_model.",              \
                    .defaults = connected_defaults
static const struct hf_form smolvlm = {SMOLVLM_FORM, .type = "smolvlm"};
static const struct hf_form idefics3 = {SMOLVLM_FORM, .type = "idefics3"};
static const struct hf_form llava = {CONNECTED_FORM, LLAVA_FORM("llava", "llama")};
static const struct hf_form llava_next = {CONNECTED_FORM, LLAVA_FORM("llava_next", "llama")};
static const struct hf_form internvl = {CONNECTED_FORM, LLAVA_FORM("internvl", "llama")};
/* Pixtral (Mistral AI, 2024, arXiv:2410.07073) is a LLaVA to transformers. */
#define PIXTRAL_FORM                                                                                         \
    .names = names, .ignored = ignored_connected, .defaults = mistral_defaults, .classes = connected_classes
static const struct hf_form pixtral = {PIXTRAL_FORM, LLAVA_FORM("llava", "mistral")};
static const struct hf_form pixtral_next = {PIXTRAL_FORM, LLAVA_FORM("llava_next", "mistral")};

const struct arch arch_llama = {
    .name = "llama",
    .forms = (const struct hf_form *const[]){&llama, &two_sided, &mistral, &ministral, &cwm, &iquest,
                                             &mixtral, &internlm3, &helium, &mistral3, &smolvlm, &idefics3,
                                             &llava, &llava_next, &internvl, &pixtral, &pixtral_next, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 1 << 30, /* with a window all layers are local */
    .global_last = true,
    .rope_pairs = true,
    CAUSAL_ARCH,
};

/* ---- Ministral 3 ---- */

/* Queries grow with their positions, as Llama 4's do. */
static const struct param_spec params_mistral3[] = {
    CAUSAL_PARAMS,
    ROPE_PARAM,
    WINDOW_PARAM,
    {"rope_parameters.llama_4_scaling_beta", "attention.temperature_scale", PARAM_FLOAT, PARAM(query_growth),
     0, -1},
    {0},
};
static const struct default_spec ministral3_defaults[] = {{PARAM(norm_eps), 1e-5}, {0}};
static const char *const ministral3_classes[] = {"Ministral3", NULL};
static const struct hf_form ministral3 = {.type = "ministral3",
                                          .prefix = "model.",
                                          .names = names,
                                          .ignored = ignored,
                                          .defaults = ministral3_defaults,
                                          .rope_told = true,
                                          .classes = ministral3_classes};
static const struct hf_form ministral3_images = {MISTRAL3_FORM, .part_type = "ministral3", .rope_told = true,
                                                 .defaults = ministral3_defaults};

const struct arch arch_mistral3 = {
    .name = "mistral3",
    .forms = (const struct hf_form *const[]){&ministral3, &ministral3_images, NULL},
    .params = params_mistral3,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 1 << 30,
    .global_last = true,
    .rope_pairs = true,
    CAUSAL_ARCH,
};
