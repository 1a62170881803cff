/* Decoders that fairseq trained: OPT (Zhang et al., 2022, arXiv:2205.01068), XGLM (Lin et al., 2021, arXiv:2112.10668) and BioGPT (Luo
 * et al., 2022, arXiv:2210.10341). Layer norms, biases, no gate; positions are a table whose first row is the folder's third, of XGLM
 * one of sines, which the import makes. */
#include "runtime/load/families/causal_rows.h"
#include "runtime/load/import/folder.h"
#include "runtime/nn/positions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_BEFORE 2                 /* fairseq's tables of positions begin with so many that no token has */
#define MAX_TABLE   ((size_t)1 << 28) /* floats of the sines */

/* Norms add 1e-5, whatever a configuration says. */
/* clang-format off */
#define FIXED_NUMBERS                                                                                         \
    {"", "attention.layer_norm_epsilon", PARAM_FLOAT, PARAM(norm_eps), 0, 1e-5},                              \
    {"", "embedding_scale", PARAM_FLOAT, PARAM(embd_scale), 0, -1}
#define LAYER_NAMES                                                                                           \
    {"cls.output", "score", CUT_NONE},                                                                        \
    {"token_embd", "embed_tokens", CUT_NONE},                                                                 \
    {"blk.%u.attn_norm", "layers.%u.self_attn_layer_norm", CUT_NONE},                                         \
    {"blk.%u.attn_q", "layers.%u.self_attn.q_proj", CUT_NONE},                                                \
    {"blk.%u.attn_k", "layers.%u.self_attn.k_proj", CUT_NONE},                                                \
    {"blk.%u.attn_v", "layers.%u.self_attn.v_proj", CUT_NONE},                                                \
    {"blk.%u.attn_output", "layers.%u.self_attn.out_proj", CUT_NONE},                                         \
    {"blk.%u.ffn_norm", "layers.%u.final_layer_norm", CUT_NONE},                                              \
    {"blk.%u.ffn_up", "layers.%u.fc1", CUT_NONE},                                                             \
    {"blk.%u.ffn_down", "layers.%u.fc2", CUT_NONE}
/* Of training. */
#define TRAINING_KEYS {"layerdrop", NULL}, {"activation_dropout", NULL}, {"init_std", NULL}
/* clang-format on */

