/* GLiNER's folders: an encoder of transformers, and behind it a head of spans (nn/spans.h). gliner_config.json says what the head
 * is, and as "encoder_config" what config.json says elsewhere; there may be a config.json instead. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_NAME "gliner_config.json"

/* ---- the configuration ---- */

static const struct key_spec read_keys[] = {
    {"span_mode", "\"markerV0\""},
    {"hidden_size", NULL},
    {"max_width", NULL},
    {"max_len", NULL},
    {"subtoken_pooling", "\"first\"|\"last\"|\"mean\"|\"max\""},
    {"num_rnn_layers", "0|1"},
    {"embed_ent_token", "true|false"},
    {"class_token_index", NULL},
    {"ent_token", NULL},
    {"sep_token", NULL},
    {"words_splitter_type", "\"whitespace\""},
    {"encoder_config", NULL},
    {"vocab_size", NULL}, /* the tensors tell */
    {NULL, NULL},
};

/* Other heads, and what these have beside spans: refused unless they say that there is none. */
static const struct key_spec other_heads[] = {
    {"model_type", "\"gliner\"|\"gliner_uni_encoder_span\""},
    {"fuse_layers", "false"},
    {"post_fusion_schema", "\"\""},
    {"span_encoder_config", "null"},
    {"precomputed_prompts_mode", "false"},
    {"labels_encoder", "null"},
    {"labels_encoder_config", "null"},
    {"labels_decoder", "null"},
    {"labels_decoder_config", "null"},
    {"decoder_config", "null"},
    {"relations_layer", "null"},
    {"triples_layer", "null"},
    {"decoder_mode", "null"},
    {NULL, NULL},
};

/* Of training, of what is not there, and names. */
static const struct key_spec ignored_keys[] = {
    {"name", NULL},
    {"model_name", NULL},
    {"_name_or_path", NULL},
    {"architectures", NULL},
    {"transformers_version", NULL},
    {"_attn_implementation", NULL},
    {"dtype", NULL},
    {"torch_dtype", NULL},
    {"fine_tune", NULL},
    {"freeze_token_rep", NULL},
    {"dropout", NULL},
    {"max_types", NULL},
    {"max_neg_type_ratio", NULL},
    {"neg_spans_ratio", NULL},
    {"represent_spans", NULL}, /* of heads of tokens */
    {"token_loss_coef", NULL},
    {"span_loss_coef", NULL},
    {"num_post_fusion_layers", NULL},
    {"id_to_classes", NULL}, /* of prompts that are computed once and for all */
    {"rel_id_to_classes", NULL},
    {"embed_rel_token", NULL},
    {"rel_token", NULL},
    {"rel_token_index", NULL},
    {"has_rnn", NULL}, /* of old versions; num_rnn_layers counts */
    {"lr_encoder", NULL},
    {"lr_others", NULL},
    {"num_steps", NULL},
    {"train_batch_size", NULL},
    {"eval_every", NULL},
    {"warmup_ratio", NULL},
    {"scheduler_type", NULL},
    {"weight_decay_*", NULL},
    {"max_grad_norm", NULL},
    {"loss_*", NULL},
    {"label_smoothing", NULL},
    {"optimizer", NULL},
    {"root_dir", NULL},
    {"log_dir", NULL},
    {"train_data", NULL},
    {"val_data*", NULL},
    {"prev_path", NULL},
    {"save_total_limit", NULL},
    {"size_sup", NULL},
    {"full_decoder_context", NULL}, /* of decoders, which there are none of */
    {"blank_entity_prob", NULL},
    {"decoder_loss_coef", NULL},
    {"shuffle_types", NULL},
    {"random_drop", NULL},
    {NULL, NULL},
};

/* What the encoder is; config.json is read later where this does not say. */
static enum hone_status find_encoder(struct folder *f, struct hone_error *err)
{
    json_t *encoder = json_object_get(f->spans, "encoder_config");
    if (json_is_object(encoder)) {
        f->config = json_incref(encoder);
        /* As the package reads such an object. */
        const bool named = json_is_string(json_object_get(encoder, "model_type"));
        return named || json_object_set_new(encoder, "model_type", json_string("deberta-v2")) == 0
                   ? HONE_OK
                   : hone_no_memory(err, FILE_NAME, sizeof *f);
    }
    enum hone_status status = folder_json(f, "config.json", false, &f->config, err);
    const char *name = json_string_value(json_object_get(f->spans, "model_name"));
    if (status != HONE_OK || f->config)
        return status;
    return hone_fail(err, HONE_BAD_MODEL,
                     "%s/" FILE_NAME
                     ": there is no 'encoder_config': put the config.json of the encoder (%.128s) "
                     "and its tokenizer's files into the folder",
                     f->dir, name ? name : "'model_name' does not name it");
}

