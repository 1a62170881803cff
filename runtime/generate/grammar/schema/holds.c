/* Whether a schema holds for a value, as JSON Schema says. For the values that a schema names, which can so be written
 * beside any other keyword, and for names of members. */
#include "runtime/generate/grammar/schema/translate.h"

#include <string.h>
#include <utf8proc.h>

/* Of schemas and values in each other: what the stack of a thread bears several times. */
enum { MAX_DEPTH = 400 };

static size_t count_chars(struct hone_text text)
{
    size_t n = 0;
    for (size_t i = 0; i < text.size; i++)
        n += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return n;
}

/* ---- numbers and strings ---- */

static bool bound_holds(struct schema *s, const struct schema_value *schema, const char *key,
                        const char *open, const struct decimal *number, int side)
{
    const struct schema_value *bound = schema_keyword(s, schema, key),
                              *exclusive = schema_keyword(s, schema, open);
    int order = bound ? side * decimal_compare(number, bound->number) : 1;
    if (order < 0 || (order == 0 && exclusive && exclusive->kind == VALUE_TRUE))
        return false;
    return !exclusive || exclusive->kind != VALUE_NUMBER ||
           side * decimal_compare(number, exclusive->number) > 0;
}

static bool number_holds(struct schema *s, const struct schema_value *schema, const struct schema_value *v)
{
    const struct schema_value *multiple = schema_keyword(s, schema, "multipleOf");
    struct divisor divisor;
    if (!bound_holds(s, schema, "minimum", "exclusiveMinimum", v->number, 1) ||
        !bound_holds(s, schema, "maximum", "exclusiveMaximum", v->number, -1))
        return false;
    if (!multiple)
        return true;
    if (!divisor_of(multiple->number, &divisor))
        return schema_fail_at(&s->w, multiple, "multipleOf is not above zero, or has more than 18 digits");
    return decimal_is_multiple(v->number, &divisor);
}

static bool string_holds(struct schema *s, const struct schema_value *schema, const struct schema_value *v)
{
    const struct schema_value *pattern = schema_keyword(s, schema, "pattern"),
                              *format = schema_keyword(s, schema, "format");
    uint32_t min, max, format_max;
    if (!schema_count(s, schema, "minLength", 0, &min) ||
        !schema_count(s, schema, "maxLength", REPEAT_UNLIMITED, &max))
        return false;
    size_t n = count_chars(v->text);
    if (n < min || n > max || (pattern && !schema_matches(s, pattern, pattern->text, v->text)))
        return false;
    if (!format || !schema_format(s, format, &format_max))
        return true;
    return n <= format_max && schema_matches(s, format, format->text, v->text);
}

/* ---- arrays ---- */

static bool are_unique(struct schema *s, const struct schema_value *v)
{
    struct value_set set = {0};
    for (uint32_t i = 0; i < v->n; i++)
        if (!schema_set_add(&s->w, &set, v->items[i]))
            return false;
    return set.n == v->n;
}

static bool array_holds(struct schema *s, const struct schema_value *schema, const struct schema_value *v,
                        unsigned depth)
{
    const struct schema_value *contains = schema_keyword(s, schema, "contains"),
                              *unique = schema_keyword(s, schema, "uniqueItems");
    uint32_t min, max, least, most, n_found = 0;
    if (!schema_count(s, schema, "minItems", 0, &min) ||
        !schema_count(s, schema, "maxItems", REPEAT_UNLIMITED, &max) ||
        !schema_count(s, schema, "minContains", 1, &least) ||
        !schema_count(s, schema, "maxContains", REPEAT_UNLIMITED, &most) || v->n < min || v->n > max)
        return false;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct schema_value *item = schema_of_item(s, schema, i);
        if (item && !schema_holds(s, item, v->items[i], depth))
            return false;
        n_found += contains && schema_holds(s, contains, v->items[i], depth);
    }
    if (contains && (n_found < least || n_found > most))
        return false;
    return !unique || unique->kind == VALUE_FALSE || are_unique(s, v);
}

/* ---- objects ---- */

static bool member_holds(struct schema *s, const struct schema_value *schema, struct hone_text name,
                         const struct schema_value *v, unsigned depth)
{
    const struct schema_value *own = schema_value_find(&s->w, schema_keyword(s, schema, "properties"), name),
                              *patterns = schema_keyword(s, schema, "patternProperties"),
                              *other = schema_keyword(s, schema, "additionalProperties");
    bool is_other = own == NULL;
    if (!other)
        other = schema_keyword(s, schema, "unevaluatedProperties");
    if (own && !schema_holds(s, own, v, depth))
        return false;
    for (uint32_t i = 0; patterns && i < patterns->n; i++)
        if (schema_matches(s, patterns->items[i], patterns->names[i], name)) {
            is_other = false;
            if (!schema_holds(s, patterns->items[i], v, depth))
                return false;
        }
    return !is_other || !other || schema_holds(s, other, v, depth);
}

