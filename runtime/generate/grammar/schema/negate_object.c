/* Objects for which a schema must not hold.
 *
 * A member whose name no schema gives that holds is not written, unless others are asked for; so a schema that needs one
 * does not hold, and there is nothing to choose. Nor is there where a member that is there cannot be as the schema says:
 * mostly a "kind", by which branches are told apart. */
#include "runtime/generate/grammar/schema/search.h"

#include "runtime/base/text.h"

static bool may_have_others(struct schema *s, const struct schema_value *schema)
{
    return schema_keyword(s, schema, "additionalProperties") ||
           schema_keyword(s, schema, "unevaluatedProperties") ||
           schema_keyword(s, schema, "patternProperties");
}

/* Whether members of any name may come. */
static bool is_open(struct case_search *x, const struct case_path *p)
{
    bool gives_names = false;
    for (const struct case_atom *a = p->c.atoms; a; a = a->next) {
        const struct schema_value *properties =
            a->kind == ATOM_MEMBERS ? schema_keyword(x->s, a->value, "properties") : NULL;
        gives_names |= a->kind == ATOM_HAS || (properties && properties->n > 0);
        if (a->kind == ATOM_LEAST || (a->kind == ATOM_MEMBERS && may_have_others(x->s, a->value)))
            return true;
    }
    return !gives_names;
}

/* Whether there can be a member of the name. */
static bool may_have(struct case_search *x, const struct case_path *p, struct hone_text name)
{
    if (is_open(x, p) || cases_has(p, name))
        return true;
    for (const struct case_atom *a = p->c.atoms; a; a = a->next)
        if (a->kind == ATOM_MEMBERS &&
            schema_value_find(&x->s->w, schema_keyword(x->s, a->value, "properties"), name))
            return true;
    return false;
}

bool cases_is_negated(struct case_search *x, const struct case_path *p, const struct schema_value *schema)
{
    const struct schema_value *required = schema_keyword(x->s, schema, "required");
    for (uint32_t i = 0; required && i < required->n; i++)
        if (cases_lacks(p, required->items[i]->text) || !may_have(x, p, required->items[i]->text))
            return true;
    return false;
}

/* Whether one of the schemas that hold says of the member what cannot be together with `own`. */
static bool excludes(struct case_search *x, const struct case_path *p, struct hone_text name,
                     const struct schema_value *own)
{
    struct schema *s = x->s;
    for (const struct case_atom *a = p->c.atoms; a && schema_pay(&s->w, 1); a = a->next) {
        const struct schema_value *properties =
            a->kind == ATOM_MEMBERS ? schema_keyword(s, a->value, "properties") : NULL;
        const struct schema_value *other = schema_value_find(&s->w, properties, name);
        if (other && schema_apart(s, own, other, 0))
            return true;
    }
    return false;
}

static bool needs(struct schema *s, const struct schema_value *schema, struct hone_text name)
{
    const struct schema_value *required = schema_keyword(s, schema, "required");
    for (uint32_t i = 0; required && i < required->n && schema_pay(&s->w, 1); i++)
        if (text_equal(required->items[i]->text, name))
            return true;
    return false;
}

bool cases_exclude(struct case_search *x, const struct case_path *p, const struct schema_value *schema)
{
    struct schema *s = x->s;
    if (x->type != TYPE_OBJECT || !p->c.atoms)
        return false;
    for (int i = 0; i < 8 && schema && schema->kind == VALUE_OBJECT && schema->n == 1; i++)
        schema = schema_keyword(s, schema, "$ref") ? schema_target(s, schema) : schema;
    if (!schema || !schema_check(s, schema))
        return false;
    const struct schema_value *properties = schema_keyword(s, schema, "properties");
    for (uint32_t i = 0; properties && i < properties->n; i++) {
        struct hone_text name = properties->names[i];
        if ((cases_has(p, name) || needs(s, schema, name)) && excludes(x, p, name, properties->items[i]))
            return true;
    }
    return false;
}

/* A member of the name, for which the schema does not hold. */
static bool negate_member(struct case_search *x, const struct case_path *p, struct hone_text name,
                          const struct schema_value *schema)
{
    if (cases_lacks(p, name) || !may_have(x, p, name))
        return true;
    return cases_go_on(x, p, (struct case_atom){.kind = ATOM_HAS, .text = name, .value = schema});
}