enum hone_status import_find_spans(struct folder *f, struct hone_error *err)
{
    static const struct key_spec *const tables[] = {read_keys, other_heads, ignored_keys, NULL};
    char path[PATH_MAX];
    enum hone_status status = f->config ? HONE_OK : folder_json(f, FILE_NAME, false, &f->spans, err);
    if (status != HONE_OK || !f->spans)
        return status;
    if (!json_is_object(f->spans))
        return hone_fail(err, HONE_BAD_MODEL, "%s/" FILE_NAME ": expected an object", f->dir);
    snprintf(path, sizeof path, "%s/" FILE_NAME, f->dir);
    status = keys_check(f->keys, path, f->spans, tables, err);
    return status == HONE_OK ? find_encoder(f, err) : status;
}

/* ---- numbers ---- */

static enum hone_status set_size(struct folder *f, const char *from, json_int_t otherwise, const char *to,
                                 struct hone_error *err)
{
    const json_t *value = json_object_get(f->spans, from);
    const json_int_t n = value ? json_integer_value(value) : otherwise;
    if ((value && !json_is_integer(value)) || n < 1 || n > INT32_MAX)
        return hone_fail(err, HONE_BAD_MODEL, "%s/" FILE_NAME ": '%s' should be a number above 0", f->dir,
                         from);
    return folder_set(gguf_set_u32(f->g, to, (uint32_t)n), to, err);
}

static enum hone_status set_word(struct folder *f, const char *from, const char *otherwise, const char *to,
                                 struct hone_error *err)
{
    const json_t *value = json_object_get(f->spans, from);
    const char *word = value ? json_string_value(value) : otherwise;
    if (!word || !*word)
        return hone_fail(err, HONE_BAD_MODEL, "%s/" FILE_NAME ": '%s' should be a token", f->dir, from);
    return folder_set(gguf_set_string(f->g, to, word), to, err);
}

/* The usual values are those of the package. */
enum hone_status import_span_numbers(struct folder *f, struct hone_error *err)
{
    const char *pooling = json_string_value(json_object_get(f->spans, "subtoken_pooling"));
    const json_t *whole = json_object_get(f->spans, "embed_ent_token");
    f->head = HEAD_SPANS;
    enum hone_status status = folder_set(gguf_set_string(f->g, "hone.head", "spans"), "hone.head", err);
    if (status == HONE_OK)
        status = set_size(f, "hidden_size", 512, "hone.spans.width", err);
    if (status == HONE_OK)
        status = set_size(f, "max_width", 12, "hone.spans.max_span", err);
    if (status == HONE_OK)
        status = set_size(f, "max_len", 384, "hone.spans.max_words", err);
    if (status == HONE_OK && !import_adds_span_tokens(f))
        status = set_size(f, "class_token_index", -1, "hone.spans.label_token_id", err);
    if (status == HONE_OK)
        status = set_word(f, "ent_token", "<<ENT>>", "hone.spans.label_token", err);
    if (status == HONE_OK)
        status = set_word(f, "sep_token", "<<SEP>>", "hone.spans.separator", err);
    if (status == HONE_OK && json_is_false(whole))
        status =
            folder_set(gguf_set_bool(f->g, "hone.spans.label_behind", true), "hone.spans.label_behind", err);
    pooling = !pooling || strcmp(pooling, "first") == 0 ? "cls" : pooling;
    return status == HONE_OK
               ? folder_set(gguf_set_string(f->g, "hone.spans.pooling", pooling), "hone.spans.pooling", err)
               : status;
}

/* ---- tensors ---- */

static enum hone_status find(struct folder *f, const char *name, const struct safetensor **out,
                             struct hone_error *err)
{
    *out = safetensors_find(f->tensors, name);
    if (!*out)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the safetensors hold no tensor '%s'", f->dir, name);
    f->used[safetensors_index(f->tensors, *out)] = true;
    return HONE_OK;
}

