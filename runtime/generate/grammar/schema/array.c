/* Arrays: items by their places, and how many of them must be of a kind. */
#include "runtime/generate/grammar/schema/translate.h"

#include <stdio.h>

/* Each need counts items by itself, so that states multiply: more of them, or of states, are refused by name. */
enum { MOST_NEEDS = 6, MOST_STATES = 20000, MOST_VALUES = 64 };

/* Items from place `from` on for which a schema holds (or not), `least` of them at least and `most` at most. */
struct array_need {
    const struct schema_value *schema;
    bool holds;
    uint32_t from, least, most;
};

struct schema_array {
    struct schema *s;
    const struct case_of *c;
    struct array_need needs[MOST_NEEDS];
    size_t n_needs;
    uint32_t n_places; /* items that have a place of their own */
    uint32_t min, max;
    const struct schema_value *unique;
    uint32_t first_rule; /* of the states below */
    uint32_t n_counts;   /* of items that are told apart: 0 to n_counts - 1 */
};

/* ---- what is asked ---- */

static bool add_need(struct schema_array *a, struct array_need need)
{
    for (size_t i = 0; i < a->n_needs; i++) {
        struct array_need *n = &a->needs[i];
        if (n->schema == need.schema && n->holds == need.holds && n->from == need.from) {
            n->least = need.least > n->least ? need.least : n->least;
            n->most = need.most < n->most ? need.most : n->most;
            return true;
        }
    }
    if (need.least == 0 && need.most == REPEAT_UNLIMITED)
        return true;
    if (a->n_needs == MOST_NEEDS)
        return schema_fail_at(&a->s->w, need.schema,
                              "an array has more than %d conditions (contains) at once", MOST_NEEDS);
    a->needs[a->n_needs++] = need;
    return true;
}

/* The places that a schema tells apart, and what it says of one: NULL: nothing. */
static uint32_t count_places(struct schema *s, const struct schema_value *schema)
{
    const struct schema_value *items = schema_keyword(s, schema, "items"),
                              *prefix = schema_keyword(s, schema, "prefixItems");
    const struct schema_value *list = items && items->kind == VALUE_ARRAY ? items : prefix;
    return list ? list->n : 0;
}

const struct schema_value *schema_of_item(struct schema *s, const struct schema_value *schema, uint32_t i)
{
    const struct schema_value *items = schema_keyword(s, schema, "items"),
                              *prefix = schema_keyword(s, schema, "prefixItems");
    if (items && items->kind == VALUE_ARRAY) { /* before 2020-12 */
        prefix = items;
        items = schema_keyword(s, schema, "additionalItems");
    }
    if (!items)
        items = schema_keyword(s, schema, "unevaluatedItems");
    return prefix && i < prefix->n ? prefix->items[i] : items;
}

static void extend(uint32_t *value, uint32_t to)
{
    *value = to > *value ? to : *value;
}

static bool add_atom(struct schema_array *a, const struct case_atom *at, bool *has_min)
{
    switch (at->kind) {
    case ATOM_LEAST:
        extend(&a->min, at->count);
        *has_min = true;
        return true;
    case ATOM_MOST:
        a->max = at->count < a->max ? at->count : a->max;
        return true;
    case ATOM_UNIQUE:
        a->unique = at->value;
        return true;
    case ATOM_ITEMS:
        extend(&a->n_places, count_places(a->s, at->value));
        return true;
    case ATOM_CONTAINS:
        return add_need(a, (struct array_need){at->value, true, 0, at->count, REPEAT_UNLIMITED});
    case ATOM_FEWER:
        return add_need(a, (struct array_need){at->value, true, 0, 0, at->count});
    case ATOM_ITEM:
        extend(&a->n_places, at->count + 1);
        extend(&a->min, at->count + 1);
        return true;
    case ATOM_SOME:
        extend(&a->n_places, at->count);
        return add_need(a, (struct array_need){at->value, false, at->count, 1, REPEAT_UNLIMITED});
    default:
        return true;
    }
}

