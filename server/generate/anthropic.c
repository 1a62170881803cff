/* POST /v1/messages and /v1/messages/count_tokens */
#include "server/generate/anthropic.h"
#include "server/endpoints/endpoints.h"
#include "server/generate/chat.h"
#include "server/generate/openai.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

struct messages {
    struct chat chat;
    enum answer_kind open; /* the block that is being told; */
    size_t n_blocks;       /* it is the last of these, where is_open */
    bool is_open;
};

/* ---- parts -------------------------------------------------------------------------------------------------------- */

static void write_text(struct reply_buffer *out, const struct reply_buffer *text)
{
    reply_buffer_json_text(out, (struct hone_text){text->data ? text->data : "", text->size});
}

/* Tokens that were in the cache count apart. */
static void write_usage(struct reply_buffer *out, const struct choice *c, size_t n_generated)
{
    const struct hone_generation *g = &c->generation;
    reply_buffer_format(out,
                        "\"usage\":{\"input_tokens\":%zu,\"cache_creation_input_tokens\":0,"
                        "\"cache_read_input_tokens\":%zu,\"output_tokens\":%zu}",
                        g->n_prompt - g->n_cached, g->n_cached, n_generated);
}

/* What follows the content. */
static void write_reason(struct reply_buffer *out, const struct choice *c, const char *finish)
{
    const struct hone_text *stop = choice_stop(c);
    const char *reason = strcmp(finish, "tool_calls") == 0 ? "tool_use"
                         : strcmp(finish, "length") == 0   ? "max_tokens"
                         : stop                            ? "stop_sequence"
                                                           : "end_turn";
    reply_buffer_format(out, "\"stop_reason\":\"%s\",\"stop_sequence\":", reason);
    if (stop)
        reply_buffer_json_text(out, *stop);
    else
        reply_buffer_text(out, "null");
}

static void write_head(struct reply_buffer *out, const struct choices *c)
{
    reply_buffer_format(out,
                        "{\"id\":\"msg_%s\",\"type\":\"message\",\"role\":\"assistant\",\"model\":", c->id);
    reply_buffer_json_string(out, c->r->model->name);
    reply_buffer_text(out, ",\"content\":[");
}

/* ---- bit by bit --------------------------------------------------------------------------------------------------- */

static void begin_event(struct reply_buffer *out, const char *type)
{
    reply_buffer_format(out, "event: %s\ndata: {\"type\":\"%s\"", type, type);
}

static void begin(struct reply_buffer *out, struct chat *chat, const struct choice *c)
{
    begin_event(out, "message_start");
    reply_buffer_text(out, ",\"message\":");
    write_head(out, &chat->choices);
    reply_buffer_text(out, "],\"stop_reason\":null,\"stop_sequence\":null,");
    write_usage(out, c, 0);
    reply_buffer_text(out, "}}\n\nevent: ping\ndata: {\"type\":\"ping\"}\n\n");
}

static void close_block(struct reply_buffer *out, struct messages *m)
{
    if (!m->is_open)
        return;
    if (m->open == ANSWER_THOUGHT) {
        begin_event(out, "content_block_delta");
        reply_buffer_format(out,
                            ",\"index\":%zu,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"\"}}\n\n",
                            m->n_blocks - 1);
    }
    begin_event(out, "content_block_stop");
    reply_buffer_format(out, ",\"index\":%zu}\n\n", m->n_blocks - 1);
    m->is_open = false;
}

