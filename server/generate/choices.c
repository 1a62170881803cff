#include "server/generate/choices.h"
#include "server/http/connections.h"
#include "server/json_memory.h"
#include "server/manager/flights.h"
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
        answer_release(&c->items[i].answer);
    }
    for (size_t i = 0; c->lists && i < c->n_prompts; i++)
        free(c->lists[i].items);
    free(c->items);
    free(c->lists);
    free(c->texts.items);
    free(c->files);
    for (size_t i = 0; c->made && i < c->n_prompts; i++)
        hone_free((char *)c->made[i].data);
    free(c->made);
    free(c->thinking);
    free(c->stops.items);
    free(c->breakers.items);
    free(c->biases);
    free(c->schema);
    free(c->grammar);
    json_decref(c->within_asked);
}

static uint64_t random_number(const struct clock *clock)
{
    uint64_t x;
    return getrandom(&x, sizeof x, GRND_NONBLOCK) == (ssize_t)sizeof x ? x : clock_now(clock);
}

void *choices_state(struct http_request *r, size_t size, void (*release)(void *state))
{
    struct choices *c = http_state(r, size, release);
    if (!c)
        return NULL;
    c->r = r;
    c->began = clock_now(r->service->clock);
    c->created = (long long)time(NULL);
    c->like = (struct hone_generation)HONE_GENERATION_DEFAULTS;
    c->like.n_draft = HONE_DRAFT_AUTO;
    c->like.sampling.seed =
        (uint32_t)random_number(r->service->clock); /* programs that read it may have no more bits */
    snprintf(c->id, sizeof c->id, "%016llx%08x", (unsigned long long)random_number(r->service->clock),
             (unsigned)random_number(r->service->clock));
    return c;
}

/* ---- prompts ---- */

