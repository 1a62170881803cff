/* What the two halves of objects share: members with a name (object.c) and others (others.c). */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_MEMBERS_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_MEMBERS_H

#include "runtime/generate/grammar/schema/translate.h"

struct schema_member {
    struct hone_text name;
    bool has, lacks; /* it must be there, or must not */
    struct schema_literals literals;
    uint32_t round, rule;
};

struct schema_object {
    struct schema *s;
    const struct schema_value *at;
    struct schema_member *list; /* [n] */
    size_t n, capacity;
    uint32_t *slots; /* by name, number + 1 */
    size_t n_slots;
    uint32_t round, min, max;
    bool is_impossible;
    bool has_others; /* members of other names may come: */
    uint32_t others; /* the rule of one of them */
    uint32_t first_rule, n_counts;
};

/* additionalProperties, or what says the same; NULL: nothing does. */
const struct schema_value *schema_members_other(struct schema *s, const struct schema_value *schema);

/* Finds o->has_others and o->others. */
bool schema_members_others(struct schema_object *o, const struct case_atom *const *atoms, size_t n);

#endif
