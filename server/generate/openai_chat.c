/* POST /v1/chat/completions: platform.openai.com/docs/api-reference/chat; and /v1/chat/completions/batch, which is vLLM's: a
 * list of conversations, and a choice for each (of n: n for each, one behind the other). */
#include "server/endpoints/endpoints.h"
#include "server/generate/chat.h"
#include "server/generate/openai.h"
#include "server/service.h"

#include <stdio.h>

static const char prefix[] = "chatcmpl", object[] = "chat.completion", chunk[] = "chat.completion.chunk";

struct openai_chat {
    struct chat chat;
    bool usage;
    bool batch;     /* `messages` is a list of conversations; */
    char field[32]; /* "messages[3]", the one that is being read */
};

/* ---- parts -------------------------------------------------------------------------------------------------------- */

/* Both names that clients have for it. */
static void write_thought(struct reply_buffer *out, struct hone_text text)
{
    reply_buffer_text(out, "\"reasoning_content\":");
    reply_buffer_json_text(out, text);
    reply_buffer_text(out, ",\"reasoning\":");
    reply_buffer_json_text(out, text);
}

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

/* ---- bit by bit --------------------------------------------------------------------------------------------------- */

static void begin_delta(struct reply_buffer *out, const struct choice *c)
{
    openai_begin_event(out, c->all, prefix, chunk);
    reply_buffer_format(out, "{\"index\":%zu,\"delta\":{", c->index);
}

static void end_delta(struct reply_buffer *out, const struct choice *c, const struct hone_token *token,
                      const char *finish)
{
    reply_buffer_text(out, "},\"logprobs\":");
    if (token) {
        reply_buffer_text(out, "{\"content\":[");
        choices_write_token(out, c->all, token, false);
        reply_buffer_text(out, "],\"refusal\":null}");
    } else {
        reply_buffer_text(out, "null");
    }
    reply_buffer_format(out, finish ? ",\"finish_reason\":\"%s\"}" : ",\"finish_reason\":null}", finish);
    openai_end_event(out, ((const struct openai_chat *)c->all)->usage);
}

static void begin(struct reply_buffer *out, struct chat *chat, const struct choice *c)
{
    (void)chat;
    begin_delta(out, c);
    reply_buffer_text(out, "\"role\":\"assistant\",\"content\":\"\"");
    end_delta(out, c, NULL, NULL);
}

static void write_call(struct reply_buffer *out, const struct answer_part *part)
{
    reply_buffer_format(out, "\"tool_calls\":[{\"index\":%zu,", part->call);
    if (part->kind == ANSWER_CALL) {
        reply_buffer_format(out, "\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":", part->id);
        reply_buffer_json_string(out, part->name);
        reply_buffer_text(out, ",");
    } else {
        reply_buffer_text(out, "\"function\":{");
    }
    reply_buffer_text(out, "\"arguments\":");
    reply_buffer_json_text(out, part->text);
    reply_buffer_text(out, "}}]");
}

static void tell_part(struct reply_buffer *out, struct chat *chat, const struct choice *c,
                      const struct answer_part *part, const struct hone_token *token)
{
    (void)chat;
    if (part->kind == ANSWER_CALLED && !token)
        return;
    begin_delta(out, c);
    if (part->kind == ANSWER_THOUGHT) {
        write_thought(out, part->text);
    } else if (part->kind == ANSWER_TEXT || part->kind == ANSWER_CALLED) {
        reply_buffer_text(out, "\"content\":");
        reply_buffer_json_text(out, part->text);
    } else {
        write_call(out, part);
    }
    end_delta(out, c, token, NULL);
}

static void end(struct reply_buffer *out, struct chat *chat, const struct choice *c, const char *finish)
{
    (void)chat;
    begin_delta(out, c);
    end_delta(out, c, NULL, finish);
}

static void end_all(struct reply_buffer *out, struct chat *chat)
{
    openai_end_stream(out, &chat->choices, prefix, chunk, ((struct openai_chat *)chat)->usage);
}

/* ---- as a whole --------------------------------------------------------------------------------------------------- */

/* null where there is nothing but thoughts or calls. */
static void write_content(struct reply_buffer *out, const struct answered *a)
{
    struct reply_buffer said = answered_text(a, ANSWER_TEXT);
    if (said.size == 0 && a->n > 0)
        reply_buffer_text(out, "null");
    else
        reply_buffer_json_text(out, (struct hone_text){said.data ? said.data : "", said.size});
    out->failed = out->failed || said.failed;
    reply_buffer_release(&said);
}

static void write_calls(struct reply_buffer *out, const struct answered *a)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct answer_item *item = &a->items[i];
        if (item->kind != ANSWER_CALL)
            continue;
        reply_buffer_format(out, "%s{\"id\":\"%s\",\"type\":\"function\",\"function\":{\"name\":",
                            n++ ? "," : ",\"tool_calls\":[", item->id);
        reply_buffer_json_string(out, item->name);
        reply_buffer_text(out, ",\"arguments\":");
        reply_buffer_json_text(out,
                               (struct hone_text){item->text.data ? item->text.data : "", item->text.size});
        reply_buffer_text(out, item->whole ? "}}" : "},\"status\":\"incomplete\"}");
    }
    reply_buffer_text(out, n ? "]" : "");
}

