/* Objects: members in the order of the schema, then others. */
#include "runtime/generate/grammar/schema/members.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <string.h>

enum { MOST_RULES = 60000 }; /* each member counts properties from every number on: they multiply */

/* ---- members that have a name ---- */

static bool grow_slots(struct schema_object *o)
{
    size_t n_slots = o->n_slots ? 2 * o->n_slots : 16;
    uint32_t *slots = schema_alloc(&o->s->w, n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < o->n; i++) {
        size_t slot = hash_bytes(o->list[i].name.data, o->list[i].name.size) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    o->slots = slots;
    o->n_slots = n_slots;
    return true;
}

/* The member of a name, a new one where there was none; NULL: failed. */
static struct schema_member *member_of(struct schema_object *o, struct hone_text name)
{
    struct schema_work *w = &o->s->w;
    if (2 * (o->n + 1) > o->n_slots && !grow_slots(o))
        return NULL;
    size_t slot = hash_bytes(name.data, name.size) & (o->n_slots - 1);
    for (; o->slots[slot] && schema_pay(w, 1); slot = (slot + 1) & (o->n_slots - 1))
        if (text_equal(o->list[o->slots[slot] - 1].name, name))
            return &o->list[o->slots[slot] - 1];
    if (w->failed || !schema_room(w, &o->list, &o->capacity, o->n, sizeof *o->list))
        return NULL;
    o->list[o->n] = (struct schema_member){.name = name};
    o->slots[slot] = (uint32_t)++o->n;
    return &o->list[o->n - 1];
}

const struct schema_value *schema_members_other(struct schema *s, const struct schema_value *schema)
{
    const struct schema_value *other = schema_keyword(s, schema, "additionalProperties");
    return other ? other : schema_keyword(s, schema, "unevaluatedProperties");
}

/* What one schema says of each member. */
static bool add_schema(struct schema_object *o, const struct schema_value *schema)
{
    struct schema *s = o->s;
    const struct schema_value *properties = schema_keyword(s, schema, "properties"),
                              *other = schema_members_other(s, schema),
                              *patterns = schema_keyword(s, schema, "patternProperties");
    o->round++;
    for (uint32_t i = 0; properties && i < properties->n; i++) {
        struct schema_member *m = member_of(o, properties->names[i]);
        if (!m || !schema_literals_add(s, &m->literals, properties->items[i], true))
            return false;
        m->round = o->round;
    }
    if (!patterns && (!other || other->kind == VALUE_TRUE))
        return true;
    for (size_t i = 0; i < o->n; i++) {
        struct schema_member *m = &o->list[i];
        for (uint32_t k = 0; patterns && k < patterns->n; k++) {
            if (!schema_matches(s, patterns->items[k], patterns->names[k], m->name))
                continue;
            if (!schema_literals_add(s, &m->literals, patterns->items[k], true))
                return false;
            m->round = o->round;
        }
        if (m->round != o->round && other && !schema_literals_add(s, &m->literals, other, true))
            return false;
        if (!schema_pay(&s->w, 1))
            return false;
    }
    return true;
}

static bool name_holds(struct schema_object *o, const struct schema_value *names, struct hone_text name)
{
    const struct schema_value *v = schema_value_string(&o->s->w, name, names);
    return v && schema_holds(o->s, names, v, 0);
}

/* Names first, so that each schema can be asked of all of them. */
static bool add_names(struct schema_object *o, const struct case_atom *const *atoms, size_t n)
{
    struct schema *s = o->s;
    for (size_t i = 0; i < n; i++) {
        const struct case_atom *a = atoms[i];
        const struct schema_value *properties =
            a->kind == ATOM_MEMBERS ? schema_keyword(s, a->value, "properties") : NULL;
        for (uint32_t k = 0; properties && k < properties->n; k++)
            if (!member_of(o, properties->names[k]))
                return false;
    }
    for (size_t i = 0; i < n; i++) {
        const struct case_atom *a = atoms[i];
        struct schema_member *m = a->kind == ATOM_HAS || a->kind == ATOM_LACKS ? member_of(o, a->text) : NULL;
        if (s->w.failed)
            return false;
        if (!m)
            continue;
        m->has |= a->kind == ATOM_HAS;
        m->lacks |= a->kind == ATOM_LACKS;
        if (a->kind == ATOM_HAS && a->value && !schema_literals_add(s, &m->literals, a->value, a->holds))
            return false;
    }
    return true;
}

static bool add_atoms(struct schema_object *o, const struct case_atom *const *atoms, size_t n)
{
    if (!add_names(o, atoms, n))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct case_atom *a = atoms[i];
        if (a->kind == ATOM_MEMBERS && !add_schema(o, a->value))
            return false;
        if (a->kind == ATOM_LEAST)
            o->min = a->count > o->min ? a->count : o->min;
        if (a->kind == ATOM_MOST)
            o->max = a->count < o->max ? a->count : o->max;
        for (size_t k = 0; a->kind == ATOM_NAMES && k < o->n; k++)
            if (!name_holds(o, a->value, o->list[k].name))
                o->list[k].lacks = true;
    }
    return !o->s->w.failed;
}

/* ---- rules ---- */

