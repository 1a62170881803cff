/* POST /v1/responses, without a state: what was said before comes with each request. */
#include "server/generate/responses.h"
#include "server/endpoints/endpoints.h"
#include "server/generate/chat.h"
#include "server/generate/openai.h"
#include "server/http/json_text.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

struct responses {
    struct chat chat;
    size_t n_events;           /* that were told */
    struct reply_buffer items; /* complete ones, as JSON with commas between them */
    struct answer_item item;   /* the one that is being told, */
    size_t n_items;            /* the last of these, where is_open */
    bool is_open;
    bool logprobs; /* of its text are written down */
};

static void release(struct chat *chat)
{
    struct responses *s = (struct responses *)chat;
    reply_buffer_release(&s->items);
    reply_buffer_release(&s->item.text);
    free(s->item.name);
}

/* ---- items -------------------------------------------------------------------------------------------------------- */

static const char *prefix_of(enum answer_kind kind)
{
    return kind == ANSWER_TEXT ? "msg" : kind == ANSWER_THOUGHT ? "rs" : "fc";
}

static void write_text(struct reply_buffer *out, const struct answer_item *item)
{
    reply_buffer_json_text(out, (struct hone_text){item->text.data ? item->text.data : "", item->text.size});
}

/* Those of the whole answer: of which text each token is is not told. */
static void write_logprobs(struct reply_buffer *out, const struct choice *c)
{
    reply_buffer_text(out, "[");
    for (size_t i = 0; c->generation.logprobs && i < choice_result(c)->n_ids; i++) {
        struct hone_token token = choice_token(c, i);
        reply_buffer_text(out, i ? "," : "");
        choices_write_token(out, c->all, &token, false);
    }
    reply_buffer_text(out, "]");
}

/* A part of the content, with the text of the item. c: with log-probabilities. */
static void write_part(struct reply_buffer *out, const struct answer_item *item, const struct choice *c)
{
    bool said = item->kind == ANSWER_TEXT;
    reply_buffer_text(out, said ? "{\"type\":\"output_text\",\"annotations\":[],\"logprobs\":"
                                : "{\"type\":\"reasoning_text\"");
    if (said && c)
        write_logprobs(out, c);
    else
        reply_buffer_text(out, said ? "[]" : "");
    reply_buffer_text(out, ",\"text\":");
    write_text(out, item);
    reply_buffer_text(out, "}");
}

/* status: "in_progress", without its text; "completed"; "incomplete" */
static void write_item(struct reply_buffer *out, const struct choices *all, size_t number,
                       const struct answer_item *item, const char *status, const struct choice *c)
{
    bool begun = strcmp(status, "in_progress") == 0;
    reply_buffer_format(out, "{\"id\":\"%s_%s%zu\",\"status\":\"%s\",", prefix_of(item->kind), all->id,
                        number, status);
    if (item->kind == ANSWER_CALL) {
        reply_buffer_format(out, "\"type\":\"function_call\",\"call_id\":\"%s\",\"name\":", item->id);
        reply_buffer_json_string(out, item->name);
        reply_buffer_text(out, ",\"arguments\":");
        write_text(out, item);
        reply_buffer_text(out, "}");
        return;
    }
    reply_buffer_text(out, item->kind == ANSWER_TEXT
                               ? "\"type\":\"message\",\"role\":\"assistant\",\"content\":["
                               : "\"type\":\"reasoning\",\"summary\":[],\"content\":[");
    if (!begun)
        write_part(out, item, c);
    reply_buffer_text(out, "]}");
}

/* ---- the response ------------------------------------------------------------------------------------------------- */

/* What the client asked for, or what holds if it said nothing. */
static void write_asked(struct reply_buffer *out, const struct chat *chat, const char *name,
                        const char *usual)
{
    const json_t *value = json_object_get(chat->choices.r->json, name);
    char *text = value ? json_text(value) : NULL;
    out->failed |= value && !text;
    reply_buffer_format(out, ",\"%s\":", name);
    reply_buffer_text(out, text ? text : usual);
    free(text);
}

