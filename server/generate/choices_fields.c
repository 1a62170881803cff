/* How tokens are chosen, as clients write it. */
#include "server/chat/constraints.h"
#include "server/generate/choices.h"
#include "server/service.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void read_float(struct fields *f, const char *name, double min, double max, float *out)
{
    double x = (double)*out;
    field_number(f, name, min, max, &x);
    *out = (float)x;
}

/* A number of tokens to look back, of which -1 is all. */
static void read_reach(struct fields *f, const char *name, size_t *out)
{
    const json_t *value = field_get(f, name);
    if (json_is_integer(value) && json_integer_value(value) == -1)
        *out = SIZE_MAX;
    else
        field_count(f, name, 0, INT32_MAX, out);
}

/* Any whole number; -1 is a random one. */
static void read_seed(struct fields *f, uint64_t *out)
{
    const json_t *value = field_get(f, "seed");
    if (value && !json_is_integer(value))
        field_fail(f, PROBLEM_FIELD, "seed", "must be a whole number");
    else if (value && json_integer_value(value) != -1)
        *out = (uint64_t)json_integer_value(value);
}

/* -1, as vLLM and TGI have it, is none, like 0. */
static void read_top_k(struct fields *f, size_t *out)
{
    const json_t *value = field_get(f, "top_k");
    if (json_is_integer(value) && json_integer_value(value) == -1)
        *out = 0;
    else
        field_count(f, "top_k", 0, INT32_MAX, out);
}

static void read_sampling(struct fields *f, struct hone_sampling *s)
{
    size_t mirostat = (size_t)s->mirostat;
    read_float(f, "temperature", 0, 100, &s->temperature);
    read_top_k(f, &s->top_k);
    read_float(f, "top_p", 0, 1, &s->top_p);
    read_float(f, "min_p", 0, 1, &s->min_p);
    read_float(f, "typical_p", 0, 1, &s->typical_p);
    read_float(f, "frequency_penalty", -2, 2, &s->frequency_penalty);
    read_float(f, "presence_penalty", -2, 2, &s->presence_penalty);
    read_float(f, "repetition_penalty", 0.01, 100, &s->repetition_penalty);
    read_float(f, "repeat_penalty", 0.01, 100, &s->repetition_penalty);
    read_reach(f, "repeat_last_n", &s->penalty_last_n);
    read_float(f, "dry_multiplier", 0, 100, &s->dry_multiplier);
    read_float(f, "dry_base", 1, 100, &s->dry_base);
    field_count(f, "dry_allowed_length", 0, INT32_MAX, &s->dry_allowed_length);
    read_reach(f, "dry_penalty_last_n", &s->dry_last_n);
    field_count(f, "mirostat", 0, 2, &mirostat);
    read_float(f, "mirostat_tau", 0.001, 100, &s->mirostat_tau);
    read_float(f, "mirostat_eta", 0, 100, &s->mirostat_eta);
    read_seed(f, &s->seed);
    s->mirostat = (int)mirostat;
}

/* ---- biases ---- */

static bool read_id(struct fields *f, const char *text, int32_t *out)
{
    char *end;
    unsigned long id = strtoul(text, &end, 10);
    bool valid = *text >= '0' && *text <= '9' && !*end && id < f->r->model->info->n_vocab;
    if (!valid)
        field_fail(f, PROBLEM_FIELD, "logit_bias", "has a key that is no token id of this model");
    *out = (int32_t)id;
    return valid;
}

/* A number, where -100 and less ban a token; llama.cpp's false does, too. */
static float read_bias(struct fields *f, const json_t *value)
{
    if (json_is_false(value))
        return -INFINITY;
    if (!json_is_number(value))
        field_fail(f, PROBLEM_FIELD, "logit_bias", "must hold numbers");
    double x = json_number_value(value);
    return x <= -100 ? -INFINITY : (float)x;
}

/* {"15043": -1.5}: OpenAI's */
static void read_bias_object(struct fields *f, const json_t *object, struct choices *c)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)object, key, value) {
        struct hone_bias *b = &c->biases[c->like.n_biases];
        if (!read_id(f, key, &b->id))
            return;
        b->bias = read_bias(f, value);
        c->like.n_biases++;
    }
}

