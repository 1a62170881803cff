/* Ways in which a schema does not hold: one of its keywords does not. */
#include "runtime/generate/grammar/schema/search.h"

bool cases_is_refused(struct case_search *x, const struct schema_value *schema)
{
    size_t n;
    bool whole;
    const struct schema_value *constant = schema_constant(x->s, schema);
    const struct schema_value *const *values = schema_enum(x->s, schema, &n);
    if (!(schema_types(x->s, schema, &whole) >> x->type & 1) ||
        (constant && schema_type_of(constant) != x->type))
        return true;
    for (size_t i = 0; values && i < n; i++)
        if (schema_type_of(values[i]) == x->type)
            return false;
    return values != NULL;
}

bool cases_go_on(struct case_search *x, const struct case_path *p, struct case_atom atom)
{
    struct case_path q = *p;
    return cases_add_atom(x, &q, atom) && cases_solve(x, q);
}

bool cases_go_without(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                      const struct case_literal *from)
{
    struct case_path q = *p;
    return cases_push(x, &q, schema, false, from) && cases_solve(x, q);
}

/* It is none of these. */
static bool negate_values(struct case_search *x, const struct case_path *p,
                          const struct schema_value *const *list, size_t n)
{
    struct case_path q = *p;
    for (size_t i = 0; i < n; i++) {
        if (schema_type_of(list[i]) != x->type)
            continue;
        if (x->type >= TYPE_ARRAY)
            return schema_fail_at(&x->s->w, list[i],
                                  "an array or object that must not be equal to this is not supported");
        if (!cases_add_atom(x, &q, (struct case_atom){.kind = ATOM_NOT, .value = list[i]}))
            return false;
    }
    return cases_solve(x, q);
}

/* None of the branches holds, or two do. */
static bool negate_one(struct case_search *x, const struct case_path *p, const struct schema_value *list,
                       const struct case_literal *from)
{
    struct case_path none = *p;
    for (uint32_t i = 0; i < list->n; i++)
        if (!cases_push(x, &none, list->items[i], false, from))
            return false;
    if (!cases_solve(x, none))
        return false;
    for (uint32_t i = 0; i < list->n; i++)
        for (uint32_t j = 0; j < i; j++) {
            struct case_path both = *p;
            if (!schema_apart(x->s, list->items[i], list->items[j], 0) &&
                (!cases_push(x, &both, list->items[i], true, from) ||
                 !cases_push(x, &both, list->items[j], true, from) || !cases_solve(x, both)))
                return false;
        }
    return !x->s->w.failed;
}

static bool negate_if(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                      const struct case_literal *from)
{
    static const char *const names[2] = {"else", "then"};
    for (int holds = 0; holds < 2; holds++) {
        const struct schema_value *then = schema_keyword(x->s, schema, names[holds]);
        struct case_path q = *p;
        if (then && (!cases_push(x, &q, schema_keyword(x->s, schema, "if"), holds, from) ||
                     !cases_push(x, &q, then, false, from) || !cases_solve(x, q)))
            return false;
    }
    return true;
}

static bool negate_combined(struct case_search *x, const struct case_path *p,
                            const struct schema_value *schema, const struct case_literal *from)
{
    struct schema *s = x->s;
    const struct schema_value *all = schema_keyword(s, schema, "allOf"),
                              *any = schema_keyword(s, schema, "anyOf"),
                              *one = schema_keyword(s, schema, "oneOf"),
                              *not = schema_keyword(s, schema, "not");
    const struct schema_value *target = schema_keyword(s, schema, "$ref") ? schema_target(s, schema) : NULL;
    if (s->w.failed || (target && !cases_go_without(x, p, target, from)))
        return false;
    for (uint32_t i = 0; all && i < all->n; i++)
        if (!cases_go_without(x, p, all->items[i], from))
            return false;
    if (any) {
        struct case_path q = *p;
        for (uint32_t i = 0; i < any->n; i++)
            if (!cases_push(x, &q, any->items[i], false, from))
                return false;
        if (!cases_solve(x, q))
            return false;
    }
    if (one && !negate_one(x, p, one, from))
        return false;
    if (not ) {
        struct case_path q = *p;
        if (!cases_push(x, &q, not, true, from) || !cases_solve(x, q))
            return false;
    }
    return !schema_keyword(s, schema, "if") || negate_if(x, p, schema, from);
}

bool cases_negate_count(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                        const char *least, const char *most)
{
    uint32_t count;
    if (!schema_count(x->s, schema, least, 0, &count) ||
        (count > 0 && !cases_go_on(x, p, (struct case_atom){.kind = ATOM_MOST, .count = count - 1})))
        return false;
    return schema_count(x->s, schema, most, REPEAT_UNLIMITED, &count) &&
           (count == REPEAT_UNLIMITED ||
            cases_go_on(x, p, (struct case_atom){.kind = ATOM_LEAST, .count = count + 1}));
}