/* "name": value */
static bool put_pair(struct schema_object *o, struct schema_member *m)
{
    struct schema *s = o->s;
    struct schema_text quoted = {.w = &s->w}, t = {.w = &s->w};
    const struct schema_value *name = schema_value_string(&s->w, m->name, NULL);
    const char *value;
    if (!name || !schema_goal_rule(s, &m->literals, &value))
        return false;
    schema_text_value(&quoted, name);
    schema_put_literal(&t, quoted.data, quoted.size);
    schema_text_put(&t, " \":\" ws %s", value);
    m->rule = schema_rule_new(s);
    schema_rule_text(s, m->rule, &t);
    return !s->w.failed;
}

/* What may come from member i on, where `count` came before, which is told apart up to n_counts - 1. */
static uint32_t rule_at(const struct schema_object *o, size_t i, uint32_t count)
{
    return o->first_rule + (uint32_t)i * o->n_counts + count;
}

static void put_end(const struct schema_object *o, struct schema_text *t, uint32_t count)
{
    if (count >= o->min)
        schema_text_put(t, count > 0 ? " | ws \"}\"" : " | \"}\"");
}

static bool put_from(struct schema_object *o, size_t i, uint32_t count)
{
    struct schema *s = o->s;
    struct schema_text t = {.w = &s->w};
    const struct schema_member *m = i < o->n ? &o->list[i] : NULL;
    const char *comma = count > 0 ? "\",\" ws " : "";
    uint32_t next = count + 1 < o->n_counts ? count + 1 : count;
    bool is_full = o->max != REPEAT_UNLIMITED && count == o->max;
    if (!m) {
        put_end(o, &t, count);
        if (o->has_others && !is_full)
            schema_text_put(&t, " | %sr%u r%u", comma, o->others, rule_at(o, i, next));
    } else {
        if (!m->lacks && !is_full)
            schema_text_put(&t, " | %sr%u r%u", comma, m->rule, rule_at(o, i + 1, next));
        if (!m->has)
            schema_text_put(&t, " | r%u", rule_at(o, i + 1, count));
    }
    if (t.size == 0)
        schema_text_put(&t, " | []");
    struct schema_text body = {.w = &s->w, .data = t.data + 3, .size = t.size - 3};
    if (!s->w.failed)
        schema_rule_text(s, rule_at(o, i, count), &body);
    return !s->w.failed;
}

static bool put_members(struct schema_object *o, struct schema_text *symbols)
{
    struct schema *s = o->s;
    o->n_counts = (o->max != REPEAT_UNLIMITED ? o->max : o->min) + 1;
    o->n_counts =
        o->n_counts < 2 && o->max == REPEAT_UNLIMITED ? 2 : o->n_counts; /* none or some: the comma */
    if ((uint64_t)o->n_counts * (o->n + 1) > MOST_RULES)
        return schema_fail_at(&s->w, o->at, "the numbers of properties need more than %d rules", MOST_RULES);
    for (size_t i = 0; i < o->n; i++)
        if (!o->list[i].lacks && !put_pair(o, &o->list[i]))
            return false;
    o->first_rule = s->n_rules;
    s->n_rules += (uint32_t)(o->n_counts * (o->n + 1));
    for (size_t i = 0; i <= o->n; i++)
        for (uint32_t count = 0; count < o->n_counts; count++)
            if (!schema_pay(&s->w, 2) || !put_from(o, i, count))
                return false;
    schema_text_put(symbols, " | \"{\" ws r%u", rule_at(o, 0, 0));
    return !s->w.failed;
}

/* Names of others may come twice, and count once: they are one at most of those that must be there. */
static bool settle_counts(struct schema_object *o)
{
    uint32_t n_has = 0, n_possible = 0;
    for (size_t i = 0; i < o->n; i++) {
        n_has += o->list[i].has;
        n_possible += !o->list[i].lacks;
    }
    o->is_impossible |= o->min > o->max || n_has > o->max || (!o->has_others && n_possible < o->min);
    if (o->max > n_possible && !o->has_others)
        o->max = REPEAT_UNLIMITED;
    if (n_has >= o->min)
        o->min = 0;
    if (o->has_others && o->min > n_has + 1)
        return schema_fail_at(
            &o->s->w, o->at,
            "minProperties is supported up to one more than those that are required, where members of any "
            "name may come");
    return true;
}

bool schema_put_object(struct schema *s, const struct case_of *c, struct schema_text *symbols)
{
    struct schema_object o = {.s = s, .at = c->at, .max = REPEAT_UNLIMITED};
    size_t n = 0;
    if (!c->atoms) {
        schema_text_put(symbols, " | object");
        return !s->w.failed;
    }
    for (const struct case_atom *a = c->atoms; a; a = a->next)
        n++;
    const struct case_atom **atoms = schema_alloc(&s->w, n, sizeof *atoms);
    if (!atoms)
        return false;
    size_t at = n;
    for (const struct case_atom *a = c->atoms; a; a = a->next) /* the last is the first */
        atoms[--at] = a;
    if (!add_atoms(&o, atoms, n))
        return false;
    for (size_t i = 0; i < o.n; i++)
        o.is_impossible |= o.list[i].has && o.list[i].lacks;
    if (o.is_impossible)
        return true;
    if (!schema_members_others(&o, atoms, n) || !settle_counts(&o))
        return false;
    return o.is_impossible || put_members(&o, symbols);
}
