#include "server/endpoints/choices.h"
#include "server/http/connections.h"
#include "server/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

void choices_release(void *choices)
{
    struct choices *c = choices;
    for (size_t i = 0; c->items && i < c->n; i++) {
        hone_generation_release(&c->items[i].generation);
        reply_buffer_release(&c->items[i].text);
    }
    for (size_t i = 0; c->lists && i < c->n_prompts; i++)
        free(c->lists[i].items);
    free(c->items);
    free(c->lists);
    free(c->texts.items);
    hone_free(c->made);
    free(c->stops.items);
    free(c->breakers.items);
    free(c->biases);
    free(c->schema);
}

static uint64_t random_number(const struct clock *clock)
{
    uint64_t x;
    return getrandom(&x, sizeof x, GRND_NONBLOCK) == (ssize_t)sizeof x ? x : clock_now(clock);
}

void *choices_state(struct http_request *r, size_t size)
{
    struct choices *c = http_state(r, size, choices_release);
    if (!c)
        return NULL;
    c->r = r;
    c->began = clock_now(r->service->clock);
    c->created = (long long)time(NULL);
    c->like.sampling.seed =
        (uint32_t)random_number(r->service->clock); /* programs that read it may have no more bits */
    snprintf(c->id, sizeof c->id, "%016llx%08x", (unsigned long long)random_number(r->service->clock),
             (unsigned)random_number(r->service->clock));
    return c;
}

/* ---- prompts ---- */

static void read_lists(struct fields *f, const char *name, const json_t *value, struct choices *c)
{
    size_t n_vocab = f->r->model->info->n_vocab;
    bool alone = json_is_integer(json_array_get(value, 0));
    size_t n = alone ? 1 : json_array_size(value);
    c->lists = field_reserve(f, name, n, sizeof *c->lists);
    if (!c->lists)
        return;
    c->n_prompts = n;
    for (size_t i = 0; i < n; i++)
        field_ids(f, name, alone ? value : json_array_get(value, i), n_vocab, &c->lists[i]);
}

void choices_prompts(struct fields *f, const char *name, struct choices *c)
{
    field_required(f, name);
    const json_t *value = field_get(f, name), *first = json_array_get(value, 0);
    if (json_is_integer(first) || json_is_array(first)) {
        read_lists(f, name, value, c);
        return;
    }
    field_texts(f, name, &c->texts);
    c->n_prompts = c->texts.n;
}

void choices_prompt(struct choices *c, char *text, size_t size)
{
    c->made = text;
    c->alone = (struct hone_text){text, size};
    c->n_prompts = 1;
    c->like.no_special = true;
}

void choices_constrain(struct choices *c, char *schema)
{
    if (!schema) {
        http_fail(c->r, PROBLEM_MEMORY, NULL, "out of memory for a JSON Schema");
        return;
    }
    free(c->schema);
    c->schema = schema;
    c->like.json_schema = schema;
}

/* ---- tokens ---- */

/* What a schema says that says nothing here goes into a header, without what a header cannot hold. */
static void tell_notes(struct choices *c, const char *notes)
{
    if (!notes || *c->headers)
        return;
    int n = snprintf(c->headers, sizeof c->headers - 2, "X-Schema-Notes: %s", notes);
    size_t size = (size_t)n < sizeof c->headers - 3 ? (size_t)n : sizeof c->headers - 3;
    for (size_t i = 0; i < size; i++)
        if ((unsigned char)c->headers[i] < ' ' || (unsigned char)c->headers[i] > '~')
            c->headers[i] = '?';
    memcpy(c->headers + size, "\r\n", 3);
    c->r->headers = c->headers;
}

/* On the scheduler's thread. */
static bool on_token(void *choice, const struct hone_token *token)
{
    struct choice *c = choice;
    struct reply_buffer out = {0};
    c->last = clock_now(c->all->r->service->clock);
    if (c->n_tokens == 0)
        c->first = c->last;
    tell_notes(c->all, c->generation.notes);
    c->n_tokens += token->id >= 0;
    if (!c->all->stream)
        return true;
    c->all->tell(c, token, &out);
    bool goes_on = !out.failed && (out.size == 0 || http_stream(c->all->r, out.data, out.size));
    reply_buffer_release(&out);
    return goes_on;
}

static void fill(struct choices *c, struct choice *to, size_t index)
{
    size_t prompt = index / c->n_each;
    to->all = c;
    to->index = index;
    to->prompt = prompt;
    to->generation = c->like;
    to->generation.sampling.seed += index % c->n_each;
    to->generation.on_token = on_token;
    to->generation.arg = to;
    if (c->lists) {
        to->generation.ids = c->lists[prompt].items;
        to->generation.n_ids = c->lists[prompt].n;
    } else {
        to->generation.prompt = c->made ? c->alone : c->texts.items[prompt];
    }
    to->request.kind = HONE_REQUEST_GENERATE;
    to->request.generation = &to->generation;
    to->request.n_texts = 1;
}