static void open_block(struct reply_buffer *out, struct messages *m, const struct answer_part *part)
{
    close_block(out, m);
    begin_event(out, "content_block_start");
    reply_buffer_format(out, ",\"index\":%zu,\"content_block\":", m->n_blocks);
    if (part->kind == ANSWER_TEXT) {
        reply_buffer_text(out, "{\"type\":\"text\",\"text\":\"\"}");
    } else if (part->kind == ANSWER_THOUGHT) {
        reply_buffer_text(out, "{\"type\":\"thinking\",\"thinking\":\"\",\"signature\":\"\"}");
    } else {
        reply_buffer_format(out, "{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":", part->id);
        reply_buffer_json_string(out, part->name);
        reply_buffer_text(out, ",\"input\":{}}");
    }
    reply_buffer_text(out, "}\n\n");
    m->open = part->kind;
    m->is_open = true;
    m->n_blocks++;
}

static void tell_part(struct reply_buffer *out, struct chat *chat, const struct choice *c,
                      const struct answer_part *part, const struct hone_token *token)
{
    static const char *const deltas[ANSWER_CALLED + 1] = {[ANSWER_THOUGHT] = "thinking_delta\",\"thinking",
                                                          [ANSWER_TEXT] = "text_delta\",\"text",
                                                          [ANSWER_ARGUMENTS] =
                                                              "input_json_delta\",\"partial_json"};
    struct messages *m = (struct messages *)chat;
    (void)c;
    (void)token;
    bool of_call = part->kind == ANSWER_ARGUMENTS || part->kind == ANSWER_CALLED;
    if (!of_call && (!m->is_open || m->open != part->kind || part->kind == ANSWER_CALL))
        open_block(out, m, part);
    if (part->kind == ANSWER_CALLED)
        close_block(out, m);
    if (part->text.size == 0 || !deltas[part->kind])
        return;
    begin_event(out, "content_block_delta");
    reply_buffer_format(out, ",\"index\":%zu,\"delta\":{\"type\":\"%s\":", m->n_blocks - 1,
                        deltas[part->kind]);
    reply_buffer_json_text(out, part->text);
    reply_buffer_text(out, "}}\n\n");
}

static void end(struct reply_buffer *out, struct chat *chat, const struct choice *c, const char *finish)
{
    close_block(out, (struct messages *)chat);
    begin_event(out, "message_delta");
    reply_buffer_text(out, ",\"delta\":{");
    write_reason(out, c, finish);
    reply_buffer_text(out, "},");
    write_usage(out, c, choice_result(c)->n_ids);
    reply_buffer_text(out, "}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
}

/* ---- as a whole --------------------------------------------------------------------------------------------------- */

static void write_item(struct reply_buffer *out, const struct answer_item *item)
{
    if (item->kind == ANSWER_TEXT) {
        reply_buffer_text(out, "{\"type\":\"text\",\"text\":");
        write_text(out, &item->text);
    } else if (item->kind == ANSWER_THOUGHT) {
        reply_buffer_text(out, "{\"type\":\"thinking\",\"signature\":\"\",\"thinking\":");
        write_text(out, &item->text);
    } else {
        reply_buffer_format(out, "{\"type\":\"tool_use\",\"id\":\"%s\",\"name\":", item->id);
        reply_buffer_json_string(out, item->name);
        reply_buffer_text(out, ",\"input\":");
        if (item->whole) {
            reply_buffer_write(out, item->text.data, item->text.size);
        } else {
            reply_buffer_text(out, "{},\"partial_json\":");
            write_text(out, &item->text);
        }
    }
    reply_buffer_text(out, "}");
}

static void write_whole(struct reply_buffer *out, struct chat *chat)
{
    const struct choice *c = &chat->choices.items[0];
    struct answered a;
    const char *finish = chat_take(chat, c, &a);
    write_head(out, &chat->choices);
    for (size_t i = 0; i < a.n; i++) {
        reply_buffer_text(out, i ? "," : "");
        write_item(out, &a.items[i]);
    }
    reply_buffer_text(out, "],");
    write_reason(out, c, finish);
    reply_buffer_text(out, ",");
    write_usage(out, c, choice_result(c)->n_ids);
    reply_buffer_text(out, "}");
    out->failed = out->failed || a.failed;
    answered_release(&a);
}

/* ---- the requests ------------------------------------------------------------------------------------------------- */

void anthropic_messages_handle(struct http_request *r)
{
    static const struct chat_dialect dialect = {begin, tell_part, end, NULL, write_whole, NULL, NULL};
    struct messages *m = chat_state(r, sizeof *m, &dialect);
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct fields f = fields_of(r);
    if (!m || !openai_open(&f, &m->chat.choices))
        return;
    struct choices *c = &m->chat.choices;
    choices_read(&f, c);
    choices_read_stops(&f, "stop_sequences", c);
    field_required(&f, "max_tokens");
    field_count(&f, "max_tokens", 1, INT32_MAX, &c->like.max_tokens);
    anthropic_read(&f, &conversation, &m->chat.thinking.max_tokens, &m->chat.limits);
    anthropic_read_output(&f, c, &conversation);
    chat_open(&f, &m->chat, &conversation);
    conversation_clear(&conversation);
    chat_submit(&f, &m->chat);
}

void anthropic_count_tokens_handle(struct http_request *r)
{
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct fields f = fields_of(r);
    struct hone_text model = {0}, prompt = {0};
    struct hone_error err;
    int32_t *ids = NULL;
    struct hone_span *spans = NULL;
    char *text;
    size_t n = 0, budget = 0;
    bool limits = false;
    field_text(&f, "model", &model);
    if (f.failed || !http_model(r, model, HONE_TASK_GENERATE))
        return;
    anthropic_read(&f, &conversation, &budget, &limits);
    conversation_prompt(&f, &conversation, &text, &prompt.size);
    conversation_clear(&conversation);
    prompt.data = text;
    if (!text)
        return;
    if (hone_tokenize_spans(r->model->light, &prompt, false, &ids, &spans, &n, &err) != HONE_OK) {
        http_fail_with(r, &err);
    } else {
        reply_buffer_format(&r->out, "{\"input_tokens\":%zu}", n);
        http_reply(r, 200);
    }
    hone_free(ids);
    hone_free(spans);
    hone_free(text);
}
