/* What clients of Responses say, as those of chat completions would. */
#include "server/generate/responses.h"
#include "server/http/json_text.h"

#include <stdlib.h>
#include <string.h>

struct input {
    struct fields *f;
    size_t number;    /* of the item */
    json_t *messages; /* so far */
    json_t *thought;  /* of the assistant's message that follows */
};

static void refuse(const struct input *in, const char *what, const char *type)
{
    field_fail(in->f, PROBLEM_FIELD, "input",
               "has %s of type '%.40s', which is not possible here, in item %zu", what, type ? type : "?",
               in->number);
}

/* Parts as chat completions name them; a text stays one. A new reference, or NULL: that has been answered. */
static json_t *read_content(const struct input *in, json_t *content)
{
    json_t *parts = json_array(), *part;
    size_t i;
    if (json_is_string(content) || !json_is_array(content)) {
        json_decref(parts);
        if (!json_is_string(content))
            field_fail(in->f, PROBLEM_FIELD, "input", "has no text and no list of parts, in item %zu",
                       in->number);
        return json_incref(content);
    }
    json_array_foreach (content, i, part) {
        const char *type = json_string_value(json_object_get(part, "type"));
        json_t *text = json_object_get(part, type && strcmp(type, "refusal") == 0 ? "refusal" : "text");
        if (!json_is_string(text))
            refuse(in, "a part", type);
        else
            json_array_append_new(parts, json_pack("{s:s, s:O}", "type", "text", "text", text));
    }
    return parts;
}

static json_t *last_assistant(const struct input *in)
{
    json_t *last = json_array_get(in->messages, json_array_size(in->messages) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    return role && strcmp(role, "assistant") == 0 ? last : NULL;
}

/* The message is taken over; what was thought before it goes with it. */
static void add_message(struct input *in, json_t *message)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    if (in->thought && role && strcmp(role, "assistant") == 0) {
        json_object_set(message, "reasoning_content", in->thought);
        json_decref(in->thought);
        in->thought = NULL;
    }
    json_array_append_new(in->messages, message);
}

static void take_message(struct input *in, json_t *item)
{
    json_t *role = json_object_get(item, "role"),
           *content = read_content(in, json_object_get(item, "content"));
    if (!json_is_string(role))
        field_fail(in->f, PROBLEM_FIELD, "input", "has no 'role' in item %zu", in->number);
    if (!in->f->failed)
        add_message(in, json_pack("{s:O, s:O}", "role", role, "content", content));
    json_decref(content);
}

/* Calls go with the assistant's text before them, and with each other. */
static void take_call(struct input *in, json_t *item)
{
    json_t *id = json_object_get(item, "call_id"), *name = json_object_get(item, "name"),
           *arguments = json_object_get(item, "arguments"),
           *message = in->thought ? NULL : last_assistant(in);
    if (!json_is_string(id) || !json_is_string(name) || !json_is_string(arguments)) {
        field_fail(in->f, PROBLEM_FIELD, "input", "needs call_id, name and arguments in item %zu",
                   in->number);
        return;
    }
    if (!message) {
        message = json_pack("{s:s, s:n}", "role", "assistant", "content");
        add_message(in, message);
    }
    if (!json_object_get(message, "tool_calls"))
        json_object_set_new(message, "tool_calls", json_array());
    json_array_append_new(json_object_get(message, "tool_calls"),
                          json_pack("{s:O, s:s, s:{s:O, s:O}}", "id", id, "type", "function", "function",
                                    "name", name, "arguments", arguments));
}

static void take_output(struct input *in, json_t *item)
{
    json_t *id = json_object_get(item, "call_id"),
           *output = read_content(in, json_object_get(item, "output"));
    if (!json_is_string(id))
        field_fail(in->f, PROBLEM_FIELD, "input", "has no 'call_id' in item %zu", in->number);
    if (!in->f->failed)
        add_message(in, json_pack("{s:s, s:O, s:O}", "role", "tool", "tool_call_id", id, "content", output));
    json_decref(output);
}

