/* Folders of models that make a vector of each token: as Sentence Transformers 6 writes them, PyLate, and Stanford's ColBERT. */
#include "runtime/load/import/folder.h"
#include "runtime/load/import/keys.h"

#include "runtime/load/import/sentence/modules.h"

#include <stdio.h>
#include <string.h>

/* string.punctuation of Python */
#define PUNCTUATION  "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"
#define USUAL_LENGTH 32 /* tokens of a query, as ColBERT has it */

/* What the files say of it, in whichever form. */
struct late {
    json_t *query_length, *document_length; /* tokens at most; or NULL */
    json_t *token;                          /* that queries are filled up with; or NULL */
    json_int_t expand_to;                   /* 0: they are not */
    json_int_t text_length; /* of texts of no role, and of roles without a length; 0: as all texts */
    bool cuts, attends;
    json_t *words; /* that are skipped: a list, or NULL */
    bool punctuation, in_queries, in_documents;
};

static bool has(const json_t *object, const char *key)
{
    return json_object_get(object, key) != NULL;
}

/* PyLate says it in the settings, and where it says nothing of it queries are filled up. */
static void read_pylate(const json_t *s, struct late *l)
{
    static const char *const marks[] = {
        "query_length",          "document_length", "do_query_expansion", "attend_to_expansion_tokens",
        "attend_to_mask_tokens", "query_prefix",    "document_prefix",    "skiplist_words"};
    bool marked = false;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        marked = marked || has(s, marks[i]);
    l->document_length = json_object_get(s, "document_length");
    if (!marked || json_is_false(json_object_get(s, "do_query_expansion"))) {
        l->query_length = json_object_get(s, "query_length");
        return;
    }
    const json_t *attend = json_object_get(s, "attend_to_expansion_tokens"),
                 *length = json_object_get(s, "query_length");
    attend = attend ? attend : json_object_get(s, "attend_to_mask_tokens");
    l->attends = json_is_true(attend);
    l->cuts = true;
    l->expand_to = json_integer_value(length) > 0 ? json_integer_value(length) : USUAL_LENGTH;
}

/* {"strategy", "length", "attend", "token"}; null: they are not filled up. */
static void read_expansion(json_t *e, struct late *l)
{
    const char *strategy = json_string_value(json_object_get(e, "strategy"));
    l->expand_to = json_is_object(e) ? json_integer_value(json_object_get(e, "length")) : 0;
    l->cuts = strategy && strcmp(strategy, "fixed") == 0;
    l->attends = json_is_true(json_object_get(e, "attend"));
    l->token = json_object_get(e, "token");
}

static void read_stanford(json_t *metadata, struct late *l)
{
    l->document_length = json_object_get(metadata, "doc_maxlen");
    json_int_t length = json_integer_value(json_object_get(metadata, "query_maxlen"));
    l->expand_to = length > 0 ? length : USUAL_LENGTH;
    l->cuts = true;
    l->attends = json_is_true(json_object_get(metadata, "attend_to_mask_tokens"));
    l->punctuation = !json_is_false(json_object_get(metadata, "mask_punctuation"));
    l->in_documents = true;
}

static void read_tasks(json_t *tasks, struct late *l)
{
    json_t *list = json_is_array(tasks) ? tasks : NULL;
    size_t n = list ? json_array_size(list) : 1;
    for (size_t i = 0; i < n; i++) {
        const char *name = list                            ? json_string_value(json_array_get(list, i))
                           : tasks && !json_is_null(tasks) ? json_string_value(tasks)
                                                           : "document";
        l->in_queries = l->in_queries || (name && strcmp(name, "query") == 0);
        l->in_documents = l->in_documents || (name && strcmp(name, "document") == 0);
    }
}

static void read_skipped(const struct folder *f, struct late *l)
{
    const struct module *mask = modules_find(f->modules, MODULE_MASK);
    const json_t *s = f->modules->settings;
    const char *type = modules_text(f->modules, "model_type");
    if (mask) {
        l->words = json_object_get(mask->config, "skiplist_words");
        read_tasks(json_object_get(mask->config, "skiplist_tasks"), l);
        return;
    }
    l->words = json_object_get(s, "skiplist_words");
    bool marked =
        has(s, "query_prefix") || has(s, "document_prefix") || (type && strcmp(type, "ColBERT") == 0);
    l->punctuation = marked && (!l->words || json_is_null(l->words));
    l->in_documents = true;
}

/* ---- writing ---- */

