/* Granite 4 H (IBM, 2025): Granite's layers and multipliers, most of them with Mamba 2's scan instead of attention, which then
 * knows nothing of positions; some have experts. And Bamba (IBM, Princeton, CMU, UIUC, 2024), the same without multipliers and
 * experts, whose attention rotates half of each head. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {
    MIXED_PARAMS("num_hidden_layers", "rms_norm_eps"),
    STATE_PARAMS("mamba_d_conv", "mamba_n_heads", "mamba_n_groups", "mamba_d_state"),
    ROPE_PARAM,
    {"embedding_multiplier", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1},
    {"attention_multiplier", "attention.scale", PARAM_FLOAT, PARAM(attn_scale), 0, -1},
    {"residual_multiplier", "residual_scale", PARAM_FLOAT, PARAM(residual_scale), 0, -1},
    {"logits_scaling", "logit_scale", PARAM_FLOAT, PARAM(logits_scale), 0, -1},
    {"", "expert_count", PARAM_COUNT, PARAM(n_experts), 1 << 12, -1},
    {"", "expert_used_count", PARAM_COUNT, PARAM(n_experts_used), 1 << 12, -1},
    {"shared_intermediate_size", "expert_shared_feed_forward_length", PARAM_SIZE, PARAM(n_ff_shared), 1 << 18,
     -1},
    {0},
};

static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    SCAN_ROWS(0),
    GATED_ROWS,
    EXPERT_ROWS,
    SHARED_ROWS,
    RMS_ROW("attn_norm", attn_norm),
    RMS_ROW("ffn_norm", ffn_norm),
    {0},
};

static const struct hf_name names[] = {
    CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS),
    FIRST_NORM_NAMES,
    FFN_NORM_NAME,
    SCAN_NAMES("layers.%u.mamba."),
    {"blk.%u.ffn_gate", "layers.%u.shared_mlp.input_linear", CUT_FIRST_HALF},
    {"blk.%u.ffn_up", "layers.%u.shared_mlp.input_linear", CUT_SECOND_HALF},
    {"blk.%u.ffn_down", "layers.%u.shared_mlp.output_linear", CUT_NONE},
    {"blk.%u.ffn_gate_shexp", "layers.%u.shared_mlp.input_linear", CUT_FIRST_HALF},
    {"blk.%u.ffn_up_shexp", "layers.%u.shared_mlp.input_linear", CUT_SECOND_HALF},
    {"blk.%u.ffn_down_shexp", "layers.%u.shared_mlp.output_linear", CUT_NONE},
    {"blk.%u.ffn_gate_inp", "layers.%u.block_sparse_moe.router.layer", CUT_NONE},
    {"blk.%u.ffn_gate_exps", "layers.%u.block_sparse_moe.input_linear", CUT_EXPERTS_FIRST},
    {"blk.%u.ffn_up_exps", "layers.%u.block_sparse_moe.input_linear", CUT_EXPERTS_SECOND},
    {"blk.%u.ffn_down_exps", "layers.%u.block_sparse_moe.output_linear", CUT_EXPERTS},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {
    {PARAM(norm_eps), 1e-6},        {PARAM(attn_scale), 1},          {PARAM(recurrent.n_heads), 128},
    {PARAM(recurrent.n_groups), 1}, {PARAM(recurrent.n_state), 256}, {0}};

static const struct key_spec keys[] = {
    MIXED_KEYS,
    SCAN_KEYS,
    {"num_local_experts", NULL},
    {"num_experts_per_tok", NULL},
    {"router_aux_loss_coef", NULL},
    {"output_router_logits", NULL},
    {"position_embedding_type", "null|\"rope\"|\"nope\""},
    {"normalization_function", "\"rmsnorm\""},
    {"init_method", NULL}, /* how weights begin */
    {NULL, NULL},
};

static const char *const form_classes[] = {"GraniteMoeHybrid", NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {0}}; /* of the convolution, too */
static const struct hf_form form = {.classes = form_classes,
                                    .fixed = fixed,
                                    .type = "granitemoehybrid",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys};

/* ---- Bamba ---- */

static const struct hf_name names_bamba[] = {
    CAUSAL_PLAIN_NAMES(CUT_PAIRS, CUT_KV_PAIRS),
    {"output_norm", "final_layernorm", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    SCAN_NAMES("layers.%u.mamba."),
    FEED_FORWARD_NAMES,
    {0},
};

static const struct default_spec defaults_bamba[] = {{PARAM(norm_eps), 1e-5},
                                                     {PARAM(recurrent.n_heads), 128},
                                                     {PARAM(recurrent.n_groups), 1},
                                                     {PARAM(recurrent.n_state), 256},
                                                     {0}};

static const struct key_spec keys_bamba[] = {
    {"num_key_value_heads", NULL},
    {"intermediate_size", NULL},
    {"attn_layer_indices", NULL},
    {"attn_rotary_emb", NULL}, /* the class rotates half of a head, whatever this says */
    SCAN_KEYS,
    {"num_logits_to_keep", NULL},
    {"use_mamba_kernels", NULL},  /* how it is computed */
    {"z_loss_coefficient", NULL}, /* of training */
    {NULL, NULL},
};

static const char *const classes_bamba[] = {"Bamba", NULL};
/* What its class does not read, of the numbers that Granite has. */
static const struct fixed_spec fixed_bamba[] = {
    {"hidden_act", "\"silu\""},       {"embedding_multiplier", "1.0"},
    {"attention_multiplier", "null"}, {"residual_multiplier", "1.0"},
    {"logits_scaling", "1.0"},        {"shared_intermediate_size", "null"},
    {"partial_rotary_factor", "0.5"}, {0}};
static const struct hf_form form_bamba = {.classes = classes_bamba,
                                          .fixed = fixed_bamba,
                                          .type = "bamba",
                                          .prefix = "model.",
                                          .names = names_bamba,
                                          .ignored = ignored,
                                          .defaults = defaults_bamba,
                                          .rotates = true,
                                          .rotated = 0.5F,
                                          .usual_kv_heads = 8,
                                          .keys = keys_bamba};

const struct arch arch_granite_hybrid = {
    .name = "granitehybrid",
    .forms = (const struct hf_form *const[]){&form, &form_bamba, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .rope_pairs = true,
    .logits_divided = true,
    .rotates_if_told = true,
    .recurrent = RECURRENT_SSM,
    CAUSAL_ARCH,
};