static enum hone_status add(struct folder *f, const char *from, const char *to, struct hone_error *err)
{
    const struct safetensor *t;
    enum hone_status status = find(f, from, &t, err);
    return status == HONE_OK ? folder_add_tensor(f, to, t, 0, t->dims[0], err) : status;
}

/* A network's matrix and its bias. */
static enum hone_status add_linear(struct folder *f, const char *from, const char *to, struct hone_error *err)
{
    static const char *const suffixes[] = {".weight", ".bias"};
    char name[160], gguf[64];
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++) {
        snprintf(name, sizeof name, "%s%s", from, suffixes[i]);
        snprintf(gguf, sizeof gguf, "%s%s", to, suffixes[i]);
        status = add(f, name, gguf, err);
    }
    return status;
}

/* A tensor as floats: [rows, cols], or [rows] where it is a vector. To be freed. */
static enum hone_status read_floats(struct folder *f, const char *name, bool vector, size_t *rows,
                                    size_t *cols, float **out, struct hone_error *err)
{
    const struct safetensor *t;
    const unsigned n_dims = vector ? 1 : 2;
    *out = NULL;
    enum hone_status status = find(f, name, &t, err);
    if (status != HONE_OK)
        return status;
    if (!t->type || t->size == 0 || t->n_dims != n_dims)
        return hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' should have %d dimensions of F32, F16 or BF16",
                         f->dir, name, (int)n_dims);
    *rows = (size_t)t->dims[0];
    *cols = vector ? 1 : (size_t)t->dims[1];
    *out = malloc(*rows * *cols * sizeof **out);
    if (!*out)
        return hone_no_memory(err, name, *rows * *cols * sizeof **out);
    t->type->dequantize(*out, t->data, *rows * *cols);
    return HONE_OK;
}

/* Floats [rows, cols], or [rows] where cols is 0; they are taken, after a failure too. */
static enum hone_status give(struct folder *f, const char *name, float *floats, size_t rows, size_t cols,
                             struct hone_error *err)
{
    if (!gguf_own_memory(f->g, floats)) {
        free(floats);
        return hone_no_memory(err, name, rows * sizeof *floats);
    }
    const size_t n = cols ? rows * cols : rows;
    const struct gguf_tensor t = {.name = name,
                                  .type = quant_type_by_id(QUANT_F32),
                                  .n_dims = cols ? 2 : 1,
                                  .size = n * sizeof *floats,
                                  .data = floats,
                                  .dims = {cols ? cols : rows, cols ? rows : 1, 1, 1}};
    return folder_set(gguf_add_tensor(f->g, &t), name, err);
}

/* Both of an LSTM's biases are added to the same. */
static enum hone_status add_rnn_bias(struct folder *f, const char *suffix, const char *to,
                                     struct hone_error *err)
{
    char names[2][64];
    float *parts[2] = {NULL, NULL};
    size_t n[2] = {0, 0}, one;
    snprintf(names[0], sizeof names[0], "rnn.lstm.bias_ih_l0%s", suffix);
    snprintf(names[1], sizeof names[1], "rnn.lstm.bias_hh_l0%s", suffix);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK; i++)
        status = read_floats(f, names[i], true, &n[i], &one, &parts[i], err);
    if (status == HONE_OK && n[0] != n[1])
        status = hone_fail(err, HONE_BAD_MODEL, "%s: tensor '%s' has %zu numbers, but '%s' has %zu", f->dir,
                           names[0], n[0], names[1], n[1]);
    for (size_t i = 0; i < n[0] && status == HONE_OK; i++)
        parts[0][i] += parts[1][i];
    free(parts[1]);
    if (status == HONE_OK)
        return give(f, to, parts[0], n[0], 0, err);
    free(parts[0]);
    return status;
}

static enum hone_status add_rnn(struct folder *f, struct hone_error *err)
{
    static const struct {
        const char *suffix, *in, *bias, *state;
    } ways[] = {
        {"", "span.rnn.weight", "span.rnn.bias", "span.rnn_state.weight"},
        {"_reverse", "span.rnn_reverse.weight", "span.rnn_reverse.bias", "span.rnn_state_reverse.weight"}};
    const json_t *layers = json_object_get(f->spans, "num_rnn_layers");
    char name[64];
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 2 && status == HONE_OK && (!layers || json_integer_value(layers) > 0); i++) {
        snprintf(name, sizeof name, "rnn.lstm.weight_ih_l0%s", ways[i].suffix);
        status = add(f, name, ways[i].in, err);
        snprintf(name, sizeof name, "rnn.lstm.weight_hh_l0%s", ways[i].suffix);
        if (status == HONE_OK)
            status = add(f, name, ways[i].state, err);
        if (status == HONE_OK)
            status = add_rnn_bias(f, ways[i].suffix, ways[i].bias, err);
    }
    return status;
}

