#include "server/chat/constraints.h"

#include "server/chat/regex.h"
#include "server/http/json_text.h"

#include <stdlib.h>
#include <string.h>

/* Where a constraint was found: a field, and whatever it is within. */
struct constraint_place {
    struct fields *f;
    struct choices *c;
    const char *name;
    const char *kind;   /* what says it: the field again, or a key of it */
    const char **taken; /* the kind that was there before */
};

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* ---- the kinds ---- */

static void take_grammar(const struct constraint_place *p, const json_t *value)
{
    if (!is_text(value))
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be a text, a grammar in GBNF");
    else if (json_string_length(value) > 0)
        choices_follow(p->c, p->name, strdup(json_string_value(value)), CONSTRAINT_GRAMMAR);
}

/* An object, or the same as text. */
static void take_schema(const struct constraint_place *p, const json_t *value)
{
    if (json_is_object(value) || json_is_boolean(value))
        choices_constrain(p->c, p->name, json_text(value));
    else if (is_text(value))
        choices_constrain(p->c, p->name, strdup(json_string_value(value)));
    else
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be a JSON Schema, which is an object");
}

static void take_regex(const struct constraint_place *p, const json_t *value)
{
    struct hone_error err = {0};
    if (!json_is_string(value)) {
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be a text, a regular expression");
        return;
    }
    char *grammar =
        regex_to_gbnf((struct hone_text){json_string_value(value), json_string_length(value)}, &err);
    if (grammar || err.status != HONE_USAGE)
        choices_follow(p->c, p->name, grammar, CONSTRAINT_VALUE);
    else
        field_fail(p->f, PROBLEM_FIELD, p->name, "%s", err.message);
}

static void write_literal(struct reply_buffer *out, const char *text, size_t size)
{
    reply_buffer_text(out, "\"");
    for (size_t i = 0; i < size; i++)
        if (text[i] == '"' || text[i] == '\\')
            reply_buffer_format(out, "\\%c", text[i]);
        else if ((unsigned char)text[i] < ' ')
            reply_buffer_format(out, "\\x%02X", (unsigned)(unsigned char)text[i]);
        else
            reply_buffer_write(out, text + i, 1);
    reply_buffer_text(out, "\"");
}

/* One of several texts. */
static void take_choice(const struct constraint_place *p, const json_t *value)
{
    struct reply_buffer out = {0};
    bool fine = json_array_size(value) > 0;
    reply_buffer_text(&out, "root ::= ");
    for (size_t i = 0; fine && i < json_array_size(value); i++) {
        const json_t *one = json_array_get(value, i);
        fine = json_is_string(one);
        reply_buffer_text(&out, i ? " | " : "");
        if (fine)
            write_literal(&out, json_string_value(one), json_string_length(one));
    }
    reply_buffer_write(&out, "\n", 2); /* with the NUL */
    if (fine && !out.failed) {
        choices_follow(p->c, p->name, out.data, CONSTRAINT_VALUE);
        return;
    }
    reply_buffer_release(&out);
    if (fine)
        choices_follow(p->c, p->name, NULL, CONSTRAINT_VALUE);
    else
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be a list of texts, at least one");
}

/* true: any JSON object. */
static void take_object(const struct constraint_place *p, const json_t *value)
{
    if (!json_is_boolean(value))
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be true or false");
    else if (json_is_true(value))
        choices_constrain(p->c, p->name, strdup("{\"type\":\"object\"}"));
}

/* ---- objects that say which kind ---- */

static const json_t *schema_in(const json_t *format)
{
    static const char *const names[] = {"json_schema", "schema", "value"};
    const json_t *found = NULL;
    for (size_t i = 0; i < 3 && !found; i++) {
        found = json_object_get(format, names[i]);
        found = json_is_null(found) ? NULL : found;
    }
    /* OpenAI's, and TGI's after it, has a name and a schema inside. */
    const json_t *inside = json_object_get(found, "schema");
    return json_is_object(inside) || json_is_boolean(inside) ? inside : found;
}

/* {"type": "json_schema", "json_schema": {"name", "schema"}}; {"type": "json", "value": {...}}; {"type": "regex", "value":
 * "..."} */
