#include "runtime/generate/grammar/schema.h"

#include "runtime/generate/grammar/schema/translate.h"
#include "runtime/generate/grammar/string_tokens.h"

#include <stdlib.h>
#include <string.h>

/* Rules that need no schema. A character is one of Unicode, however it is written. */
static const char common_rules[] =
    "ws ::= (\" \" | \"\\n\" [ \\t]{0,20})?\n" STRING_TOKEN_RULES "string ::= \"\\\"\" char* \"\\\"\"\n"
    "integer ::= \"0\" | \"-\"? [1-9] [0-9]{0,15}\n"
    "number ::= \"-\"? (\"0\" | [1-9] [0-9]{0,15}) (\".\" [0-9]{1,16})? ([eE] [-+]? [0-9]{1,2})?\n"
    "boolean ::= \"true\" | \"false\"\n"
    "object ::= \"{\" ws (string \":\" ws value (\",\" ws string \":\" ws value)* ws)? \"}\"\n"
    "array ::= \"[\" ws (value (\",\" ws value)* ws)? \"]\"\n"
    "value ::= object | array | string | number | boolean | \"null\"\n";

enum { MOST_EMPTY = 3 }; /* places that the error names: one mistake tends to empty all that refer to it */

/* The place of a goal that was just written as nothing, since no value satisfies it: the first few of them. */
static void note_empty(struct schema *s, size_t goal, struct schema_text *empty, size_t *n)
{
    static const char nothing[] = "::= []\n";
    size_t size = sizeof nothing - 1;
    const struct schema_value *at = s->values[s->goals[goal].literals[0] / 2];
    char place[128];
    if (*n >= MOST_EMPTY || s->out.size < size ||
        memcmp(s->out.data + s->out.size - size, nothing, size) != 0)
        return;
    schema_value_pointer(at, place, sizeof place);
    if (*place)
        schema_text_put(empty, "%s%s", (*n)++ ? ", " : "", place);
}

static bool translate(struct schema *s, struct hone_text json, struct schema_text *empty)
{
    size_t n_empty = 0;
    struct schema_literals all = {0};
    const char *name;
    s->root = schema_read(&s->w, json, &s->n_values);
    if (!s->root)
        return false;
    s->values_capacity = s->nodes_capacity = s->n_values;
    s->values = schema_alloc(&s->w, s->n_values, sizeof *s->values);
    s->nodes = schema_alloc(&s->w, s->n_values, sizeof *s->nodes);
    if (!s->values || !s->nodes || !schema_find_resources(s))
        return false;
    if (!schema_check(s, s->root) || !schema_literals_add(s, &all, s->root, true) ||
        !schema_goal_rule(s, &all, &name))
        return false;
    schema_text_add(&s->out, common_rules, sizeof common_rules - 1);
    for (; s->n_done < s->n_goals; s->n_done++) {
        if (!schema_goal_write(s, s->n_done))
            return false;
        note_empty(s, s->n_done, empty, &n_empty);
    }
    schema_rule_root(s, name);
    return !s->w.failed;
}

static char *copy_of(const struct schema_text *t)
{
    char *copy = malloc(t->size + 1);
    if (copy && t->size > 0)
        memcpy(copy, t->data, t->size);
    if (copy)
        copy[t->size] = 0;
    return copy;
}

/* empty: places that no value satisfies, where there are any; to be freed. */
static enum hone_status to_gbnf(struct hone_text json, const struct schema_waiting *waiting, char **gbnf,
                                char **notes, char **empty, struct hone_error *err)
{
    struct schema s = {0};
    struct schema_text places = {.w = &s.w};
    *gbnf = *empty = NULL;
    if (notes)
        *notes = NULL;
    if (json.size > SCHEMA_MAX_SIZE)
        return hone_fail(err, HONE_USAGE, "JSON schema: %zu bytes; at most %zu are possible", json.size,
                         SCHEMA_MAX_SIZE);
    schema_work_init(&s.w, waiting, err);
    s.out.w = s.notes.w = &s.w;
    enum hone_status status = translate(&s, json, &places) ? HONE_OK : s.w.status;
    if (status == HONE_OK && !(*gbnf = copy_of(&s.out)))
        status = hone_no_memory(err, "a schema's grammar", s.out.size);
    if (status == HONE_OK && notes && s.notes.size > 0)
        *notes = copy_of(&s.notes);
    if (status == HONE_OK && places.size > 0)
        *empty = copy_of(&places);
    schema_work_release(&s.w);
    return status;
}

enum hone_status schema_to_gbnf(struct hone_text json, const struct schema_waiting *waiting, char **gbnf,
                                char **notes, struct hone_error *err)
{
    char *empty;
    enum hone_status status = to_gbnf(json, waiting, gbnf, notes, &empty, err);
    free(empty);
    return status;
}

/* What is wrong with the rules is said of the schema. */
static enum hone_status compile(struct grammar **out, const char *gbnf, const char *empty,
                                struct hone_error *err)
{
    struct hone_error own = {0};
    enum hone_status status = grammar_parse(out, (struct hone_text){gbnf, strlen(gbnf)}, &own);
    if (status == HONE_USAGE && strstr(own.message, "no text can satisfy it"))
        return hone_fail(err, status, "JSON schema: no value can satisfy it%s%s",
                         empty ? ": there is none for " : "", empty ? empty : "");
    return status == HONE_OK ? status : hone_fail(err, status, "JSON schema: %s", own.message);
}

enum hone_status grammar_from_schema(struct grammar **out, struct hone_text json,
                                     const struct schema_waiting *waiting, char **notes,
                                     struct hone_error *err)
{
    char *gbnf, *empty;
    *out = NULL;
    enum hone_status status = to_gbnf(json, waiting, &gbnf, notes, &empty, err);
    if (status == HONE_OK)
        status = compile(out, gbnf, empty, err);
    free(gbnf);
    free(empty);
    if (status != HONE_OK && notes) {
        free(*notes);
        *notes = NULL;
    }
    return status;
}