static enum hone_status set_length(struct folder *f, const char *key, const json_t *value,
                                   struct hone_error *err)
{
    json_int_t n = json_integer_value(value);
    if (!value || json_is_null(value))
        return HONE_OK;
    if (!json_is_integer(value) || n < 1 || n > 1 << 20)
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: a length of queries or documents should be a number above 0", f->dir);
    return folder_set(gguf_set_u32(f->g, key, (uint32_t)n), key, err);
}

static enum hone_status set_flag(struct folder *f, const char *key, bool value, struct hone_error *err)
{
    return value ? folder_set(gguf_set_bool(f->g, key, true), key, err) : HONE_OK;
}

static enum hone_status set_words(struct folder *f, const struct late *l, struct hone_error *err)
{
    static const char marks[] = PUNCTUATION;
    struct hone_text texts[256];
    size_t n = 0, n_words = json_array_size(l->words);
    if (n_words > sizeof texts / sizeof *texts)
        return hone_fail(err, HONE_BAD_MODEL, "%s: 'skiplist_words' has %zu words, expected at most %zu",
                         f->dir, n_words, sizeof texts / sizeof *texts);
    for (size_t i = 0; i < n_words; i++) {
        const json_t *word = json_array_get(l->words, i);
        if (json_is_string(word))
            texts[n++] = (struct hone_text){json_string_value(word), json_string_length(word)};
    }
    for (size_t i = 0; l->punctuation && i < sizeof marks - 1; i++)
        texts[n++] = (struct hone_text){marks + i, 1};
    if (n == 0)
        return HONE_OK;
    enum hone_status status =
        folder_set(gguf_set_texts(f->g, "hone.skip_words", texts, n), "hone.skip_words", err);
    if (status == HONE_OK)
        status = set_flag(f, "hone.skip_in_queries", l->in_queries, err);
    return status == HONE_OK ? set_flag(f, "hone.skip_in_documents", l->in_documents, err) : status;
}

/* What texts are cut at where nothing is said of their role goes before the lengths of roles in the call of the tokenizer, and
 * behind them elsewhere, of which hone.max_length then is the longest. */
static enum hone_status weigh_limits(struct folder *f, struct late *l, struct hone_error *err)
{
    json_t *call = json_at(f->transformer, "processing_kwargs.text.max_length"),
           *common = json_at(f->transformer, "processing_kwargs.common.max_length");
    json_int_t limit = f->max_length, longest = 0;
    if (common && (l->query_length || l->document_length || l->expand_to > 0))
        return keys_refuse(
            f->keys, err,
            "%s/sentence_bert_config.json: 'processing_kwargs.common.max_length' beside lengths of "
            "queries or documents",
            f->modules->root);
    if (call)
        l->query_length = l->document_length = NULL;
    const json_int_t lengths[] = {json_integer_value(l->query_length), json_integer_value(l->document_length),
                                  l->expand_to};
    for (size_t i = 0; i < 3; i++)
        longest = lengths[i] > longest ? lengths[i] : longest;
    if (limit == 0 || longest <= limit)
        return HONE_OK;
    if (l->expand_to > limit && !l->cuts && !l->query_length)
        return keys_refuse(f->keys, err,
                           "%s: 'query_expansion' is longer than the texts that the model reads",
                           f->modules->root);
    l->text_length = limit;
    f->max_length = longest < INT32_MAX ? (uint32_t)longest : INT32_MAX;
    return HONE_OK;
}

static enum hone_status set_text_length(struct folder *f, const struct late *l, struct hone_error *err)
{
    static const char *const keys[] = {"hone.text_length", "hone.query_length", "hone.document_length"};
    const bool set[] = {false, l->query_length || (l->cuts && l->expand_to > 0), l->document_length};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 3 && l->text_length > 0 && status == HONE_OK; i++)
        if (!set[i])
            status = folder_set(gguf_set_u32(f->g, keys[i], (uint32_t)l->text_length), keys[i], err);
    return status;
}

