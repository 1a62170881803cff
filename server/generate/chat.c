#include "server/generate/chat.h"
#include "server/chat/channels.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

static void release(void *state)
{
    struct chat *chat = state;
    if (chat->dialect->release)
        chat->dialect->release(chat);
    json_decref(chat->tools);
    free(chat->begun);
    choices_release(state);
}

void *chat_state(struct http_request *r, size_t size, const struct chat_dialect *dialect)
{
    struct chat *chat = choices_state(r, size, release);
    if (chat)
        chat->dialect = dialect;
    return chat;
}

/* ---- what holds of its answers ------------------------------------------------------------------------------------ */

/* The model's answer begins with a call, of which the client sees no more than that. */
static void force_call(struct fields *f, struct chat *chat, const struct conversation *conversation,
                       char **text, size_t *size)
{
    struct reply_buffer longer = {0};
    struct tool_form *form = &chat->form.calls;
    char *schema = tools_schema(form, conversation->tools, conversation->function);
    if (!schema) {
        field_fail(f, PROBLEM_FIELD, "tool_choice", "names no function of 'tools': %.100s",
                   conversation->function ? conversation->function : "there is none");
        return;
    }
    choices_constrain(&chat->choices, "tools", schema);
    reply_buffer_write(&longer, *text, *size);
    reply_buffer_text(&longer, form->prompt);
    hone_free(*text);
    *text = longer.data;
    *size = longer.size;
    if (form->syntax != TOOL_JSON)
        *form = (struct tool_form){.syntax = TOOL_JSON, .name = "name", .arguments = "arguments"};
    *form->open = *form->close = '\0';
}

/* So many tokens of thoughts, by any of the names that other servers have for it; -1: no limit. */
static void limit_thoughts(struct fields *f, struct chat *chat)
{
    static const char *const names[] = {"thinking_budget", "thinking_token_budget", "reasoning_budget"};
    const struct chat_form *form = &f->r->model->chat;
    struct choices *c = &chat->choices;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *value = field_get(f, names[i]);
        if (!value || (json_is_integer(value) && json_integer_value(value) == -1))
            continue;
        chat->limits = true;
        field_count(f, names[i], 0, INT32_MAX, &chat->thinking.max_tokens);
    }
    const struct channel_form *channels = chat->form.channels;
    if (!chat->limits || (!channels && !chat->form.reasoning.open) || c->constraint != CONSTRAINT_NONE ||
        form->n_close == 0)
        return;
    chat->thinking.open = channels ? channels->thought_begin : chat->form.reasoning.open;
    chat->thinking.close = channels ? channels->thought_end : chat->form.reasoning.close;
    chat->thinking.begun = !channels && chat->form.reasoning.begun;
    chat->thinking.close_ids = form->close;
    chat->thinking.n_close_ids = form->n_close;
}

/* A value that was asked for begins at once, so nothing of it is thought. */
static void find_reasoning(struct fields *f, struct chat *chat, struct hone_text prompt)
{
    int format = 0;
    field_choice(f, "reasoning_format", "auto|none|deepseek", &format);
    chat->form.channels = chat->choices.constraint != CONSTRAINT_VALUE ? f->r->model->chat.channels : NULL;
    if (format != 1 && chat->choices.constraint != CONSTRAINT_VALUE)
        chat->form.reasoning = reasoning_of(f->r->model->info->chat_template, prompt);
    limit_thoughts(f, chat);
}

/* A value that the client has asked for is no call, whatever it looks like. */
static void find_calls(struct fields *f, struct chat *chat, const struct conversation *conversation)
{
    bool required = conversation->choice == CHOICE_REQUIRED, some = json_array_size(conversation->tools) > 0;
    if (some && conversation->choice != CHOICE_NONE &&
        (required || chat->choices.constraint != CONSTRAINT_VALUE) && f->r->model->chat.has_calls) {
        chat->form.calls = f->r->model->chat.calls;
        chat->form.one_call = conversation->one_call;
        json_decref(chat->tools);
        chat->form.tools = chat->tools = json_incref(conversation->tools);
    }
    if (required && !chat->form.tools)
        field_fail(f, PROBLEM_FIELD, "tool_choice",
                   some ? "cannot be met: the model's template has no form of calls that is known here"
                        : "needs 'tools'");
}

/* The text is taken over. */
static bool add_prompt(struct chat *chat, char *text, size_t size)
{
    struct choices *c = &chat->choices;
    size_t i = c->n_prompts;
    bool *begun = realloc(chat->begun, (i + 1) * sizeof *begun);
    struct hone_thinking *thinking = realloc(c->thinking, (i + 1) * sizeof *thinking);
    chat->begun = begun ? begun : chat->begun;
    c->thinking = thinking ? thinking : c->thinking;
    if (!begun || !thinking) {
        hone_free(text);
        return false;
    }
    begun[i] = chat->form.reasoning.begun;
    thinking[i] = chat->thinking;
    return choices_add_prompt(c, text, size);
}

