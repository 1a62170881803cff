#include "server/generate/conversation.h"

#include "server/http/json_text.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGES 4096

/* JSON of a field that must be a list, to be freed; NULL where it is absent. */
static char *dump(struct fields *f, const char *name)
{
    const json_t *value = field_get(f, name);
    if (!value)
        return NULL;
    if (!json_is_array(value)) {
        field_fail(f, PROBLEM_FIELD, name, "must be a list");
        return NULL;
    }
    if (json_array_size(value) > MAX_MESSAGES) {
        field_fail(f, PROBLEM_BATCH, name, "has more than %d entries", MAX_MESSAGES);
        return NULL;
    }
    char *text = json_text(value);
    if (!text)
        field_fail(f, PROBLEM_MEMORY, name, "is too much for the memory there is");
    return text;
}

static void check_messages(struct fields *f)
{
    const json_t *messages = field_get(f, "messages");
    if (json_is_array(messages) && json_array_size(messages) == 0)
        field_fail(f, PROBLEM_EMPTY, "messages", "is empty");
    for (size_t i = 0; i < json_array_size(messages); i++) {
        const json_t *m = json_array_get(messages, i), *content = json_object_get(m, "content");
        bool says = json_is_string(content) || json_is_array(content) ||
                    json_array_size(json_object_get(m, "tool_calls")) > 0;
        bool nothing = !content || json_is_null(content);
        const char *role = json_string_value(json_object_get(m, "role"));
        if (!role)
            field_fail(f, PROBLEM_FIELD, "messages", "must hold objects with a 'role' and a 'content'");
        else if (!says && !(nothing && strcmp(role, "assistant") == 0))
            field_fail(f, PROBLEM_FIELD, "messages", "has a 'content' that is no text, in message %zu", i);
    }
}

/* What templates look at beside messages and tools, as JSON text: chat_template_kwargs, documents, and reasoning_effort
 * by the names that templates have for it. NULL: none, or that has been answered. */
static char *read_variables(struct fields *f)
{
    const json_t *given = field_get(f, "chat_template_kwargs"), *documents = field_get(f, "documents");
    struct hone_text effort = {0};
    field_text(f, "reasoning_effort", &effort);
    if (given && !json_is_object(given))
        field_fail(f, PROBLEM_FIELD, "chat_template_kwargs", "must be an object");
    if (documents && !json_is_array(documents))
        field_fail(f, PROBLEM_FIELD, "documents", "must be a list");
    if (f->failed || (!given && !documents && !effort.data))
        return NULL;
    json_t *all = given ? json_copy((json_t *)given) : json_object();
    if (documents)
        json_object_set(all, "documents", (json_t *)documents);
    if (effort.data && !json_object_get(all, "reasoning_effort"))
        json_object_set_new(all, "reasoning_effort", json_string(effort.data));
    if (effort.data && strcmp(effort.data, "none") == 0 && !json_object_get(all, "enable_thinking"))
        json_object_set_new(all, "enable_thinking", json_false());
    char *text = all ? json_text(all) : NULL;
    json_decref(all);
    if (!text)
        field_fail(f, PROBLEM_MEMORY, "chat_template_kwargs", "is too much for the memory there is");
    return text;
}

/* Where the prompt ends: at the start of an answer, unless the client says no; or within the last message. */
static void read_end(struct fields *f, struct hone_chat *chat)
{
    bool said = field_get(f, "add_generation_prompt") != NULL;
    chat->answer = true;
    field_bool(f, "continue_final_message", &chat->continue_last);
    field_bool(f, "add_generation_prompt", &chat->answer);
    if (chat->continue_last && chat->answer && said)
        field_fail(f, PROBLEM_FIELD, "continue_final_message",
                   "is not possible together with 'add_generation_prompt'");
    chat->answer = chat->answer && !chat->continue_last;
}

void conversation_read(struct fields *f, bool without_tools, char **text, size_t *size)
{
    struct hone_error err;
    struct hone_chat chat = HONE_CHAT_DEFAULTS;
    *text = NULL;
    *size = 0;
    field_required(f, "messages");
    read_end(f, &chat);
    check_messages(f);
    char *messages = dump(f, "messages"), *tools = dump(f, "tools"), *variables = read_variables(f);
    bool some = tools && !without_tools && json_array_size(field_get(f, "tools")) > 0;
    chat.json_messages = messages;
    chat.tools = some ? tools : NULL;
    chat.variables = variables;
    if (!f->failed && hone_chat_prompt(f->r->model->model, &chat, text, size, &err) != HONE_OK) {
        http_fail_with(f->r, &err);
        f->failed = true;
    }
    free(messages);
    free(tools);
    free(variables);
}
