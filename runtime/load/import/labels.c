/* What a classifier's labels are called, and how its logits become scores. */
#include "runtime/load/import/folder.h"

#include "runtime/load/import/sentence/modules.h"
#include "runtime/nn/head.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* By the end of the class's name. */
static enum head head_of(const struct folder *f)
{
    static const struct {
        const char *end;
        enum head head;
    } known[] = {{"ForSequenceClassification", HEAD_LABELS},
                 {"ForTokenClassification", HEAD_TOKEN_LABELS},
                 {"ForQuestionAnswering", HEAD_ANSWERS},
                 {"ForMaskedLM", HEAD_WORDS}};
    const char *name = json_string_value(json_array_get(json_object_get(f->config, "architectures"), 0));
    size_t n = name ? strlen(name) : 0;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        size_t size = strlen(known[i].end);
        if (n >= size && strcmp(name + n - size, known[i].end) == 0)
            return known[i].head;
    }
    return HEAD_NONE;
}

static enum hone_status import_names(struct folder *f, struct hone_error *err)
{
    char key[128], index[24];
    json_t *names = json_object_get(f->config, "id2label");
    size_t n = json_object_size(names);
    if (n == 0)
        n = (size_t)json_integer_value(json_object_get(f->config, "num_labels"));
    if (n == 0)
        n = 2; /* transformers' default */
    f->n_labels = n;
    if (n > 1 << 16)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: %zu labels, expected at most 65536", f->dir,
                         n);
    if (!names)
        return HONE_OK;
    struct hone_text *labels = calloc(n, sizeof *labels);
    if (!labels)
        return hone_no_memory(err, "labels", n * sizeof *labels);
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        snprintf(index, sizeof index, "%zu", i);
        json_t *name = json_object_get(names, index);
        if (!json_is_string(name))
            status =
                hone_fail(err, HONE_BAD_MODEL, "%s/config.json: id2label has no name for %zu", f->dir, i);
        else
            labels[i] = (struct hone_text){json_string_value(name), json_string_length(name)};
    }
    snprintf(key, sizeof key, "%s.classifier.output_labels", f->arch->name);
    if (status == HONE_OK)
        status = folder_set(gguf_set_texts(f->g, key, labels, n), key, err);
    free(labels);
    return status;
}

/* What the settings of Sentence Transformers say, or config.json; NULL: neither. */
static const char *score_class(const struct folder *f)
{
    json_t *inside = json_object_get(json_object_get(f->config, "sentence_transformers"), "activation_fn");
    if (modules_text(f->modules, "activation_fn"))
        return modules_text(f->modules, "activation_fn");
    return json_string_value(inside ? inside
                                    : json_object_get(f->config, "sbert_ce_default_activation_function"));
}

/* What transformers makes of logits, by the problem; and a cross-encoder of labels leaves them as they are. */
static const char *usual_score(const struct folder *f)
{
    const char *problem = json_string_value(json_object_get(f->config, "problem_type"));
    const char *type = modules_text(f->modules, "model_type");
    if (problem && strcmp(problem, "multi_label_classification") == 0)
        return "sigmoid";
    if (problem && strcmp(problem, "regression") == 0)
        return "none";
    if (f->n_labels == 1)
        return "sigmoid";
    return type && strcmp(type, "CrossEncoder") == 0 ? "none" : "softmax";
}

static enum hone_status import_score(struct folder *f, struct hone_error *err)
{
    static const char *const known[][2] = {
        {"Sigmoid", "sigmoid"}, {"Identity", "none"}, {"Softmax", "softmax"}};
    const char *class = score_class(f), *dot = class ? strrchr(class, '.') : NULL;
    const char *score = class ? NULL : usual_score(f);
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++)
        if (strncmp(class, "torch.nn.", 9) == 0 && strcmp(dot + 1, known[i][0]) == 0)
            score = known[i][1];
    if (!score)
        return hone_fail(err, HONE_BAD_MODEL, "%s: the activation_fn '%s' is not supported", f->dir, class);
    return folder_set(gguf_set_string(f->g, "hone.score_activation", score), "hone.score_activation", err);
}

/* Behind an encoder the head sees what the decoder made of a text's last end token. */
static enum hone_status import_rereading(struct folder *f, struct hone_error *err)
{
    json_t *id = json_at(f->config, "eos_token_id");
    json_int_t n = id ? json_integer_value(id) : f->form->end_token;
    if ((id && !json_is_integer(id)) || n < 0 || n > INT32_MAX)
        return hone_fail(err, HONE_BAD_MODEL, "%s/config.json: 'eos_token_id' should be a token", f->dir);
    return folder_set(
        gguf_set_u32(f->g, "hone.head_token_id", (uint32_t)n) &&
            (!f->form->starts_with_last || gguf_set_bool(f->g, "hone.decoder_starts_with_last", true)) &&
            gguf_set_string(f->g, "hone.head_activation", activation_name(f->arch->head_activation)),
        "hone.head_token_id", err);
}