/* [[15043, -1.5], [2, false]]: llama.cpp's */
static void read_bias_list(struct fields *f, const json_t *list, struct choices *c)
{
    for (size_t i = 0; i < json_array_size(list) && !f->failed; i++) {
        const json_t *pair = json_array_get(list, i), *id = json_array_get(pair, 0);
        json_int_t x = json_is_integer(id) ? json_integer_value(id) : -1;
        if (x < 0 || (size_t)x >= f->r->model->info->n_vocab) {
            field_fail(f, PROBLEM_FIELD, "logit_bias", "must hold pairs of a token id and a number");
            return;
        }
        c->biases[c->like.n_biases++] = (struct hone_bias){(int32_t)x, read_bias(f, json_array_get(pair, 1))};
    }
}

static void read_biases(struct fields *f, struct choices *c)
{
    const json_t *value = field_get(f, "logit_bias");
    size_t n = json_is_object(value) ? json_object_size(value) : json_array_size(value);
    if (!value || (n == 0 && (json_is_object(value) || json_is_array(value))))
        return;
    if (n == 0) {
        field_fail(f, PROBLEM_FIELD, "logit_bias", "must be an object: {\"TOKEN ID\": BIAS}");
        return;
    }
    free(c->biases);
    c->like.n_biases = 0;
    c->biases = field_reserve(f, "logit_bias", n, sizeof *c->biases);
    if (!c->biases)
        return;
    if (json_is_object(value))
        read_bias_object(f, value, c);
    else
        read_bias_list(f, value, c);
    c->like.biases = c->biases;
}

/* vLLM's: how many tokens at each place of the prompt; -1, all of the vocabulary, is too many. */
static void read_prompt_logprobs(struct fields *f, struct choices *c)
{
    size_t n = 0;
    if (!field_get(f, "prompt_logprobs"))
        return;
    field_count(f, "prompt_logprobs", 0, HONE_MAX_LOGPROBS, &n);
    c->asks_prompt = c->like.prompt_logprobs = true;
    c->like.n_logprobs = n > c->like.n_logprobs ? n : c->like.n_logprobs;
}

void choices_read_length(struct fields *f, const char *name, struct choices *c)
{
    const json_t *value = field_get(f, name);
    json_int_t n = json_is_integer(value) ? json_integer_value(value) : 1;
    if (n == -1)
        c->like.max_tokens = 0; /* as many as there is room for */
    else if (n == 0)
        c->no_text = true, c->like.max_tokens = 1;
    else
        field_count(f, name, 0, INT32_MAX, &c->like.max_tokens);
}

void choices_read(struct fields *f, struct choices *c)
{
    field_bool(f, "stream", &c->stream);
    read_sampling(f, &c->like.sampling);
    read_biases(f, c);
    field_bool(f, "ignore_eos", &c->like.ignore_end);
    read_prompt_logprobs(f, c);
    constraints_read(f, c);
    if (field_get(f, "dry_sequence_breakers")) {
        free(c->breakers.items);
        c->breakers = (struct texts){0};
        field_texts(f, "dry_sequence_breakers", &c->breakers);
    }
    c->like.sampling.dry_breakers = c->breakers.items;
    c->like.sampling.n_dry_breakers = c->breakers.n;
    choices_read_stops(f, "stop", c);
}

/* What the library would refuse (hone/generate.h), of which it could not say in which field it stood. */
static void check_stops(struct fields *f, const char *name, const struct texts *stops)
{
    enum { MOST = 64, MOST_BYTES = 1024 };
    if (stops->n > MOST)
        field_fail(f, PROBLEM_FIELD, name, "has %zu texts, of which %d are possible", stops->n, MOST);
    for (size_t i = 0; i < stops->n && !f->failed; i++)
        if (stops->items[i].size == 0)
            field_fail(f, PROBLEM_FIELD, name, "has an empty text, at %zu, which would end every answer", i);
        else if (stops->items[i].size > MOST_BYTES)
            field_fail(f, PROBLEM_FIELD, name, "has a text of %zu bytes, at %zu; at most %d are possible",
                       stops->items[i].size, i, MOST_BYTES);
}

/* An empty list and an empty text alone are none: so clients write a setting that nobody has filled in. An empty text among
 * others is a mistake, and refused, as Anthropic's API and vLLM do. */
static bool is_none(const json_t *stops)
{
    return json_is_string(stops) ? json_string_length(stops) == 0
                                 : json_is_array(stops) && json_array_size(stops) == 0;
}

void choices_read_stops(struct fields *f, const char *name, struct choices *c)
{
    const json_t *stops = field_get(f, name);
    if (!stops && c->stops.items)
        return;
    free(c->stops.items);
    c->stops = (struct texts){0};
    if (!is_none(stops))
        field_texts(f, name, &c->stops);
    if (!f->failed)
        check_stops(f, name, &c->stops);
    c->like.stops = c->stops.items;
    c->like.n_stops = c->stops.n;
}