static const struct param_spec opt_params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"ffn_dim", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    {"word_embed_proj_dim", "token_embedding_length", PARAM_SIZE, PARAM(n_token), 1 << 15, -1},
    FIXED_NUMBERS,
    {0},
};
static const struct param_spec xglm_params[] = {
    {"num_layers|num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"d_model|hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"attention_heads|num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"ffn_dim", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    FIXED_NUMBERS,
    {0},
};
static const struct param_spec biogpt_params[] = {
    {"num_hidden_layers", "block_count", PARAM_SIZE, PARAM(n_layers), 1024, 0},
    {"hidden_size", "embedding_length", PARAM_SIZE, PARAM(n_embd), 1 << 15, 0},
    {"num_attention_heads", "attention.head_count", PARAM_SIZE, PARAM(n_heads), 1 << 12, 0},
    {"intermediate_size", "feed_forward_length", PARAM_SIZE, PARAM(n_ff), 1 << 18, 0},
    {"max_position_embeddings", "context_length", PARAM_SIZE, PARAM(max_length), 1 << 20, 0},
    FIXED_NUMBERS,
    {0},
};
static const struct tensor_spec tensors[] = {
    CAUSAL_ENDS(TENSOR_MAYBE_BIAS),
    POSITION_ROW(0),
    GPT_LAYER_ROWS,
    {0},
};
/* Some of OPT's have no last norm, and embeddings of tokens that are narrower than the layers, or wider. */
static const struct tensor_spec opt_tensors[] = {
    {"token_embd", TENSOR_TABLE, DIM_VOCAB, DIM_TOKEN, 0, AT(token_embd)},
    {"token_embd_proj", TENSOR_DENSE, DIM_EMBD, DIM_TOKEN, TENSOR_TOKEN_PROJ | TENSOR_NO_BIAS, AT(embd_proj)},
    {"output_proj", TENSOR_DENSE, DIM_TOKEN, DIM_EMBD, TENSOR_TOKEN_PROJ | TENSOR_NO_BIAS, AT(output_proj)},
    {"output", TENSOR_DENSE, DIM_VOCAB, DIM_TOKEN, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, AT(output)},
    {"cls.output", TENSOR_DENSE, DIM_LABELS, DIM_TOKEN, TENSOR_HEAD | TENSOR_MAYBE_BIAS, AT(cls_out)},
    {"output_norm", TENSOR_NORM, DIM_EMBD, DIM_NONE, TENSOR_OPTIONAL | TENSOR_MAYBE_BIAS, AT(output_norm)},
    POSITION_ROW(0),
    GPT_LAYER_ROWS,
    {0},
};
static const struct hf_name opt_names[] = {LAYER_NAMES,
                                           {"token_embd_proj", "project_in", CUT_NONE},
                                           {"output_proj", "project_out", CUT_NONE},
                                           {"position_embd", "embed_positions", CUT_PADDING},
                                           {"output_norm", "final_layer_norm", CUT_NONE},
                                           {"output", "lm_head", CUT_NONE},
                                           {0}};
static const struct hf_name xglm_names[] = {
    LAYER_NAMES, {"output_norm", "layer_norm", CUT_NONE}, {"output", "lm_head", CUT_NONE}, {0}};
static const struct hf_name biogpt_names[] = {LAYER_NAMES,
                                              {"position_embd", "embed_positions", CUT_PADDING},
                                              {"output_norm", "layer_norm", CUT_NONE},
                                              {"output", "output_projection", CUT_NONE},
                                              {0}};

/* ---- what configurations say ---- */

/* Norms before the halves of layers and one behind all of them, or norms behind the halves alone. */
static enum hone_status import_opt(struct folder *f, struct hone_error *err)
{
    static const char key[] = "hone.norms_last";
    const bool last = json_is_false(json_at(f->config, "do_layer_norm_before")),
               none = json_is_true(json_at(f->config, "_remove_final_layer_norm"));
    if ((last || none) && folder_has_tensor(f, "final_layer_norm.weight"))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: there is a 'final_layer_norm', which '%s' says is not to be used", f->dir,
                         last ? "do_layer_norm_before" : "_remove_final_layer_norm");
    return last ? folder_set(gguf_set_bool(f->g, key, true), key, err) : HONE_OK;
}

static enum hone_status import_scale(struct folder *f, const char *width, struct hone_error *err)
{
    char key[64];
    const json_int_t n = json_integer_value(json_at(f->config, width));
    snprintf(key, sizeof key, "%s.embedding_scale", f->arch->name);
    if (json_is_false(json_at(f->config, "scale_embedding")) || n < 1)
        return HONE_OK;
    return folder_set(gguf_set_f32(f->g, key, sqrtf((float)n)), key, err);
}

static enum hone_status import_biogpt(struct folder *f, struct hone_error *err)
{
    return import_scale(f, "hidden_size", err);
}

