/* What Anthropic's clients say, as OpenAI's would. */
#include "server/generate/anthropic.h"
#include "server/http/json_text.h"

#include <stdlib.h>
#include <string.h>

/* One message of theirs on its way to some of OpenAI's. */
struct message {
    struct fields *f;
    size_t number; /* from 0 */
    const char *role;
    json_t *to;            /* the list that all come to */
    json_t *parts, *calls; /* of the one that is being made */
    json_t *thought;
};

static bool is_type(const json_t *block, const char *type)
{
    const char *its = json_string_value(json_object_get(block, "type"));
    return its && strcmp(its, type) == 0;
}

/* A list of texts as one; other contents as they are. A new reference. */
static json_t *join(json_t *content)
{
    json_t *joined = json_string("");
    for (size_t i = 0; i < json_array_size(content) && joined; i++) {
        const char *text = json_string_value(json_object_get(json_array_get(content, i), "text"));
        json_t *longer = text ? json_sprintf("%s%s", json_string_value(joined), text) : NULL;
        json_decref(joined);
        joined = longer;
    }
    return joined && json_is_array(content) ? joined : (json_decref(joined), json_incref(content));
}

/* What was gathered becomes a message. The last of an assistant may be gone on with, which is done with one text. */
static void flush(struct message *m)
{
    json_t *made = json_pack("{s:s}", "role", m->role);
    bool assistant = strcmp(m->role, "assistant") == 0, says = json_array_size(m->parts) > 0;
    if (says)
        json_object_set_new(made, "content", assistant ? join(m->parts) : json_incref(m->parts));
    if (m->calls)
        json_object_set(made, "tool_calls", m->calls);
    if (m->thought)
        json_object_set(made, "reasoning_content", m->thought);
    if (says || m->calls || m->thought)
        json_array_append(m->to, made);
    json_decref(made);
    json_decref(m->parts);
    json_decref(m->calls);
    json_decref(m->thought);
    m->parts = m->calls = m->thought = NULL;
}

static void add(json_t **list, json_t *item)
{
    *list = *list ? *list : json_array();
    json_array_append_new(*list, item);
}

static void add_result(struct message *m, const json_t *block)
{
    json_t *id = json_object_get(block, "tool_use_id"), *content = json_object_get(block, "content");
    flush(m); /* what was said before it */
    if (!json_is_string(id)) {
        field_fail(m->f, PROBLEM_FIELD, "messages", "has a tool_result without a tool_use_id, in message %zu",
                   m->number);
        return;
    }
    json_array_append_new(m->to, json_pack("{s:s, s:O, s:o}", "role", "tool", "tool_call_id", id, "content",
                                           content ? json_incref(content) : json_string("")));
}

static void add_call(struct message *m, const json_t *block)
{
    json_t *id = json_object_get(block, "id"), *name = json_object_get(block, "name"),
           *input = json_object_get(block, "input");
    if (!json_is_string(id) || !json_is_string(name) || !json_is_object(input))
        field_fail(m->f, PROBLEM_FIELD, "messages",
                   "has a tool_use without an id, a name and an input, in message %zu", m->number);
    else
        add(&m->calls, json_pack("{s:O, s:s, s:{s:O, s:O}}", "id", id, "type", "function", "function", "name",
                                 name, "arguments", input));
}

static void add_block(struct message *m, json_t *block)
{
    bool assistant = strcmp(m->role, "assistant") == 0;
    const char *type = json_string_value(json_object_get(block, "type"));
    if (is_type(block, "text") && json_is_string(json_object_get(block, "text")))
        add(&m->parts, json_incref(block));
    else if (is_type(block, "tool_use") && assistant)
        add_call(m, block);
    else if (is_type(block, "tool_result") && !assistant)
        add_result(m, block);
    else if (is_type(block, "thinking") && assistant)
        m->thought = m->thought ? m->thought : json_incref(json_object_get(block, "thinking"));
    else
        field_fail(m->f, PROBLEM_FIELD, "messages",
                   "has a block of type '%.40s', which is not possible, in message %zu", type ? type : "?",
                   m->number);
}

static void add_message(struct fields *f, const json_t *given, size_t number, json_t *to)
{
    struct message m = {.f = f, .number = number, .to = to};
    json_t *content = json_object_get(given, "content"), *block;
    size_t i;
    m.role = json_string_value(json_object_get(given, "role"));
    if (!m.role ||
        (strcmp(m.role, "user") != 0 && strcmp(m.role, "assistant") != 0 && strcmp(m.role, "system") != 0)) {
        field_fail(f, PROBLEM_FIELD, "messages", "must have the role user or assistant, in message %zu",
                   number);
        return;
    }
    if (json_is_string(content))
        add(&m.parts, json_pack("{s:s, s:O}", "type", "text", "text", content));
    else if (!json_is_array(content))
        field_fail(f, PROBLEM_FIELD, "messages",
                   "has a 'content' that is neither a text nor a list, in message %zu", number);
    json_array_foreach (content, i, block)
        if (!f->failed)
            add_block(&m, block);
    flush(&m);
}

