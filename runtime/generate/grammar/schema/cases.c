/* A goal taken apart: first all that has to be, then, one after the other, each way to choose. */
#include "runtime/generate/grammar/schema/search.h"

#include "runtime/base/text.h"

#include <string.h>

/* Branches multiply: n of anyOf with two each are 2^n cases. Choices are a depth of recursion. */
enum { MAX_CASES = 2000, MAX_CHOICES = 1000 };

/* ---- paths ---- */

static bool is_from(const struct case_literal *from, const struct schema_value *schema, bool holds)
{
    for (; from; from = from->from)
        if (from->schema == schema && from->holds == holds)
            return true;
    return false;
}

bool cases_push(struct case_search *x, struct case_path *p, const struct schema_value *schema, bool holds,
                const struct case_literal *from)
{
    struct schema *s = x->s;
    struct schema_node *node = schema_node_of(s, schema);
    struct case_literal *made = schema_alloc(&s->w, 1, sizeof *made);
    if (!node || !made || !schema_pay(&s->w, 1))
        return false;
    if (node->met[holds] && is_from(from, schema, holds))
        return schema_fail_at(&s->w, schema, "references lead in a circle");
    *made = (struct case_literal){p->todo, from, schema, holds};
    p->todo = made;
    return true;
}

bool cases_postpone(struct case_search *x, struct case_path *p, enum choice_kind kind,
                    const struct schema_value *value, struct hone_text name, const struct case_literal *from)
{
    struct case_choice *made = schema_alloc(&x->s->w, 1, sizeof *made);
    if (!made)
        return false;
    const struct case_choice **list = kind == CHOICE_NOT ? &p->negations : &p->choices;
    *made = (struct case_choice){*list, kind, value, name, from};
    *list = made;
    return true;
}

bool cases_add_atom(struct case_search *x, struct case_path *p, struct case_atom atom)
{
    struct case_atom *made = schema_alloc(&x->s->w, 1, sizeof *made);
    if (!made)
        return false;
    *made = atom;
    made->next = p->c.atoms;
    p->c.atoms = made;
    return true;
}

static bool is_told(const struct case_path *p, enum atom_kind kind, struct hone_text name)
{
    for (const struct case_atom *a = p->c.atoms; a; a = a->next)
        if (a->kind == kind && text_equal(a->text, name))
            return true;
    return false;
}

bool cases_has(const struct case_path *p, struct hone_text name)
{
    return is_told(p, ATOM_HAS, name);
}

bool cases_lacks(const struct case_path *p, struct hone_text name)
{
    return is_told(p, ATOM_LACKS, name);
}

/* ---- what has to be ---- */

enum case_outcome { OUTCOME_FAILED, OUTCOME_DEAD, OUTCOME_GOES_ON };

static enum case_outcome outcome(bool ok)
{
    return ok ? OUTCOME_GOES_ON : OUTCOME_FAILED;
}

/* The values for which the whole goal holds, whatever else there is on this path. */
static bool take_values(struct case_search *x, const struct schema_value *const *list, size_t n)
{
    struct schema *s = x->s;
    for (size_t i = 0; i < n && schema_pay(&s->w, 1); i++)
        if (schema_type_of(list[i]) == x->type &&
            schema_literals_hold(s, x->literals, x->n_literals, list[i]) &&
            !x->sink->take_values(s, &list[i], 1, x->sink->arg))
            return false;
    return !s->w.failed;
}

static bool push_combined(struct case_search *x, struct case_path *p, const struct schema_value *schema,
                          const struct case_literal *from)
{
    struct schema *s = x->s;
    struct hone_text none = {0};
    const struct schema_value *all = schema_keyword(s, schema, "allOf"),
                              *any = schema_keyword(s, schema, "anyOf"),
                              *one = schema_keyword(s, schema, "oneOf"),
                              *not = schema_keyword(s, schema, "not");
    const struct schema_value *target = schema_keyword(s, schema, "$ref") ? schema_target(s, schema) : NULL;
    if (s->w.failed || (target && !cases_push(x, p, target, true, from)))
        return false;
    for (uint32_t i = all ? all->n : 0; i-- > 0;)
        if (!cases_push(x, p, all->items[i], true, from))
            return false;
    if ((not &&!cases_push(x, p, not, false, from)) ||
        (any && !cases_postpone(x, p, CHOICE_ANY, any, none, from)) ||
        (one && !cases_postpone(x, p, CHOICE_ONE, one, none, from)))
        return false;
    if (schema_keyword(s, schema, "if") &&
        (schema_keyword(s, schema, "then") || schema_keyword(s, schema, "else")))
        return cases_postpone(x, p, CHOICE_IF, schema, none, from);
    return !s->w.failed;
}

