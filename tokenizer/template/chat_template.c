#include "tokenizer/template/chat_template.h"

#include "runtime/base/json.h"
#include "tokenizer/template/template.h"
#include "tokenizer/text/fail.h"

#include <stdlib.h>
#include <string.h>

struct chat_template {
    struct jinja *jinja;
    bool takes_text, takes_parts; /* how a message's content can come */
};

/* ---- what a template reads ---------------------------------------------------------------------------------------- */

#define NEEDLE "hone-needle"

/* Whether the text holds the needle by itself: not in quotes, as where a list was printed. */
static bool shows_needle(const char *text)
{
    const char *at = text;
    while ((at = strstr(at, NEEDLE))) {
        if (at == text || (at[-1] != '\'' && at[-1] != '"'))
            return true;
        at++;
    }
    return false;
}

/* Whether a template shows the content of one user's message. */
static bool reads(const struct jinja *jinja, json_t *content)
{
    struct hone_error why;
    char *text = NULL;
    size_t size;
    json_t *variables = json_pack("{s:[{s:s,s:o}],s:n,s:n,s:b,s:s,s:s,s:s,s:s}", "messages", "role", "user",
                                  "content", content, "tools", "documents", "add_generation_prompt", 0,
                                  "bos_token", "", "eos_token", "", "pad_token", "", "unk_token", "");
    bool shown = variables && jinja_render(jinja, variables, 0, &text, &size, &why) && shows_needle(text);
    json_decref(variables);
    free(text);
    return shown;
}

struct chat_template *chat_template_new(struct hone_text source, struct hone_error *err)
{
    struct chat_template *t = calloc(1, sizeof *t);
    if (!t) {
        tok_no_memory(err);
        return NULL;
    }
    t->jinja = jinja_new(source, err);
    if (!t->jinja) {
        chat_template_free(t);
        return NULL;
    }
    t->takes_parts = reads(t->jinja, json_pack("[{s:s,s:s}]", "type", "text", "text", NEEDLE));
    t->takes_text = !t->takes_parts || reads(t->jinja, json_string(NEEDLE));
    return t;
}

void chat_template_free(struct chat_template *t)
{
    if (t)
        jinja_free(t->jinja);
    free(t);
}

/* ---- messages ----------------------------------------------------------------------------------------------------- */

struct failure {
    struct hone_error *err;
    size_t message; /* from 1 */
};

static json_t *fail(const struct failure *f, const char *what)
{
    tok_fail(f->err, HONE_USAGE, "message %zu: %s", f->message, what);
    return NULL;
}

/* The text of a part, which may be a text itself; borrowed. */
static json_t *part_text(const json_t *part, const struct failure *f)
{
    const json_t *type = json_object_get(part, "type");
    json_t *text = json_is_string(part) ? (json_t *)part : json_object_get(part, "text");
    bool jinja_is_text = json_is_string(part) || !type ||
                         (json_is_string(type) && strcmp(json_string_value(type), "text") == 0);
    if (!jinja_is_text && json_is_string(type)) {
        tok_fail(f->err, HONE_USAGE, "message %zu: a part of type '%.40s' cannot be read, only text",
                 f->message, json_string_value(type));
        return NULL;
    }
    return jinja_is_text && json_is_string(text) ? text : fail(f, "a part of the content is no text");
}

