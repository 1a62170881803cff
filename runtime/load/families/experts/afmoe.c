/* Trinity (Arcee AI, 2025): norms before and after both halves of a layer, attention whose output has gates, three layers of four
 * with a window and rotated, the fourth without either; experts with sigmoids for scores, and some for all tokens. Hy 3 (Tencent,
 * 2026): norms of heads and the same experts. */
#include "runtime/load/families/experts/rows.h"
#include "runtime/load/import/folder.h"

static const struct param_spec params[] = {
    CAUSAL_SIZES,
    {"rms_norm_eps", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    ROPE_PARAM,
    WINDOW_PARAM,
    EXPERT_PARAMS,
    SHARED_PARAMS,
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {"route_scale", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1},
    {"", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    LAYER_ROW("attn_gate", TENSOR_DENSE, DIM_HEADS, DIM_EMBD, TENSOR_NO_BIAS, qkv),
    RMS_ROW("attn_norm", attn_norm),
    RMS_ROW("ffn_norm", ffn_norm),
    POST_ROWS,
    HEAD_NORM_ROWS,
    GATED_ROWS,
    EXPERT_ROWS,
    SHARED_ROWS,
    ROUTER_BIAS_ROW(0),
    {0},
};

static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_NONE, CUT_NONE),
    FIRST_NORM_NAMES,
    HEAD_NORM_NAMES(CUT_NONE),
    {"blk.%u.attn_gate", "layers.%u.self_attn.gate_proj", CUT_NONE},
    {"blk.%u.post_attention_norm", "layers.%u.post_attention_layernorm", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.pre_mlp_layernorm", CUT_NONE},
    {"blk.%u.post_ffw_norm", "layers.%u.post_mlp_layernorm", CUT_NONE},
    GATED_NAMES,
    {"blk.%u.ffn_gate_inp", "layers.%u.mlp.router.gate", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.mlp.experts.%u.gate_proj", CUT_EXPERTS},
    {"blk.%u.ffn_up_exps", "layers.%u.mlp.experts.%u.up_proj", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.%u.down_proj", CUT_EXPERTS},
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.expert_bias", CUT_NONE},
    SHARED_NAMES("layers.%u.mlp.shared_experts."),
    {0},
};
static const char *const ignored[] = {NULL};

/* Token embeddings are multiplied by the root of their width, as GGUF files have it always, only where that is told. */
static enum hone_status import_scale(struct folder *f, struct hone_error *err)
{
    const json_t *scaled = json_at(f->config, "mup_enabled");
    if (scaled && !json_is_boolean(scaled))
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'mup_enabled' should be true or false",
                         f->dir);
    return json_is_true(scaled)
               ? HONE_OK
               : folder_set(gguf_set_f32(f->g, "afmoe.embedding_scale", 1), "afmoe.embedding_scale", err);
}

static const struct default_spec defaults[] = {{PARAM(head_dim), 128},     {PARAM(window), 1024},
                                               {PARAM(n_experts), 64},     {PARAM(n_experts_used), 6},
                                               {PARAM(n_ff_expert), 1408}, {PARAM(n_shared_experts), 2},
                                               {PARAM(n_dense_layers), 1}, {0}};
static const char *const classes[] = {"Afmoe", NULL};
/* The hub's configurations say of routers what the class does in one way only. */
static const struct key_spec keys[] = {
    {"mup_enabled", NULL}, /* read above */
    {"route_norm", "true"},       {"score_func", "\"sigmoid\""}, {"n_group", "1"},
    {"topk_group", "1"},          {"num_expert_groups", "1"},    {"num_limited_groups", "1"},
    {"load_balance_coeff", NULL}, {"use_grouped_mm", NULL},      {NULL, NULL}};
static const struct hf_form form = {.type = "afmoe",
                                    .classes = classes,
                                    .prefix = "model.",
                                    .names = names,
                                    .defaults = defaults,
                                    .import = import_scale,
                                    .ignored = ignored,
                                    .keys = keys};

const struct arch arch_afmoe = {
    .name = "afmoe",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .gated_attention = true,
    .gates = GATES_BEHIND,
    .global_every = 4,
    .global_last = true,
    .global_unrotated = true,
    .scale_embd = true,
    CAUSAL_ARCH,
};

/* ---- Hy 3 ---- */

static const struct param_spec params_hy[] = {
    CAUSAL_SIZES,
    {"rms_norm_eps", RMS_EPS_KEYS, PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},
    ROPE_PARAM,
    EXPERT_PARAMS,
    SHARED_PARAMS,
    {"", "expert_gating_func", PARAM_SIZE, PARAM(routing), 3, ROUTE_SIGMOID},
    {"router_scaling_factor", "expert_weights_scale", PARAM_FLOAT, PARAM(experts_scale), 0, -1},
    {0},
};
static const struct tensor_spec tensors_hy[] = {
    CAUSAL_ROWS(TENSOR_MAYBE_BIAS), HEAD_NORM_ROWS, EXPERT_ROWS, SHARED_ROWS, ROUTER_BIAS_ROW(0), {0}};
static const struct hf_name names_hy[] = {
    CAUSAL_NAMES(CUT_NONE, CUT_NONE, CUT_NONE),
    FFN_NORM_NAME,
    HEAD_NORM_NAMES(CUT_NONE),
    {"blk.%u.ffn_gate_inp", "layers.%u.mlp.router.gate", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.mlp.experts.%u.gate_proj", CUT_EXPERTS},
    {"blk.%u.ffn_up_exps", "layers.%u.mlp.experts.%u.up_proj", CUT_EXPERTS},
    {"blk.%u.ffn_down_exps", "layers.%u.mlp.experts.%u.down_proj", CUT_EXPERTS},
    {"blk.%u.exp_probs_b.bias", "layers.%u.mlp.expert_bias", CUT_NONE},
    SHARED_NAMES("layers.%u.mlp.shared_mlp."),
    {0},
};
static const struct default_spec defaults_hy[] = {{PARAM(n_kv_heads), 8},       {PARAM(head_dim), 128},
                                                  {PARAM(n_experts), 192},      {PARAM(n_experts_used), 8},
                                                  {PARAM(n_ff_expert), 1536},   {PARAM(n_shared_experts), 1},
                                                  {PARAM(n_dense_layers), 1},   {PARAM(experts_scale), 2.826},
                                                  {PARAM(rope_base), 11158840}, {0}};
static const char *const classes_hy[] = {"HYV3", NULL};
static const struct key_spec keys_hy[] = {{"mlp_layer_types", NULL},         /* import/experts.c */
                                          {"enable_moe_fp32_combine", NULL}, /* all sums are float32 */
                                          {"num_nextn_predict_layers", NULL},
                                          {NULL, NULL}};
static const struct hf_form form_hy = {.type = "hy_v3",
                                       .classes = classes_hy,
                                       .prefix = "model.",
                                       .names = names_hy,
                                       .defaults = defaults_hy,
                                       .ignored = ignored,
                                       .skips_more_layers = true,
                                       .keys = keys_hy};

const struct arch arch_hy_v3 = {
    .name = "hy-v3",
    .forms = (const struct hf_form *const[]){&form_hy, NULL},
    .params = params_hy,
    .tensors = tensors_hy,
    .activation = ACT_SILU,
    CAUSAL_ARCH,
};
