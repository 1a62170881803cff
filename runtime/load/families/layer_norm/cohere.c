/* Command R and R7B (Cohere, 2024 and 2025): layer norms without biases, both halves of a layer read what one norm made of its
 * input, logits multiplied by a number. R7B has three layers with a window to one without, which knows nothing of positions;
 * the larger ones of that kind have experts behind their first layers. */
#include "runtime/load/families/experts/rows.h"
#include "runtime/load/import/folder.h"

#include <string.h>

static const struct param_spec params[] = {
    LAYER_NORM_PARAMS,
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {"logit_scale", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, 0.0625},
    {0},
};
static const struct param_spec params_2[] = {
    LAYER_NORM_PARAMS,
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {"logit_scale", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, 0.0625},
    WINDOW_PARAM,
    {0},
};
static const struct tensor_spec tensors[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                             CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                             GATED_ROWS,
                                             RMS_ROW("attn_norm", attn_norm),
                                             {0}};
static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    GATED_NAMES,
    FIRST_NORM_NAMES,
    {0},
};
static const char *const ignored[] = {NULL};
static const struct default_spec defaults[] = {{PARAM(rope_base), 500000}, {0}};
static const struct default_spec defaults_2[] = {{PARAM(window), 4096}, {0}};

static const struct key_spec keys[] = {{"use_qk_norm", NULL}, {NULL, NULL}}; /* the tensors tell */

static const char *const form_classes[] = {"Cohere", NULL};
static const struct hf_form form = {.classes = form_classes,
                                    .type = "cohere",
                                    .keys = keys,
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults};
static const char *const form_2_classes[] = {"Cohere2", NULL};
/* What the hub's configurations say of what the class does in one way only. */
static const struct key_spec keys_2[] = {{"layer_switch", "4"},
                                         {"order_of_interleaved_layers", "\"local_attn_first\""},
                                         {"position_embedding_type", "\"rope_gptj\""},
                                         {"rotary_pct", "1.0|1"},
                                         {"use_embedding_sharing", "true"},
                                         {"use_gated_activation", "true"},
                                         {"use_parallel_block", "true"},
                                         {"use_parallel_embedding", NULL}, /* how it is computed */
                                         {NULL, NULL}};
static const struct hf_form form_2 = {.classes = form_2_classes,
                                      .type = "cohere2",
                                      .keys = keys_2,
                                      .prefix = "model.",
                                      .names = names,
                                      .ignored = ignored,
                                      .defaults = defaults_2};

const struct arch arch_command_r = {
    .name = "command-r",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .parallel = true,
    .gated = true,
    CAUSAL_PASS,
};

const struct arch arch_cohere2 = {
    .name = "cohere2",
    .forms = (const struct hf_form *const[]){&form_2, NULL},
    .params = params_2,
    .tensors = tensors,
    .activation = ACT_SILU,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    .rope_pairs = true,
    .parallel = true,
    .gated = true,
    CAUSAL_PASS,
};

/* ---- with experts ---- */

static const struct param_spec params_moe[] = {
    CAUSAL_SIZES_OF("num_hidden_layers", "prefix_dense_intermediate_size"),
    {"layer_norm_eps", EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    {"rope_parameters.rope_theta|rope_theta", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {"logit_scale", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, 0.0625},
    WINDOW_PARAM,
    {"num_experts", "expert_count", PARAM_SIZE, PARAM(n_experts), 1 << 12, 0},
    {"num_experts_per_tok", "expert_used_count", PARAM_SIZE, PARAM(n_experts_used), 1 << 12, 0},
    {"intermediate_size", "expert_feed_forward_length", PARAM_SIZE, PARAM(n_ff_expert), 1 << 18, 0},
    {"", "leading_dense_block_count", PARAM_COUNT, PARAM(n_dense_layers), 1024, -1},
    {"num_shared_experts", "expert_shared_count", PARAM_COUNT, PARAM(n_shared_experts), 1 << 10, -1},
    {"", "expert_shared_feed_forward_length", PARAM_COUNT, PARAM(n_ff_shared), 1 << 18, -1},
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, -1},
    {0},
};
static const struct tensor_spec tensors_moe[] = {CAUSAL_ENDS(TENSOR_NO_BIAS),
                                                 CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
                                                 GATED_ROWS,
                                                 RMS_ROW("attn_norm", attn_norm),
                                                 EXPERT_ROWS,
                                                 SHARED_ROWS,
                                                 {0}};
static const struct hf_name names_moe[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),        GATED_NAMES, FIRST_NORM_NAMES, EXPERT_NAMES,
    SHARED_NAMES("layers.%u.mlp.shared_experts."), {0}};

static enum hone_status refuse(const struct folder *f, const char *name, const char *expected,
                               struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: '%s' should be %s", f->dir, name, expected);
}

static bool is_word(const json_t *value, const char *word)
{
    return json_is_string(value) && strcmp(json_string_value(value), word) == 0;
}