/* The text, or else its summary. */
static void take_reasoning(struct input *in, json_t *item)
{
    json_t *parts = json_object_get(item, "content"), *joined = NULL, *part;
    size_t i;
    parts = json_array_size(parts) > 0 ? parts : json_object_get(item, "summary");
    json_array_foreach (parts, i, part) {
        const char *text = json_string_value(json_object_get(part, "text"));
        json_t *longer = json_sprintf("%s%s%s", joined ? json_string_value(joined) : "", joined ? "\n" : "",
                                      text ? text : "");
        json_decref(joined);
        joined = longer;
    }
    json_decref(in->thought);
    in->thought = joined;
}

static void take_item(struct input *in, json_t *item)
{
    static const struct {
        const char *type;
        void (*take)(struct input *in, json_t *item);
    } kinds[] = {{"message", take_message},
                 {"function_call", take_call},
                 {"function_call_output", take_output},
                 {"reasoning", take_reasoning}};
    const char *type = json_string_value(json_object_get(item, "type"));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(type ? type : "message", kinds[i].type) == 0) {
            kinds[i].take(in, item);
            return;
        }
    refuse(in, "an item", type);
}

static void read_input(struct fields *f, struct conversation *c)
{
    json_t *given = (json_t *)field_get(f, "input"), *item;
    struct hone_text instructions = {0};
    struct input in = {.f = f, .messages = json_array()};
    field_required(f, "input");
    field_text(f, "instructions", &instructions);
    c->field = "input";
    c->messages = in.messages;
    if (instructions.size > 0)
        json_array_append_new(in.messages, json_pack("{s:s, s:s%}", "role", "system", "content",
                                                     instructions.data, instructions.size));
    if (json_is_string(given))
        json_array_append_new(in.messages, json_pack("{s:s, s:O}", "role", "user", "content", given));
    else if (given && !json_is_array(given))
        field_fail(f, PROBLEM_FIELD, "input", "must be a text or a list of items");
    else if (given && json_array_size(given) == 0)
        field_fail(f, PROBLEM_EMPTY, "input", "is empty");
    json_array_foreach (given, in.number, item)
        if (!f->failed)
            take_item(&in, item);
    json_decref(in.thought);
}

/* ---- tools -------------------------------------------------------------------------------------------------------- */

static bool is_named(const json_t *list, const json_t *name)
{
    bool found = false;
    for (size_t i = 0; i < json_array_size(list); i++)
        found = found || json_equal(json_object_get(json_array_get(list, i), "name"), name);
    return found;
}

/* allowed: those that may be called; NULL: all. */
static void read_tools(struct fields *f, struct conversation *c, const json_t *allowed)
{
    json_t *given = (json_t *)field_get(f, "tools"), *tool;
    size_t i;
    if (given && !json_is_array(given))
        field_fail(f, PROBLEM_FIELD, "tools", "must be a list");
    json_array_foreach (given, i, tool) {
        json_t *name = json_object_get(tool, "name"), *parameters = json_object_get(tool, "parameters"),
               *description = json_object_get(tool, "description");
        const char *type = json_string_value(json_object_get(tool, "type"));
        if (!type || strcmp(type, "function") != 0)
            field_fail(f, PROBLEM_FIELD, "tools", "has one of type '%.60s', which is not possible here",
                       type ? type : "?");
        else if (!json_is_string(name))
            field_fail(f, PROBLEM_FIELD, "tools", "must hold functions with a 'name'");
        if (f->failed)
            return;
        if (allowed && !is_named(allowed, name))
            continue;
        json_t *function = json_pack("{s:O, s:O*, s:O*}", "name", name, "description",
                                     json_is_null(description) ? NULL : description, "parameters",
                                     json_is_null(parameters) ? NULL : parameters);
        c->tools = c->tools ? c->tools : json_array();
        json_array_append_new(c->tools, json_pack("{s:s, s:o}", "type", "function", "function", function));
    }
}