void choices_submit(struct http_request *r, struct choices *c, http_handler then)
{
    size_t max = r->service->settings.max_batch;
    c->n_each = c->n_each ? c->n_each : 1;
    if (r->phase == REQUEST_ANSWERED)
        return;
    if (c->n_prompts > max / c->n_each) {
        http_fail(r, PROBLEM_BATCH, "n", "%zu texts for each of %zu prompts are more than %zu", c->n_each,
                  c->n_prompts, max);
        return;
    }
    c->items = calloc(c->n_prompts * c->n_each, sizeof *c->items);
    if (!c->items) {
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for a request");
        return;
    }
    c->n = c->n_prompts * c->n_each;
    r->then = then;
    r->type = c->stream ? "text/event-stream" : NULL;
    for (size_t i = 0; i < c->n; i++)
        fill(c, &c->items[i], i);
    for (size_t i = 0; i < c->n && !r->failed; i++)
        http_submit(r, &c->items[i].request);
}

/* ---- the end ---- */

bool choices_failed(struct choices *c)
{
    struct http_request *r = c->r;
    struct reply_buffer out = {0};
    if (!r->failed)
        return false;
    reply_buffer_text(&out, "data: ");
    problem_write(&out, problem_of(r->failure.status), r->dialect, NULL, r->failure.message);
    reply_buffer_text(&out, "\n\n");
    choices_end(c, &out);
    return true;
}

void choices_end(struct choices *c, struct reply_buffer *out)
{
    struct http_request *r = c->r;
    if (r->streams) {
        http_stream(r, out->data, out->size);
        reply_buffer_release(out);
        return;
    }
    reply_buffer_release(&r->out); /* no token had come */
    r->out = *out;
    http_reply(r, 200);
}

/* ---- what came of it ---- */

const struct hone_generated *choice_result(const struct choice *c)
{
    static char empty[] = "";
    static const struct hone_generated nothing = {.text = empty};
    return c->generation.n_results > 0 ? &c->generation.results[0] : &nothing;
}

const char *choice_finish(const struct choice *c)
{
    return choice_result(c)->finish == HONE_FINISH_LENGTH ? "length" : "stop";
}

struct choices_usage choices_usage(const struct choices *c)
{
    struct choices_usage u = {0};
    for (size_t i = 0; i < c->n; i++) {
        const struct hone_generation *g = &c->items[i].generation;
        u.n_generated += choice_result(&c->items[i])->n_ids;
        if (i % c->n_each == 0) {
            u.n_prompt += g->n_prompt;
            u.n_cached += g->n_cached;
        }
    }
    return u;
}

char *choices_spell(const struct choices *c, int32_t id, size_t *size)
{
    struct hone_text bytes;
    char *out = NULL;
    struct hone_model *vocab = c->r->model->vocab;
    *size = 0;
    if (hone_token_bytes(vocab, id, &bytes, NULL) != HONE_OK || bytes.size == 0)
        return hone_detokenize(vocab, &id, 1, false, &out, size, NULL) == HONE_OK ? out : NULL;
    out = malloc(bytes.size);
    if (out) {
        memcpy(out, bytes.data, bytes.size);
        *size = bytes.size;
    }
    return out;
}

/* What follows "{". */
static void write_candidate(struct reply_buffer *out, const struct choices *c, int32_t id, float logprob,
                            bool with_ids)
{
    size_t size;
    char *text = choices_spell(c, id, &size);
    if (with_ids)
        reply_buffer_format(out, "\"id\":%d,", (int)id);
    reply_buffer_text(out, "\"token\":");
    reply_buffer_json_text(out, (struct hone_text){text ? text : "", size});
    reply_buffer_text(out, ",\"bytes\":[");
    for (size_t i = 0; i < size; i++)
        reply_buffer_format(out, "%s%d", i ? "," : "", (unsigned char)text[i]);
    reply_buffer_text(out, "],\"logprob\":");
    reply_buffer_json_float(out, logprob);
    free(text);
}

void choices_write_token(struct reply_buffer *out, const struct choices *c, const struct hone_token *token,
                         bool with_ids)
{
    reply_buffer_text(out, "{");
    write_candidate(out, c, token->id, token->logprob, with_ids);
    reply_buffer_text(out, ",\"top_logprobs\":[");
    for (size_t i = 0; i < token->n_top && token->top[i].id >= 0; i++) {
        reply_buffer_text(out, i ? ",{" : "{");
        write_candidate(out, c, token->top[i].id, token->top[i].logprob, with_ids);
        reply_buffer_text(out, "}");
    }
    reply_buffer_text(out, "]}");
}

struct hone_token choice_token(const struct choice *c, size_t i)
{
    const struct hone_generated *g = choice_result(c);
    size_t n_top = c->generation.n_logprobs;
    return (struct hone_token){
        .id = g->ids[i],
        .logprob = g->logprobs ? g->logprobs[i] : 0,
        .top = g->top ? g->top + i * n_top : NULL,
        .n_top = g->top ? n_top : 0,
    };
}
