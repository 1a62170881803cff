/* POST /completion: as llama.cpp's server has it (tools/server/README.md there). */
#include "server/generate/llama_completion.h"

#include "server/endpoints/endpoints.h"
#include "server/service.h"

#include <string.h>

struct completion {
    struct choices choices;
    bool return_tokens;
};

/* ---- what a token was chosen from ---- */

static void write_all_probabilities(struct reply_buffer *out, const struct choice *c)
{
    reply_buffer_text(out, ",\"completion_probabilities\":[");
    for (size_t i = 0; i < choice_result(c)->n_ids; i++) {
        struct hone_token token = choice_token(c, i);
        reply_buffer_text(out, i ? "," : "");
        choices_write_token(out, c->all, &token, true);
    }
    reply_buffer_text(out, "]");
}

/* ---- how it went ---- */

static void write_sampling(struct reply_buffer *out, const struct hone_generation *g)
{
    const struct hone_sampling *s = &g->sampling;
    reply_buffer_format(
        out,
        ",\"generation_settings\":{\"n_predict\":%lld,\"seed\":%llu,\"temperature\":%g,\"top_k\":%zu,"
        "\"top_p\":%g,\"min_p\":%g,\"typical_p\":%g,\"repeat_penalty\":%g,\"repeat_last_n\":%lld,"
        "\"presence_penalty\":%g,\"frequency_penalty\":%g,\"mirostat\":%d,\"mirostat_tau\":%g,"
        "\"mirostat_eta\":%g,\"n_probs\":%zu,\"ignore_eos\":%s,\"stop\":[",
        g->max_tokens ? (long long)g->max_tokens : -1, (unsigned long long)s->seed, (double)s->temperature,
        s->top_k, (double)s->top_p, (double)s->min_p, (double)s->typical_p, (double)s->repetition_penalty,
        s->penalty_last_n == SIZE_MAX ? -1 : (long long)s->penalty_last_n, (double)s->presence_penalty,
        (double)s->frequency_penalty, s->mirostat, (double)s->mirostat_tau, (double)s->mirostat_eta,
        g->n_logprobs, g->ignore_end ? "true" : "false");
    for (size_t i = 0; i < g->n_stops; i++) {
        reply_buffer_text(out, i ? "," : "");
        reply_buffer_json_text(out, g->stops[i]);
    }
    reply_buffer_text(out, "],\"grammar\":");
    reply_buffer_json_string(out, g->grammar ? g->grammar : "");
    reply_buffer_text(out, "}");
}

static void write_rate(struct reply_buffer *out, const char *name, size_t n, double ms)
{
    reply_buffer_format(out, "\"%s_n\":%zu,\"%s_ms\":%.3f,\"%s_per_token_ms\":%.3f,\"%s_per_second\":%.3f",
                        name, n, name, ms, name, n ? ms / (double)n : 0, name,
                        ms > 0 ? (double)n * 1e3 / ms : 0);
}

/* The prompt's time is that until the first token, which comes of it. */
static void write_timings(struct reply_buffer *out, const struct choice *c)
{
    const struct hone_generation *g = &c->generation;
    uint64_t first = c->first ? c->first : c->all->began, last = c->last > first ? c->last : first;
    reply_buffer_format(out, ",\"timings\":{\"cache_n\":%zu,", g->n_cached);
    write_rate(out, "prompt", g->n_prompt - g->n_cached, (double)(first - c->all->began) / 1e6);
    reply_buffer_text(out, ",");
    write_rate(out, "predicted", choice_result(c)->n_ids, (double)(last - first) / 1e6);
    if (g->n_drafted > 0)
        reply_buffer_format(out, ",\"draft_n\":%zu,\"draft_n_accepted\":%zu", g->n_drafted, g->n_accepted);
    reply_buffer_text(out, "}");
}

static void write_stop(struct reply_buffer *out, const struct choice *c)
{
    enum hone_finish finish = choice_result(c)->finish;
    const struct hone_text *word = choice_stop(c);
    bool limited = finish == HONE_FINISH_LENGTH || finish == HONE_FINISH_TIME;
    const char *type = limited ? "limit" : word ? "word" : finish == HONE_FINISH_STOP ? "eos" : "none";
    reply_buffer_format(out, ",\"stop\":true,\"stop_type\":\"%s\",\"stopping_word\":", type);
    reply_buffer_json_text(out, word ? *word : (struct hone_text){"", 0});
}

static void write_ids(struct reply_buffer *out, const int32_t *ids, size_t n)
{
    reply_buffer_text(out, ",\"tokens\":[");
    for (size_t i = 0; i < n; i++)
        reply_buffer_format(out, "%s%d", i ? "," : "", (int)ids[i]);
    reply_buffer_text(out, "]");
}

