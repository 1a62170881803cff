/* Mamba 2 (Dao and Gu, 2024, arXiv:2405.21060): layers that are its scan alone, without attention, positions or feed-forward
 * layers. */
#include "runtime/load/families/recurrent/rows.h"

static const struct param_spec params[] = {
    SCAN_MODEL_PARAMS(RMS_EPS_KEYS),
    STATE_PARAMS("conv_kernel", "num_heads", "n_groups", "state_size"),
    {0},
};

static const struct tensor_spec tensors[] = {
    SCAN_MODEL_ROWS,
    SCAN_ROWS(0),
    {0},
};

static const struct hf_name names[] = {
    {"token_embd", "backbone.embeddings", CUT_NONE},
    {"output", "lm_head", CUT_NONE},
    {"output_norm", "backbone.norm_f", CUT_NONE},
    {"blk.%u.attn_norm", "backbone.layers.%u.norm", CUT_NONE},
    SCAN_NAMES("backbone.layers.%u.mixer."),
    {0},
};
static const char *const ignored[] = {NULL};

static const struct default_spec defaults[] = {
    {PARAM(recurrent.n_heads), 128}, {PARAM(recurrent.n_groups), 8}, {PARAM(recurrent.n_state), 128}, {0}};

static const struct key_spec keys[] = {
    SCAN_KEYS,
    {"expand", NULL},
    {"head_dim", NULL},
    {"chunk_size", NULL}, /* results do not depend on it */
    {"use_bias", NULL},   /* the tensors tell */
    {"use_conv_bias", NULL},
    {"residual_in_fp32", NULL},
    {"rescale_prenorm_residual", NULL}, /* how weights begin */
    {"time_step_rank", NULL},
    {"intermediate_size", NULL},
    {"time_step_scale", NULL}, /* how weights begin */
    {"time_step_init_scheme", NULL},
    {"norm_before_gate", "true|false"}, /* the class norms behind the gate, whatever this says */
    {"rms_norm", "true"},
    {NULL, NULL},
};

static const char *const form_classes[] = {"Mamba2", NULL};
static const struct fixed_spec fixed[] = {{"hidden_act", "\"silu\""}, {0}}; /* of the convolution, too */
static const struct hf_form form = {.classes = form_classes,
                                    .fixed = fixed,
                                    .type = "mamba2",
                                    .prefix = "model.",
                                    .names = names,
                                    .ignored = ignored,
                                    .defaults = defaults,
                                    .keys = keys};

const struct arch arch_mamba2 = {
    .name = "mamba2",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .activation = ACT_SILU,
    .recurrent = RECURRENT_SSM,
    .recurs_alone = true,
    CAUSAL_ARCH,
};