/* What is said of the item at place i (n_places: of all behind); *possible: not that there is none. */
static bool item_literals(struct schema_array *a, uint32_t i, struct schema_literals *l, bool *possible)
{
    *possible = true;
    for (const struct case_atom *at = a->c->atoms; at; at = at->next) {
        const struct schema_value *schema =
            at->kind == ATOM_ITEMS ? schema_of_item(a->s, at->value, i) : NULL;
        if (schema && !schema_literals_add(a->s, l, schema, true))
            return false;
        *possible &= !schema || schema->kind != VALUE_FALSE;
        if (at->kind == ATOM_ITEM && at->count == i && !schema_literals_add(a->s, l, at->value, false))
            return false;
    }
    return true;
}

/* ---- lists ---- */

static uint32_t less(uint32_t count, size_t by)
{
    return count == REPEAT_UNLIMITED ? count : count > by ? count - (uint32_t)by : 0;
}

static void put_counts(struct schema_text *t, uint32_t min, uint32_t max)
{
    if (max == REPEAT_UNLIMITED)
        schema_text_put(t, "{%u,}", min);
    else
        schema_text_put(t, "{%u,%u}", min, max);
}

/* Items without conditions: those with a place of their own, and so many others; from the last to the first, each rule
 * with what may come behind so many items. */
static bool put_places(struct schema_array *a, uint32_t *rule)
{
    struct schema *s = a->s;
    struct schema_literals rest = {0};
    const char *name;
    bool possible;
    struct schema_text t = {.w = &s->w};
    uint32_t n = a->n_places < a->max ? a->n_places : a->max;
    *rule = schema_rule_new(s);
    if (!item_literals(a, a->n_places, &rest, &possible) || !schema_goal_rule(s, &rest, &name))
        return false;
    if (n == 0 && a->min == 0)
        schema_text_put(&t, "\"]\" | ");
    if (a->max > n && possible) {
        schema_text_put(&t, n == 0 ? "%s (\",\" ws %s)" : "(\",\" ws %s)", name, name);
        put_counts(&t, less(a->min, n == 0 ? 1 : n), less(a->max, n == 0 ? 1 : n));
        schema_text_put(&t, " ws \"]\"");
    } else {
        schema_text_put(&t, n == 0 ? "[]" : a->min <= n ? "ws \"]\"" : "[]");
    }
    schema_rule_text(s, *rule, &t);
    for (uint32_t i = n; i-- > 0;) {
        struct schema_literals l = {0};
        uint32_t before = schema_rule_new(s);
        if (!item_literals(a, i, &l, &possible) || !schema_goal_rule(s, &l, &name))
            return false;
        const char *end = a->min > i ? "" : i == 0 ? "\"]\" | " : "ws \"]\" | ";
        schema_rule_put(s, before, "%s%s%s r%u", end, i == 0 ? "" : "\",\" ws ", name, *rule);
        *rule = before;
    }
    return !s->w.failed;
}

/* ---- lists with conditions ---- */

/* A state: how many items there are, and how many of each need. */
struct array_counts {
    uint32_t n_items, of[MOST_NEEDS];
};

static uint32_t limit_of(const struct array_need *n)
{
    return n->most == REPEAT_UNLIMITED ? n->least : n->most;
}

static uint32_t rule_of(const struct schema_array *a, const struct array_counts *c)
{
    uint32_t number = c->n_items;
    for (size_t i = 0; i < a->n_needs; i++)
        number = number * (limit_of(&a->needs[i]) + 1) + c->of[i];
    return a->first_rule + number;
}

/* One item, which the needs in `hits` count. */
static bool put_item(struct schema_array *a, const struct array_counts *c, unsigned hits,
                     struct schema_text *t)
{
    struct schema *s = a->s;
    struct schema_literals l = {0};
    struct array_counts next = *c;
    bool possible;
    const char *name;
    for (size_t i = 0; i < a->n_needs; i++) {
        const struct array_need *n = &a->needs[i];
        bool counts = hits >> i & 1, is_limited = n->most != REPEAT_UNLIMITED;
        if (counts && (c->n_items < n->from || c->of[i] == limit_of(n)))
            return true;
        if ((counts || is_limited) && !schema_literals_add(s, &l, n->schema, counts ? n->holds : !n->holds))
            return false;
        next.of[i] += counts;
    }
    if (!item_literals(a, c->n_items < a->n_places ? c->n_items : a->n_places, &l, &possible) ||
        !schema_goal_rule(s, &l, &name))
        return false;
    if (next.n_items + 1 < a->n_counts)
        next.n_items++;
    schema_text_put(t, " | %s%s r%u", c->n_items > 0 ? "\",\" ws " : "", name, rule_of(a, &next));
    return !s->w.failed;
}

