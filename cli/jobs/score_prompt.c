#include "cli/jobs/score_prompt.h"
#include "cli/io/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool score_prompt_is(const json_t *line)
{
    return json_object_get(line, "prompt") || json_object_get(line, "messages");
}

static bool fail(char *why, const char *format, const char *name)
{
    snprintf(why, 256, format, name);
    return false;
}

/* ---- how it is chosen ---- */

static bool read_number(const json_t *value, double low, double high, bool whole, double *out)
{
    *out = json_number_value(value);
    return json_is_number(value) && *out >= low && *out <= high && (!whole || *out == floor(*out));
}

static bool read_stops(struct score_prompt *p, const json_t *value)
{
    size_t n = json_is_array(value) ? json_array_size(value) : 1;
    if (n > SCORE_STOPS_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        const json_t *stop = json_is_array(value) ? json_array_get(value, i) : value;
        if (!json_is_string(stop) || json_string_length(stop) == 0)
            return false;
        p->stops[i] = (struct hone_text){json_string_value(stop), json_string_length(stop)};
    }
    p->g.stops = p->stops;
    p->g.n_stops = n;
    return true;
}

/* A field beside the prompt; false: it says nothing that makes sense. */
static bool take(struct score_prompt *p, const char *name, const json_t *value, bool *is_known)
{
    struct hone_sampling *s = &p->g.sampling;
    const struct {
        const char *name;
        float *field;
        double low, high;
    } numbers[] = {{"temperature", &s->temperature, 0, 100},
                   {"top_p", &s->top_p, 0, 1},
                   {"min_p", &s->min_p, 0, 1},
                   {"repetition_penalty", &s->repetition_penalty, 0.01, 100},
                   {"presence_penalty", &s->presence_penalty, -100, 100},
                   {"frequency_penalty", &s->frequency_penalty, -100, 100}};
    double x;
    *is_known = true;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0) {
            bool well = read_number(value, numbers[i].low, numbers[i].high, false, &x);
            *numbers[i].field = well ? (float)x : *numbers[i].field;
            return well;
        }
    if (strcmp(name, "max_tokens") == 0)
        return read_number(value, 1, INT32_MAX, true, &x) && (p->g.max_tokens = (size_t)x) > 0;
    if (strcmp(name, "top_k") == 0 && read_number(value, 0, INT32_MAX, true, &x)) {
        s->top_k = (size_t)x;
        return true;
    }
    if (strcmp(name, "seed") == 0 && json_is_integer(value) && json_integer_value(value) >= 0) {
        s->seed = (uint64_t)json_integer_value(value);
        return true;
    }
    if (strcmp(name, "stop") == 0)
        return read_stops(p, value);
    if (strcmp(name, "stream") == 0 && json_is_boolean(value)) {
        p->streams = json_is_true(value);
        return true;
    }
    *is_known = strcmp(name, "top_k") == 0 || strcmp(name, "seed") == 0 || strcmp(name, "stream") == 0;
    return false;
}

static bool read_fields(struct score_prompt *p, const json_t *line, char *why)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)line, name, value) {
        bool is_known;
        if (strcmp(name, "id") == 0 || strcmp(name, "prompt") == 0 || strcmp(name, "messages") == 0)
            continue;
        if (!take(p, name, value, &is_known))
            return fail(why,
                        is_known ? "'%.100s' has a value that makes no sense"
                                 : "'%.100s' is not known beside 'prompt' and 'messages'",
                        name);
    }
    return true;
}

/* ---- what it goes on from ---- */

static bool read_chat(struct score_prompt *p, const json_t *messages, struct hone_model *model, char *why)
{
    struct hone_error err = {0};
    size_t size;
    if (!json_is_array(messages))
        return fail(why, "%s", "'messages' are not an array");
    char *json = json_dumps(messages, JSON_COMPACT);
    if (!json)
        return fail(why, "%s", "out of memory");
    struct hone_chat chat = {.json_messages = json, .answer = true};
    enum hone_status status = hone_chat_prompt(model, &chat, &p->chat, &size, &err);
    free(json);
    if (status != HONE_OK)
        return fail(why, "%.250s", err.message);
    p->g.prompt = (struct hone_text){p->chat, size};
    p->g.no_special = true;
    return true;
}

bool score_prompt_read(struct score_prompt *p, const json_t *line, struct hone_model *model,
                       const struct hone_model_info *info, char *why)
{
    const json_t *prompt = json_object_get(line, "prompt"), *messages = json_object_get(line, "messages");
    *p = (struct score_prompt){.g = HONE_GENERATION_DEFAULTS};
    p->g.n_draft = HONE_DRAFT_AUTO;
    if (prompt && messages)
        return fail(why, "%s", "expected 'prompt' or 'messages', not both");
    if (!read_fields(p, line, why))
        return false;
    if (info->task != HONE_TASK_GENERATE)
        return fail(why, "%s", "the model does not generate");
    if (messages)
        return read_chat(p, messages, model, why);
    if (!json_is_string(prompt))
        return fail(why, "%s", "the prompt is not a JSON string");
    p->g.prompt = (struct hone_text){json_string_value(prompt), json_string_length(prompt)};
    return true;
}

/* ---- what came of it ---- */

void score_prompt_write(const struct score_prompt *p, struct output *o)
{
    output_text(o, ", \"text\": ");
    text_write_json(o, (struct hone_text){p->g.text ? p->g.text : "", p->g.text_size});
    output_format(o, ", \"finish_reason\": \"%s\", \"prompt_tokens\": %zu, \"completion_tokens\": %zu",
                  p->g.finish == HONE_FINISH_STOP ? "stop" : "length", p->g.n_prompt, p->g.n_out);
}

void score_prompt_release(struct score_prompt *p)
{
    hone_generation_release(&p->g);
    hone_free(p->chat);
    *p = (struct score_prompt){0};
}
