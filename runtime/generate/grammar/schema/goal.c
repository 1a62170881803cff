/* Goals, each a rule: the sets of schemas that a value must (not) satisfy. */
#include "runtime/generate/grammar/schema/translate.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_GOALS = 20000 }; /* some definitions never end (each holds a larger one): they are told by that */

/* ---- sets of literals ---- */

/* Whether a keyword says something of values. */
static bool is_limit(struct hone_text name)
{
    static const char *const names[] = {"type",
                                        "enum",
                                        "const",
                                        "properties",
                                        "patternProperties",
                                        "required",
                                        "items",
                                        "prefixItems",
                                        "minItems",
                                        "maxItems",
                                        "uniqueItems",
                                        "contains",
                                        "pattern",
                                        "minLength",
                                        "maxLength",
                                        "format",
                                        "minimum",
                                        "maximum",
                                        "multipleOf",
                                        "allOf",
                                        "anyOf",
                                        "oneOf",
                                        "not",
                                        "if",
                                        "$ref",
                                        "propertyNames",
                                        "minProperties",
                                        "maxProperties",
                                        "exclusiveMinimum",
                                        "exclusiveMaximum",
                                        "dependencies",
                                        "dependentRequired",
                                        "dependentSchemas",
                                        "additionalProperties",
                                        "additionalItems",
                                        "unevaluatedProperties",
                                        "unevaluatedItems",
                                        "$dynamicRef",
                                        "$recursiveRef",
                                        "extends",
                                        "disallow",
                                        "divisibleBy"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_is(name, names[i]))
            return true;
    return false;
}

static bool is_silent(const struct schema_value *schema)
{
    for (uint32_t i = 0; schema->kind == VALUE_OBJECT && i < schema->n; i++)
        if (is_limit(schema->names[i]))
            return false;
    return schema->kind == VALUE_OBJECT || schema->kind == VALUE_TRUE;
}

bool schema_literals_add(struct schema *s, struct schema_literals *l, const struct schema_value *schema,
                         bool holds)
{
    if (holds && is_silent(schema))
        return !s->w.failed;
    if (!schema_node_of(s, schema) || !schema_pay(&s->w, 1) ||
        !schema_room(&s->w, &l->list, &l->capacity, l->n, sizeof *l->list))
        return false;
    l->list[l->n++] = 2 * schema->id + !holds;
    return true;
}

bool schema_literals_hold(struct schema *s, const uint32_t *list, size_t n, const struct schema_value *v)
{
    for (size_t i = 0; i < n; i++)
        if (schema_holds(s, s->values[list[i] / 2], v, 0) != (list[i] % 2 == 0) || s->w.failed)
            return false;
    return true;
}