/* What a schema says of a member by its patterns, or of one that it does not give. */
static bool negate_other(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                         struct hone_text name)
{
    struct schema *s = x->s;
    const struct schema_value *patterns = schema_keyword(s, schema, "patternProperties"),
                              *other = schema_keyword(s, schema, "additionalProperties");
    bool is_other = !schema_value_find(&s->w, schema_keyword(s, schema, "properties"), name);
    for (uint32_t i = 0; patterns && i < patterns->n; i++)
        if (schema_matches(s, patterns->items[i], patterns->names[i], name)) {
            is_other = false;
            if (!negate_member(x, p, name, patterns->items[i]))
                return false;
        }
    if (!other)
        other = schema_keyword(s, schema, "unevaluatedProperties");
    return !is_other || !other || negate_member(x, p, name, other);
}

/* Each name that is given, where no others can come. */
static bool negate_others(struct case_search *x, const struct case_path *p, const struct schema_value *schema)
{
    struct schema *s = x->s;
    const struct schema_value *names = schema_keyword(s, schema, "propertyNames"),
                              *other = schema_keyword(s, schema, "additionalProperties");
    if (names && names->kind != VALUE_TRUE)
        return schema_fail_at(&s->w, names,
                              "propertyNames that must not hold (of oneOf, not or if) is not supported");
    if (!may_have_others(s, schema) ||
        (other && other->kind == VALUE_TRUE && !schema_keyword(s, schema, "patternProperties")))
        return true;
    if (is_open(x, p))
        return schema_fail_at(
            &s->w, schema,
            "patternProperties and additionalProperties that must not hold (of oneOf, not or if) of an "
            "object that may have any members are not supported");
    for (const struct case_atom *a = p->c.atoms; a; a = a->next) {
        const struct schema_value *properties =
            a->kind == ATOM_MEMBERS ? schema_keyword(s, a->value, "properties") : NULL;
        if (a->kind == ATOM_HAS && !negate_other(x, p, schema, a->text))
            return false;
        for (uint32_t i = 0; properties && i < properties->n; i++)
            if (!negate_other(x, p, schema, properties->names[i]))
                return false;
    }
    return !s->w.failed;
}

static bool negate_needs(struct case_search *x, const struct case_path *p, const struct schema_value *needs,
                         const struct case_literal *from)
{
    for (uint32_t i = 0; needs && i < needs->n; i++) {
        const struct schema_value *need = needs->items[i];
        for (uint32_t k = 0; k < (need->kind == VALUE_ARRAY ? need->n : 1); k++) {
            struct case_path q = *p;
            if (!cases_add_atom(x, &q, (struct case_atom){.kind = ATOM_HAS, .text = needs->names[i]}))
                return false;
            if (need->kind == VALUE_ARRAY
                    ? !cases_go_on(x, &q,
                                   (struct case_atom){.kind = ATOM_LACKS, .text = need->items[k]->text})
                    : !cases_go_without(x, &q, need, from))
                return false;
        }
    }
    return true;
}

bool cases_negate_object(struct case_search *x, const struct case_path *p, const struct schema_value *schema,
                         const struct case_literal *from)
{
    struct schema *s = x->s;
    const struct schema_value *properties = schema_keyword(s, schema, "properties"),
                              *required = schema_keyword(s, schema, "required");
    for (uint32_t i = 0; required && i < required->n; i++)
        if (!cases_has(p, required->items[i]->text) &&
            !cases_go_on(x, p, (struct case_atom){.kind = ATOM_LACKS, .text = required->items[i]->text}))
            return false;
    for (uint32_t i = 0; properties && i < properties->n; i++)
        if (!negate_member(x, p, properties->names[i], properties->items[i]))
            return false;
    return negate_others(x, p, schema) &&
           cases_negate_count(x, p, schema, "minProperties", "maxProperties") &&
           negate_needs(x, p, schema_keyword(s, schema, "dependentRequired"), from) &&
           negate_needs(x, p, schema_keyword(s, schema, "dependentSchemas"), from) &&
           negate_needs(x, p, schema_keyword(s, schema, "dependencies"), from);
}