/* What the classification head sees, and what is between its matrices. */
static enum hone_status import_head(struct folder *f, struct hone_error *err)
{
    if (f->arch->has_decoder)
        return import_rereading(f, err);
    enum activation act = f->form->head_activation ? f->form->head_activation : f->arch->head_activation;
    json_t *value = f->form->head_pooling_key ? json_at(f->config, f->form->head_pooling_key) : NULL;
    const char *name = value ? json_string_value(value) : f->form->head_pooling;
    const char *pooling = name ? name : value ? "" : pooling_name(f->arch->head_pooling);
    if (strcmp(pooling, "bos") == 0)
        pooling = "cls";
    if (strcmp(pooling, "avg") == 0)
        pooling = "mean";
    bool late =
        f->form->head_pooling && strcmp(f->form->head_pooling, "late") == 0 && strcmp(pooling, "late") == 0;
    if (!late && pooling_by_name((struct hone_text){pooling, strlen(pooling)}) == N_POOLINGS)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s/config.json: 'classifier_pooling' is '%s', expected cls or mean", f->dir,
                         pooling);
    enum hone_status status =
        folder_set(gguf_set_string(f->g, "hone.head_pooling", pooling), "hone.head_pooling", err);
    if (status == HONE_OK && f->form->head_activation_key)
        return folder_set_activation(f, f->form->head_activation_key, act, "hone.head_activation", err);
    return status == HONE_OK ? folder_set(gguf_set_string(f->g, "hone.head_activation", activation_name(act)),
                                          "hone.head_activation", err)
                             : status;
}

/* Whether the folder has a tensor of that GGUF name; *known: whether its form does. */
static bool has_weight(const struct folder *f, const char *gguf, bool *known)
{
    char name[160];
    *known = false;
    for (const struct hf_name *n = f->form->names; n->gguf; n++) {
        snprintf(name, sizeof name, "%s.weight", n->hf);
        if (strcmp(n->gguf, gguf) != 0)
            continue;
        *known = true;
        if (folder_has_tensor(f, name))
            return true;
    }
    return false;
}

/* Weights for masked words are there, and no list of modules says what the model is for instead. A head of one matrix alone
 * (EuroBERT's) may be that of the token embeddings. */
static bool tells_words(const struct folder *f)
{
    bool known, single;
    if (f->modules->listed)
        return false;
    if (has_weight(f, "mlm", &known))
        return true;
    const bool tied = json_is_true(json_object_get(f->config, "tie_word_embeddings"));
    return !known && (has_weight(f, "mlm.output", &single) || (single && tied));
}

/* Whether tokens need what is told of the head of a text. */
static bool through_head(const struct folder *f)
{
    return f->arch->tokens_through_head || f->arch->has_decoder;
}

/* A token has one label, whatever their number. */
static enum hone_status import_token_labels(struct folder *f, struct hone_error *err)
{
    enum hone_status status = folder_set(gguf_set_string(f->g, "hone.head", "token_labels") &&
                                             gguf_set_string(f->g, "hone.score_activation", "softmax"),
                                         "hone.head", err);
    if (status == HONE_OK)
        status = import_names(f, err);
    return status == HONE_OK && through_head(f) ? import_head(f, err) : status;
}

/* Of each token: whether an answer begins with it, and ends. */
static enum hone_status import_answers(struct folder *f, struct hone_error *err)
{
    static const struct hone_text labels[] = {{"start", 5}, {"end", 3}};
    char key[128];
    snprintf(key, sizeof key, "%s.classifier.output_labels", f->arch->name);
    f->n_labels = 2;
    enum hone_status status = folder_set(gguf_set_string(f->g, "hone.head", "answers") &&
                                             gguf_set_string(f->g, "hone.score_activation", "none") &&
                                             gguf_set_texts(f->g, key, labels, 2),
                                         "hone.head", err);
    return status == HONE_OK && through_head(f) ? import_head(f, err) : status;
}

enum hone_status import_labels(struct folder *f, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    if (f->spans)
        return import_span_numbers(f, err);
    f->head = head_of(f);
    if (f->head == HEAD_TOKEN_LABELS)
        return import_token_labels(f, err);
    if (f->head == HEAD_ANSWERS)
        return import_answers(f, err);
    if (f->head == HEAD_WORDS)
        f->tells_words = tells_words(f);
    if (f->head == HEAD_WORDS && f->tells_words)
        return folder_set(gguf_set_string(f->g, "hone.head", "words"), "hone.head", err);
    if (f->head == HEAD_NONE && f->arch->causal && f->arch->mlm_as_head)
        return folder_set_activation(f, f->form->head_activation_key, f->arch->head_activation,
                                     "hone.head_activation", err);
    if (f->head == HEAD_NONE || f->head == HEAD_WORDS)
        return status;
    status = import_names(f, err);
    if (status == HONE_OK)
        status = import_score(f, err);
    return status == HONE_OK ? import_head(f, err) : status;
}

enum hone_status import_scored(struct folder *f, size_t n, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    f->n_labels = n;
    if (json_object_size(json_object_get(f->config, "id2label")) == n)
        status = import_names(f, err);
    status = status == HONE_OK ? import_score(f, err) : status;
    f->n_labels = 0;
    return status;
}
