#include "tokenizer/template/chat_template.h"

#include "runtime/base/json.h"
#include "tokenizer/template/chat/abilities.h"
#include "tokenizer/template/chat/losses.h"
#include "tokenizer/template/chat/messages.h"
#include "tokenizer/text/fail.h"

#include <stdlib.h>
#include <string.h>

struct chat_template {
    struct jinja *jinja;
    struct abilities abilities;
};

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
    if (abilities_find(t->jinja, &t->abilities, err))
        return t;
    chat_template_free(t);
    return NULL;
}

void chat_template_free(struct chat_template *t)
{
    if (t)
        jinja_free(t->jinja);
    free(t);
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

/* Renders these messages and tools, which are borrowed. */
static bool render(const struct chat_template *t, const struct chat_request *request, json_t *variables,
                   const json_t *messages, const json_t *tools, char **out, size_t *size,
                   struct hone_error *err)
{
    json_t *converted =
        request->as_it_is ? json_incref((json_t *)messages) : messages_convert(&t->abilities, messages, err);
    json_t *completed = request->as_it_is || !json_is_array(tools)
                            ? json_incref((json_t *)tools)
                            : messages_convert_tools(&t->abilities, tools);
    uint64_t work = JINJA_WORK;
    bool done = converted && (completed || !tools) &&
                json_object_set(variables, "messages", converted) == 0 &&
                json_object_set_new(variables, "tools", json_null()) == 0 &&
                set_list(variables, t->abilities.tools_variable, completed, err) &&
                jinja_render(t->jinja, variables, request->now, &work, out, size, err);
    json_decref(converted);
    json_decref(completed);
    return done;
}

/* Whether the template shows all that the conversation says: of the same one with other words in it. Where it refuses
 * these, which can only be for the names of functions, the texts are looked for alone. */
static bool check_losses(const struct chat_template *t, const struct chat_request *request, json_t *variables,
                         struct hone_error *err)
{
    bool checked = false, whole = true;
    for (int names = 1; names >= 0 && !checked; names--) {
        struct hone_error why;
        char *text = NULL;
        size_t size;
        json_t *messages = losses_mark_messages(request->messages, names);
        json_t *tools = names && request->tools ? losses_mark_tools(request->tools)
                                                : json_incref((json_t *)request->tools);
        bool memory = messages && (tools || !request->tools);
        checked = !memory || render(t, request, variables, messages, tools, &text, &size, &why);
        if (!memory)
            whole = tok_no_memory(err);
        else if (checked)
            whole = losses_check(request->messages, request->tools, names, text, err);
        json_decref(messages);
        json_decref(tools);
        free(text);
    }
    return whole;
}

/* The conversation ends within its last message, whose end mark and all that follows are cut off, as transformers does
 * it: after the last place where the message stands, with the blanks behind it where the template kept them. */
static bool cut_at_end(const struct chat_request *request, char *text, size_t *size, struct hone_error *err)
{
    const json_t *last = json_array_get(request->messages, json_array_size(request->messages) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    const char *said = json_string_value(json_object_get(last, "content"));
    static const char blanks[] = " \t\r\n\v\f";
    if (!role || strcmp(role, "assistant") != 0 || !said)
        return tok_fail(err, HONE_USAGE, "message %zu: only an assistant's text can be gone on with",
                        json_array_size(request->messages));
    said += strspn(said, blanks);
    size_t whole = strlen(said), n = whole;
    while (n > 0 && strchr(blanks, said[n - 1]))
        n--;
    char *found = NULL;
    for (char *at = text; n > 0 && (at = memmem(at, *size - (size_t)(at - text), said, n)); at++)
        found = at;
    if (!found)
        return tok_fail(
            err, HONE_USAGE,
            "message %zu: the model's chat template does not show it as it is, so it cannot be gone on with",
            json_array_size(request->messages));
    bool kept = *size - (size_t)(found - text) >= whole && memcmp(found, said, whole) == 0;
    *size = (size_t)(found - text) + (kept ? whole : n);
    text[*size] = '\0';
    return true;
}

bool chat_template_render(const struct chat_template *t, const struct chat_request *request, char **out,
                          size_t *size, struct hone_error *err)
{
    json_t *variables = json_object();
    *out = NULL;
    *size = 0;
    tok_no_memory(err);
    bool answer = request->add_generation_prompt && !request->continue_last;
    bool done = variables &&
                (!request->variables || !json_object_update(variables, (json_t *)request->variables)) &&
                json_object_set_new(variables, "add_generation_prompt", json_boolean(answer)) == 0 &&
                (json_object_get(variables, "documents") ||
                 set_list(variables, "documents", request->documents, err)) &&
                render(t, request, variables, request->messages, request->tools, out, size, err) &&
                (request->as_it_is || check_losses(t, request, variables, err)) &&
                (!request->continue_last || cut_at_end(request, *out, size, err));
    json_decref(variables);
    if (done)
        return true;
    free(*out);
    *out = NULL;
    *size = 0;
    return false;
}
