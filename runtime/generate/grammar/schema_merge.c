/* Two schemas as one that asks for both, and whether two exclude each other. */
#include "runtime/generate/grammar/schema_impl.h"

#include <string.h>

enum { MAX_REFS = 64, MAX_DEPTH = 8 };

/* ---- merging ---- */

/* References at the top are followed, with what stands beside them. */
static const json_t *resolve(struct schema *s, const json_t *schema)
{
    for (int i = 0; schema && json_object_get(schema, "$ref"); i++) {
        const json_t *target = schema_target(s, json_object_get(schema, "$ref"));
        json_t *rest = schema_own(s, json_copy((json_t *)schema));
        if (!target || !rest)
            return NULL;
        if (i == MAX_REFS || !json_is_object(target)) {
            schema_fail(s, "$ref leads in a circle, or to no object");
            return NULL;
        }
        json_object_del(rest, "$ref");
        schema = json_object_size(rest) > 0 ? schema_merge(s, rest, target) : target;
    }
    return schema;
}

static json_t *merge_lists(struct schema *s, const json_t *a, const json_t *b, bool both)
{
    json_t *list = schema_own(s, json_array());
    for (size_t i = 0; list && i < json_array_size(a) + json_array_size(b); i++) {
        json_t *item =
            i < json_array_size(a) ? json_array_get(a, i) : json_array_get(b, i - json_array_size(a));
        bool in_a = false, in_b = false, in_list = false;
        for (size_t j = 0; j < json_array_size(a); j++)
            in_a |= json_equal(json_array_get(a, j), item);
        for (size_t j = 0; j < json_array_size(b); j++)
            in_b |= json_equal(json_array_get(b, j), item);
        for (size_t j = 0; j < json_array_size(list); j++)
            in_list |= json_equal(json_array_get(list, j), item);
        if (!in_list && (!both || (in_a && in_b)) && json_array_append(list, item) < 0)
            schema_fail(s, "out of memory");
    }
    return list;
}

static bool has_string(const json_t *list, const char *text)
{
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *item = json_string_value(json_array_get(list, i));
        if (item && strcmp(item, text) == 0)
            return true;
    }
    return false;
}

/* Types as a list; integer is spelt out where number is allowed too. */
static json_t *type_list(struct schema *s, const json_t *type)
{
    json_t *list = json_is_array(type) ? json_copy((json_t *)type) : json_pack("[O]", (json_t *)type);
    if (list && has_string(list, "number") && !has_string(list, "integer"))
        json_array_append_new(list, json_string("integer"));
    return schema_own(s, list);
}

static json_t *merge_types(struct schema *s, const json_t *a, const json_t *b)
{
    json_t *x = type_list(s, a), *y = type_list(s, b);
    json_t *types = x && y ? merge_lists(s, x, y, true) : NULL;
    if (types && json_array_size(types) == 0)
        schema_fail(s, "types that must hold together exclude each other");
    for (size_t i = 0; types && has_string(types, "number") && i < json_array_size(types); i++) {
        const char *name = json_string_value(json_array_get(types, i));
        if (name && strcmp(name, "integer") == 0) /* number says it already */
            json_array_remove(types, i);
    }
    return types;
}

/* A schema of both: by allOf, so that nothing is expanded before it is needed. */
static json_t *both_of(struct schema *s, json_t *a, json_t *b)
{
    return json_equal(a, b) ? a : schema_own(s, json_pack("{s:[O,O]}", "allOf", a, b));
}

static json_t *merge_properties(struct schema *s, const json_t *a, const json_t *b)
{
    json_t *merged = schema_own(s, json_copy((json_t *)a)), *value;
    const char *name;
    json_object_foreach ((json_t *)b, name, value) {
        json_t *known = json_object_get(a, name), *both = known ? both_of(s, known, value) : value;
        if (!both || !merged || json_object_set(merged, name, both) < 0)
            return NULL;
    }
    return merged;
}

static bool is_limit(const char *key, bool *larger)
{
    static const char *const lower[] = {"minimum", "exclusiveMinimum", "minLength", "minItems"};
    static const char *const upper[] = {"maximum", "exclusiveMaximum", "maxLength", "maxItems"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(key, lower[i]) == 0 || strcmp(key, upper[i]) == 0) {
            *larger = strcmp(key, lower[i]) == 0;
            return true;
        }
    return false;
}

/* One keyword that both have. */
static json_t *merge_keyword(struct schema *s, const char *key, json_t *a, json_t *b)
{
    bool larger;
    if (json_equal(a, b) || schema_is_annotation(key))
        return a;
    if (is_limit(key, &larger) && json_is_number(a) && json_is_number(b))
        return (json_number_value(a) > json_number_value(b)) == larger ? a : b;
    if (strcmp(key, "type") == 0)
        return merge_types(s, a, b);
    if (strcmp(key, "required") == 0)
        return merge_lists(s, a, b, false);
    if (strcmp(key, "enum") == 0)
        return merge_lists(s, a, b, true);
    if (strcmp(key, "allOf") == 0)
        return merge_lists(s, a, b, false);
    if (strcmp(key, "properties") == 0)
        return merge_properties(s, a, b);
    if (strcmp(key, "items") == 0 && json_is_object(a) && json_is_object(b))
        return both_of(s, a, b);
    schema_fail(s, "two different %s that must hold together are not supported", key);
    return NULL;
}