static void read_messages(struct fields *f, struct conversation *c)
{
    json_t *given = (json_t *)field_get(f, "messages"), *system = (json_t *)field_get(f, "system"), *one;
    size_t i;
    field_required(f, "messages");
    if (given && !json_is_array(given))
        field_fail(f, PROBLEM_FIELD, "messages", "must be a list");
    if (system && !json_is_string(system) && !json_is_array(system))
        field_fail(f, PROBLEM_FIELD, "system", "must be a text, or a list of texts");
    c->messages = json_array();
    if (system && (json_is_array(system) ? json_array_size(system) : json_string_length(system)) > 0)
        json_array_append_new(c->messages, json_pack("{s:s, s:O}", "role", "system", "content", system));
    json_array_foreach (given, i, one)
        if (!f->failed)
            add_message(f, one, i, c->messages);
    const json_t *last = json_array_get(c->messages, json_array_size(c->messages) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    c->continue_last = role && strcmp(role, "assistant") == 0 && !json_object_get(last, "tool_calls");
    if (given && json_array_size(given) == 0)
        field_fail(f, PROBLEM_EMPTY, "messages", "is empty");
}

static void read_tools(struct fields *f, struct conversation *c)
{
    json_t *given = (json_t *)field_get(f, "tools"), *tool;
    size_t i;
    if (given && !json_is_array(given))
        field_fail(f, PROBLEM_FIELD, "tools", "must be a list");
    json_array_foreach (given, i, tool) {
        json_t *name = json_object_get(tool, "name"), *parameters = json_object_get(tool, "input_schema"),
               *description = json_object_get(tool, "description");
        const char *type = json_string_value(json_object_get(tool, "type"));
        if (type && strcmp(type, "custom") != 0)
            field_fail(f, PROBLEM_FIELD, "tools", "has one of type '%.60s', which is not possible here",
                       type);
        else if (!json_is_string(name) || !json_is_object(parameters))
            field_fail(f, PROBLEM_FIELD, "tools", "must hold objects with a 'name' and an 'input_schema'");
        if (f->failed)
            return;
        json_t *function =
            json_pack("{s:O, s:O*, s:O}", "name", name, "description", description, "parameters", parameters);
        add(&c->tools, json_pack("{s:s, s:o}", "type", "function", "function", function));
    }
}

static void read_tool_choice(struct fields *f, struct conversation *c)
{
    static const enum tool_choice choices[] = {CHOICE_AUTO, CHOICE_REQUIRED, CHOICE_REQUIRED, CHOICE_NONE};
    const json_t *value = field_get(f, "tool_choice");
    struct fields inside = fields_in(f->r, value);
    int type = 0;
    if (value && !json_is_object(value))
        field_fail(f, PROBLEM_FIELD, "tool_choice", "must be an object with a 'type'");
    if (!value || f->failed)
        return;
    field_choice(&inside, "type", "auto|any|tool|none", &type);
    field_bool(&inside, "disable_parallel_tool_use", &c->one_call);
    c->choice = choices[type];
    if (type == 2) {
        field_required(&inside, "name");
        field_name(&inside, "name", &c->function);
    }
    f->failed = f->failed || inside.failed;
}

/* {"type": "enabled", "budget_tokens": 1000} */
static void read_thinking(struct fields *f, struct conversation *c, size_t *budget, bool *limits)
{
    const json_t *value = field_get(f, "thinking");
    struct fields inside = fields_in(f->r, value);
    int type = 0;
    if (value && !json_is_object(value))
        field_fail(f, PROBLEM_FIELD, "thinking", "must be an object with a 'type'");
    if (!value || f->failed)
        return;
    field_required(&inside, "type");
    field_choice(&inside, "type", "enabled|adaptive|disabled", &type);
    f->failed = f->failed || inside.failed;
    if (type == 0) {
        field_count(&inside, "budget_tokens", 1, INT32_MAX, budget);
        *limits = *budget > 0;
    }
    f->failed = f->failed || inside.failed;
    c->variables = c->variables ? c->variables : json_object();
    json_object_set_new(c->variables, "enable_thinking", json_boolean(type != 2));
}

void anthropic_read(struct fields *f, struct conversation *c, size_t *budget, bool *limits)
{
    read_messages(f, c);
    read_tools(f, c);
    read_tool_choice(f, c);
    read_thinking(f, c, budget, limits);
}

static void take_format(struct fields *f, const char *name, const json_t *format, struct choices *choices)
{
    struct fields inside = fields_in(f->r, format);
    int type = 0;
    const json_t *schema = json_object_get(format, "schema");
    field_required(&inside, "type");
    field_choice(&inside, "type", "json_schema", &type);
    f->failed = f->failed || inside.failed;
    if (f->failed)
        return;
    if (json_is_object(schema))
        choices_constrain(choices, name, json_text(schema));
    else
        field_fail(f, PROBLEM_FIELD, name, "needs a 'schema', which is an object");
}

void anthropic_read_output(struct fields *f, struct choices *choices, struct conversation *c)
{
    const json_t *config = field_get(f, "output_config"), *format = field_get(f, "output_format");
    struct fields inside = fields_in(f->r, config);
    const char *effort = NULL;
    if (config && !json_is_object(config))
        field_fail(f, PROBLEM_FIELD, "output_config", "must be an object");
    field_name(&inside, "effort", &effort);
    if (effort && !inside.failed)
        conversation_set_effort(c, effort);
    f->failed = f->failed || inside.failed;
    format = format ? format : json_object_get(config, "format");
    if (format && !json_is_null(format) && !f->failed)
        take_format(f, field_get(f, "output_format") ? "output_format" : "output_config", format, choices);
}