static bool negate_bounds(struct case_search *x, const struct case_path *p, const struct schema_value *schema)
{
    static const enum atom_kind opposite[] = {[ATOM_LEAST] = ATOM_BELOW,
                                              [ATOM_MOST] = ATOM_ABOVE,
                                              [ATOM_ABOVE] = ATOM_MOST,
                                              [ATOM_BELOW] = ATOM_LEAST};
    const struct schema_value *multiple = schema_keyword(x->s, schema, "multipleOf");
    struct case_path bounds = {0};
    if (!cases_bounds(x, &bounds, schema, true) || !cases_bounds(x, &bounds, schema, false))
        return false;
    for (const struct case_atom *a = bounds.c.atoms; a; a = a->next)
        if (!cases_go_on(x, p, (struct case_atom){.kind = opposite[a->kind], .value = a->value}))
            return false;
    return !multiple || cases_go_on(x, p, (struct case_atom){.kind = ATOM_MULTIPLE, .value = multiple});
}

static bool negate_array(struct case_search *x, const struct case_path *p, const struct schema_value *schema)
{
    struct schema *s = x->s;
    const struct schema_value *unique = schema_keyword(s, schema, "uniqueItems"),
                              *contains = schema_keyword(s, schema, "contains"),
                              *items = schema_keyword(s, schema, "items"),
                              *prefix = schema_keyword(s, schema, "prefixItems");
    uint32_t least, most;
    if (unique && unique->kind == VALUE_TRUE)
        return schema_fail_at(&s->w, unique, "uniqueItems that must not hold is not supported");
    if (items && items->kind == VALUE_ARRAY) {
        prefix = items;
        items = schema_keyword(s, schema, "additionalItems");
    }
    for (uint32_t i = 0; prefix && i < prefix->n; i++)
        if (!cases_go_on(x, p, (struct case_atom){.kind = ATOM_ITEM, .count = i, .value = prefix->items[i]}))
            return false;
    if (items &&
        !cases_go_on(x, p,
                     (struct case_atom){.kind = ATOM_SOME, .count = prefix ? prefix->n : 0, .value = items}))
        return false;
    if (!cases_negate_count(x, p, schema, "minItems", "maxItems") ||
        !schema_count(s, schema, "minContains", 1, &least) ||
        !schema_count(s, schema, "maxContains", REPEAT_UNLIMITED, &most))
        return false;
    if (contains && least > 0 &&
        !cases_go_on(
            x, p,
            (struct case_atom){.kind = ATOM_FEWER, .holds = true, .count = least - 1, .value = contains}))
        return false;
    return !contains || most == REPEAT_UNLIMITED ||
           cases_go_on(x, p,
                       (struct case_atom){
                           .kind = ATOM_CONTAINS, .holds = true, .count = most + 1, .value = contains});
}

static bool negate_string(struct case_search *x, const struct case_path *p, const struct schema_value *schema)
{
    const struct schema_value *pattern = schema_keyword(x->s, schema, "pattern"),
                              *format = schema_keyword(x->s, schema, "format");
    return cases_negate_count(x, p, schema, "minLength", "maxLength") &&
           (!pattern || cases_go_on(x, p, (struct case_atom){.kind = ATOM_PATTERN, .value = pattern})) &&
           (!format_is_known(format) ||
            cases_go_on(x, p, (struct case_atom){.kind = ATOM_FORMAT, .value = format}));
}

bool cases_negate(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                  const struct case_literal *from)
{
    struct schema *s = x->s;
    size_t n;
    bool whole;
    const struct schema_value *constant = schema_constant(s, schema);
    const struct schema_value *const *values = schema_enum(s, schema, &n);
    if (x->type == TYPE_OBJECT && (cases_is_negated(x, p, schema) || cases_exclude(x, p, schema)))
        return cases_solve(x, *p);
    schema_types(s, schema, &whole);
    if ((constant && !negate_values(x, p, &constant, 1)) || (values && !negate_values(x, p, values, n)) ||
        (whole && x->type == TYPE_NUMBER && !cases_go_on(x, p, (struct case_atom){.kind = ATOM_WHOLE})) ||
        !negate_combined(x, p, schema, from))
        return false;
    switch (x->type) {
    case TYPE_NUMBER:
        return negate_bounds(x, p, schema);
    case TYPE_STRING:
        return negate_string(x, p, schema);
    case TYPE_ARRAY:
        return negate_array(x, p, schema);
    case TYPE_OBJECT:
        return cases_negate_object(x, p, schema, from);
    default:
        return true;
    }
}