void chat_open(struct fields *f, struct chat *chat, const struct conversation *conversation)
{
    char *text;
    size_t size;
    chat->form.id = chat->choices.id;
    chat->choices.like.no_special = true;
    chat->choices.like.shown = f->r->model->chat.shown;
    chat->choices.like.n_shown = f->r->model->chat.n_shown;
    conversation_prompt(f, conversation, &text, &size);
    if (text)
        find_calls(f, chat, conversation);
    if (text && conversation->choice == CHOICE_REQUIRED && !f->failed)
        force_call(f, chat, conversation, &text, &size);
    else
        find_reasoning(f, chat, (struct hone_text){text, size});
    if (text && !add_prompt(chat, text, size)) {
        http_fail(f->r, PROBLEM_MEMORY, NULL, "out of memory for a conversation");
        f->failed = true;
    }
}

/* What the answer to one of the prompts may consist of. A dialect may have prompts beside conversations, which no thoughts
 * begin. */
static struct answer_form form_of(const struct chat *chat, const struct choice *c)
{
    struct answer_form form = chat->form;
    form.reasoning.begun = chat->begun && chat->begun[c->prompt];
    return form;
}

/* ---- bit by bit --------------------------------------------------------------------------------------------------- */

struct chat_telling {
    struct chat *chat;
    const struct choice *c;
    const struct hone_token *token;
    struct reply_buffer *out;
};

static void tell_part(void *arg, const struct answer_part *part)
{
    struct chat_telling *t = arg;
    t->chat->dialect->part(t->out, t->chat, t->c, part, t->token);
    t->token = NULL;
}

static void tell(struct choice *c, const struct hone_token *token, struct reply_buffer *out)
{
    struct chat *chat = (struct chat *)c->all;
    const struct answer_form form = form_of(chat, c);
    bool is_token = token->id >= 0, logprobs = c->generation.logprobs && is_token;
    struct chat_telling t = {chat, c, logprobs ? token : NULL, out};
    struct answer_part nothing = {.kind = ANSWER_TEXT, .text = {"", 0}};
    if (c->n_tokens <= 1 && is_token)
        chat->dialect->begin(out, chat, c);
    answer_add(&c->answer, &form, token->text, tell_part, &t);
    if (t.token)
        chat->dialect->part(out, chat, c, &nothing, token);
    out->failed = out->failed || c->answer.failed;
}

/* called: and the last call is whole, so that it can be made. */
static const char *finish_of(const struct choice *c, bool called)
{
    const char *finish = choice_finish(c);
    return called && strcmp(finish, "stop") == 0 ? "tool_calls" : finish;
}

static void end_stream(struct chat *chat)
{
    struct choices *all = &chat->choices;
    struct reply_buffer out = {0};
    for (size_t i = 0; i < all->n; i++) {
        struct choice *c = &all->items[i];
        struct chat_telling t = {chat, c, NULL, &out};
        const struct answer_form form = form_of(chat, c);
        if (c->n_tokens == 0)
            chat->dialect->begin(&out, chat, c);
        answer_end(&c->answer, &form, tell_part, &t);
        chat->dialect->end(&out, chat, c, finish_of(c, c->answer.called && !c->answer.open));
    }
    if (chat->dialect->close)
        chat->dialect->close(&out, chat);
    choices_end(all, &out);
}

/* ---- as a whole --------------------------------------------------------------------------------------------------- */

const char *chat_take(const struct chat *chat, const struct choice *c, struct answered *out)
{
    const struct hone_generated *g = choice_result(c);
    const struct answer_form form = form_of(chat, c);
    answer_take(&form, c->index, (struct hone_text){g->text, g->text_size}, out);
    return finish_of(c, out->called);
}

static void answer(struct http_request *r)
{
    struct chat *chat = r->state;
    if (r->failed && chat->dialect->fail) {
        struct reply_buffer out = {0};
        char sentence[sizeof r->failure.message + 128];
        http_sentence(r, &r->failure, sentence, sizeof sentence);
        chat->dialect->fail(&out, chat, sentence);
        choices_end(&chat->choices, &out);
        return;
    }
    if (choices_failed(&chat->choices))
        return;
    if (chat->choices.stream) {
        end_stream(chat);
        return;
    }
    chat->dialect->whole(&r->out, chat);
    http_reply(r, 200);
}

void chat_submit(struct fields *f, struct chat *chat)
{
    chat->choices.tell = tell;
    if (!f->failed)
        choices_submit(f->r, &chat->choices, answer);
}
