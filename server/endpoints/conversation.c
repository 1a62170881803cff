#include "server/endpoints/conversation.h"

#include "server/http/json_text.h"
#include "server/service.h"

#include <stdlib.h>

#define MAX_MESSAGES 4096

/* JSON of a field that must be a list (or an object), to be freed; NULL where it is absent. */
static char *dump(struct fields *f, const char *name, bool list)
{
    const json_t *value = field_get(f, name);
    if (!value)
        return NULL;
    if (list ? !json_is_array(value) : !json_is_object(value)) {
        field_fail(f, PROBLEM_FIELD, name, "must be %s", list ? "a list" : "an object");
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
        if (!json_is_string(json_object_get(m, "role")))
            field_fail(f, PROBLEM_FIELD, "messages", "must hold objects with a 'role' and a 'content'");
        else if (!json_is_string(content) && !json_is_array(content) && !json_object_get(m, "tool_calls"))
            field_fail(f, PROBLEM_FIELD, "messages", "has a 'content' that is no text, in message %zu", i);
    }
}

void conversation_read(struct fields *f, bool without_tools, char **text, size_t *size)
{
    struct hone_error err;
    bool answer = true;
    *text = NULL;
    *size = 0;
    field_required(f, "messages");
    field_bool(f, "add_generation_prompt", &answer);
    check_messages(f);
    char *messages = dump(f, "messages", true), *tools = dump(f, "tools", true),
         *variables = dump(f, "chat_template_kwargs", false);
    bool some = tools && !without_tools && json_array_size(field_get(f, "tools")) > 0;
    struct hone_chat chat = {
        .json_messages = messages, .tools = some ? tools : NULL, .variables = variables, .answer = answer};
    if (!f->failed && hone_chat_prompt(f->r->model->model, &chat, text, size, &err) != HONE_OK) {
        http_fail_with(f->r, &err);
        f->failed = true;
    }
    free(messages);
    free(tools);
    free(variables);
}