/* "none", "auto", "required", {"type": "function", "name"}, {"type": "allowed_tools", "mode", "tools"} */
static void read_tool_choice(struct fields *f, struct conversation *c)
{
    const json_t *value = field_get(f, "tool_choice"), *allowed = NULL;
    struct fields inside = fields_in(f->r, value);
    bool several = true;
    int choice = CHOICE_AUTO, type = 0;
    field_bool(f, "parallel_tool_calls", &several);
    c->one_call = !several;
    if (json_is_object(value)) {
        field_required(&inside, "type");
        field_choice(&inside, "type", "function|allowed_tools", &type);
        field_name(&inside, "name", &c->function);
        choice = CHOICE_REQUIRED;
        if (type == 1)
            field_choice(&inside, "mode", "none|auto|required", &choice);
        allowed = type == 1 ? json_object_get(value, "tools") : NULL;
        f->failed = f->failed || inside.failed;
        if (type == 0 && !c->function)
            field_fail(f, PROBLEM_FIELD, "tool_choice", "must name a function");
    } else {
        field_choice(f, "tool_choice", "none|auto|required", &choice);
    }
    c->choice = (enum tool_choice)choice;
    read_tools(f, c, allowed);
}

/* ---- settings ----------------------------------------------------------------------------------------------------- */

static const json_t *object_field(struct fields *f, const char *name)
{
    const json_t *value = field_get(f, name);
    if (value && !json_is_object(value))
        field_fail(f, PROBLEM_FIELD, name, "must be an object");
    return value;
}

static void read_format(struct fields *f, struct choices *choices)
{
    const json_t *format = json_object_get(object_field(f, "text"), "format"),
                 *schema = json_object_get(format, "schema");
    struct fields inside = fields_in(f->r, format);
    int type = 0;
    if (!json_is_object(format))
        return;
    field_choice(&inside, "type", "text|json_object|json_schema", &type);
    f->failed = f->failed || inside.failed;
    if (type == 2 && !json_is_object(schema))
        field_fail(f, PROBLEM_FIELD, "text", "needs a 'schema' in its format, which is an object");
    if (type == 0 || f->failed)
        return;
    choices_constrain(choices, "text", type == 1 ? strdup("{\"type\":\"object\"}") : json_text(schema));
}

static void read_reasoning(struct fields *f, struct conversation *c)
{
    const json_t *text = object_field(f, "text");
    struct fields inside = fields_in(f->r, object_field(f, "reasoning"));
    const char *effort = NULL, *verbosity = json_string_value(json_object_get(text, "verbosity"));
    field_name(&inside, "effort", &effort);
    f->failed = f->failed || inside.failed;
    if (effort && !f->failed)
        conversation_set_effort(c, effort);
    if (verbosity && !f->failed) {
        c->variables = c->variables ? c->variables : json_object();
        json_object_set_new(c->variables, "verbosity", json_string(verbosity));
    }
}

/* Nothing is kept between requests. */
static void refuse_state(struct fields *f)
{
    static const char *const names[] = {"previous_response_id", "conversation", "prompt"};
    bool store = false, background = false;
    int truncation = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (field_get(f, names[i]))
            field_fail(f, PROBLEM_FIELD, names[i], "is not possible: no answers are stored here");
    field_bool(f, "store", &store);
    field_bool(f, "background", &background);
    field_choice(f, "truncation", "disabled", &truncation);
    if (store)
        field_fail(f, PROBLEM_FIELD, "store", "must be false: no answers are stored here");
    if (background)
        field_fail(f, PROBLEM_FIELD, "background", "must be false: no answers are stored here");
}

void responses_read(struct fields *f, struct choices *choices, struct conversation *c)
{
    refuse_state(f);
    read_input(f, c);
    read_tool_choice(f, c);
    read_reasoning(f, c);
    read_format(f, choices);
}