/* Parts as parts, each an object. */
static json_t *parts_as_parts(const json_t *parts, const struct failure *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *text = part_text(json_array_get(parts, i), f);
        if (!text || json_array_append_new(all, json_pack("{s:s,s:O}", "type", "text", "text", text))) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *parts_as_text(const json_t *parts, const struct failure *f)
{
    json_t *joined = json_string("");
    for (size_t i = 0; i < json_array_size(parts) && joined; i++) {
        json_t *text = part_text(json_array_get(parts, i), f);
        json_t *longer =
            text ? json_sprintf("%s%s%s", json_string_value(joined), i ? "\n" : "", json_string_value(text))
                 : NULL;
        json_decref(joined);
        joined = longer;
    }
    return joined;
}

/* A new reference. */
static json_t *convert_content(const struct chat_template *t, json_t *content, const struct failure *f)
{
    if (json_is_array(content))
        return t->takes_parts ? parts_as_parts(content, f) : parts_as_text(content, f);
    if (json_is_string(content) && !t->takes_text)
        return json_pack("[{s:s,s:O}]", "type", "text", "text", content);
    if (json_is_string(content) || json_is_null(content))
        return json_incref(content);
    return fail(f, "the content is neither a text nor a list of parts");
}

/* Texts with a JSON object in them become the object. */
static void parse_arguments(json_t *message)
{
    json_t *call;
    size_t i;
    json_array_foreach (json_object_get(message, "tool_calls"), i, call) {
        json_t *function = json_object_get(call, "function"), *text = json_object_get(function, "arguments");
        if (!json_is_string(text))
            continue;
        json_t *object = json_read(json_string_value(text), json_string_length(text), 0, NULL);
        if (json_is_object(object))
            json_object_set(function, "arguments", object);
        json_decref(object);
    }
}

static bool alias_reasoning(json_t *message)
{
    static const char *const names[] = {"reasoning_content", "thinking", "reasoning"};
    json_t *said = NULL;
    for (size_t i = 0; i < 3 && (!said || json_is_null(said)); i++)
        said = json_object_get(message, names[i]);
    if (!said || json_is_null(said))
        return true;
    if (!json_object_get(message, "thinking") && json_object_set(message, "thinking", said))
        return false;
    return json_object_set(message, "reasoning_content", said) == 0;
}

/* A new object; NULL after a failure, with a sentence where it is not for lack of memory. */
static json_t *convert_message(const struct chat_template *t, const json_t *message, const struct failure *f)
{
    if (!json_is_object(message))
        return fail(f, "not an object");
    json_t *copy = json_copy_all(message), *content = json_object_get(copy, "content");
    json_t *converted = content ? convert_content(t, content, f) : NULL;
    if (!copy || (content && (!converted || json_object_set_new(copy, "content", converted))) ||
        !alias_reasoning(copy)) {
        json_decref(copy);
        return NULL;
    }
    parse_arguments(copy);
    return copy;
}

static json_t *convert_messages(const struct chat_template *t, const json_t *messages, struct hone_error *err)
{
    json_t *all = json_array();
    if (!json_is_array(messages)) {
        tok_fail(err, HONE_USAGE, "the messages are no list");
        json_decref(all);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(messages); i++) {
        struct failure f = {err, i + 1};
        json_t *message = convert_message(t, json_array_get(messages, i), &f);
        if (!message || json_array_append_new(all, message)) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

/* ---- rendering ---------------------------------------------------------------------------------------------------- */

/* The list, or null where it is missing or empty; a new reference. False: it is no list of objects. */
static bool set_list(json_t *variables, const char *name, const json_t *list, struct hone_error *err)
{
    bool is_list = !list || json_is_null(list) || json_is_array(list);
    for (size_t i = 0; i < json_array_size(list); i++)
        is_list = is_list && json_is_object(json_array_get(list, i));
    if (!is_list)
        return tok_fail(err, HONE_USAGE, "the %s are no list of objects", name);
    return json_object_set_new(variables, name,
                               json_array_size(list) ? json_incref((json_t *)list) : json_null()) == 0;
}

bool chat_template_render(const struct chat_template *t, const struct chat_request *request, char **out,
                          size_t *size, struct hone_error *err)
{
    json_t *variables = json_object(), *messages = NULL;
    *out = NULL;
    *size = 0;
    tok_no_memory(err);
    if (!variables || (request->variables && json_object_update(variables, (json_t *)request->variables)))
        goto done;
    messages = request->as_it_is ? json_incref((json_t *)request->messages)
                                 : convert_messages(t, request->messages, err);
    if (!messages || json_object_set(variables, "messages", messages) ||
        json_object_set_new(variables, "add_generation_prompt",
                            json_boolean(request->add_generation_prompt)) ||
        !set_list(variables, "tools", request->tools, err) ||
        !set_list(variables, "documents", request->documents, err))
        goto done;
    jinja_render(t->jinja, variables, request->now, out, size, err);
done:
    json_decref(messages);
    json_decref(variables);
    return *out != NULL;
}