static enum hone_status write(struct folder *f, struct late *l, struct hone_error *err)
{
    enum hone_status status = weigh_limits(f, l, err);
    if (status == HONE_OK)
        status = set_text_length(f, l, err);
    if (status == HONE_OK)
        status = set_length(f, "hone.query_length", l->query_length, err);
    if (status == HONE_OK)
        status = set_length(f, "hone.document_length", l->document_length, err);
    if (status == HONE_OK && (l->expand_to < 0 || l->expand_to > 1 << 20))
        return hone_fail(err, HONE_BAD_MODEL,
                         "%s: the length that queries are filled up to should be above 0", f->dir);
    if (status == HONE_OK && l->expand_to > 0)
        status =
            folder_set(gguf_set_u32(f->g, "hone.expand_to", (uint32_t)l->expand_to), "hone.expand_to", err);
    if (status == HONE_OK)
        status = set_flag(f, "hone.expand_cuts", l->cuts && l->expand_to > 0, err);
    if (status == HONE_OK)
        status = set_flag(f, "hone.expansion_attended", l->attends && l->expand_to > 0, err);
    if (status == HONE_OK && json_is_string(l->token))
        status = folder_set(gguf_set_string(f->g, "hone.expansion_token", json_string_value(l->token)),
                            "hone.expansion_token", err);
    return status == HONE_OK ? set_words(f, l, err) : status;
}

static void set_prefix(struct folder *f, size_t side, const char *text)
{
    if (text && strlen(text) < sizeof f->markers[side])
        snprintf(f->markers[side], sizeof f->markers[side], "%s", text);
}

/* ---- Stanford ---- */

static bool is_stanfords(const struct folder *f)
{
    const char *class = json_string_value(json_array_get(json_object_get(f->config, "architectures"), 0));
    return class && strcmp(class, "HF_ColBERT") == 0 && !f->modules->listed;
}

/* Its markers are tokens of the vocabulary before each text. */
static enum hone_status set_marker(struct folder *f, const json_t *metadata, const char *key,
                                   const char *usual, const char *prompt, struct hone_error *err)
{
    char text[128];
    const char *marker = json_string_value(json_object_get(metadata, key));
    snprintf(text, sizeof text, "%s ", marker ? marker : usual);
    set_prefix(f, strcmp(usual, "[unused0]") == 0 ? 0 : 1, text);
    return folder_set(gguf_set_string(f->g, prompt, text), prompt, err);
}

static enum hone_status import_stanford(struct folder *f, struct late *l, struct hone_error *err)
{
    json_t *metadata;
    const struct safetensor *t = safetensors_find(f->tensors, "linear.weight");
    if (!t)
        return hone_fail(err, HONE_BAD_MODEL, "%s: a ColBERT without the tensor 'linear.weight'", f->dir);
    enum hone_status status = folder_json(f, "artifact.metadata", false, &metadata, err);
    if (status != HONE_OK)
        return status;
    read_stanford(metadata, l);
    status = set_marker(f, metadata, "query_token_id", "[unused0]", "hone.prompt.query", err);
    if (status == HONE_OK)
        status = set_marker(f, metadata, "doc_token_id", "[unused1]", "hone.prompt.document", err);
    if (status == HONE_OK)
        status = folder_add_tensor(f, "dense_2.weight", t, 0, t->dims[0], err);
    f->projections[0] = t;
    status = status == HONE_OK ? write(f, l, err) : status;
    json_decref(metadata); /* whose values l has */
    return status;
}

/* Sentence Transformers cuts and fills up the texts of a search for models of one vector, too. */
static enum hone_status refuse_lengths(const struct folder *f, struct hone_error *err)
{
    static const char *const names[] = {"query_length", "document_length", "query_expansion"};
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names && status == HONE_OK; i++) {
        const json_t *value = json_object_get(f->transformer, names[i]);
        if (value && !json_is_null(value))
            status =
                keys_refuse(f->keys, err,
                            "%s/sentence_bert_config.json: '%s' is supported for models with a vector of "
                            "each token alone",
                            f->modules->root, names[i]);
    }
    return status;
}

enum hone_status import_multi_vector(struct folder *f, bool *is_one, struct hone_error *err)
{
    struct late l = {0};
    const json_t *settings = f->modules->settings;
    if (is_stanfords(f)) {
        *is_one = true;
        return import_stanford(f, &l, err);
    }
    *is_one = modules_are_multi_vector(f->modules);
    if (!*is_one)
        return refuse_lengths(f, err);
    read_pylate(settings, &l);
    set_prefix(f, 0, modules_text(f->modules, "query_prefix"));
    set_prefix(f, 1, modules_text(f->modules, "document_prefix"));
    json_t *expansion = json_object_get(f->transformer, "query_expansion");
    expansion = expansion ? expansion : json_object_get(settings, "query_expansion");
    if (expansion)
        read_expansion(expansion, &l);
    json_t *own = json_object_get(f->transformer, "query_length");
    l.query_length = own ? own : l.query_length;
    own = json_object_get(f->transformer, "document_length");
    l.document_length = own ? own : l.document_length;
    read_skipped(f, &l);
    return write(f, &l, err);
}
