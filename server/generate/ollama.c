/* POST /api/chat and /api/generate: a line of JSON for whatever is new. */
#include "server/generate/ollama.h"
#include "server/endpoints/endpoints.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static void release(struct chat *chat)
{
    struct ollama *o = (struct ollama *)chat;
    free(o->call);
    reply_buffer_release(&o->arguments);
}

/* ---- lines -------------------------------------------------------------------------------------------------------- */

/* {"model": "...", "created_at": "..." */
static void write_head(struct reply_buffer *out, const struct http_request *r)
{
    struct timespec now;
    struct tm tm;
    char text[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
    reply_buffer_text(out, "{\"model\":");
    reply_buffer_json_string(out, r->model->name);
    reply_buffer_format(out, ",\"created_at\":\"%s.%09ldZ\"", text, now.tv_nsec);
}

/* What is said and thought; calls: JSON in a list, or NULL. */
static void write_message(struct reply_buffer *out, const struct ollama *o, struct hone_text said,
                          struct hone_text thought, const struct reply_buffer *calls)
{
    reply_buffer_text(out,
                      o->completion ? ",\"response\":" : ",\"message\":{\"role\":\"assistant\",\"content\":");
    reply_buffer_json_text(out, said);
    if (thought.size > 0) {
        reply_buffer_text(out, ",\"thinking\":");
        reply_buffer_json_text(out, thought);
    }
    if (calls && calls->size > 0) {
        reply_buffer_text(out, ",\"tool_calls\":[");
        reply_buffer_write(out, calls->data, calls->size);
        reply_buffer_text(out, "]");
    }
    reply_buffer_text(out, o->completion ? "" : "}");
}

/* A call whose arguments are not complete has them as a text. */
static void write_call(struct reply_buffer *out, size_t index, const char *name, struct hone_text arguments,
                       bool whole)
{
    reply_buffer_format(out, "%s{\"function\":{\"index\":%zu,\"name\":", out->size > 0 ? "," : "", index);
    reply_buffer_json_string(out, name);
    reply_buffer_text(out, ",\"arguments\":");
    if (whole) {
        reply_buffer_write(out, arguments.data, arguments.size);
    } else {
        reply_buffer_text(out, "{},\"partial_json\":");
        reply_buffer_json_text(out, arguments);
    }
    reply_buffer_text(out, "}}");
}

static void write_logprobs(struct reply_buffer *out, const struct choice *c, const struct hone_token *tokens,
                           size_t n)
{
    reply_buffer_text(out, ",\"logprobs\":[");
    for (size_t i = 0; i < n; i++) {
        struct hone_token token = tokens ? tokens[i] : choice_token(c, i);
        reply_buffer_text(out, i ? "," : "");
        choices_write_token(out, c->all, &token, false);
    }
    reply_buffer_text(out, "]");
}

/* What follows the message at the end, up to the line's. */
static void write_end(struct reply_buffer *out, const struct choice *c)
{
    const struct hone_generation *g = &c->generation;
    uint64_t began = c->all->began, first = c->first ? c->first : began,
             last = c->last > first ? c->last : first;
    reply_buffer_format(out,
                        ",\"done\":true,\"done_reason\":\"%s\",\"total_duration\":%llu,\"load_duration\":0,"
                        "\"prompt_eval_count\":%zu,\"prompt_eval_duration\":%llu,\"eval_count\":%zu,"
                        "\"eval_duration\":%llu}\n",
                        choice_finish(c), (unsigned long long)(last - began), g->n_prompt,
                        (unsigned long long)(first - began), choice_result(c)->n_ids,
                        (unsigned long long)(last - first));
}

/* ---- bit by bit --------------------------------------------------------------------------------------------------- */

static void begin(struct reply_buffer *out, struct chat *chat, const struct choice *c)
{
    (void)out;
    (void)chat;
    (void)c;
}

static void tell(struct reply_buffer *out, const struct ollama *o, const struct choice *c,
                 struct hone_text said, struct hone_text thought, const struct reply_buffer *calls,
                 const struct hone_token *token)
{
    write_head(out, c->all->r);
    write_message(out, o, said, thought, calls);
    if (token)
        write_logprobs(out, c, token, 1);
    reply_buffer_text(out, ",\"done\":false}\n");
}

/* A call is told when it is complete. */
static void tell_call(struct reply_buffer *out, struct ollama *o, const struct choice *c, bool whole)
{
    struct reply_buffer call = {0};
    struct hone_text arguments = {o->arguments.data ? o->arguments.data : "", o->arguments.size},
                     none = {"", 0};
    write_call(&call, o->n_calls++, o->call, arguments, whole);
    tell(out, o, c, none, none, &call, NULL);
    out->failed = out->failed || call.failed || o->arguments.failed;
    reply_buffer_release(&call);
    reply_buffer_release(&o->arguments);
    o->arguments = (struct reply_buffer){0};
    free(o->call);
    o->call = NULL;
}

static void tell_part(struct reply_buffer *out, struct chat *chat, const struct choice *c,
                      const struct answer_part *part, const struct hone_token *token)
{
    struct ollama *o = (struct ollama *)chat;
    struct hone_text none = {"", 0};
    switch (part->kind) {
    case ANSWER_THOUGHT:
        tell(out, o, c, none, part->text, NULL, token);
        break;
    case ANSWER_TEXT:
        tell(out, o, c, part->text, none, NULL, token);
        break;
    case ANSWER_CALL:
        free(o->call);
        o->call = strdup(part->name);
        out->failed = out->failed || !o->call;
        break;
    case ANSWER_ARGUMENTS:
        reply_buffer_write(&o->arguments, part->text.data, part->text.size);
        break;
    case ANSWER_CALLED:
        if (o->call)
            tell_call(out, o, c, true);
    }
}

static void end(struct reply_buffer *out, struct chat *chat, const struct choice *c, const char *finish)
{
    struct ollama *o = (struct ollama *)chat;
    struct hone_text none = {"", 0};
    (void)finish;
    if (o->call)
        tell_call(out, o, c, false);
    write_head(out, c->all->r);
    write_message(out, o, none, none, NULL);
    write_end(out, c);
}

/* ---- as a whole --------------------------------------------------------------------------------------------------- */

static void write_whole(struct reply_buffer *out, struct chat *chat)
{
    const struct ollama *o = (const struct ollama *)chat;
    const struct choice *c = &chat->choices.items[0];
    struct answered a;
    struct reply_buffer calls = {0};
    size_t n = 0;
    chat_take(chat, c, &a);
    struct reply_buffer said = answered_text(&a, ANSWER_TEXT), thought = answered_text(&a, ANSWER_THOUGHT);
    for (size_t i = 0; i < a.n; i++) {
        const struct answer_item *item = &a.items[i];
        if (item->kind == ANSWER_CALL)
            write_call(&calls, n++, item->name,
                       (struct hone_text){item->text.data ? item->text.data : "", item->text.size},
                       item->whole);
    }
    write_head(out, chat->choices.r);
    write_message(out, o, (struct hone_text){said.data ? said.data : "", said.size},
                  (struct hone_text){thought.data, thought.size}, &calls);
    if (c->generation.logprobs)
        write_logprobs(out, c, NULL, choice_result(c)->n_ids);
    write_end(out, c);
    out->failed = out->failed || said.failed || thought.failed || calls.failed || a.failed;
    reply_buffer_release(&said);
    reply_buffer_release(&thought);
    reply_buffer_release(&calls);
    answered_release(&a);
}

const struct chat_dialect ollama_dialect = {begin, tell_part, end, NULL, write_whole, NULL, release};

/* ---- the requests ------------------------------------------------------------------------------------------------- */

void ollama_loaded(struct http_request *r, const struct ollama *o)
{
    struct hone_text none = {"", 0};
    write_head(&r->out, r);
    write_message(&r->out, o, none, none, NULL);
    reply_buffer_text(&r->out, ",\"done\":true,\"done_reason\":\"load\"}\n");
    http_reply(r, 200);
}

void ollama_chat_handle(struct http_request *r)
{
    struct ollama *o = chat_state(r, sizeof *o, &ollama_dialect);
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct fields f = fields_of(r);
    if (!o || !ollama_read(&f, o, &conversation)) {
        conversation_clear(&conversation);
        return;
    }
    ollama_read_messages(&f, &conversation);
    bool nothing = json_array_size(conversation.messages) == 0 && !f.failed;
    if (nothing)
        ollama_loaded(r, o);
    else
        chat_open(&f, &o->chat, &conversation);
    conversation_clear(&conversation);
    if (!nothing)
        chat_submit(&f, &o->chat);
}

/* What is not done is refused, so that nobody takes something else for it. */
static void refuse_others(struct fields *f)
{
    struct hone_text template = {0};
    field_text(f, "template", &template);
    if (template.size > 0)
        field_fail(f, PROBLEM_FIELD, "template", "is not possible: the model's own is taken");
    if (json_array_size(field_get(f, "context")) > 0)
        field_fail(f, PROBLEM_FIELD, "context", "is not possible: /api/chat has what was said before");
    if (json_array_size(field_get(f, "images")) > 0)
        field_fail(f, PROBLEM_FIELD, "images", "cannot be read");
}

void ollama_generate_handle(struct http_request *r)
{
    struct ollama *o = chat_state(r, sizeof *o, &ollama_dialect);
    struct conversation conversation = CONVERSATION_AS_USUAL;
    struct fields f = fields_of(r);
    struct hone_text prompt = {0}, system = {0};
    bool raw = false, ready = o && ollama_read(&f, o, &conversation);
    if (ready) {
        o->completion = true;
        refuse_others(&f);
        field_text(&f, "prompt", &prompt);
        field_text(&f, "system", &system);
        field_bool(&f, "raw", &raw);
        choices_read_suffix(&f, "suffix", &o->chat.choices);
    }
    bool nothing = ready && prompt.size == 0 && !f.failed;
    if (nothing) {
        ollama_loaded(r, o);
    } else if (ready && (raw || o->chat.choices.like.infill)) { /* a gap is no conversation */
        choices_prompts(&f, "prompt", &o->chat.choices);
    } else if (ready && !f.failed) {
        conversation.field = "prompt";
        conversation.messages = json_array();
        if (system.size > 0)
            json_array_append_new(conversation.messages, json_pack("{s:s, s:s%}", "role", "system", "content",
                                                                   system.data, system.size));
        json_array_append_new(conversation.messages,
                              json_pack("{s:s, s:s%}", "role", "user", "content", prompt.data, prompt.size));
        chat_open(&f, &o->chat, &conversation);
    }
    conversation_clear(&conversation);
    if (ready && !nothing)
        chat_submit(&f, &o->chat);
}