static void take_typed(const struct constraint_place *p, const json_t *format)
{
    static const char *const types[] = {"text", "json_object", "json_schema", "json", "regex"};
    const char *name = json_string_value(json_object_get(format, "type"));
    size_t type = 0;
    while (name && type < 5 && strcmp(types[type], name) != 0)
        type++;
    if (!name || type == 5) {
        field_fail(p->f, PROBLEM_FIELD, p->name,
                   "must have a 'type' of text, json_object, json_schema, json or regex");
        return;
    }
    const json_t *schema = schema_in(format);
    if (type == 0)
        return;
    if (type == 4)
        take_regex(p, json_object_get(format, "value"));
    else if (schema && (json_is_object(schema) || json_is_boolean(schema)))
        take_schema(p, schema);
    else if (type != 1 || schema)
        field_fail(p->f, PROBLEM_FIELD, p->name, "needs a schema, which is an object");
    else
        take_object(p, json_true());
}

static void take_format(const struct constraint_place *p, const json_t *value)
{
    if (json_is_object(value))
        take_typed(p, value);
    else
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be an object with a 'type'");
}

static void take_any_grammar(const struct constraint_place *p, const json_t *value)
{
    if (json_is_object(value))
        take_typed(p, value);
    else
        take_grammar(p, value);
}

typedef void (*taker)(const struct constraint_place *p, const json_t *value);
struct constraint_kind {
    const char *name;
    taker take;
};

/* Takes what `value` says by that name, if it says anything. */
static void take_one(struct constraint_place p, taker take, const json_t *value)
{
    bool had = p.c->constraint != CONSTRAINT_NONE;
    const char *before = *p.taken;
    if (!value || json_is_null(value) || p.f->failed)
        return;
    p.c->constraint = CONSTRAINT_NONE;
    take(&p, value);
    if (p.c->constraint == CONSTRAINT_NONE)
        p.c->constraint = had ? CONSTRAINT_VALUE : CONSTRAINT_NONE;
    else if (!had)
        *p.taken = p.kind;
    else if (p.kind == p.name)
        field_fail(p.f, PROBLEM_FIELD, p.name, "is not possible together with '%s'", before);
    else
        field_fail(p.f, PROBLEM_FIELD, p.name, "has '%s' and '%s', of which one is possible", before, p.kind);
}

/* vLLM's: {"json": ...}, and settings that hone has no use for, which may be off. */
static void take_structured(const struct constraint_place *p, const json_t *value)
{
    static const struct constraint_kind kinds[] = {{"json", take_schema},
                                                   {"regex", take_regex},
                                                   {"choice", take_choice},
                                                   {"grammar", take_grammar},
                                                   {"json_object", take_object}};
    const char *key, *taken = NULL;
    json_t *one;
    if (!json_is_object(value)) {
        field_fail(p->f, PROBLEM_FIELD, p->name, "must be an object");
        return;
    }
    json_object_foreach ((json_t *)value, key, one) {
        const struct constraint_kind *kind = NULL;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            kind = strcmp(kinds[i].name, key) == 0 ? &kinds[i] : kind;
        if (kind)
            take_one((struct constraint_place){p->f, p->c, p->name, kind->name, &taken}, kind->take, one);
        else if (!json_is_null(one) && !json_is_false(one))
            field_fail(p->f, PROBLEM_FIELD, p->name, "has '%.60s', which is not possible here", key);
        if (p->f->failed)
            return;
    }
    if (!taken)
        field_fail(p->f, PROBLEM_FIELD, p->name, "says nothing of the text");
}

static void refuse(const struct constraint_place *p, const json_t *value)
{
    (void)value;
    field_fail(p->f, PROBLEM_FIELD, p->name, "is not possible here");
}

void constraints_read(struct fields *f, struct choices *c)
{
    static const struct constraint_kind kinds[] = {{"response_format", take_format},
                                                   {"json_schema", take_schema},
                                                   {"grammar", take_any_grammar},
                                                   {"ebnf", take_grammar},
                                                   {"regex", take_regex},
                                                   {"choice", take_choice},
                                                   {"structured_outputs", take_structured},
                                                   {"guided_json", take_schema},
                                                   {"guided_regex", take_regex},
                                                   {"guided_choice", take_choice},
                                                   {"guided_grammar", take_grammar},
                                                   {"guided_whitespace_pattern", refuse},
                                                   {"structural_tag", refuse},
                                                   {"grammar_triggers", refuse}};
    const char *taken = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        take_one((struct constraint_place){f, c, kinds[i].name, kinds[i].name, &taken}, kinds[i].take,
                 field_get(f, kinds[i].name));
}
