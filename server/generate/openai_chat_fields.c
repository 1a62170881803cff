#include "server/generate/conversation.h"

#include "server/generate/openai_chat.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

static void read_logprobs(struct fields *f, struct hone_generation *like)
{
    field_bool(f, "logprobs", &like->logprobs);
    field_count(f, "top_logprobs", 0, HONE_MAX_LOGPROBS, &like->n_logprobs);
    if (like->n_logprobs > 0 && !like->logprobs)
        field_fail(f, PROBLEM_FIELD, "top_logprobs", "needs 'logprobs' to be true");
}

/* "none", "auto", "required", or the name of a function; *name NULL: any. */
enum tool_choice { CHOICE_NONE, CHOICE_AUTO, CHOICE_REQUIRED };

static enum tool_choice read_tool_choice(struct fields *f, const char **name)
{
    const json_t *value = field_get(f, "tool_choice");
    int choice = CHOICE_AUTO;
    *name = NULL;
    if (!json_is_object(value)) {
        field_choice(f, "tool_choice", "none|auto|required", &choice);
        return (enum tool_choice)choice;
    }
    *name = json_string_value(json_object_get(json_object_get(value, "function"), "name"));
    if (!*name)
        field_fail(f, PROBLEM_FIELD, "tool_choice", "must be none, auto, required, or name a function");
    return CHOICE_REQUIRED;
}

/* The model's answer begins with a call, of which the client sees no more than that. */
static void force_call(struct fields *f, struct chat *chat, const char *name, char **text, size_t *size)
{
    struct reply_buffer longer = {0};
    char *schema = tools_schema(&chat->form, field_get(f, "tools"), name);
    if (!schema) {
        field_fail(f, PROBLEM_FIELD, "tool_choice", "names no function of 'tools'");
        return;
    }
    choices_constrain(&chat->openai.choices, schema);
    reply_buffer_write(&longer, *text, *size);
    reply_buffer_text(&longer, chat->form.prompt);
    hone_free(*text);
    *text = longer.data;
    *size = longer.size;
    if (chat->form.syntax != TOOL_JSON)
        chat->form = (struct tool_form){.syntax = TOOL_JSON, .name = "name", .arguments = "arguments"};
    *chat->form.open = *chat->form.close = '\0';
}

/* A value that was asked for begins at once, so nothing of it is thought. */
static void read_reasoning(struct fields *f, struct chat *chat, struct hone_text prompt)
{
    int format = 0;
    field_choice(f, "reasoning_format", "auto|none|deepseek", &format);
    if (format != 1 && chat->openai.choices.constraint != CONSTRAINT_VALUE)
        chat->reasoning = reasoning_of(f->r->model->info->chat_template, prompt);
}

static void read_conversation(struct fields *f, struct chat *chat)
{
    const char *name;
    char *text;
    size_t size;
    bool several = true, has_tools = json_array_size(field_get(f, "tools")) > 0;
    enum tool_choice choice = read_tool_choice(f, &name);
    field_bool(f, "parallel_tool_calls", &several);
    chat->one_call = !several;
    struct tool_form form;
    bool known =
        has_tools && choice != CHOICE_NONE && tool_form_of(f->r->model->model, f->r->model->vocab, &form);
    conversation_read(f, choice == CHOICE_NONE, &text, &size);
    /* A value that the client has asked for is no call, whatever it looks like. */
    if (known && (chat->openai.choices.constraint != CONSTRAINT_VALUE || choice == CHOICE_REQUIRED)) {
        chat->form = form;
        chat->calls = true;
        chat->tools = field_get(f, "tools");
    }
    if (choice == CHOICE_REQUIRED && !known)
        field_fail(f, PROBLEM_FIELD, "tool_choice",
                   has_tools ? "cannot be met: the model's template has no form of calls that is known here"
                             : "needs 'tools'");
    else if (choice == CHOICE_REQUIRED && text)
        force_call(f, chat, name, &text, &size);
    if (text && choice != CHOICE_REQUIRED)
        read_reasoning(f, chat, (struct hone_text){text, size});
    if (text)
        choices_prompt(&chat->openai.choices, text, size);
}

void chat_read(struct fields *f, struct chat *chat)
{
    struct choices *c = &chat->openai.choices;
    field_count(f, "max_tokens", 1, INT32_MAX, &c->like.max_tokens);
    field_count(f, "max_completion_tokens", 1, INT32_MAX, &c->like.max_tokens);
    read_logprobs(f, &c->like);
    read_conversation(f, chat);
}