/* The sines' table, whose row of the padding token is zeros. */
static enum hone_status import_xglm(struct folder *f, struct hone_error *err)
{
    const json_int_t n = json_integer_value(json_at(f->config, "max_position_embeddings")),
                     width = json_integer_value(json_at(f->config, "d_model|hidden_size"));
    const json_t *padding = json_at(f->config, "pad_token_id");
    const json_int_t row = json_is_integer(padding) ? json_integer_value(padding) - ROWS_BEFORE : -1;
    if (n < 1 || width < 4 || n > (json_int_t)1 << 20 || width > 1 << 15 || (size_t)(n * width) > MAX_TABLE)
        return hone_fail(
            err, HONE_BAD_MODEL,
            "%s/config.json: 'max_position_embeddings' and 'd_model' are %lld and %lld, expected at "
            "least 1 and 4, and at most %zu multiplied",
            f->dir, (long long)n, (long long)width, MAX_TABLE);
    float *table = malloc((size_t)(n * width) * sizeof *table);
    if (!table || !gguf_own_memory(f->g, table)) {
        free(table);
        return hone_no_memory(err, "positions", (size_t)(n * width) * sizeof *table);
    }
    positions_fairseq(table, (size_t)n, (size_t)width, ROWS_BEFORE);
    if (row >= 0 && row < n)
        memset(table + row * width, 0, (size_t)width * sizeof *table);
    const struct gguf_tensor t = {.name = "position_embd.weight",
                                  .type = quant_type_by_id(QUANT_F32),
                                  .n_dims = 2,
                                  .dims = {(uint64_t)width, (uint64_t)n, 1, 1},
                                  .size = (size_t)(n * width) * sizeof *table,
                                  .data = table};
    enum hone_status status = folder_set(gguf_add_tensor(f->g, &t), t.name, err);
    return status == HONE_OK ? import_scale(f, "d_model|hidden_size", err) : status;
}

static const char *const ignored[] = {NULL};
static const char *const xglm_ignored[] = {"embed_positions.", NULL}; /* the sines, in old files */
static const struct key_spec opt_keys[] = {
    {"do_layer_norm_before", "true|false"},
    {"_remove_final_layer_norm", "true|false"},
    {"layer_norm_elementwise_affine", "true"},
    {"word_embed_proj_dim", NULL},
    {"enable_bias", "true|false"}, /* the tensors tell */
    {"prefix", "\"\"|\"</s>\""},   /* which the tokenizer puts before texts */
    TRAINING_KEYS,
    {NULL, NULL}};
static const struct key_spec xglm_keys[] = {{"scale_embedding", "true|false"}, TRAINING_KEYS, {NULL, NULL}};
static const struct key_spec biogpt_keys[] = {
    {"scale_embedding", "true|false"}, {"layer_norm_eps", NULL}, TRAINING_KEYS, {NULL, NULL}};

static const char *const opt_classes[] = {"OPT", NULL};
static const char *const xglm_classes[] = {"XGLM", NULL};
static const char *const biogpt_classes[] = {"BioGpt", NULL};
static const struct hf_form opt = {.classes = opt_classes,
                                   .type = "opt",
                                   .prefix = "model.decoder.|decoder.|model.",
                                   .names = opt_names,
                                   .ignored = ignored,
                                   .rows_before = ROWS_BEFORE,
                                   .keys = opt_keys,
                                   .import = import_opt};
static const struct hf_form xglm = {.classes = xglm_classes,
                                    .type = "xglm",
                                    .prefix = "model.",
                                    .names = xglm_names,
                                    .ignored = xglm_ignored,
                                    .keys = xglm_keys,
                                    .import = import_xglm};
static const struct hf_form biogpt = {.classes = biogpt_classes,
                                      .type = "biogpt",
                                      .prefix = "biogpt.",
                                      .names = biogpt_names,
                                      .ignored = ignored,
                                      .rows_before = ROWS_BEFORE,
                                      .keys = biogpt_keys,
                                      .import = import_biogpt};

const struct arch arch_opt = {
    .name = "opt",
    .forms = (const struct hf_form *const[]){&opt, NULL},
    .params = opt_params,
    .tensors = opt_tensors,
    .activation = ACT_RELU,
    CAUSAL_PASS,
};
const struct arch arch_xglm = {
    .name = "xglm",
    .forms = (const struct hf_form *const[]){&xglm, NULL},
    .params = xglm_params,
    .tensors = tensors,
    .activation = ACT_GELU,
    CAUSAL_PASS,
};
const struct arch arch_biogpt = {
    .name = "biogpt",
    .forms = (const struct hf_form *const[]){&biogpt, NULL},
    .params = biogpt_params,
    .tensors = tensors,
    .activation = ACT_GELU,
    CAUSAL_PASS,
};