/* All that is known at the end; without the text where that came bit by bit. */
static void write_result(struct reply_buffer *out, const struct completion *completion,
                         const struct choice *c)
{
    const struct hone_generated *g = choice_result(c);
    const struct hone_generation *request = &c->generation;
    bool stream = c->all->stream;
    reply_buffer_format(out, "{\"index\":%zu,\"content\":", c->index);
    reply_buffer_json_text(out,
                           stream ? (struct hone_text){"", 0} : (struct hone_text){g->text, g->text_size});
    write_ids(out, g->ids, completion->return_tokens && !stream ? g->n_ids : 0);
    reply_buffer_text(out, ",\"id_slot\":-1,\"model\":");
    reply_buffer_json_string(out, c->all->r->model->name);
    reply_buffer_text(out, ",\"prompt\":");
    reply_buffer_json_text(out, request->prompt);
    write_stop(out, c);
    reply_buffer_format(out,
                        ",\"tokens_predicted\":%zu,\"tokens_evaluated\":%zu,\"tokens_cached\":%zu,"
                        "\"has_new_line\":%s,\"truncated\":false",
                        g->n_ids, request->n_prompt, request->n_prompt + g->n_ids,
                        memchr(g->text, '\n', g->text_size) ? "true" : "false");
    if (g->finish == HONE_FINISH_TIME)
        reply_buffer_text(out, ",\"timed_out\":true");
    write_sampling(out, request);
    if (request->logprobs && !stream)
        write_all_probabilities(out, c);
    choices_write_prompt(out, c);
    write_timings(out, c);
    reply_buffer_text(out, "}");
}

/* ---- bit by bit ---- */

static void tell(struct choice *c, const struct hone_token *token, struct reply_buffer *out)
{
    if (token->id < 0 && token->text.size == 0)
        return;
    reply_buffer_format(out, "data: {\"index\":%zu,\"content\":", c->index);
    reply_buffer_json_text(out, token->text);
    write_ids(out, &token->id, token->id >= 0);
    reply_buffer_format(out,
                        ",\"stop\":false,\"id_slot\":-1,\"tokens_predicted\":%zu,\"tokens_evaluated\":%zu",
                        c->n_tokens, c->generation.n_prompt);
    if (c->generation.logprobs && token->id >= 0) {
        reply_buffer_text(out, ",\"completion_probabilities\":[");
        choices_write_token(out, c->all, token, true);
        reply_buffer_text(out, "]");
    }
    reply_buffer_text(out, "}\n\n");
}

static void end_stream(struct completion *completion)
{
    struct choices *all = &completion->choices;
    struct reply_buffer out = {0};
    for (size_t i = 0; i < all->n; i++) {
        reply_buffer_text(&out, "data: ");
        write_result(&out, completion, &all->items[i]);
        reply_buffer_text(&out, "\n\n");
    }
    choices_end(all, &out);
}

static void answer(struct http_request *r)
{
    struct completion *completion = r->state;
    const struct choices *all = &completion->choices;
    if (choices_failed(&completion->choices))
        return;
    if (all->stream) {
        end_stream(completion);
        return;
    }
    reply_buffer_text(&r->out, all->n > 1 ? "[" : "");
    for (size_t i = 0; i < all->n; i++) {
        reply_buffer_text(&r->out, i ? "," : "");
        write_result(&r->out, completion, &all->items[i]);
    }
    reply_buffer_text(&r->out, all->n > 1 ? "]" : "");
    http_reply(r, 200);
}

/* ---- the request ---- */

static void read_length(struct fields *f, struct choices *c)
{
    const char *name = field_get(f, "n_predict") ? "n_predict" : "max_tokens";
    const json_t *value = field_get(f, name);
    if (!json_is_integer(value) ||
        json_integer_value(value) != -2) /* until the context is full, as it always is here */
        choices_read_length(f, name, c);
}

struct choices *llama_completion_open(struct http_request *r, struct fields *f)
{
    struct completion *completion = choices_state(r, sizeof *completion, choices_release);
    struct hone_text model = {0};
    *f = fields_of(r);
    if (!completion)
        return NULL;
    struct choices *c = &completion->choices;
    field_text(f, "model", &model);
    if (f->failed || !http_model(r, model, HONE_TASK_GENERATE))
        return NULL;
    choices_read(f, c);
    read_length(f, c);
    field_bool(f, "return_tokens", &completion->return_tokens);
    size_t n = 0;
    field_count(f, "n_probs", 0, HONE_MAX_LOGPROBS, &n);
    c->like.logprobs = n > 0;
    c->like.n_logprobs = n > c->like.n_logprobs ? n : c->like.n_logprobs;
    c->tell = tell;
    return c;
}

void llama_completion_submit(struct http_request *r)
{
    struct completion *completion = r->state;
    choices_submit(r, &completion->choices, answer);
}

void llama_completion_handle(struct http_request *r)
{
    struct fields f;
    struct choices *c = llama_completion_open(r, &f);
    if (!c)
        return;
    choices_prompts(&f, "prompt", c);
    if (!f.failed)
        llama_completion_submit(r);
}