static void read_lists(struct fields *f, const char *name, const json_t *value, struct choices *c)
{
    size_t n_vocab = f->r->model->info->n_input_vocab;
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

bool choices_add_prompt(struct choices *c, char *text, size_t size)
{
    struct hone_text *made = realloc(c->made, (c->n_prompts + 1) * sizeof *made);
    if (!made) {
        hone_free(text);
        return false;
    }
    c->made = made;
    c->made[c->n_prompts++] = (struct hone_text){text, size};
    return true;
}

void choices_constrain(struct choices *c, const char *field, char *schema)
{
    c->r->blamed = field;
    if (!schema) {
        http_fail(c->r, PROBLEM_MEMORY, NULL, "out of memory for a JSON Schema");
        return;
    }
    free(c->schema);
    c->schema = schema;
    c->like.json_schema = schema;
    c->constraint = CONSTRAINT_VALUE;
}

void choices_follow(struct choices *c, const char *field, char *grammar, enum choice_constraint constraint)
{
    c->r->blamed = field;
    if (!grammar) {
        http_fail(c->r, PROBLEM_MEMORY, NULL, "out of memory for a grammar");
        return;
    }
    free(c->grammar);
    c->grammar = grammar;
    c->like.grammar = grammar;
    c->constraint = constraint;
}

/* ---- tokens ---- */

/* One more header of the answer, without what a header cannot hold. */
static void add_header(struct choices *c, const char *name, const char *value)
{
    size_t begin = strlen(c->headers), room = sizeof c->headers - begin;
    if (room < 64)
        return;
    int n = snprintf(c->headers + begin, room - 2, "%s: %s", name, value);
    size_t size = (size_t)n < room - 3 ? (size_t)n : room - 3;
    for (size_t i = begin; i < begin + size; i++)
        if ((unsigned char)c->headers[i] < ' ' || (unsigned char)c->headers[i] > '~')
            c->headers[i] = '?';
    memcpy(c->headers + begin + size, "\r\n", 3);
    c->r->headers = c->headers;
}

/* What a schema says that says nothing here. */
static void tell_notes(struct choices *c, const char *notes)
{
    if (!notes || c->noted)
        return;
    c->noted = true;
    add_header(c, "X-Schema-Notes", notes);
}

/* On the scheduler's thread. */
static bool on_token(void *choice, const struct hone_token *token)
{
    struct choice *c = choice;
    struct reply_buffer out = {0};
    c->last = clock_now(c->all->r->service->clock);
    if (c->n_tokens == 0)
        c->first = c->last;
    if (!c->all->r->stages.first_token)
        c->all->r->stages.first_token = c->last;
    tell_notes(c->all, c->generation.notes);
    c->n_tokens += token->id >= 0;
    if (!c->all->stream || c->all->no_text)
        return true;
    json_memory_watch();
    c->all->tell(c, token, &out);
    out.failed |= json_memory_ran_out();
    if (out.failed)
        http_note_failure(c->all->r, HONE_FAILED, "out of memory for an answer");
    bool goes_on = !out.failed && (out.size == 0 || http_stream(c->all->r, out.data, out.size));
    reply_buffer_release(&out);
    return goes_on;
}

static void fill(struct choices *c, struct choice *to, size_t index)
{
    size_t prompt = index / c->n_each;
    to->all = c;
    to->index = to->answer.number = index;
    to->prompt = prompt;
    to->generation = c->like;
    to->generation.sampling.seed += index % c->n_each;
    to->generation.on_token = on_token;
    to->generation.arg = to;
    if (c->lists) {
        to->generation.ids = c->lists[prompt].items;
        to->generation.n_ids = c->lists[prompt].n;
    } else {
        to->generation.prompt = c->made ? c->made[prompt] : c->texts.items[prompt];
    }
    if (c->thinking && c->thinking[prompt].open)
        to->generation.thinking = &c->thinking[prompt];
    to->request.kind = HONE_REQUEST_GENERATE;
    to->request.partial = true; /* half a text is better than none: the client can see that it is half */
    to->request.generation = &to->generation;
    to->request.n_texts = 1;
}

static bool has_seed(const json_t *object)
{
    const json_t *seed = json_object_get(object, "seed");
    return json_is_integer(seed) && json_integer_value(seed) != -1;
}

/* Nothing is left to chance, or the client has said to which. */
static bool is_repeatable(const struct choices *c)
{
    return c->like.sampling.temperature == 0 || has_seed(c->r->json) || has_seed(c->within);
}

void choices_submit(struct http_request *r, struct choices *c, http_handler then)
{
    size_t max = r->service->settings.max_batch;
    c->n_each = c->n_each ? c->n_each : 1;
    if (r->phase == REQUEST_ANSWERED || !fields_check_unknown(r, c->within, c->within_asked))
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
    r->type = !c->stream ? NULL : c->stream_type ? c->stream_type : "text/event-stream";
    for (size_t i = 0; i < c->n; i++)
        fill(c, &c->items[i], i);
    r->n_prompt = &c->items[0].generation.n_prompt;
    /* An answer that names fields in its head is nobody else's. */
    r->repeatable = !c->stream && r->ignored.size == 0 && is_repeatable(c);
    if (r->repeatable)
        flights_lead(r);
    for (size_t i = 0; i < c->n && !r->failed; i++)
        http_submit(r, &c->items[i].request);
}

/* ---- the end ---- */

bool choices_failed(struct choices *c)
{
    struct http_request *r = c->r;
    struct reply_buffer out = {0};
    char sentence[sizeof r->failure.message + 128];
    if (!r->failed)
        return false;
    http_sentence(r, &r->failure, sentence, sizeof sentence);
    problem_write_event(&out, problem_of(r->failure.status), r->dialect, sentence);
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
    static const struct hone_generated nothing = {.text = empty, .finish = HONE_FINISH_LENGTH};
    return c->generation.n_results > 0 && !c->all->no_text ? &c->generation.results[0] : &nothing;
}

/* The stop string that ended the text: the tokens have it, and the text has not. */
const struct hone_text *choice_stop(const struct choice *c)
{
    const struct hone_generated *g = choice_result(c);
    const struct hone_text *found = NULL;
    char *text;
    size_t size;
    if (g->finish != HONE_FINISH_STOP || c->generation.n_stops == 0)
        return NULL;
    if (hone_detokenize_input(c->all->r->model->light, g->ids, g->n_ids, true, &text, &size, NULL) != HONE_OK)
        return NULL;
    for (size_t i = 0; i < c->generation.n_stops && !found; i++) {
        const struct hone_text *s = &c->generation.stops[i];
        if (size > g->text_size && memmem(text, size, s->data, s->size))
            found = s;
    }
    hone_free(text);
    return found;
}

const char *choice_finish(const struct choice *c)
{
    enum hone_finish finish = choice_result(c)->finish;
    return finish == HONE_FINISH_LENGTH || finish == HONE_FINISH_TIME ? "length" : "stop";
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