#define PAIRS "span_rep_layer.span_rep_layer.out_project."

/* Columns first to first + cols of the `all` that there are. */
static enum hone_status give_columns(struct folder *f, const char *name, const float *from, size_t rows,
                                     size_t all, size_t first, struct hone_error *err)
{
    const size_t cols = all / 2;
    float *part = malloc(rows * cols * sizeof *part);
    if (!part)
        return hone_no_memory(err, name, rows * cols * sizeof *part);
    for (size_t i = 0; i < rows; i++)
        memcpy(part + i * cols, from + i * all + first, cols * sizeof *part);
    return give(f, name, part, rows, cols, err);
}

/* What reads both ends, side by side, in two halves. */
static enum hone_status add_pair_in(struct folder *f, struct hone_error *err)
{
    float *both = NULL;
    size_t rows = 0, cols = 0;
    enum hone_status status = read_floats(f, PAIRS "0.weight", false, &rows, &cols, &both, err);
    if (status == HONE_OK && cols % 2 != 0)
        status =
            hone_fail(err, HONE_BAD_MODEL,
                      "%s: tensor '" PAIRS "0.weight' has %zu columns, which cannot be halved", f->dir, cols);
    if (status == HONE_OK)
        status = give_columns(f, "span.pair_start.weight", both, rows, cols, 0, err);
    if (status == HONE_OK)
        status = give_columns(f, "span.pair_end.weight", both, rows, cols, cols / 2, err);
    free(both);
    return status == HONE_OK ? add(f, PAIRS "0.bias", "span.pair_start.bias", err) : status;
}

/* What makes a vector of that, turned. */
static enum hone_status add_pair_out(struct folder *f, struct hone_error *err)
{
    float *matrix = NULL, *turned = NULL;
    size_t rows = 0, cols = 0;
    enum hone_status status = read_floats(f, PAIRS "3.weight", false, &rows, &cols, &matrix, err);
    if (status == HONE_OK && !(turned = malloc(rows * cols * sizeof *turned)))
        status = hone_no_memory(err, PAIRS "3.weight", rows * cols * sizeof *turned);
    for (size_t i = 0; i < rows && turned; i++)
        for (size_t j = 0; j < cols; j++)
            turned[j * rows + i] = matrix[i * cols + j];
    free(matrix);
    if (status == HONE_OK)
        status = give(f, "span.pair_turned.weight", turned, cols, rows, err);
    return status == HONE_OK ? add(f, PAIRS "3.bias", "span.pair.bias", err) : status;
}

enum hone_status import_span_tensors(struct folder *f, struct hone_error *err)
{
    static const char *const linear[][2] = {
        {"span_rep_layer.span_rep_layer.project_start.0", "span.start_up"},
        {"span_rep_layer.span_rep_layer.project_start.3", "span.start_down"},
        {"span_rep_layer.span_rep_layer.project_end.0", "span.end_up"},
        {"span_rep_layer.span_rep_layer.project_end.3", "span.end_down"},
        {"prompt_rep_layer.0", "span.label_up"},
        {"prompt_rep_layer.3", "span.label_down"}};
    enum hone_status status = HONE_OK;
    if (f->max_length > 0)
        status = folder_set(gguf_set_u32(f->g, "hone.spans.max_tokens", f->max_length),
                            "hone.spans.max_tokens", err);
    if (status == HONE_OK && safetensors_find(f->tensors, "token_rep_layer.projection.weight"))
        status = add_linear(f, "token_rep_layer.projection", "span.proj", err);
    if (status == HONE_OK)
        status = add_rnn(f, err);
    for (size_t i = 0; i < sizeof linear / sizeof *linear && status == HONE_OK; i++)
        status = add_linear(f, linear[i][0], linear[i][1], err);
    if (status == HONE_OK)
        status = add_pair_in(f, err);
    return status == HONE_OK ? add_pair_out(f, err) : status;
}