/* additionalProperties is about what stands beside it: it must not meet others' properties. */
static bool check_additional(struct schema *s, const json_t *a, const json_t *b)
{
    const char *name;
    json_t *value;
    if (!json_object_get(a, "additionalProperties") ||
        json_is_true(json_object_get(a, "additionalProperties")))
        return true;
    json_object_foreach (json_object_get(b, "properties"), name, value)
        if (!json_object_get(json_object_get(a, "properties"), name))
            return schema_fail(s,
                               "additionalProperties and the property %s of "
                               "another schema must hold together, "
                               "which is not supported",
                               name);
    return true;
}

json_t *schema_merge(struct schema *s, const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value, *merged = NULL;
    a = resolve(s, a);
    b = resolve(s, b);
    if (json_is_object(a) && json_is_object(b))
        merged = schema_own(s, json_copy((json_t *)a));
    else
        schema_fail(s, "schemas that must hold together are no objects");
    if (!merged || !check_additional(s, a, b) || !check_additional(s, b, a))
        return NULL;
    json_object_foreach ((json_t *)b, key, value) {
        json_t *known = json_object_get(a, key), *both = known ? merge_keyword(s, key, known, value) : value;
        if (!both || json_object_set(merged, key, both) < 0)
            return NULL;
    }
    return merged;
}

/* ---- telling apart ---- */

static bool types_exclude(struct schema *s, const json_t *a, const json_t *b)
{
    if (!a || !b)
        return false;
    json_t *x = type_list(s, a), *y = type_list(s, b);
    for (size_t i = 0; i < json_array_size(x); i++) {
        const char *name = json_string_value(json_array_get(x, i));
        if (!name || has_string(y, name))
            return false;
    }
    return x && y;
}

static const char *type_name(const json_t *value)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "object",  [JSON_ARRAY] = "array", [JSON_STRING] = "string",
        [JSON_INTEGER] = "number", [JSON_REAL] = "number", [JSON_TRUE] = "boolean",
        [JSON_FALSE] = "boolean",  [JSON_NULL] = "null"};
    return names[json_typeof(value)];
}

/* The values that a schema names; NULL: it names none. */
static const json_t *constants_of(struct schema *s, const json_t *schema)
{
    json_t *constant = json_object_get(schema, "const");
    return constant ? schema_own(s, json_pack("[O]", constant)) : json_object_get(schema, "enum");
}

static bool equal_values(const json_t *a, const json_t *b)
{
    return json_is_number(a) && json_is_number(b) ? json_number_value(a) == json_number_value(b)
                                                  : json_equal(a, b);
}

/* Whether each of the values a is excluded by schema b. */
static bool constants_exclude(struct schema *s, const json_t *values, const json_t *b)
{
    const json_t *others = constants_of(s, b), *type = json_object_get(b, "type");
    json_t *types = type ? type_list(s, type) : NULL;
    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *value = json_array_get(values, i);
        bool is_in = false;
        for (size_t j = 0; j < json_array_size(others); j++)
            is_in |= equal_values(json_array_get(others, j), value);
        bool no_value = others && !is_in;
        bool no_type = types && !has_string(types, type_name(value)) &&
                       !(json_is_number(value) && has_string(types, "integer"));
        if (!no_value && !no_type)
            return false;
    }
    return true;
}

static bool is_object(const json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));
    return type && strcmp(type, "object") == 0;
}

/* Objects, of which a needs a property that b does not allow, or not so. */
static bool properties_exclude(struct schema *s, const json_t *a, const json_t *b, unsigned depth)
{
    const json_t *required = json_object_get(a, "required");
    for (size_t i = 0; i < json_array_size(required); i++) {
        const char *name = json_string_value(json_array_get(required, i));
        const json_t *of_a = name ? json_object_get(json_object_get(a, "properties"), name) : NULL;
        const json_t *of_b = name ? json_object_get(json_object_get(b, "properties"), name) : NULL;
        if (name && !of_b && json_is_false(json_object_get(b, "additionalProperties")))
            return true;
        if (of_a && of_b && schema_disjoint(s, of_a, of_b, depth + 1))
            return true;
    }
    return false;
}

bool schema_disjoint(struct schema *s, const json_t *a, const json_t *b, unsigned depth)
{
    a = depth < MAX_DEPTH ? resolve(s, a) : NULL;
    b = depth < MAX_DEPTH ? resolve(s, b) : NULL;
    if (!json_is_object(a) || !json_is_object(b))
        return false;
    const json_t *values_a = constants_of(s, a), *values_b = constants_of(s, b);
    if (types_exclude(s, json_object_get(a, "type"), json_object_get(b, "type")) ||
        (values_a && constants_exclude(s, values_a, b)) || (values_b && constants_exclude(s, values_b, a)))
        return true;
    return is_object(a) && is_object(b) &&
           (properties_exclude(s, a, b, depth) || properties_exclude(s, b, a, depth));
}