static bool put_state(struct schema_array *a, const struct array_counts *c)
{
    struct schema_text t = {.w = &a->s->w};
    bool may_end = c->n_items >= a->min;
    for (size_t i = 0; i < a->n_needs; i++)
        may_end &= c->of[i] >= a->needs[i].least;
    if (may_end)
        schema_text_put(&t, c->n_items > 0 ? " | ws \"]\"" : " | \"]\"");
    bool may_go_on = a->max == REPEAT_UNLIMITED || c->n_items < a->max;
    for (unsigned hits = 0; may_go_on && hits < 1u << a->n_needs; hits++)
        if (!schema_pay(&a->s->w, 4) || !put_item(a, c, hits, &t))
            return false;
    if (t.size == 0)
        schema_text_put(&t, " | []");
    struct schema_text body = {.w = &a->s->w, .data = t.data + 3, .size = t.size - 3};
    if (!a->s->w.failed)
        schema_rule_text(a->s, rule_of(a, c), &body);
    return !a->s->w.failed;
}

/* Each state a rule. */
static bool put_counted(struct schema_array *a, uint32_t *rule)
{
    struct schema *s = a->s;
    uint64_t n_states;
    uint32_t most = a->max != REPEAT_UNLIMITED ? a->max : a->min > a->n_places ? a->min : a->n_places;
    a->n_counts =
        most + 1 + (a->max == REPEAT_UNLIMITED && most == 0); /* the first item has no comma before it */
    n_states = a->n_counts;
    for (size_t i = 0; i < a->n_needs; i++) {
        n_states *= limit_of(&a->needs[i]) + 1;
        if (n_states > MOST_STATES)
            return schema_fail_at(&s->w, a->c->at,
                                  "contains and the numbers of items together need more than %d states",
                                  MOST_STATES);
    }
    a->first_rule = s->n_rules;
    s->n_rules += (uint32_t)n_states;
    for (uint32_t state = 0; state < n_states; state++) {
        struct array_counts c = {0};
        uint32_t rest = state;
        for (size_t i = a->n_needs; i-- > 0;) {
            c.of[i] = rest % (limit_of(&a->needs[i]) + 1);
            rest /= limit_of(&a->needs[i]) + 1;
        }
        c.n_items = rest;
        if (!put_state(a, &c))
            return false;
    }
    *rule = a->first_rule;
    return !s->w.failed;
}

/* ---- lists of different values ---- */

struct array_values {
    struct value_set values;
    const uint32_t *literals;
    size_t n;
    bool too_many;
};

static bool take_few(struct schema *s, const struct schema_value *const *list, size_t n, void *arg)
{
    struct array_values *f = arg;
    for (size_t i = 0; i < n; i++)
        if (!schema_set_add(&s->w, &f->values, list[i]))
            return false;
    return !s->w.failed;
}

static bool take_case(struct schema *s, const struct case_of *c, void *arg)
{
    static const enum schema_value_kind kinds[N_TYPES][2] = {
        [TYPE_NULL] = {VALUE_NULL, VALUE_NULL}, [TYPE_BOOLEAN] = {VALUE_FALSE, VALUE_TRUE}};
    struct array_values *f = arg;
    if (!c->is_typed && c->implied && !(c->implied >> c->type & 1))
        return true;
    f->too_many |= c->type > TYPE_BOOLEAN;
    for (int i = 0; i < 2 && c->type <= TYPE_BOOLEAN; i++) {
        const struct schema_value *v = schema_value_make(&s->w, kinds[c->type][i], NULL);
        if (!v || (schema_literals_hold(s, f->literals, f->n, v) && !schema_set_add(&s->w, &f->values, v)))
            return false;
    }
    return !s->w.failed;
}

