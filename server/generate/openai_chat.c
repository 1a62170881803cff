/* POST /v1/chat/completions: platform.openai.com/docs/api-reference/chat */
#include "server/generate/openai_chat.h"
#include "server/endpoints/endpoints.h"
#include "server/service.h"

#include <stdlib.h>

static const char object[] = "chat.completion", chunk[] = "chat.completion.chunk";

/* ---- log-probabilities ---- */

static void write_logprobs(struct reply_buffer *out, const struct choice *c)
{
    if (!c->generation.logprobs) {
        reply_buffer_text(out, "null");
        return;
    }
    reply_buffer_text(out, "{\"content\":[");
    for (size_t i = 0; i < choice_result(c)->n_ids; i++) {
        struct hone_token token = choice_token(c, i);
        reply_buffer_text(out, i ? "," : "");
        choices_write_token(out, c->all, &token, false);
    }
    reply_buffer_text(out, "],\"refusal\":null}");
}

/* ---- calls ---- */

/* An answer taken apart: text[thoughts.begin, end) was thought, text[thoughts.content, plain) said, then come calls, and
 * text[rest, size) was said behind them. */
struct answer {
    struct thoughts thoughts;
    json_t *calls; /* NULL: none */
    size_t plain, rest;
};

static struct answer take_apart(const struct chat *chat, const struct choice *c, const char *text,
                                size_t size)
{
    struct answer a = {.thoughts = reasoning_split(&chat->reasoning, text, size, true)};
    size_t begin = a.thoughts.content;
    a.plain = a.rest = size - begin;
    if (chat->calls)
        a.calls = tools_parse(&chat->form, chat->tools, chat->openai.choices.id + c->index % 16, text + begin,
                              size - begin, &a.plain, &a.rest);
    a.plain += begin;
    a.rest += begin;
    while (a.calls && chat->one_call && json_array_size(a.calls) > 1)
        json_array_remove(a.calls, 1);
    return a;
}

static void write_json(struct reply_buffer *out, const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT);
    reply_buffer_text(out, text ? text : "null");
    out->failed = out->failed || !text;
    free(text);
}

/* ---- bit by bit ---- */

static void begin_delta(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    openai_begin_event(out, &chat->openai, "chatcmpl", chunk);
    reply_buffer_format(out, "{\"index\":%zu,\"delta\":{", c->index);
}

static void end_delta(struct reply_buffer *out, const struct chat *chat, const struct choice *c,
                      const struct hone_token *token, const char *finish)
{
    reply_buffer_text(out, "},\"logprobs\":");
    if (token && token->id >= 0 && c->generation.logprobs) {
        reply_buffer_text(out, "{\"content\":[");
        choices_write_token(out, c->all, token, false);
        reply_buffer_text(out, "],\"refusal\":null}");
    } else {
        reply_buffer_text(out, "null");
    }
    reply_buffer_format(out, finish ? ",\"finish_reason\":\"%s\"}" : ",\"finish_reason\":null}", finish);
    openai_end_event(out, &chat->openai);
}

static void write_role(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    begin_delta(out, chat, c);
    reply_buffer_text(out, "\"role\":\"assistant\",\"content\":\"\"");
    end_delta(out, chat, c, NULL, NULL);
}

/* Both names that clients have for it. */
static void write_thought(struct reply_buffer *out, struct hone_text text)
{
    reply_buffer_text(out, "\"reasoning_content\":");
    reply_buffer_json_text(out, text);
    reply_buffer_text(out, ",\"reasoning\":");
    reply_buffer_json_text(out, text);
}

/* What became sure by this token; what may be a call, or a mark, is held back. */
struct news {
    struct hone_text thought, said;
};

static struct news find_news(const struct chat *chat, struct choice *c, const struct hone_token *token)
{
    if (!chat->calls && !chat->reasoning.open)
        return (struct news){{NULL, 0}, token->text};
    reply_buffer_write(&c->text, token->text.data, token->text.size);
    const char *text = c->text.data ? c->text.data : "";
    struct thoughts t = reasoning_split(&chat->reasoning, text, c->text.size, false);
    size_t plain = c->text.size, thought = c->n_thought > t.begin ? c->n_thought : t.begin;
    size_t told = c->n_told > t.content ? c->n_told : t.content;
    /* What was told is no part of a call, and not looked at again, but where calls only stand at the beginning. */
    size_t from = *chat->form.open && !chat->form.bare ? told : t.content;
    from = chat->form.syntax == TOOL_NAMED ? told : from;
    if (chat->calls && from <= plain)
        plain = from + tools_plain(&chat->form, chat->tools, text + from, plain - from);
    c->n_thought = t.end > thought ? t.end : c->n_thought;
    c->n_told = plain > told ? plain : c->n_told;
    return (struct news){{text + thought, t.end > thought ? t.end - thought : 0},
                         {text + told, plain > told ? plain - told : 0}};
}

static void tell(struct choice *c, const struct hone_token *token, struct reply_buffer *out)
{
    const struct chat *chat = (const struct chat *)c->all;
    if (c->n_tokens <= 1 && token->id >= 0)
        write_role(out, chat, c);
    struct news news = find_news(chat, c, token);
    bool logprobs = c->generation.logprobs && token->id >= 0;
    if (news.thought.size > 0) {
        begin_delta(out, chat, c);
        write_thought(out, news.thought);
        end_delta(out, chat, c, news.said.size > 0 ? NULL : token, NULL);
        logprobs = logprobs && news.said.size > 0;
    }
    if (news.said.size == 0 && !logprobs)
        return;
    begin_delta(out, chat, c);
    reply_buffer_text(out, "\"content\":");
    reply_buffer_json_text(out, news.said);
    end_delta(out, chat, c, token, NULL);
}