static enum case_outcome hold(struct case_search *x, struct case_path *p, const struct schema_value *schema,
                              const struct case_literal *from)
{
    struct schema *s = x->s;
    size_t n;
    bool whole;
    const struct schema_value *constant = schema_constant(s, schema);
    const struct schema_value *const *values = schema_enum(s, schema, &n);
    if (constant || values) {
        if (!take_values(x, constant ? &constant : values, constant ? 1 : n))
            return OUTCOME_FAILED;
        return OUTCOME_DEAD; /* all are had */
    }
    if (!(schema_types(s, schema, &whole) >> x->type & 1))
        return OUTCOME_DEAD;
    p->c.is_typed |= schema_keyword(s, schema, "type") != NULL;
    if (whole && x->type == TYPE_NUMBER &&
        !cases_add_atom(x, p, (struct case_atom){.kind = ATOM_WHOLE, .holds = true}))
        return OUTCOME_FAILED;
    return outcome(push_combined(x, p, schema, from) && cases_add_limits(x, p, schema, from));
}

static enum case_outcome settle(struct case_search *x, struct case_path *p, const struct case_literal *l)
{
    struct schema *s = x->s;
    struct schema_node *node = schema_node_of(s, l->schema);
    if (!node || !schema_check(s, l->schema))
        return OUTCOME_FAILED;
    if (l->schema->kind != VALUE_OBJECT)
        return (l->schema->kind == VALUE_TRUE) == l->holds ? OUTCOME_GOES_ON : OUTCOME_DEAD;
    if (node->met[!l->holds])
        return OUTCOME_DEAD;
    if (node->met[l->holds])
        return OUTCOME_GOES_ON;
    if (!schema_room(&s->w, &x->trail, &x->trail_capacity, x->n_trail, sizeof *x->trail))
        return OUTCOME_FAILED;
    x->trail[x->n_trail++] = node;
    node->met[l->holds] = 1;
    if (l->holds)
        return hold(x, p, l->schema, l);
    if (cases_is_refused(x, l->schema))
        return outcome(!s->w.failed);
    return outcome(cases_postpone(x, p, CHOICE_NOT, l->schema, (struct hone_text){0}, l));
}

/* ---- choices ---- */

static bool choose_any(struct case_search *x, const struct case_path *p, const struct case_choice *c)
{
    struct schema *s = x->s;
    if (!schema_sort_branches(s, c->value))
        return false;
    const struct schema_node *node = schema_node_of(s, c->value);
    if (!take_values(x, node->values->list, node->values->n))
        return false;
    for (size_t i = 0; i < node->n_others; i++) {
        struct case_path q = *p;
        if (!cases_exclude(x, p, node->others[i]) &&
            (!cases_push(x, &q, node->others[i], true, c->from) || !cases_solve(x, q)))
            return false;
    }
    return !s->w.failed;
}

/* A branch that does not name its values must not be one of those that others name. */
static bool keep_from_values(struct case_search *x, struct case_path *p, const struct value_set *values)
{
    for (size_t i = 0; i < values->n; i++) {
        if (schema_type_of(values->list[i]) != x->type)
            continue;
        if (x->type >= TYPE_ARRAY)
            return schema_fail_at(
                &x->s->w, values->list[i],
                "oneOf of an array or object that is named and others that may be equal to it is not "
                "supported");
        if (!cases_add_atom(x, p, (struct case_atom){.kind = ATOM_NOT, .value = values->list[i]}))
            return false;
    }
    return true;
}

static bool choose_one(struct case_search *x, const struct case_path *p, const struct case_choice *c)
{
    struct schema *s = x->s;
    bool all_apart = schema_all_apart(s, c->value);
    if (s->w.failed)
        return false;
    const struct schema_node *node = schema_node_of(s, c->value);
    if (!take_values(x, node->values->list, node->values->n))
        return false;
    for (size_t i = 0; i < node->n_others; i++) {
        struct case_path q = *p;
        if (!(schema_most_types(s, node->others[i], 0) >> x->type & 1) ||
            cases_exclude(x, p, node->others[i]))
            continue;
        for (size_t j = 0; j < node->n_others && !all_apart; j++)
            if (j != i && !schema_apart(s, node->others[i], node->others[j], 0) &&
                !cases_push(x, &q, node->others[j], false, c->from))
                return false;
        if (!keep_from_values(x, &q, node->values) || !cases_push(x, &q, node->others[i], true, c->from) ||
            !cases_solve(x, q))
            return false;
    }
    return !s->w.failed;
}

