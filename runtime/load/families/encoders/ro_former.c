/* RoFormer (Su et al., 2021, arXiv:2104.09864): BERT whose queries and keys are rotated, neighbouring elements together, instead
 * of positions that are added; token embeddings may be narrower than its layers. llama.cpp has no such family; the names follow
 * its style. */
#include "runtime/load/families/rows.h"

static const struct param_spec params[] = {
    SIZE_PARAMS,
    NARROW_PARAM,
    {"", "rope.freq_base", PARAM_FLOAT, PARAM(rope_base), 0, 10000},
    {0},
};

static const struct tensor_spec tensors[] = {
    {"token_embd", TENSOR_TABLE, DIM_VOCAB, DIM_TOKEN, 0, AT(token_embd)},
    {"token_types", TENSOR_FLOATS, DIM_TYPES, DIM_TOKEN, TENSOR_OPTIONAL, AT(type_embd)},
    {"token_embd_proj", TENSOR_DENSE, DIM_EMBD, DIM_TOKEN, TENSOR_TOKEN_PROJ, AT(embd_proj)},
    {"token_embd_norm", TENSOR_NORM, DIM_TOKEN, DIM_NONE, 0, AT(embd_norm)},
    QKV_ROWS(0),
    BERT_LAYER_ROWS,
    POST_NORM_ROWS,
    HEAD_ROWS(0),
    NARROW_MLM_ROWS,
    {0},
};

static const struct hf_name names[] = {
    BERT_LAYER_NAMES,
    {"token_embd_proj", "embeddings_project", CUT_NONE},
    DENSE_HEAD_NAMES,
    BERT_LM_NAMES,
    {0},
};

static const struct fixed_spec fixed[] = {
    {"rotary_value", "false"}, {"is_decoder", "false"}, {"add_cross_attention", "false"}, {0}};
/* The table of sines is made anew, from the base that the family always has. */
static const char *const ignored[] = {"encoder.embed_positions.", "cls.", "pooler.", "classifier.", NULL};
static const struct default_spec defaults[] = {{PARAM(norm_eps), 1e-12}, {0}};
static const char *const classes[] = {"RoFormer", NULL};

static const struct hf_form form = {.type = "roformer",
                                    .prefix = "roformer.",
                                    .names = names,
                                    .fixed = fixed,
                                    .classes = classes,
                                    .ignored = ignored,
                                    .head_activation = ACT_GELU,
                                    .head_activation_key = "hidden_act",
                                    .defaults = defaults};

const struct arch arch_roformer = {
    .name = "roformer",
    .forms = (const struct hf_form *const[]){&form, NULL},
    .params = params,
    .tensors = tensors,
    .pooling = POOL_MEAN,
    .head_pooling = POOL_CLS,
    .activation = ACT_GELU,
    .head_activation = ACT_GELU,
    .mlm_activation = ACT_GELU,
    .rope_pairs = true,
    ENCODER_PASS,
};
