/* POST /v1/chat/completions: platform.openai.com/docs/api-reference/chat */
#include "server/endpoints/openai_chat.h"
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

static json_t *parse_calls(const struct chat *chat, const struct choice *c, const char *text, size_t size,
                           size_t *plain)
{
    const char *id = chat->openai.choices.id;
    *plain = size;
    return chat->calls ? tools_parse(&chat->form, id + c->index % 16, text, size, plain) : NULL;
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

/* What may be a call is held back. */
static struct hone_text sure_text(const struct chat *chat, struct choice *c, const struct hone_token *token)
{
    if (!chat->calls)
        return token->text;
    reply_buffer_write(&c->text, token->text.data, token->text.size);
    size_t plain = tools_plain(&chat->form, c->text.data, c->text.size), told = c->n_told;
    c->n_told = plain > told ? plain : told;
    return (struct hone_text){c->text.data + told, c->n_told - told};
}

static void tell(struct choice *c, const struct hone_token *token, struct reply_buffer *out)
{
    const struct chat *chat = (const struct chat *)c->all;
    if (c->n_tokens <= 1 && token->id >= 0)
        write_role(out, chat, c);
    struct hone_text text = sure_text(chat, c, token);
    if (text.size == 0 && !(c->generation.logprobs && token->id >= 0))
        return;
    begin_delta(out, chat, c);
    reply_buffer_text(out, "\"content\":");
    reply_buffer_json_text(out, text);
    end_delta(out, chat, c, token, NULL);
}

/* Calls are told when they are complete; what was held back and is none is text. */
static const char *tell_rest(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    size_t plain;
    json_t *calls = parse_calls(chat, c, c->text.data, c->text.size, &plain);
    const char *finish = choice_finish(c);
    if (plain > c->n_told) {
        begin_delta(out, chat, c);
        reply_buffer_text(out, "\"content\":");
        reply_buffer_json_text(out, (struct hone_text){c->text.data + c->n_told, plain - c->n_told});
        end_delta(out, chat, c, NULL, NULL);
    }
    if (!calls)
        return finish;
    for (size_t i = 0; i < json_array_size(calls); i++)
        json_object_set_new(json_array_get(calls, i), "index", json_integer((json_int_t)i));
    begin_delta(out, chat, c);
    reply_buffer_text(out, "\"tool_calls\":");
    write_json(out, calls);
    end_delta(out, chat, c, NULL, NULL);
    json_decref(calls);
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

static void write_choice(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    const struct hone_generated *g = choice_result(c);
    size_t plain;
    json_t *calls = parse_calls(chat, c, g->text, g->text_size, &plain);
    reply_buffer_format(out, "{\"index\":%zu,\"message\":{\"role\":\"assistant\",\"content\":", c->index);
    if (calls && plain == 0)
        reply_buffer_text(out, "null");
    else
        reply_buffer_json_text(out, (struct hone_text){g->text, plain});
    reply_buffer_text(out, ",\"refusal\":null");
    if (calls) {
        reply_buffer_text(out, ",\"tool_calls\":");
        write_json(out, calls);
    }
    reply_buffer_text(out, "},\"logprobs\":");
    write_logprobs(out, c);
    reply_buffer_format(out, ",\"finish_reason\":\"%s\"}", calls ? "tool_calls" : choice_finish(c));
    json_decref(calls);
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