static bool choose_if(struct case_search *x, const struct case_path *p, const struct case_choice *c)
{
    const struct schema_value *when = schema_keyword(x->s, c->value, "if");
    static const char *const names[2] = {"else", "then"};
    for (int holds = 1; holds >= 0; holds--) {
        const struct schema_value *then = schema_keyword(x->s, c->value, names[holds]);
        struct case_path q = *p;
        if (holds && cases_exclude(x, p, when))
            continue;
        if ((then && !cases_push(x, &q, then, true, c->from)) || !cases_push(x, &q, when, holds, c->from) ||
            !cases_solve(x, q))
            return false;
    }
    return true;
}

static bool need_member(struct case_search *x, struct case_path *p, struct hone_text name)
{
    return cases_has(p, name) || cases_add_atom(x, p, (struct case_atom){.kind = ATOM_HAS, .text = name});
}

/* value: a schema, or a list of names that are needed too. */
static bool choose_need(struct case_search *x, const struct case_path *p, const struct case_choice *c)
{
    struct case_path without = *p, with = *p;
    if (cases_lacks(p, c->name))
        return cases_solve(x, without);
    if (!cases_has(p, c->name) &&
        (!cases_add_atom(x, &without, (struct case_atom){.kind = ATOM_LACKS, .text = c->name}) ||
         !cases_solve(x, without)))
        return false;
    if (!need_member(x, &with, c->name))
        return false;
    if (c->value->kind != VALUE_ARRAY)
        return cases_push(x, &with, c->value, true, c->from) && cases_solve(x, with);
    for (uint32_t i = 0; i < c->value->n; i++) {
        if (cases_lacks(&with, c->value->items[i]->text))
            return true;
        if (!need_member(x, &with, c->value->items[i]->text))
            return false;
    }
    return cases_solve(x, with);
}

static bool choose(struct case_search *x, struct case_path *p)
{
    const struct case_choice **list = p->choices ? &p->choices : &p->negations, *c = *list;
    *list = c->next;
    switch (c->kind) {
    case CHOICE_ANY:
        return choose_any(x, p, c);
    case CHOICE_ONE:
        return choose_one(x, p, c);
    case CHOICE_IF:
        return choose_if(x, p, c);
    case CHOICE_NEED:
        return choose_need(x, p, c);
    default:
        return cases_negate(x, p, c->value, c->from);
    }
}

bool cases_solve(struct case_search *x, struct case_path p)
{
    struct schema *s = x->s;
    size_t mark = x->n_trail;
    enum case_outcome o = OUTCOME_GOES_ON;
    bool ok = true;
    if (++x->depth > MAX_CHOICES)
        return schema_fail_at(&s->w, p.c.at, "too many choices must be made together");
    while (o == OUTCOME_GOES_ON && p.todo) {
        const struct case_literal *l = p.todo;
        p.todo = l->next;
        o = settle(x, &p, l);
    }
    if (o == OUTCOME_GOES_ON && (p.choices || p.negations))
        ok = choose(x, &p);
    else if (o == OUTCOME_GOES_ON && ++x->n_cases > MAX_CASES)
        ok = schema_fail_at(&s->w, p.c.at,
                            "its branches (anyOf, oneOf, if, not) have more than %d combinations", MAX_CASES);
    else if (o == OUTCOME_GOES_ON)
        ok = x->sink->take(s, &p.c, x->sink->arg);
    while (x->n_trail > mark) {
        struct schema_node *node = x->trail[--x->n_trail];
        /* The last mark of a node that was met both ways never gets here: that path was dead. */
        node->met[0] = node->met[1] = 0;
    }
    x->depth--;
    return ok && o != OUTCOME_FAILED && schema_pay(&s->w, 1);
}

bool schema_goal_cases(struct schema *s, const uint32_t *literals, size_t n, enum schema_type type,
                       const struct case_sink *sink)
{
    struct case_search x = {.s = s, .literals = literals, .n_literals = n, .type = type, .sink = sink};
    struct case_path p = {.c = {.type = type}};
    for (size_t i = n; i-- > 0;) {
        const struct schema_value *schema = s->values[literals[i] / 2];
        p.c.at = schema;
        if (!cases_push(&x, &p, schema, literals[i] % 2 == 0, NULL))
            return false;
    }
    return cases_solve(&x, p);
}
