/* What the keywords of a schema say of values of one type, where it holds. */
#include "runtime/generate/grammar/schema/formats.h"
#include "runtime/generate/grammar/schema/search.h"

#include <string.h>

static bool limit(struct case_search *x, struct case_path *p, enum atom_kind kind,
                  const struct schema_value *value, bool holds)
{
    return !value || cases_add_atom(x, p, (struct case_atom){.kind = kind, .holds = holds, .value = value});
}

static bool count_limit(struct case_search *x, struct case_path *p, enum atom_kind kind,
                        const struct schema_value *schema, const char *key)
{
    uint32_t count;
    if (!schema_keyword(x->s, schema, key))
        return true;
    return schema_count(x->s, schema, key, 0, &count) &&
           cases_add_atom(x, p, (struct case_atom){.kind = kind, .holds = true, .count = count});
}

/* A bound as it is: minimum with "exclusiveMinimum": true (draft 4) is an open one. */
bool cases_bounds(struct case_search *x, struct case_path *p, const struct schema_value *schema, bool is_low)
{
    const struct schema_value *bound = schema_keyword(x->s, schema, is_low ? "minimum" : "maximum"),
                              *open = schema_keyword(x->s, schema,
                                                     is_low ? "exclusiveMinimum" : "exclusiveMaximum");
    enum atom_kind closed = is_low ? ATOM_LEAST : ATOM_MOST, strict = is_low ? ATOM_ABOVE : ATOM_BELOW;
    if (!limit(x, p, open && open->kind == VALUE_TRUE ? strict : closed, bound, true))
        return false;
    return !open || open->kind != VALUE_NUMBER || limit(x, p, strict, open, true);
}

bool format_is_known(const struct schema_value *format)
{
    unsigned max;
    return format && format_expression(format->text.data, format->text.size, &max);
}

static bool array_limits(struct case_search *x, struct case_path *p, const struct schema_value *schema)
{
    struct schema *s = x->s;
    const struct schema_value *unique = schema_keyword(s, schema, "uniqueItems"),
                              *contains = schema_keyword(s, schema, "contains");
    uint32_t least, most;
    if (!count_limit(x, p, ATOM_LEAST, schema, "minItems") ||
        !count_limit(x, p, ATOM_MOST, schema, "maxItems") ||
        !schema_count(s, schema, "minContains", 1, &least) ||
        !schema_count(s, schema, "maxContains", REPEAT_UNLIMITED, &most))
        return false;
    if (unique && unique->kind == VALUE_TRUE && !limit(x, p, ATOM_UNIQUE, unique, true))
        return false;
    if ((schema_keyword(s, schema, "items") || schema_keyword(s, schema, "prefixItems") ||
         schema_keyword(s, schema, "unevaluatedItems")) &&
        !limit(x, p, ATOM_ITEMS, schema, true))
        return false;
    if (!contains)
        return true;
    return cases_add_atom(
               x, p,
               (struct case_atom){.kind = ATOM_CONTAINS, .holds = true, .count = least, .value = contains}) &&
           (most == REPEAT_UNLIMITED ||
            cases_add_atom(
                x, p,
                (struct case_atom){.kind = ATOM_FEWER, .holds = true, .count = most, .value = contains}));
}

static bool object_limits(struct case_search *x, struct case_path *p, const struct schema_value *schema,
                          const struct case_literal *from)
{
    static const char *const members[] = {"properties", "patternProperties", "additionalProperties",
                                          "unevaluatedProperties"};
    static const char *const needs[] = {"dependentRequired", "dependentSchemas", "dependencies"};
    struct schema *s = x->s;
    const struct schema_value *required = schema_keyword(s, schema, "required");
    bool has_members = false;
    for (int i = 0; i < 4; i++)
        has_members |= schema_keyword(s, schema, members[i]) != NULL;
    if ((has_members && !limit(x, p, ATOM_MEMBERS, schema, true)) ||
        !limit(x, p, ATOM_NAMES, schema_keyword(s, schema, "propertyNames"), true) ||
        !count_limit(x, p, ATOM_LEAST, schema, "minProperties") ||
        !count_limit(x, p, ATOM_MOST, schema, "maxProperties"))
        return false;
    for (uint32_t i = required ? required->n : 0; i-- > 0;)
        if (!cases_add_atom(x, p, (struct case_atom){.kind = ATOM_HAS, .text = required->items[i]->text}))
            return false;
    for (int k = 0; k < 3; k++) {
        const struct schema_value *list = schema_keyword(s, schema, needs[k]);
        for (uint32_t i = 0; list && i < list->n; i++)
            if (!cases_postpone(x, p, CHOICE_NEED, list->items[i], list->names[i], from))
                return false;
    }
    return !s->w.failed;
}

static unsigned implied_types(struct schema *s, const struct schema_value *schema)
{
    static const struct {
        const char *key;
        enum schema_type type;
    } rows[] = {{"properties", TYPE_OBJECT},
                {"required", TYPE_OBJECT},
                {"additionalProperties", TYPE_OBJECT},
                {"patternProperties", TYPE_OBJECT},
                {"propertyNames", TYPE_OBJECT},
                {"minProperties", TYPE_OBJECT},
                {"maxProperties", TYPE_OBJECT},
                {"dependentRequired", TYPE_OBJECT},
                {"dependentSchemas", TYPE_OBJECT},
                {"dependencies", TYPE_OBJECT},
                {"items", TYPE_ARRAY},
                {"prefixItems", TYPE_ARRAY},
                {"minItems", TYPE_ARRAY},
                {"maxItems", TYPE_ARRAY},
                {"uniqueItems", TYPE_ARRAY},
                {"contains", TYPE_ARRAY},
                {"pattern", TYPE_STRING},
                {"minLength", TYPE_STRING},
                {"maxLength", TYPE_STRING},
                {"minimum", TYPE_NUMBER},
                {"maximum", TYPE_NUMBER},
                {"exclusiveMinimum", TYPE_NUMBER},
                {"exclusiveMaximum", TYPE_NUMBER},
                {"multipleOf", TYPE_NUMBER}};
    unsigned types = format_is_known(schema_keyword(s, schema, "format")) ? 1u << TYPE_STRING : 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (schema_keyword(s, schema, rows[i].key))
            types |= 1u << rows[i].type;
    return types;
}

bool cases_add_limits(struct case_search *x, struct case_path *p, const struct schema_value *schema,
                      const struct case_literal *from)
{
    struct schema *s = x->s;
    const struct schema_value *format = schema_keyword(s, schema, "format");
    p->c.implied |= implied_types(s, schema);
    switch (x->type) {
    case TYPE_NUMBER:
        return cases_bounds(x, p, schema, true) && cases_bounds(x, p, schema, false) &&
               limit(x, p, ATOM_MULTIPLE, schema_keyword(s, schema, "multipleOf"), true);
    case TYPE_STRING:
        return count_limit(x, p, ATOM_LEAST, schema, "minLength") &&
               count_limit(x, p, ATOM_MOST, schema, "maxLength") &&
               limit(x, p, ATOM_PATTERN, schema_keyword(s, schema, "pattern"), true) &&
               (!format_is_known(format) || limit(x, p, ATOM_FORMAT, format, true));
    case TYPE_ARRAY:
        return array_limits(x, p, schema);
    case TYPE_OBJECT:
        return object_limits(x, p, schema, from);
    default:
        return true;
    }
}
