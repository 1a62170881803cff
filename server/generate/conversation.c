#include "server/generate/conversation.h"

#include "server/generate/openai_messages.h"
#include "server/http/json_text.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGES 4096 /* of a chat: each becomes values of a template, which goes through all of them */

void conversation_clear(struct conversation *c)
{
    json_decref(c->messages);
    json_decref(c->tools);
    json_decref(c->variables);
}

/* ---- as OpenAI writes it ------------------------------------------------------------------------------------------ */

static const char *name_of_tool(const json_t *tool)
{
    return json_string_value(json_object_get(json_object_get(tool, "function"), "name"));
}

static const json_t *tool_named(const json_t *tools, const char *name)
{
    for (size_t i = 0; name && i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i);
        const char *its = name_of_tool(tool);
        if (its && strcmp(its, name) == 0)
            return tool;
    }
    return NULL;
}

/* {"mode", "tools": [those that may be called]}: the others are none of the request then. */
static void read_allowed_tools(struct fields *f, struct conversation *c, const json_t *allowed)
{
    const json_t *names = json_object_get(allowed, "tools");
    struct fields inside = fields_in(f->r, allowed);
    json_t *left = json_array(), *tool;
    size_t i;
    int choice = CHOICE_AUTO;
    field_choice(&inside, "mode", "none|auto|required", &choice);
    f->failed = f->failed || inside.failed;
    c->choice = (enum tool_choice)choice;
    if (json_array_size(names) == 0)
        field_fail(f, PROBLEM_FIELD, "tool_choice", "must hold 'allowed_tools' with a 'mode' and 'tools'");
    for (i = 0; i < json_array_size(names); i++) {
        const char *name = name_of_tool(json_array_get(names, i));
        if (!tool_named(c->tools, name))
            field_fail(f, PROBLEM_FIELD, "tool_choice", "names no function of 'tools': %.100s",
                       name ? name : "?");
    }
    json_array_foreach (c->tools, i, tool)
        if (tool_named(names, name_of_tool(tool)))
            json_array_append(left, tool);
    json_decref(c->tools);
    c->tools = left;
}

/* "none", "auto", "required", the name of a function, or some tools that may be called. */
static void read_tool_choice(struct fields *f, struct conversation *c)
{
    const json_t *value = field_get(f, "tool_choice");
    int choice = CHOICE_AUTO;
    bool several = true;
    field_bool(f, "parallel_tool_calls", &several);
    c->one_call = !several;
    if (!json_is_object(value)) {
        field_choice(f, "tool_choice", "none|auto|required", &choice);
        c->choice = (enum tool_choice)choice;
        return;
    }
    const char *type = json_string_value(json_object_get(value, "type"));
    if (type && strcmp(type, "allowed_tools") == 0) {
        read_allowed_tools(f, c, json_object_get(value, "allowed_tools"));
        return;
    }
    c->choice = CHOICE_REQUIRED;
    c->function = json_string_value(json_object_get(json_object_get(value, "function"), "name"));
    if (!c->function)
        field_fail(f, PROBLEM_FIELD, "tool_choice",
                   "must be none, auto, required, or name a function or allowed_tools");
}

/* What templates look at beside messages and tools: chat_template_kwargs, documents and reasoning_effort. */
static void read_variables(struct fields *f, struct conversation *c)
{
    const json_t *given = field_get(f, "chat_template_kwargs"), *documents = field_get(f, "documents");
    const char *effort = NULL;
    field_name(f, "reasoning_effort", &effort);
    if (given && !json_is_object(given))
        field_fail(f, PROBLEM_FIELD, "chat_template_kwargs", "must be an object");
    if (documents && !json_is_array(documents))
        field_fail(f, PROBLEM_FIELD, "documents", "must be a list");
    if (f->failed)
        return;
    if (given)
        c->variables = json_copy((json_t *)given);
    if (documents && !c->variables)
        c->variables = json_object();
    if (documents)
        json_object_set(c->variables, "documents", (json_t *)documents);
    if (effort)
        conversation_set_effort(c, effort);
}

void conversation_set_effort(struct conversation *c, const char *effort)
{
    json_t *all = c->variables ? c->variables : json_object();
    c->variables = all;
    if (!json_object_get(all, "reasoning_effort"))
        json_object_set_new(all, "reasoning_effort", json_string(effort));
    if (strcmp(effort, "none") == 0 && !json_object_get(all, "enable_thinking"))
        json_object_set_new(all, "enable_thinking", json_false());
}

/* Where the prompt ends: at the start of an answer, unless the client says no; or within the last message. */
static void read_end(struct fields *f, struct conversation *c)
{
    bool said = field_get(f, "add_generation_prompt") != NULL, answer = true;
    field_bool(f, "continue_final_message", &c->continue_last);
    field_bool(f, "add_generation_prompt", &answer);
    if (c->continue_last && answer && said)
        field_fail(f, PROBLEM_FIELD, "continue_final_message",
                   "is not possible together with 'add_generation_prompt'");
    c->no_answer = !answer;
}

