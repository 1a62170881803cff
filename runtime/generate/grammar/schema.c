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

static bool translate(struct schema *s, struct hone_text json)
{
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
    while (s->n_done < s->n_goals)
        if (!schema_goal_write(s, s->n_done++))
            return false;
    schema_text_put(&s->out, "root ::= %s\n", name);
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

enum hone_status schema_to_gbnf(struct hone_text json, const struct schema_waiting *waiting, char **gbnf,
                                char **notes, struct hone_error *err)
{
    struct schema s = {0};
    *gbnf = NULL;
    if (notes)
        *notes = NULL;
    if (json.size > SCHEMA_MAX_SIZE)
        return hone_fail(err, HONE_USAGE, "JSON schema: %zu bytes; at most %zu are possible", json.size,
                         SCHEMA_MAX_SIZE);
    schema_work_init(&s.w, waiting, err);
    s.out.w = s.notes.w = &s.w;
    enum hone_status status = translate(&s, json) ? HONE_OK : s.w.status;
    if (status == HONE_OK && !(*gbnf = copy_of(&s.out)))
        status = hone_no_memory(err, "a schema's grammar", s.out.size);
    if (status == HONE_OK && notes && s.notes.size > 0)
        *notes = copy_of(&s.notes);
    schema_work_release(&s.w);
    return status;
}

/* What is wrong with the rules is said of the schema. */
static enum hone_status compile(struct grammar **out, const char *gbnf, struct hone_error *err)
{
    struct hone_error own = {0};
    enum hone_status status = grammar_parse(out, (struct hone_text){gbnf, strlen(gbnf)}, &own);
    if (status == HONE_USAGE && strstr(own.message, "no text can satisfy it"))
        return hone_fail(err, status, "JSON schema: no value can satisfy it");
    return status == HONE_OK ? status : hone_fail(err, status, "JSON schema: %s", own.message);
}

enum hone_status grammar_from_schema(struct grammar **out, struct hone_text json,
                                     const struct schema_waiting *waiting, char **notes,
                                     struct hone_error *err)
{
    char *gbnf;
    *out = NULL;
    enum hone_status status = schema_to_gbnf(json, waiting, &gbnf, notes, err);
    if (status == HONE_OK)
        status = compile(out, gbnf, err);
    free(gbnf);
    if (status != HONE_OK && notes) {
        free(*notes);
        *notes = NULL;
    }
    return status;
}
