/* What Ollama's clients say, as OpenAI's would. */
#include "runtime/base/text.h"
#include "server/generate/ollama.h"
#include "server/http/json_text.h"
#include "server/service.h"

#include <stdlib.h>
#include <string.h>

bool ollama_model(struct fields *f, enum hone_task task)
{
    static const char latest[] = ":latest";
    struct hone_text name = {0};
    size_t n = sizeof latest - 1;
    field_text(f, "model", &name);
    if (!name.data)
        field_text(f, "name", &name);
    if (f->failed)
        return false;
    if (name.size > n && text_ends(name, latest) &&
        !models_find(&f->r->service->models, name, HONE_TASK_NONE))
        name.size -= n;
    return http_model(f->r, name, task);
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

/* A number of tokens, where -1 and -2 are all there is room for. */
static void read_length(struct fields *options, struct hone_generation *like)
{
    const json_t *value = field_get(options, "num_predict");
    if (json_is_integer(value) && json_integer_value(value) < 0)
        return;
    field_count(options, "num_predict", 1, INT32_MAX, &like->max_tokens);
}

static void read_options(struct fields *f, struct choices *c)
{
    const json_t *value = field_get(f, "options");
    struct fields options = fields_in(f->r, value);
    if (value && !json_is_object(value))
        field_fail(f, PROBLEM_FIELD, "options", "must be an object");
    if (!value || f->failed)
        return;
    c->within = value;
    c->within_asked = json_object();
    options.asked = c->within_asked;
    choices_read(&options, c);
    read_length(&options, &c->like);
    f->failed = f->failed || options.failed;
}

/* "json", or a JSON Schema. */
static void read_format(struct fields *f, struct choices *c)
{
    const json_t *format = field_get(f, "format");
    const char *word = json_string_value(format);
    if (!format || (word && !*word))
        return;
    if (c->constraint != CONSTRAINT_NONE)
        field_fail(f, PROBLEM_FIELD, "format", "is not possible together with another form");
    else if (word && strcmp(word, "json") == 0)
        choices_constrain(c, "format", strdup("{\"type\":\"object\"}"));
    else if (json_is_object(format))
        choices_constrain(c, "format", json_text(format));
    else
        field_fail(f, PROBLEM_FIELD, "format", "must be json or a JSON Schema, which is an object");
}

/* Whether, or how much: true, false, "low", "medium", "high". */
static void read_think(struct fields *f, struct conversation *c)
{
    const json_t *think = field_get(f, "think");
    if (!think)
        return;
    if (!json_is_boolean(think) && !json_is_string(think)) {
        field_fail(f, PROBLEM_FIELD, "think", "must be true, false, low, medium or high");
        return;
    }
    c->variables = json_object();
    json_object_set_new(c->variables, "enable_thinking", json_boolean(!json_is_false(think)));
    if (json_is_string(think))
        conversation_set_effort(c, json_string_value(think));
}

bool ollama_read(struct fields *f, struct ollama *o, struct conversation *c)
{
    struct choices *choices = &o->chat.choices;
    struct hone_generation *like = &choices->like;
    struct hone_text keep = {0};
    like->sampling.top_p = 0.9f;
    like->sampling.min_p = 0;
    like->sampling.repetition_penalty = 1.1f;
    choices->stream = true;
    choices->stream_type = "application/x-ndjson";
    if (!ollama_model(f, HONE_TASK_GENERATE))
        return false;
    choices_read(f, choices);
    read_options(f, choices);
    read_format(f, choices);
    read_think(f, c);
    field_bool(f, "logprobs", &like->logprobs);
    field_count(f, "top_logprobs", 0, HONE_MAX_LOGPROBS, &like->n_logprobs);
    like->logprobs = like->logprobs || like->n_logprobs > 0;
    if (json_is_string(field_get(f, "keep_alive")))
        field_text(f, "keep_alive", &keep);
    return !f->failed;
}

/* ---- messages ----------------------------------------------------------------------------------------------------- */

/* Calls have no ids there: they get some, which results take in turn. */
struct call_ids {
    size_t n_calls;
    json_t *open; /* {"ID": "NAME"}: without a result */
};

static void add_calls(struct call_ids *ids, const json_t *calls, json_t *message)
{
    json_t *made = json_array(), *call;
    size_t i;
    json_array_foreach (calls, i, call) {
        json_t *function = json_object_get(call, "function"), *id = json_object_get(call, "id");
        id = json_is_string(id) ? json_incref(id) : json_sprintf("call%05zu", ids->n_calls % 100000);
        ids->n_calls++;
        json_object_set(ids->open, json_string_value(id), json_object_get(function, "name"));
        json_array_append_new(
            made, json_pack("{s:o, s:s, s:O*}", "id", id, "type", "function", "function", function));
    }
    json_object_set_new(message, "tool_calls", made);
}

/* The call that this is the result of: the first one without of that name, or the first one. */
static void name_result(struct call_ids *ids, json_t *message)
{
    json_t *tool = json_object_get(message, "tool_name"), *name;
    const char *id, *found = NULL;
    tool = tool ? tool : json_object_get(message, "name");
    if (json_object_get(message, "tool_call_id"))
        return;
    json_object_foreach (ids->open, id, name)
        if (!found || (json_equal(name, tool) && !json_equal(json_object_get(ids->open, found), tool)))
            found = id;
    if (!found)
        return;
    json_object_set_new(message, "tool_call_id", json_string(found));
    json_object_set(message, "name", json_object_get(ids->open, found));
    json_object_del(ids->open, found);
}

static void read_message(struct fields *f, struct call_ids *ids, const json_t *given, size_t number,
                         json_t *to)
{
    json_t *message = json_copy((json_t *)given), *calls = json_object_get(given, "tool_calls");
    const char *role = json_string_value(json_object_get(given, "role"));
    if (json_array_size(json_object_get(given, "images")) > 0)
        field_fail(f, PROBLEM_FIELD, "messages", "has images, which cannot be read, in message %zu", number);
    if (json_array_size(calls) > 0)
        add_calls(ids, calls, message);
    if (role && strcmp(role, "tool") == 0)
        name_result(ids, message);
    json_array_append_new(to, message);
}

void ollama_read_messages(struct fields *f, struct conversation *c)
{
    json_t *given = (json_t *)field_get(f, "messages"), *one;
    struct call_ids ids = {.open = json_object()};
    size_t i;
    if (given && !json_is_array(given))
        field_fail(f, PROBLEM_FIELD, "messages", "must be a list");
    c->messages = json_array();
    json_array_foreach (given, i, one)
        if (!f->failed)
            read_message(f, &ids, one, i, c->messages);
    json_decref(ids.open);
    c->tools = json_incref((json_t *)field_get(f, "tools"));
}
