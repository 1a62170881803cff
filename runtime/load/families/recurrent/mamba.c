/* Mamba (Gu and Dao, 2023, arXiv:2312.00752): layers that are its scan of channels alone. And Falcon Mamba (TII, 2024,
 * arXiv:2410.05355), whose B, C and times are normed, by norms without weights. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {
    SCAN_MODEL_PARAMS("attention.layer_norm_rms_epsilon"),
    SELECTIVE_PARAMS("conv_kernel", "state_size"),
    {0},
};

static const struct tensor_spec tensors[] = {
    SCAN_MODEL_ROWS,
    SELECTIVE_ROWS,
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "embeddings", CUT_NONE},
    {"token_embd", "embedding", CUT_NONE}, /* of the first repositories */
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "norm_f", CUT_NONE},
    {"blk.%u.attn_norm", "layers.%u.norm", CUT_NONE},
    SELECTIVE_NAMES("layers.%u.mixer."),
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {{PARAM(recurrent.n_state), 16}, {0}};

static const struct key_spec keys[] = {
    SELECTIVE_KEYS,
    {"expand", NULL},
    {"intermediate_size", NULL},
    {"d_inner", NULL}, /* what repositories say beside it, for another program */
    {"ssm_cfg", "{}"},
    {"rms_norm", "true"},
    {"fused_add_norm", NULL},
    {"pad_vocab_size_multiple", NULL},
    {"time_step_rank", NULL},
    {"use_bias", NULL}, /* the tensors tell */
    {"use_conv_bias", NULL},
    {"residual_in_fp32", NULL},
    {"rescale_prenorm_residual", NULL}, /* how weights begin, as those of time steps */
    {"time_step_min", NULL},
    {"time_step_max", NULL},
    {"time_step_floor", NULL},
    {"time_step_scale", NULL},
    {"time_step_init_scheme", NULL},
    {"mixer_rms_eps", NULL},
    {NULL, NULL},
};

static const char *const classes[] = {"Mamba", NULL};
static const char *const classes_falcon[] = {"FalconMamba", NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {0}}; /* of the convolution */
#define FORM                                                                                                 \
    .prefix = "backbone.|model.", .names = names, .ignored = ignored, .fixed = fixed, .defaults = defaults,  \
    .keys = keys
static const struct hf_form form = {FORM, .type = "mamba", .classes = classes};
static const struct hf_form form_falcon = {FORM, .type = "falcon_mamba", .classes = classes_falcon,
                                           .inputs_eps = "mixer_rms_eps"};

const struct arch arch_mamba = {
    .name = "mamba",
    .forms = (const struct hf_form *const[]){&form, &form_falcon, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_SELECTIVE,
    .recurs_alone = true,
    CAUSAL_ARCH,
};