static bool has_all(struct schema *s, const struct schema_value *v, const struct schema_value *names)
{
    for (uint32_t i = 0; names && names->kind == VALUE_ARRAY && i < names->n; i++)
        if (!schema_pay(&s->w, 1) ||
            (names->items[i]->kind == VALUE_STRING && !schema_value_find(&s->w, v, names->items[i]->text)))
            return false;
    return true;
}

static bool needs_hold(struct schema *s, const struct schema_value *needs, const struct schema_value *v,
                       unsigned depth)
{
    for (uint32_t i = 0; needs && i < needs->n; i++) {
        if (!schema_value_find(&s->w, v, needs->names[i]))
            continue;
        const struct schema_value *need = needs->items[i];
        if (need->kind == VALUE_ARRAY ? !has_all(s, v, need) : !schema_holds(s, need, v, depth))
            return false;
    }
    return true;
}

static bool object_holds(struct schema *s, const struct schema_value *schema, const struct schema_value *v,
                         unsigned depth)
{
    const struct schema_value *names = schema_keyword(s, schema, "propertyNames");
    uint32_t min, max;
    if (!schema_count(s, schema, "minProperties", 0, &min) ||
        !schema_count(s, schema, "maxProperties", REPEAT_UNLIMITED, &max) || v->n < min || v->n > max ||
        !has_all(s, v, schema_keyword(s, schema, "required")) ||
        !needs_hold(s, schema_keyword(s, schema, "dependentRequired"), v, depth) ||
        !needs_hold(s, schema_keyword(s, schema, "dependentSchemas"), v, depth) ||
        !needs_hold(s, schema_keyword(s, schema, "dependencies"), v, depth))
        return false;
    for (uint32_t i = 0; i < v->n; i++) {
        if (!member_holds(s, schema, v->names[i], v->items[i], depth))
            return false;
        const struct schema_value *name = names ? schema_value_string(&s->w, v->names[i], v) : NULL;
        if (names && (!name || !schema_holds(s, names, name, depth)))
            return false;
    }
    return true;
}

/* ---- all ---- */

static uint32_t count_branches(struct schema *s, const struct schema_value *list,
                               const struct schema_value *v, unsigned depth)
{
    if (!schema_sort_branches(s, list))
        return 0;
    const struct schema_node *node = schema_node_of(s, list);
    uint32_t n = schema_set_times(&s->w, node->values, v);
    for (size_t i = 0; i < node->n_others; i++)
        n += schema_holds(s, node->others[i], v, depth);
    return n;
}

static bool combined_hold(struct schema *s, const struct schema_value *schema, const struct schema_value *v,
                          unsigned depth)
{
    const struct schema_value *all = schema_keyword(s, schema, "allOf"),
                              *any = schema_keyword(s, schema, "anyOf"),
                              *one = schema_keyword(s, schema, "oneOf"),
                              *not = schema_keyword(s, schema, "not"),
                              *when = schema_keyword(s, schema, "if");
    for (uint32_t i = 0; all && i < all->n; i++)
        if (!schema_holds(s, all->items[i], v, depth))
            return false;
    if ((any && count_branches(s, any, v, depth) == 0) || (one && count_branches(s, one, v, depth) != 1) ||
        (not &&schema_holds(s, not, v, depth)))
        return false;
    if (!when)
        return true;
    const struct schema_value *then =
        schema_keyword(s, schema, schema_holds(s, when, v, depth) ? "then" : "else");
    return !then || schema_holds(s, then, v, depth);
}

static bool values_hold(struct schema *s, const struct schema_value *schema, const struct schema_value *v)
{
    const struct schema_value *constant = schema_keyword(s, schema, "const"),
                              *list = schema_keyword(s, schema, "enum");
    bool whole;
    unsigned types = schema_types(s, schema, &whole);
    if (!(types >> schema_type_of(v) & 1) ||
        (whole && v->kind == VALUE_NUMBER && !decimal_is_whole(v->number)))
        return false;
    if (constant && !schema_value_equal(&s->w, constant, v))
        return false;
    return !list || schema_set_times(&s->w, schema_enum_set(s, list), v) > 0;
}

bool schema_holds(struct schema *s, const struct schema_value *schema, const struct schema_value *v,
                  unsigned depth)
{
    if (!schema_pay(&s->w, 1) || schema->kind == VALUE_FALSE)
        return false;
    if (depth > MAX_DEPTH)
        return schema_fail_at(&s->w, schema, "$ref leads in a circle, or values are nested too deep");
    if (!schema_check(s, schema) || !values_hold(s, schema, v))
        return false;
    const struct schema_value *target = schema_keyword(s, schema, "$ref") ? schema_target(s, schema) : NULL;
    if (target && !schema_holds(s, target, v, depth + 1))
        return false;
    bool ok = combined_hold(s, schema, v, depth + 1);
    if (ok && v->kind == VALUE_NUMBER)
        ok = number_holds(s, schema, v);
    if (ok && v->kind == VALUE_STRING)
        ok = string_holds(s, schema, v);
    if (ok && v->kind == VALUE_ARRAY)
        ok = array_holds(s, schema, v, depth + 1);
    if (ok && v->kind == VALUE_OBJECT)
        ok = object_holds(s, schema, v, depth + 1);
    return ok && !s->w.failed;
}