static void tell_text(struct reply_buffer *out, const struct chat *chat, const struct choice *c, bool thought,
                      struct hone_text text)
{
    if (text.size == 0)
        return;
    begin_delta(out, chat, c);
    if (thought) {
        write_thought(out, text);
    } else {
        reply_buffer_text(out, "\"content\":");
        reply_buffer_json_text(out, text);
    }
    end_delta(out, chat, c, NULL, NULL);
}

/* text[from, to), nothing where `told` is beyond. */
static struct hone_text untold(const struct choice *c, size_t from, size_t to, size_t told)
{
    from = told > from ? told : from;
    return (struct hone_text){c->text.data + from, to > from ? to - from : 0};
}

/* Calls are told when they are complete; what was held back and is none is text. */
static const char *tell_rest(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    if (!c->text.data)
        return choice_finish(c);
    struct answer a = take_apart(chat, c, c->text.data, c->text.size);
    tell_text(out, chat, c, true, untold(c, a.thoughts.begin, a.thoughts.end, c->n_thought));
    tell_text(out, chat, c, false, untold(c, a.thoughts.content, a.plain, c->n_told));
    if (!a.calls)
        return choice_finish(c);
    for (size_t i = 0; i < json_array_size(a.calls); i++)
        json_object_set_new(json_array_get(a.calls, i), "index", json_integer((json_int_t)i));
    begin_delta(out, chat, c);
    reply_buffer_text(out, "\"tool_calls\":");
    write_json(out, a.calls);
    end_delta(out, chat, c, NULL, NULL);
    tell_text(out, chat, c, false, untold(c, a.rest, c->text.size, 0));
    json_decref(a.calls);
    return "tool_calls";
}

static void end_stream(struct chat *chat)
{
    struct choices *all = &chat->openai.choices;
    struct reply_buffer out = {0};
    for (size_t i = 0; i < all->n; i++) {
        struct choice *c = &all->items[i];
        if (c->n_tokens == 0)
            write_role(&out, chat, c);
        const char *finish = tell_rest(&out, chat, c);
        begin_delta(&out, chat, c);
        end_delta(&out, chat, c, NULL, finish);
    }
    openai_end_stream(&out, &chat->openai, "chatcmpl", chunk);
    choices_end(all, &out);
}

/* ---- as a whole ---- */

/* null where there is nothing but thoughts or calls. */
static void write_content(struct reply_buffer *out, const struct answer *a, const char *text, size_t size)
{
    struct reply_buffer said = {0};
    reply_buffer_write(&said, text + a->thoughts.content, a->plain - a->thoughts.content);
    reply_buffer_write(&said, text + a->rest, size - a->rest);
    out->failed = out->failed || said.failed;
    if (said.size == 0 && (a->calls || a->thoughts.end > a->thoughts.begin))
        reply_buffer_text(out, "null");
    else
        reply_buffer_json_text(out, (struct hone_text){said.data ? said.data : "", said.size});
    reply_buffer_release(&said);
}

static void write_choice(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    const struct hone_generated *g = choice_result(c);
    struct answer a = take_apart(chat, c, g->text, g->text_size);
    reply_buffer_format(out, "{\"index\":%zu,\"message\":{\"role\":\"assistant\",\"content\":", c->index);
    write_content(out, &a, g->text, g->text_size);
    reply_buffer_text(out, ",\"refusal\":null");
    if (a.thoughts.end > a.thoughts.begin) {
        reply_buffer_text(out, ",");
        write_thought(out, (struct hone_text){g->text + a.thoughts.begin, a.thoughts.end - a.thoughts.begin});
    }
    if (a.calls) {
        reply_buffer_text(out, ",\"tool_calls\":");
        write_json(out, a.calls);
    }
    reply_buffer_text(out, "},\"logprobs\":");
    write_logprobs(out, c);
    reply_buffer_format(out, ",\"finish_reason\":\"%s\"}", a.calls ? "tool_calls" : choice_finish(c));
    json_decref(a.calls);
}

static void answer(struct http_request *r)
{
    struct chat *chat = r->state;
    const struct choices *all = &chat->openai.choices;
    if (choices_failed(&chat->openai.choices))
        return;
    if (all->stream) {
        end_stream(chat);
        return;
    }
    openai_begin(&r->out, &chat->openai, "chatcmpl", object);
    for (size_t i = 0; i < all->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_choice(&r->out, chat, &all->items[i]);
    }
    reply_buffer_text(&r->out, "],");
    openai_write_usage(&r->out, &chat->openai);
    reply_buffer_text(&r->out, "}");
    http_reply(r, 200);
}

void openai_chat_handle(struct http_request *r)
{
    struct chat *chat = choices_state(r, sizeof *chat);
    struct fields f = fields_of(r);
    if (!chat || !openai_read(&f, &chat->openai))
        return;
    struct choices *c = &chat->openai.choices;
    chat_read(&f, chat);
    c->tell = tell;
    if (!f.failed)
        choices_submit(r, c, answer);
}