static size_t count_tokens(const struct choice *c, const struct reply_buffer *text)
{
    int32_t *ids = NULL;
    struct hone_span *spans = NULL;
    struct hone_text read = {text->data ? text->data : "", text->size};
    size_t n = 0;
    if (text->size > 0)
        hone_tokenize_spans(c->all->r->model->light, &read, false, &ids, &spans, &n, NULL);
    hone_free(ids);
    hone_free(spans);
    return n;
}

static void write_usage(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    struct choices_usage u = choices_usage(&chat->choices);
    struct answered a;
    chat_take(chat, c, &a);
    struct reply_buffer thought = answered_text(&a, ANSWER_THOUGHT);
    size_t n_thought = count_tokens(c, &thought);
    reply_buffer_format(out,
                        "{\"input_tokens\":%zu,\"input_tokens_details\":{\"cached_tokens\":%zu},"
                        "\"output_tokens\":%zu,\"output_tokens_details\":{\"reasoning_tokens\":%zu},"
                        "\"total_tokens\":%zu}",
                        u.n_prompt, u.n_cached, u.n_generated,
                        n_thought < u.n_generated ? n_thought : u.n_generated, u.n_prompt + u.n_generated);
    reply_buffer_release(&thought);
    answered_release(&a);
}

static void write_settings(struct reply_buffer *out, const struct chat *chat)
{
    static const char *const asked[][2] = {{"instructions", "null"},
                                           {"max_output_tokens", "null"},
                                           {"metadata", "{}"},
                                           {"parallel_tool_calls", "true"},
                                           {"reasoning", "{\"effort\":null,\"summary\":null}"},
                                           {"temperature", "1.0"},
                                           {"text", "{\"format\":{\"type\":\"text\"}}"},
                                           {"tool_choice", "\"auto\""},
                                           {"tools", "[]"},
                                           {"top_p", "1.0"},
                                           {"user", "null"}};
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        write_asked(out, chat, asked[i][0], asked[i][1]);
    reply_buffer_text(out, ",\"background\":false,\"previous_response_id\":null,\"store\":false,"
                           "\"truncation\":\"disabled\"");
}

/* status: "in_progress", "completed", "incomplete", "failed"; sentence: why it failed. */
static void write_response(struct reply_buffer *out, struct chat *chat, const char *status,
                           const struct reply_buffer *items, const char *sentence)
{
    const struct choices *all = &chat->choices;
    reply_buffer_format(out,
                        "{\"id\":\"resp_%s\",\"object\":\"response\",\"created_at\":%lld,\"model\":", all->id,
                        all->created);
    reply_buffer_json_string(out, all->r->model->name);
    reply_buffer_format(out, ",\"status\":\"%s\",\"error\":", status);
    if (sentence) {
        reply_buffer_text(out, "{\"code\":\"server_error\",\"message\":");
        reply_buffer_json_string(out, sentence);
        reply_buffer_text(out, "}");
    } else {
        reply_buffer_text(out, "null");
    }
    reply_buffer_text(out, strcmp(status, "incomplete") == 0
                               ? ",\"incomplete_details\":{\"reason\":\"max_output_tokens\"}"
                               : ",\"incomplete_details\":null");
    write_settings(out, chat);
    reply_buffer_text(out, ",\"output\":[");
    reply_buffer_write(out, items->data, items->size);
    out->failed = out->failed || items->failed;
    reply_buffer_text(out, "],\"usage\":");
    if (strcmp(status, "in_progress") == 0 || sentence)
        reply_buffer_text(out, "null");
    else
        write_usage(out, chat, &all->items[0]);
    reply_buffer_text(out, "}");
}

/* ---- bit by bit --------------------------------------------------------------------------------------------------- */

static void begin_event(struct reply_buffer *out, struct responses *s, const char *type)
{
    reply_buffer_format(out, "event: response.%s\ndata: {\"type\":\"response.%s\",\"sequence_number\":%zu",
                        type, type, s->n_events++);
}

static void tell_response(struct reply_buffer *out, struct responses *s, const char *event,
                          const char *status, const char *sentence)
{
    begin_event(out, s, event);
    reply_buffer_text(out, ",\"response\":");
    write_response(out, &s->chat, status, &s->items, sentence);
    reply_buffer_text(out, "}\n\n");
}

