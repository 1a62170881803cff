/* Falcon-H1 (TII, 2025, arXiv:2507.22448): in each layer Mamba 2's scan beside attention, of the same input. Its many
 * multipliers are part of the weights in GGUF files. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {
    CAUSAL_PARAMS,
    STATE_PARAMS("mamba_d_conv", "mamba_n_heads", "mamba_n_groups", "mamba_d_state"),
    ROPE_PARAM,
    {0},
};

/* The last norm's name is without ".weight" in some files. */
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_NO_BIAS),
    CAUSAL_QKV_ROWS(TENSOR_MAYBE_BIAS),
    SCAN_ROWS(TENSOR_OPTIONAL),
    GATED_ROWS,
    RMS_ROW("attn_norm", attn_norm),
    LAYER_ROW("ffn_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_NO_BIAS | TENSOR_BARE, ffn_norm),
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embed_tokens", CUT_SCALED},
    {"output", "lm_head", CUT_SCALED},
    {"output", "embed_tokens", CUT_SCALED}, /* tied, but scaled otherwise */
    {"output_norm", "final_layernorm", CUT_NONE},
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_SCALED},
    {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", CUT_SCALED},
    {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_SCALED},
    {"blk.%u.attn_output", "layers.%u.self_attn.o_proj", CUT_SCALED},
    {"blk.%u.attn_norm", "layers.%u.input_layernorm", CUT_NONE},
    {"blk.%u.ffn_norm", "layers.%u.pre_ff_layernorm.weight", CUT_NONE},
    {"blk.%u.ffn_gate", "layers.%u.feed_forward.gate_proj", CUT_SCALED},
    {"blk.%u.ffn_up", "layers.%u.feed_forward.up_proj", CUT_NONE},
    {"blk.%u.ffn_down", "layers.%u.feed_forward.down_proj", CUT_SCALED},
    {"blk.%u.ssm_in", "layers.%u.mamba.in_proj", CUT_SCALED},
    {"blk.%u.ssm_conv1d", "layers.%u.mamba.conv1d", CUT_CONV},
    {"blk.%u.ssm_dt.bias", "layers.%u.mamba.dt_bias", CUT_NONE},
    {"blk.%u.ssm_a", "layers.%u.mamba.A_log", CUT_DECAY},
    {"blk.%u.ssm_d", "layers.%u.mamba.D", CUT_COLUMN},
    {"blk.%u.ssm_norm", "layers.%u.mamba.norm", CUT_GROUPS},
    {"blk.%u.ssm_out", "layers.%u.mamba.out_proj", CUT_SCALED},
    {0},
};
static const char *const ignored[] = {NULL};

static const struct hf_scale scales[] = {
    {"token_embd", NULL, "embedding_multiplier", 0},
    {"output", NULL, "lm_head_multiplier", 0},
    {"attn_q", "attention_in_multiplier", NULL, 0},
    {"attn_k", "attention_in_multiplier", "key_multiplier", 0},
    {"attn_v", "attention_in_multiplier", NULL, 0},
    {"attn_output", NULL, "attention_out_multiplier", 0},
    {"ffn_gate", NULL, "mlp_multipliers", 0},
    {"ffn_down", NULL, "mlp_multipliers", 1},
    {"ssm_in", "ssm_in_multiplier", "ssm_multipliers", SCALE_PARTS},
    {"ssm_out", NULL, "ssm_out_multiplier", 0},
    {NULL, NULL, NULL, 0},
};

static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-5},
                                               {PARAM(recurrent.n_heads), 128},
                                               {PARAM(recurrent.n_groups), 1},
                                               {PARAM(recurrent.n_state), 256},
                                               {0}};

static const struct key_spec keys[] = {
    SCAN_KEYS,
    {"mamba_d_ssm", NULL},
    {"mamba_rms_norm", NULL}, /* the tensors tell */
    {"mamba_norm_before_gate", "true|false"},
    {"mamba_use_mlp", "true"},
    {"projectors_bias", NULL},
    {"mlp_expansion_factor", NULL}, /* intermediate_size counts */
    {"time_step_rank", NULL},
    {"num_logits_to_keep", NULL},
    {"layer_types", NULL},
    {"layers_block_type", NULL},
    {"attn_layer_indices", "null"},
    {"embedding_multiplier", NULL},
    {"lm_head_multiplier", NULL},
    {"attention_in_multiplier", NULL},
    {"attention_out_multiplier", NULL},
    {"key_multiplier", NULL},
    {"mlp_multipliers", NULL},
    {"ssm_multipliers", NULL},
    {"ssm_in_multiplier", NULL},
    {"ssm_out_multiplier", NULL},
    {NULL, NULL},
};

static const char *const form_classes[] = {"FalconH1", NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {0}}; /* of the convolution, too */
static const struct hf_form form = {.classes = form_classes,
                                    .fixed = fixed,
                                    .type = "falcon_h1",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .scales = scales,
                                    .keys = keys};

const struct arch arch_falcon_h1 = {
    .name = "falcon-h1",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_SSM,
    .recurs_beside = true,
    CAUSAL_ARCH,
};