/* Scores: a softmax of the best, which is what they are to each other among all, or sigmoids. */
static enum hone_status import_scores(struct folder *f, struct hone_error *err)
{
    const json_t *fn = json_at(f->config, "expert_selection_fn"),
                 *strategy = json_at(f->config, "shared_expert_combination_strategy"),
                 *sums = json_at(f->config, "norm_topk_prob");
    const bool sigmoid = is_word(fn, "sigmoid");
    if (fn && !sigmoid && !is_word(fn, "softmax"))
        return refuse(f, "expert_selection_fn", "softmax or sigmoid", err);
    if (strategy && !is_word(strategy, "average") && !is_word(strategy, "sum"))
        return refuse(f, "shared_expert_combination_strategy", "average or sum", err);
    enum hone_status status = folder_set(
        gguf_set_u32(f->g, "cohere2moe.expert_gating_func", sigmoid ? ROUTE_SIGMOID : ROUTE_SOFTMAX),
        "expert_selection_fn", err);
    if (status == HONE_OK)
        status = folder_set(
            gguf_set_bool(f->g, "cohere2moe.expert_weights_norm", !sigmoid || !json_is_false(sums)),
            "norm_topk_prob", err);
    return status == HONE_OK && is_word(strategy, "sum")
               ? folder_set(gguf_set_bool(f->g, "hone.shared_expert_summed", true),
                            "hone.shared_expert_summed", err)
               : status;
}

/* The first layers have no experts, and where they all see all tokens they rotate nevertheless. */
static enum hone_status import_layers(struct folder *f, struct hone_error *err)
{
    json_t *types = json_at(f->config, "layer_types"), *kinds = json_at(f->config, "mlp_layer_types"),
           *turns = json_at(f->config, "prefix_dense_sliding_window_pattern");
    const size_t n = json_array_size(types);
    size_t n_dense = 0;
    bool unrotated[MAX_LAYERS];
    if (n < 1 || n > MAX_LAYERS || json_array_size(kinds) != n)
        return refuse(f, "layer_types' and 'mlp_layer_types", "lists, an element a layer", err);
    while (n_dense < n && is_word(json_array_get(kinds, n_dense), "dense"))
        n_dense++;
    for (size_t i = n_dense; i < n; i++)
        if (!is_word(json_array_get(kinds, i), "sparse"))
            return refuse(f, "mlp_layer_types", "dense in the first layers and sparse in the others", err);
    if (n_dense > 0 && !json_at(f->config, "prefix_dense_intermediate_size"))
        return refuse(f, "prefix_dense_intermediate_size", "a number", err);
    const bool rotates = !turns || json_integer_value(turns) == 1;
    for (size_t i = 0; i < n; i++)
        unrotated[i] = is_word(json_array_get(types, i), "full_attention") && (i >= n_dense || !rotates);
    enum hone_status status =
        folder_set(gguf_set_u32(f->g, "cohere2moe.leading_dense_block_count", (uint32_t)n_dense),
                   "mlp_layer_types", err);
    return status == HONE_OK
               ? folder_set(gguf_set_array(f->g, "hone.unrotated_layers", GGUF_BOOL, unrotated, n),
                            "hone.unrotated_layers", err)
               : status;
}

static enum hone_status import_moe(struct folder *f, struct hone_error *err)
{
    json_t *wide = json_at(f->config, "prefix_dense_intermediate_size|intermediate_size");
    const enum hone_status status = import_scores(f, err);
    if (status != HONE_OK || !json_is_integer(wide) || json_integer_value(wide) < 1 ||
        json_integer_value(wide) > 1 << 18)
        return status != HONE_OK ? status : refuse(f, "intermediate_size", "a number from 1 to 262144", err);
    const enum hone_status set =
        folder_set(gguf_set_u32(f->g, "cohere2moe.feed_forward_length", (uint32_t)json_integer_value(wide)),
                   "intermediate_size", err);
    return set == HONE_OK ? import_layers(f, err) : set;
}

static const struct default_spec defaults_moe[] = {{PARAM(window), 4096},       {PARAM(head_dim), 128},
                                                   {PARAM(n_experts), 8},       {PARAM(n_experts_used), 2},
                                                   {PARAM(n_ff_expert), 22528}, {0}};
/* Its class passes over the older name of rotary scaling. */
static const struct fixed_spec fixed_moe[] = {{"rms_norm_eps", "null"}, {"rope_scaling", "null"}, {0}};
static const struct key_spec keys_moe[] = {
    {"expert_selection_fn", NULL}, /* read above */
    {"shared_expert_combination_strategy", NULL},
    {"norm_topk_prob", NULL},
    {"layer_types", NULL},
    {"mlp_layer_types", NULL},
    {"prefix_dense_sliding_window_pattern", NULL},
    {"first_k_dense_replace", NULL}, /* where those lists are not there */
    {"num_nextn_predict_layers", NULL},
    {NULL, NULL}};
static const char *const classes_moe[] = {"Cohere2Moe", NULL};
static const struct hf_form form_moe = {.classes = classes_moe,
                                        .type = "cohere2_moe",
                                        .keys = keys_moe,
                                        .prefix = "model.",
                                        .names = names_moe,
                                        .fixed = fixed_moe,
                                        .ignored = ignored,
                                        .skips_more_layers = true,
                                        .import = import_moe,
                                        .defaults = defaults_moe};

const struct arch arch_cohere2_moe = {
    .name = "cohere2moe",
    .forms = (const struct hf_form *const[]){&form_moe, NULL},
    .params = params_moe,
    .tensors = tensors_moe,
    .activation = ACT_SILU,
    .routing = ROUTE_SIGMOID,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    .averages_shared = true,
    .rope_pairs = true,
    .parallel = true,
    .gated = true,
    CAUSAL_PASS,
};
