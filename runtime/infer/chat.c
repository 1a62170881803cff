/* hone_chat_prompt: messages to the text that a model was trained on, by its own template. */
#include "runtime/infer/chat.h"

#include "runtime/base/json.h"
#include "runtime/base/sizes.h"
#include "runtime/infer/model.h"
#include "tokenizer/template/chat_template.h"

#include <hone/generate.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- what the template looks at ---- */

/* JSON of the caller's, which must begin with the character that `kind` names; *out is NULL where text is. */
static enum hone_status read_json(const char *text, const char *what, char kind, json_t **out,
                                  struct hone_error *err)
{
    json_error_t where;
    *out = NULL;
    if (!text)
        return HONE_OK;
    *out = json_read(text, strlen(text), JSON_DECODE_ANY | JSON_LONG_INTEGERS, &where);
    if (!*out && json_had_no_memory(&where))
        return hone_no_memory(err, what, strlen(text));
    if (!*out)
        return hone_fail(err, HONE_USAGE, "the %s are no JSON: %s", what, where.text);
    if (kind == '[' ? json_is_array(*out) : json_is_object(*out))
        return HONE_OK;
    json_decref(*out);
    *out = NULL;
    return hone_fail(err, HONE_USAGE, "the %s are no JSON %s", what, kind == '[' ? "array" : "object");
}

static enum hone_status list_messages(const struct hone_chat *chat, json_t **out, struct hone_error *err)
{
    json_t *list = json_array();
    for (size_t i = 0; i < chat->n_messages && list; i++) {
        const struct hone_message *m = &chat->messages[i];
        json_t *message =
            json_pack("{s:s, s:s%}", "role", m->role, "content", m->content.data, m->content.size);
        if (!message || json_array_append_new(list, message) != 0) {
            json_decref(list);
            return hone_fail(err, HONE_USAGE, "message %zu is not valid UTF-8", i + 1);
        }
    }
    *out = list;
    return list ? HONE_OK : hone_no_memory(err, "messages", sizeof *list);
}

/* The text of a special token, which the file names by its id, as a variable; templates may ask whether it is there. */
static enum hone_status set_token(const struct gguf *g, const char *name, const char *key, json_t *variables,
                                  struct hone_error *err)
{
    size_t id = SIZE_MAX;
    const struct gguf_value *tokens = gguf_find(g, "tokenizer.ggml.tokens");
    enum hone_status status = gguf_get_size(g, key, SIZE_MAX, &id, err);
    if (status != HONE_OK || !tokens || !tokens->is_array || tokens->type != GGUF_STRING || id >= tokens->n)
        return status;
    json_t *text = json_stringn(tokens->strings[id].data, tokens->strings[id].size);
    if (text && json_object_set_new(variables, name, text) != 0)
        return hone_no_memory(err, "a variable", tokens->strings[id].size);
    return HONE_OK;
}

/* *out is an object: the special tokens, and what the caller adds. */
static enum hone_status make_variables(const struct gguf *g, const struct hone_chat *chat, json_t **out,
                                       struct hone_error *err)
{
    json_t *more = NULL;
    enum hone_status status = read_json(chat->variables, "template's variables", '{', &more, err);
    *out = json_object();
    if (status == HONE_OK)
        status = set_token(g, "bos_token", "tokenizer.ggml.bos_token_id", *out, err);
    if (status == HONE_OK)
        status = set_token(g, "eos_token", "tokenizer.ggml.eos_token_id", *out, err);
    if (status == HONE_OK && more && json_object_update(*out, more) != 0)
        status = hone_no_memory(err, "variables", sizeof *more);
    json_decref(more);
    return status;
}

static enum hone_status make_request(const struct gguf *g, const struct hone_chat *chat, json_t *parts[3],
                                     struct hone_error *err)
{
    enum hone_status status = chat->json_messages
                                  ? read_json(chat->json_messages, "messages", '[', &parts[0], err)
                                  : list_messages(chat, &parts[0], err);
    if (status == HONE_OK)
        status = read_json(chat->tools, "tools", '[', &parts[1], err);
    return status == HONE_OK ? make_variables(g, chat, &parts[2], err) : status;
}