static void write_choice(struct reply_buffer *out, const struct chat *chat, const struct choice *c)
{
    struct answered a;
    const char *finish = chat_take(chat, c, &a);
    struct reply_buffer thought = answered_text(&a, ANSWER_THOUGHT);
    out->failed = out->failed || a.failed || thought.failed;
    reply_buffer_format(out, "{\"index\":%zu,\"message\":{\"role\":\"assistant\",\"content\":", c->index);
    write_content(out, &a);
    reply_buffer_text(out, ",\"refusal\":null");
    if (thought.size > 0) {
        reply_buffer_text(out, ",");
        write_thought(out, (struct hone_text){thought.data, thought.size});
    }
    write_calls(out, &a);
    reply_buffer_release(&thought);
    reply_buffer_text(out, "},\"logprobs\":");
    write_logprobs(out, c);
    if (((const struct openai_chat *)chat)->batch)
        choices_write_prompt(out, c);
    reply_buffer_format(out, ",\"finish_reason\":\"%s\"}", finish);
    answered_release(&a);
}

static void write_whole(struct reply_buffer *out, struct chat *chat)
{
    const struct choices *all = &chat->choices;
    openai_begin(out, all, prefix, object);
    for (size_t i = 0; i < all->n; i++) {
        reply_buffer_text(out, i ? "," : "");
        write_choice(out, chat, &all->items[i]);
    }
    reply_buffer_text(out, "],");
    openai_write_usage(out, all);
    if (!((const struct openai_chat *)chat)->batch)
        choices_write_prompt(out, &all->items[0]);
    reply_buffer_text(out, "}");
}

/* ---- the request -------------------------------------------------------------------------------------------------- */

static void read_logprobs(struct fields *f, struct hone_generation *like)
{
    field_bool(f, "logprobs", &like->logprobs);
    size_t n = 0;
    field_count(f, "top_logprobs", 0, HONE_MAX_LOGPROBS, &n);
    like->n_logprobs = n > like->n_logprobs ? n : like->n_logprobs;
    if (n > 0 && !like->logprobs)
        field_fail(f, PROBLEM_FIELD, "top_logprobs", "needs 'logprobs' to be true");
}

/* Each is as if it had come alone, with all else that the request says. */
static void open_all(struct fields *f, struct openai_chat *state, struct conversation *like)
{
    json_t *all = like->messages;
    size_t n = json_array_size(all), most = f->r->service->settings.max_batch;
    if (all && !json_is_array(all))
        field_fail(f, PROBLEM_FIELD, "messages", "must be a list of lists of messages");
    else if (n == 0)
        field_fail(f, PROBLEM_EMPTY, "messages", "is empty");
    else if (n > most)
        field_fail(f, PROBLEM_BATCH, "messages", "has %zu conversations, of at most %zu", n, most);
    like->field = state->field;
    for (size_t i = 0; i < n && !f->failed; i++) {
        snprintf(state->field, sizeof state->field, "messages[%zu]", i);
        like->messages = json_array_get(all, i);
        chat_open(f, &state->chat, like);
    }
    like->messages = all;
}

static void handle(struct http_request *r, bool batch)
{
    static const struct chat_dialect dialect = {begin, tell_part, end, end_all, write_whole, NULL, NULL};
    struct openai_chat *state = chat_state(r, sizeof *state, &dialect);
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct fields f = fields_of(r);
    if (!state || !openai_read(&f, &state->chat.choices, &state->usage))
        return;
    struct hone_generation *like = &state->chat.choices.like;
    choices_read_length(&f, "max_tokens", &state->chat.choices);
    choices_read_length(&f, "max_completion_tokens", &state->chat.choices);
    read_logprobs(&f, like);
    conversation_read(&f, &conversation);
    state->batch = batch;
    if (batch)
        open_all(&f, state, &conversation);
    else
        chat_open(&f, &state->chat, &conversation);
    conversation_clear(&conversation);
    chat_submit(&f, &state->chat);
}

void openai_chat_handle(struct http_request *r)
{
    handle(r, false);
}

void openai_chats_handle(struct http_request *r)
{
    handle(r, true);
}