static int compare_literals(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static bool grow_slots(struct schema *s)
{
    size_t n_slots = s->n_goal_slots ? 2 * s->n_goal_slots : 128;
    uint32_t *slots = schema_alloc(&s->w, n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < s->n_goals; i++) {
        size_t slot = hash_bytes(s->goals[i].literals, s->goals[i].n * sizeof(uint32_t)) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    s->goal_slots = slots;
    s->n_goal_slots = n_slots;
    return true;
}

bool schema_goal_rule(struct schema *s, struct schema_literals *l, const char **name)
{
    size_t n = 0;
    char text[16];
    *name = "value";
    if (s->w.failed || l->n == 0)
        return !s->w.failed;
    qsort(l->list, l->n, sizeof *l->list, compare_literals);
    for (size_t i = 0; i < l->n; i++)
        if (n == 0 || l->list[i] != l->list[n - 1])
            l->list[n++] = l->list[i];
    if ((2 * (s->n_goals + 1) > s->n_goal_slots && !grow_slots(s)) || !schema_pay(&s->w, n))
        return false;
    size_t slot = hash_bytes(l->list, n * sizeof *l->list) & (s->n_goal_slots - 1);
    struct schema_goal *g = NULL;
    for (; s->goal_slots[slot] && !g; slot = (slot + 1) & (s->n_goal_slots - 1)) {
        struct schema_goal *one = &s->goals[s->goal_slots[slot] - 1];
        if (one->n == n && memcmp(one->literals, l->list, n * sizeof *l->list) == 0)
            g = one;
    }
    if (!g) {
        if (s->n_goals >= MAX_GOALS)
            return schema_fail(&s->w, ": it holds more than %d schemas, or never ends", MAX_GOALS);
        if (!schema_room(&s->w, &s->goals, &s->goals_capacity, s->n_goals, sizeof *s->goals))
            return false;
        g = &s->goals[s->n_goals];
        *g = (struct schema_goal){l->list, n, schema_rule_new(s)};
        s->goal_slots[slot] = (uint32_t)++s->n_goals;
    }
    struct schema_text t = {.w = &s->w};
    snprintf(text, sizeof text, "r%u", g->rule);
    schema_text_put(&t, "%s", text);
    *name = t.data;
    return !s->w.failed;
}

/* ---- the rule of a goal ---- */

struct goal_writing {
    struct schema_text symbols;
    struct value_set values; /* that are named, */
    struct hone_text *texts; /* [values.n] and how they are written */
    size_t capacity;
};

static bool put_simple(struct schema *s, const struct case_of *c, struct schema_text *symbols)
{
    static const char *const names[2][2] = {{"null", NULL}, {"false", "true"}};
    for (int i = 0; i < 2; i++) {
        const char *name = names[c->type == TYPE_BOOLEAN][i];
        bool is_left = name != NULL;
        for (const struct case_atom *a = c->atoms; a && is_left; a = a->next)
            is_left = a->kind != ATOM_NOT || a->value->kind != (c->type == TYPE_NULL ? VALUE_NULL
                                                                : i                  ? VALUE_TRUE
                                                                                     : VALUE_FALSE);
        if (is_left)
            schema_text_put(symbols, " | \"%s\"", name);
    }
    return !s->w.failed;
}

static bool take(struct schema *s, const struct case_of *c, void *arg)
{
    static bool (*const puts[N_TYPES])(struct schema *, const struct case_of *, struct schema_text *) = {
        put_simple, put_simple, schema_put_number, schema_put_string, schema_put_array, schema_put_object};
    struct goal_writing *w = arg;
    if (!c->is_typed && c->implied && !(c->implied >> c->type & 1)) /* it is about another type */
        return true;
    return puts[c->type](s, c, &w->symbols);
}

static bool take_values(struct schema *s, const struct schema_value *const *list, size_t n, void *arg)
{
    struct goal_writing *w = arg;
    for (size_t i = 0; i < n; i++) {
        size_t n_before = w->values.n;
        struct schema_text value = {.w = &s->w};
        if (!schema_set_add(&s->w, &w->values, list[i]))
            return false;
        if (w->values.n == n_before)
            continue;
        schema_text_value(&value, list[i]);
        if (!schema_room(&s->w, &w->texts, &w->capacity, n_before, sizeof *w->texts))
            return false;
        w->texts[n_before] = (struct hone_text){value.data, value.size};
    }
    return !s->w.failed;
}

static void put_values(struct goal_writing *w)
{
    if (w->values.n == 0)
        return;
    schema_text_add(&w->symbols, " | ", 3);
    schema_put_literals(&w->symbols, w->texts, w->values.n);
}

bool schema_goal_write(struct schema *s, size_t number)
{
    struct schema_goal g = s->goals[number];
    struct goal_writing w = {.symbols.w = &s->w};
    struct case_sink sink = {take, take_values, &w};
    for (unsigned t = 0; t < N_TYPES; t++)
        if (!schema_goal_cases(s, g.literals, g.n, (enum schema_type)t, &sink))
            return false;
    put_values(&w);
    struct schema_text body = {.w = &s->w};
    if (w.symbols.size > 3)
        schema_text_add(&body, w.symbols.data + 3, w.symbols.size - 3);
    else
        schema_text_put(&body, "[]"); /* nothing */
    schema_rule_text(s, g.rule, &body);
    return !s->w.failed;
}