static void begin(struct reply_buffer *out, struct chat *chat, const struct choice *c)
{
    (void)c;
    tell_response(out, (struct responses *)chat, "created", "in_progress", NULL);
    tell_response(out, (struct responses *)chat, "in_progress", "in_progress", NULL);
}

/* An event about the item, up to what is its own. */
static void begin_item_event(struct reply_buffer *out, struct responses *s, const char *type)
{
    begin_event(out, s, type);
    reply_buffer_format(out, ",\"output_index\":%zu,\"item_id\":\"%s_%s%zu\"", s->n_items - 1,
                        prefix_of(s->item.kind), s->chat.choices.id, s->n_items - 1);
    if (s->item.kind != ANSWER_CALL)
        reply_buffer_text(out, ",\"content_index\":0");
}

static void tell_item(struct reply_buffer *out, struct responses *s, const char *event, const char *status,
                      const struct choice *c)
{
    begin_event(out, s, event);
    reply_buffer_format(out, ",\"output_index\":%zu,\"item\":", s->n_items - 1);
    write_item(out, &s->chat.choices, s->n_items - 1, &s->item, status, c);
    reply_buffer_text(out, "}\n\n");
}

static void close_item(struct reply_buffer *out, struct responses *s, bool whole, const struct choice *c)
{
    const char *status = whole ? "completed" : "incomplete";
    bool call = s->item.kind == ANSWER_CALL, said = s->item.kind == ANSWER_TEXT;
    if (!s->is_open)
        return;
    begin_item_event(out, s,
                     call   ? "function_call_arguments.done"
                     : said ? "output_text.done"
                            : "reasoning_text.done");
    reply_buffer_text(out, call ? ",\"arguments\":" : said ? ",\"logprobs\":[],\"text\":" : ",\"text\":");
    write_text(out, &s->item);
    if (call) {
        reply_buffer_text(out, ",\"name\":");
        reply_buffer_json_string(out, s->item.name);
    }
    reply_buffer_text(out, "}\n\n");
    if (!call) {
        begin_item_event(out, s, "content_part.done");
        reply_buffer_text(out, ",\"part\":");
        write_part(out, &s->item, NULL);
        reply_buffer_text(out, "}\n\n");
    }
    tell_item(out, s, "output_item.done", status, c);
    reply_buffer_text(&s->items, s->n_items > 1 ? "," : "");
    write_item(&s->items, &s->chat.choices, s->n_items - 1, &s->item, status, c);
    out->failed = out->failed || s->item.text.failed;
    s->is_open = false;
}

static void open_item(struct reply_buffer *out, struct responses *s, const struct choice *c,
                      const struct answer_part *part)
{
    close_item(out, s, true, NULL);
    (void)c;
    reply_buffer_release(&s->item.text);
    free(s->item.name);
    s->item = (struct answer_item){.kind = part->kind};
    if (part->kind == ANSWER_CALL) {
        s->item.name = strdup(part->name);
        out->failed = out->failed || !s->item.name;
        strncpy(s->item.id, part->id, sizeof s->item.id - 1);
    }
    s->is_open = true;
    s->n_items++;
    if (out->failed)
        return;
    tell_item(out, s, "output_item.added", "in_progress", NULL);
    if (part->kind == ANSWER_CALL)
        return;
    begin_item_event(out, s, "content_part.added");
    reply_buffer_text(out, ",\"part\":");
    write_part(out, &s->item, NULL);
    reply_buffer_text(out, "}\n\n");
}

static void tell_delta(struct reply_buffer *out, struct responses *s, const struct choice *c,
                       const struct answer_part *part, const struct hone_token *token)
{
    static const char *const events[] = {[ANSWER_THOUGHT] = "reasoning_text.delta",
                                         [ANSWER_TEXT] = "output_text.delta",
                                         [ANSWER_ARGUMENTS] = "function_call_arguments.delta"};
    reply_buffer_write(&s->item.text, part->text.data, part->text.size);
    begin_item_event(out, s, events[part->kind]);
    reply_buffer_text(out, ",\"delta\":");
    reply_buffer_json_text(out, part->text);
    if (part->kind == ANSWER_TEXT) {
        reply_buffer_text(out, ",\"logprobs\":[");
        if (token)
            choices_write_token(out, c->all, token, false);
        reply_buffer_text(out, "]");
    }
    reply_buffer_text(out, "}\n\n");
}