/* Which of the values were there: a rule for each set of them. */
static bool put_rest(struct schema_array *a, const struct value_set *values, uint64_t had, uint32_t *rule,
                     bool *known)
{
    struct schema *s = a->s;
    char key[64];
    int n = snprintf(key, sizeof key, "different %u %llx", a->first_rule, (unsigned long long)had);
    *known = schema_rule_known(s, key, (size_t)n, rule);
    if (s->n_rules - a->first_rule > MOST_STATES)
        return schema_fail_at(&s->w, a->unique,
                              "uniqueItems of %zu different values needs more than %d states", values->n,
                              MOST_STATES);
    return !s->w.failed;
}

static bool put_different(struct schema_array *a, const struct value_set *values, uint64_t had, uint32_t rule,
                          unsigned n_had)
{
    struct schema *s = a->s;
    struct schema_text t = {.w = &s->w};
    if (n_had >= a->min)
        schema_text_put(&t, n_had ? " | ws \"]\"" : " | \"]\"");
    for (size_t i = 0; i < values->n && n_had < a->max; i++) {
        struct schema_text value = {.w = &s->w};
        uint64_t has = had | (uint64_t)1 << i;
        uint32_t next;
        bool known;
        if (had >> i & 1)
            continue;
        if (!schema_pay(&s->w, 4) || !put_rest(a, values, has, &next, &known))
            return false;
        schema_text_value(&value, values->list[i]);
        schema_text_put(&t, n_had ? " | \",\" ws " : " | ");
        schema_put_literal(&t, value.data, value.size);
        schema_text_put(&t, " r%u", next);
        if (!known && !put_different(a, values, has, next, n_had + 1))
            return false;
    }
    if (t.size == 0)
        schema_text_put(&t, " | []");
    struct schema_text body = {.w = &s->w, .data = t.data + 3, .size = t.size - 3};
    if (!s->w.failed)
        schema_rule_text(s, rule, &body);
    return !s->w.failed;
}

static bool put_unique(struct schema_array *a, uint32_t *rule)
{
    struct schema *s = a->s;
    struct schema_literals l = {0};
    struct array_values few = {0};
    struct case_sink sink = {take_case, take_few, &few};
    bool possible, known;
    if (a->n_needs > 0 || a->n_places > 0)
        return schema_fail_at(&s->w, a->unique,
                              "uniqueItems beside prefixItems or contains is not supported");
    if (!item_literals(a, 0, &l, &possible))
        return false;
    few.literals = l.list;
    few.n = l.n;
    few.too_many = l.n == 0;
    for (unsigned t = 0; t < N_TYPES && !few.too_many; t++)
        if (!schema_goal_cases(s, l.list, l.n, (enum schema_type)t, &sink))
            return false;
    if (few.too_many || few.values.n > MOST_VALUES)
        return schema_fail_at(
            &s->w, a->unique,
            "uniqueItems is supported where items are named (enum, const; at most %d of them), or "
            "boolean, and not of other items",
            MOST_VALUES);
    a->first_rule = s->n_rules;
    return put_rest(a, &few.values, 0, rule, &known) && put_different(a, &few.values, 0, *rule, 0);
}

/* Where no minItems says otherwise, all of prefixItems are there. */
static uint32_t usual_min(struct schema_array *a)
{
    uint32_t n = 0;
    for (bool possible = true; n < a->n_places; n++) {
        struct schema_literals l = {0};
        if (!item_literals(a, n, &l, &possible) || !possible)
            break;
    }
    return n < a->max ? n : a->max;
}

bool schema_put_array(struct schema *s, const struct case_of *c, struct schema_text *symbols)
{
    struct schema_array a = {.s = s, .c = c, .max = REPEAT_UNLIMITED};
    uint32_t rule = 0;
    bool has_min = false;
    if (!c->atoms) {
        schema_text_put(symbols, " | array");
        return !s->w.failed;
    }
    for (const struct case_atom *at = c->atoms; at; at = at->next)
        if (!add_atom(&a, at, &has_min))
            return false;
    if (!has_min)
        extend(&a.min, usual_min(&a));
    if (a.min > a.max)
        return !s->w.failed;
    bool ok = a.unique && a.max > 1 ? put_unique(&a, &rule)
              : a.n_needs > 0       ? put_counted(&a, &rule)
                                    : put_places(&a, &rule);
    if (ok)
        schema_text_put(symbols, " | \"[\" ws r%u", rule);
    return ok && !s->w.failed;
}