void conversation_read(struct fields *f, struct conversation *c)
{
    field_required(f, "messages");
    json_t *messages = (json_t *)field_get(f, "messages");
    c->messages = messages ? openai_messages_read(messages) : NULL;
    if (messages && !c->messages)
        field_fail(f, PROBLEM_MEMORY, "messages", "is too much for the memory there is");
    c->tools = json_incref((json_t *)field_get(f, "tools"));
    read_end(f, c);
    read_tool_choice(f, c);
    read_variables(f, c);
}

/* ---- the prompt --------------------------------------------------------------------------------------------------- */

static void check_list(struct fields *f, const json_t *list, const char *name)
{
    if (list && !json_is_array(list))
        field_fail(f, PROBLEM_FIELD, name, "must be a list");
    else if (json_array_size(list) > MAX_MESSAGES)
        field_fail(f, PROBLEM_BATCH, name, "has more than %d entries", MAX_MESSAGES);
}

static void check_messages(struct fields *f, const json_t *messages, const char *name)
{
    check_list(f, messages, name);
    if (json_array_size(messages) == 0)
        field_fail(f, PROBLEM_EMPTY, name, "is empty");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *m = json_array_get(messages, i), *content = json_object_get(m, "content");
        bool says = json_is_string(content) || json_is_array(content) ||
                    json_array_size(json_object_get(m, "tool_calls")) > 0;
        bool nothing = !content || json_is_null(content);
        const char *role = json_string_value(json_object_get(m, "role"));
        if (!role)
            field_fail(f, PROBLEM_FIELD, name, "must hold objects with a 'role' and a 'content'");
        else if (!says && !(nothing && strcmp(role, "assistant") == 0))
            field_fail(f, PROBLEM_FIELD, name, "has a 'content' that is no text, in message %zu", i);
    }
}

/* As the form of each has been put in OpenAI's. */
static void check_tools(struct fields *f, const json_t *tools)
{
    check_list(f, tools, "tools");
    for (size_t i = 0; i < json_array_size(tools) && !f->failed; i++) {
        const json_t *tool = json_array_get(tools, i), *function = json_object_get(tool, "function");
        const char *type = json_string_value(json_object_get(tool, "type"));
        if (!json_is_object(tool))
            field_fail(f, PROBLEM_FIELD, "tools", "must hold objects, which entry %zu is not", i);
        else if (type && strcmp(type, "function") != 0)
            field_fail(f, PROBLEM_FIELD, "tools", "must hold functions: entry %zu is of type %.60s", i, type);
        else if (!json_string_length(json_object_get(function ? function : tool, "name")))
            field_fail(f, PROBLEM_FIELD, "tools", "must hold functions with a 'name', which entry %zu is not",
                       i);
    }
}

/* JSON text, to be freed; NULL where there is no value. */
static char *dump(struct fields *f, const json_t *value, const char *name)
{
    char *text = value && !f->failed ? json_text(value) : NULL;
    if (value && !text && !f->failed)
        field_fail(f, PROBLEM_MEMORY, name, "is too much for the memory there is");
    return text;
}

/* Whether the template makes the same prompt without the documents, or says so by failing that it wants some. */
static bool leaves_out_documents(struct fields *f, const struct conversation *c, struct hone_chat chat,
                                 struct hone_text prompt)
{
    struct hone_error err;
    size_t size = 0;
    char *without = NULL, *variables;
    json_t *others = json_copy(c->variables);
    bool same = false;
    json_object_del(others, "documents");
    variables = dump(f, others, "documents");
    chat.variables = variables;
    if (variables && hone_chat_prompt(f->r->model->light, &chat, &without, &size, &err) == HONE_OK)
        same = size == prompt.size && memcmp(without, prompt.data, size) == 0;
    json_decref(others);
    hone_free(without);
    free(variables);
    return same;
}

void conversation_prompt(struct fields *f, const struct conversation *c, char **text, size_t *size)
{
    struct hone_error err;
    struct hone_chat chat = HONE_CHAT_DEFAULTS;
    *text = NULL;
    *size = 0;
    check_messages(f, c->messages, c->field);
    check_tools(f, c->tools);
    bool with_tools = json_array_size(c->tools) > 0 && c->choice != CHOICE_NONE;
    char *said = dump(f, c->messages, c->field), *called = dump(f, with_tools ? c->tools : NULL, "tools"),
         *variables = dump(f, c->variables, "chat_template_kwargs");
    chat.json_messages = said;
    chat.tools = called;
    chat.variables = variables;
    chat.continue_last = c->continue_last;
    chat.answer = !c->no_answer && !c->continue_last;
    if (!f->failed && said && hone_chat_prompt(f->r->model->light, &chat, text, size, &err) != HONE_OK) {
        f->r->blamed = strstr(err.message, "tools: ") ? "tools" : c->field;
        http_fail_with(f->r, &err);
        f->failed = true;
    }
    if (*text && json_array_size(json_object_get(c->variables, "documents")) > 0 &&
        leaves_out_documents(f, c, chat, (struct hone_text){*text, *size})) {
        hone_free(*text);
        *text = NULL;
        *size = 0;
        field_fail(f, PROBLEM_FIELD, "documents", "has no place in the model's chat template");
    }
    free(said);
    free(called);
    free(variables);
}