static void tell_part(struct reply_buffer *out, struct chat *chat, const struct choice *c,
                      const struct answer_part *part, const struct hone_token *token)
{
    struct responses *s = (struct responses *)chat;
    bool of_call = part->kind == ANSWER_ARGUMENTS || part->kind == ANSWER_CALLED;
    if (part->text.size == 0 && part->kind == ANSWER_TEXT &&
        !(token && s->is_open && s->item.kind == ANSWER_TEXT))
        return;
    if (!of_call && (!s->is_open || s->item.kind != part->kind || part->kind == ANSWER_CALL))
        open_item(out, s, c, part);
    if (part->kind == ANSWER_CALLED)
        close_item(out, s, true, NULL);
    else if (part->kind != ANSWER_CALL && !out->failed)
        tell_delta(out, s, c, part, token);
}

static void end(struct reply_buffer *out, struct chat *chat, const struct choice *c, const char *finish)
{
    struct responses *s = (struct responses *)chat;
    bool whole = strcmp(finish, "length") != 0;
    close_item(out, s, whole && s->item.kind != ANSWER_CALL, c);
    tell_response(out, s, whole ? "completed" : "incomplete", whole ? "completed" : "incomplete", NULL);
}

static void fail(struct reply_buffer *out, struct chat *chat, const char *sentence)
{
    tell_response(out, (struct responses *)chat, "failed", "failed", sentence);
}

/* ---- as a whole --------------------------------------------------------------------------------------------------- */

static void write_whole(struct reply_buffer *out, struct chat *chat)
{
    const struct choice *c = &chat->choices.items[0];
    struct reply_buffer items = {0};
    struct answered a;
    bool whole = strcmp(chat_take(chat, c, &a), "length") != 0;
    for (size_t i = 0; i < a.n; i++) {
        const struct answer_item *item = &a.items[i];
        bool complete = item->kind == ANSWER_CALL ? item->whole : whole || i + 1 < a.n;
        reply_buffer_text(&items, i ? "," : "");
        write_item(&items, &chat->choices, i, item, complete ? "completed" : "incomplete", c);
    }
    write_response(out, chat, whole ? "completed" : "incomplete", &items, NULL);
    out->failed = out->failed || a.failed;
    reply_buffer_release(&items);
    answered_release(&a);
}

/* ---- the request -------------------------------------------------------------------------------------------------- */

static void read_logprobs(struct fields *f, struct hone_generation *like)
{
    const json_t *include = field_get(f, "include");
    if (include && !json_is_array(include))
        field_fail(f, PROBLEM_FIELD, "include", "must be a list");
    for (size_t i = 0; i < json_array_size(include); i++) {
        const char *what = json_string_value(json_array_get(include, i));
        like->logprobs = like->logprobs || (what && strcmp(what, "message.output_text.logprobs") == 0);
    }
    field_count(f, "top_logprobs", 0, HONE_MAX_LOGPROBS, &like->n_logprobs);
    like->logprobs = like->logprobs || like->n_logprobs > 0;
}

void responses_handle(struct http_request *r)
{
    static const struct chat_dialect dialect = {begin, tell_part, end, NULL, write_whole, fail, release};
    struct responses *s = chat_state(r, sizeof *s, &dialect);
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct fields f = fields_of(r);
    if (!s || !openai_open(&f, &s->chat.choices))
        return;
    struct choices *c = &s->chat.choices;
    choices_read(&f, c);
    field_count(&f, "max_output_tokens", 1, INT32_MAX, &c->like.max_tokens);
    read_logprobs(&f, &c->like);
    responses_read(&f, c, &conversation);
    chat_open(&f, &s->chat, &conversation);
    conversation_clear(&conversation);
    chat_submit(&f, &s->chat);
}