/* ---- templates ---- */

/* The default one, and those for tools and for documents (Hermes, Command R), which transformers takes by itself. */
static const char *const keys[] = {"tokenizer.chat_template", "tokenizer.chat_template.tool_use",
                                   "tokenizer.chat_template.rag"};
enum variant { TEMPLATE_DEFAULT, TEMPLATE_TOOLS, TEMPLATE_DOCUMENTS, TEMPLATES };

struct chat_templates {
    pthread_mutex_t lock; /* while one is read */
    struct chat_template *read[TEMPLATES];
};

struct chat_templates *chat_templates_new(void)
{
    struct chat_templates *t = calloc(1, sizeof *t);
    if (t)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

void chat_templates_free(struct chat_templates *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < TEMPLATES; i++)
        chat_template_free(t->read[i]);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* *source is empty where the model has no template by that name. */
static enum hone_status find_source(const struct gguf *g, enum variant which, struct hone_text *source,
                                    struct hone_error *err)
{
    *source = (struct hone_text){NULL, 0};
    return gguf_get_text(g, keys[which], source, err);
}

/* The variant for what the conversation has; the default where there is none. */
static enum hone_status choose(const struct hone_model *model, bool tools, bool documents,
                               enum variant *which, struct hone_text *source, struct hone_error *err)
{
    const struct gguf *g = model->net.gguf;
    enum hone_status status = HONE_OK;
    *which = tools ? TEMPLATE_TOOLS : documents ? TEMPLATE_DOCUMENTS : TEMPLATE_DEFAULT;
    status = find_source(g, *which, source, err);
    if (status == HONE_OK && !source->data) {
        *which = TEMPLATE_DEFAULT;
        status = find_source(g, *which, source, err);
    }
    if (status == HONE_OK && !source->data)
        status =
            hone_fail(err, HONE_USAGE, "%s has no chat template: it is not a model to talk to", model->path);
    return status;
}

/* It lives as long as the model. */
static enum hone_status take_template(const struct hone_model *model, bool tools, bool documents,
                                      const struct chat_template **out, struct hone_error *err)
{
    enum variant which;
    struct hone_text source;
    struct hone_error why = {0};
    enum hone_status status = choose(model, tools, documents, &which, &source, err);
    if (status != HONE_OK)
        return status;
    struct chat_templates *all = model->chats;
    pthread_mutex_lock(&all->lock);
    if (!all->read[which])
        all->read[which] = chat_template_new(source, &why);
    *out = all->read[which];
    pthread_mutex_unlock(&all->lock);
    return *out ? HONE_OK : hone_fail(err, why.status, "%s: %s", model->path, why.message);
}

/* ---- rendering ---- */

enum hone_status hone_chat_prompt(const struct hone_model *model, const struct hone_chat *chat, char **text,
                                  size_t *size, struct hone_error *err)
{
    const struct chat_template *t = NULL;
    json_t *parts[3] = {NULL};
    struct hone_error why = {0};
    struct hone_chat taken = HONE_CHAT_DEFAULTS;
    *text = NULL;
    *size = 0;
    enum hone_status status = sizes_take(&taken, sizeof taken, chat, "hone_chat", err);
    if (status == HONE_OK)
        status = make_request(model->net.gguf, &taken, parts, err);
    if (status == HONE_OK)
        status = take_template(model, json_array_size(parts[1]) > 0,
                               json_array_size(json_object_get(parts[2], "documents")) > 0, &t, err);
    if (status == HONE_OK) {
        struct chat_request request = {.messages = parts[0],
                                       .tools = parts[1],
                                       .variables = parts[2],
                                       .add_generation_prompt = taken.answer,
                                       .continue_last = taken.continue_last,
                                       .now = (int64_t)time(NULL)};
        if (!chat_template_render(t, &request, text, size, &why))
            status = hone_fail(err, why.status, "%s: %s", model->path, why.message);
    }
    for (size_t i = 0; i < 3; i++)
        json_decref(parts[i]);
    return status;
}
