/* Members of an object whose names no schema gives: by patternProperties, additionalProperties and propertyNames.
 *
 * One automaton reads a name and knows at its end which patterns match; what the value must be follows from that. They
 * are written where a schema asks for them, or where no names are given at all: most schemas mean just the properties
 * that they list, though they leave additionalProperties out. */
#include "runtime/generate/grammar/schema/members.h"

#include <string.h>

/* Each case is asked about each state of the automaton of names, and each kind (set of patterns that a name matches) becomes a
 * rule for its values: both grow with every combination of patterns, of which a schema that is no attack has a few. */
enum { MOST_CASES = 16, MOST_KINDS = 64 };

/* A way in which a name can be right. */
struct name_case {
    uint64_t asked, wanted; /* bits of expressions */
    uint32_t min, max;
};

struct schema_others {
    struct schema_object *o;
    const struct case_atom *const *atoms;
    size_t n_atoms;
    const struct expression *list[AUTOMATON_MOST]; /* the first: names that are given */
    const struct schema_value
        *patterns[AUTOMATON_MOST]; /* the schema of each pattern; NULL: it is of names */
    size_t n;
    struct name_case cases[MOST_CASES]; /* one of them, where has_cases */
    size_t n_cases;
    bool has_cases;
    uint32_t count; /* characters that are counted */
    bool any;       /* names that no pattern matches */
};

static bool add_expression(struct schema_others *t, const struct expression *e,
                           const struct schema_value *pattern)
{
    if (!e)
        return false;
    if (t->n == AUTOMATON_MOST)
        return schema_fail_at(&t->o->s->w, t->o->at, "more than %u patterns of names are not supported",
                              AUTOMATON_MOST);
    t->patterns[t->n] = pattern;
    t->list[t->n++] = e;
    return true;
}

/* ---- propertyNames ---- */

static bool ask(struct schema_others *t, struct name_case *c, const struct expression *e, bool holds)
{
    uint64_t bit = (uint64_t)1 << t->n;
    c->asked |= bit;
    c->wanted |= holds ? bit : 0;
    return add_expression(t, e, NULL);
}

static void count_to(struct schema_others *t, uint32_t n)
{
    t->count = n > t->count ? n : t->count;
}

static struct name_case *add_case(struct schema_others *t)
{
    if (t->n_cases == MOST_CASES) {
        schema_fail_at(&t->o->s->w, t->o->at, "propertyNames has more than %d cases", MOST_CASES);
        return NULL;
    }
    struct name_case *c = &t->cases[t->n_cases++];
    *c = (struct name_case){.max = REPEAT_UNLIMITED};
    return c;
}

static bool take_name(struct schema *s, const struct case_of *of, void *arg)
{
    struct schema_others *t = arg;
    struct name_case *c = add_case(t);
    uint32_t max;
    for (const struct case_atom *a = of->atoms; a && c; a = a->next) {
        const struct expression *e = NULL;
        if (a->kind == ATOM_LEAST)
            c->min = a->count > c->min ? a->count : c->min;
        else if (a->kind == ATOM_MOST)
            c->max = a->count < c->max ? a->count : c->max;
        else if (a->kind == ATOM_PATTERN)
            e = schema_pattern(s, a->value, a->value->text, a->holds);
        else if (a->kind == ATOM_FORMAT)
            e = schema_format(s, a->value, &max);
        else if (a->kind == ATOM_NOT)
            e = expression_of_strings(&s->w, &a->value, 1);
        if (s->w.failed || (e && !ask(t, c, e, a->kind != ATOM_NOT && a->holds)))
            return false;
        if (a->kind == ATOM_FORMAT && a->holds && max < c->max)
            c->max = max;
    }
    if (!c)
        return false;
    count_to(t, c->min);
    count_to(t, c->max == REPEAT_UNLIMITED ? 0 : c->max + 1);
    return !s->w.failed;
}

static bool take_named(struct schema *s, const struct schema_value *const *list, size_t n, void *arg)
{
    struct schema_others *t = arg;
    struct name_case *c = add_case(t);
    return c && ask(t, c, expression_of_strings(&s->w, list, n), true);
}

static bool add_name_cases(struct schema_others *t)
{
    struct schema *s = t->o->s;
    struct schema_literals l = {0};
    struct case_sink sink = {take_name, take_named, t};
    for (size_t i = 0; i < t->n_atoms; i++)
        if (t->atoms[i]->kind == ATOM_NAMES) {
            t->has_cases = true;
            if (!schema_literals_add(s, &l, t->atoms[i]->value, true))
                return false;
        }
    if (l.n == 0) {
        t->has_cases = false;
        return true;
    }
    return schema_goal_cases(s, l.list, l.n, TYPE_STRING, &sink);
}

static bool name_is_right(const struct schema_others *t, uint64_t match, uint32_t length)
{
    bool ok = !t->has_cases;
    for (size_t i = 0; i < t->n_cases && !ok; i++) {
        const struct name_case *c = &t->cases[i];
        ok = (match & c->asked) == c->wanted && length >= c->min && length <= c->max;
    }
    return ok;
}

/* ---- values ---- */

/* What the patterns that match ask of the value; *possible: it can be. */
static bool find_literals(struct schema_others *t, uint64_t match, struct schema_literals *l, bool *possible)
{
    struct schema *s = t->o->s;
    bool any_pattern = false;
    *possible = true;
    for (size_t i = 0; i < t->n_atoms; i++) {
        if (t->atoms[i]->kind != ATOM_MEMBERS)
            continue;
        const struct schema_value *patterns = schema_keyword(s, t->atoms[i]->value, "patternProperties"),
                                  *other = schema_members_other(s, t->atoms[i]->value);
        bool is_matched = false;
        for (size_t k = 1; k < t->n; k++) {
            if (!(match >> k & 1) || !t->patterns[k] || t->patterns[k]->parent != patterns)
                continue;
            is_matched = true;
            *possible &= t->patterns[k]->kind != VALUE_FALSE;
            if (!schema_literals_add(s, l, t->patterns[k], true))
                return false;
        }
        any_pattern |= is_matched;
        if (is_matched || !other)
            continue;
        *possible &= other->kind != VALUE_FALSE;
        if (!schema_literals_add(s, l, other, true))
            return false;
    }
    *possible &= any_pattern || t->any;
    return true;
}

/* The patterns that match at each end, each combination with the value that it asks for. */
static bool put_names(struct schema_others *t)
{
    struct schema *s = t->o->s;
    const char *tails[MOST_KINDS + 1] = {""};
    uint64_t kinds[MOST_KINDS + 1], patterns = 0;
    bool possible[MOST_KINDS + 1];
    uint32_t n_kinds = 0;
    struct automaton *a =
        automaton_make(&s->w, t->o->at, t->list, t->n, (struct automaton_wanted){.count = t->count});
    for (size_t k = 1; k < t->n; k++)
        patterns |= (uint64_t)(t->patterns[k] != NULL) << k;
    for (size_t i = 0; a && i < a->n_states && schema_pay(&s->w, 1); i++) {
        uint32_t kind = 1;
        if ((a->match[i] & 1) || !name_is_right(t, a->match[i], a->length[i]))
            continue;
        while (kind <= n_kinds && kinds[kind] != (a->match[i] & patterns))
            kind++;
        if (kind > n_kinds) {
            struct schema_literals l = {0};
            struct schema_text tail = {.w = &s->w};
            const char *value;
            if (kind > MOST_KINDS)
                return schema_fail_at(&s->w, t->o->at, "patterns of names overlap in more than %d ways",
                                      MOST_KINDS);
            n_kinds = kind;
            kinds[kind] = a->match[i] & patterns;
            if (!find_literals(t, kinds[kind], &l, &possible[kind]) || !schema_goal_rule(s, &l, &value))
                return false;
            schema_text_put(&tail, "\"\\\":\" ws %s", value);
            tails[kind] = tail.data;
        }
        a->accept[i] = possible[kind] ? kind : 0;
    }
    if (s->w.failed || !automaton_trim(&s->w, a))
        return !s->w.failed;
    uint32_t base = schema_put_automaton(s, a, tails);
    t->o->has_others = true;
    t->o->others = schema_rule_new(s);
    schema_rule_put(s, t->o->others, "\"\\\"\" r%u", base);
    return !s->w.failed;
}

/* ---- all ---- */

static bool add_patterns(struct schema_others *t, bool *asked)
{
    struct schema *s = t->o->s;
    for (size_t i = 0; i < t->n_atoms; i++) {
        if (t->atoms[i]->kind != ATOM_MEMBERS)
            continue;
        const struct schema_value *patterns = schema_keyword(s, t->atoms[i]->value, "patternProperties");
        *asked |= schema_members_other(s, t->atoms[i]->value) != NULL;
        for (uint32_t k = 0; patterns && k < patterns->n; k++)
            if (!add_expression(t, schema_pattern(s, patterns->items[k], patterns->names[k], true),
                                patterns->items[k]))
                return false;
    }
    return !s->w.failed;
}

bool schema_members_others(struct schema_object *o, const struct case_atom *const *atoms, size_t n)
{
    struct schema *s = o->s;
    struct schema_others t = {.o = o, .atoms = atoms, .n_atoms = n};
    struct hone_text *names = schema_alloc(&s->w, o->n + 1, sizeof *names);
    size_t n_possible = 0;
    bool asked = false;
    for (size_t i = 0; names && i < o->n; i++) {
        names[i] = o->list[i].name;
        n_possible += !o->list[i].lacks;
    }
    if (!names || !add_expression(&t, expression_of_names(&s->w, names, o->n), NULL) ||
        !add_patterns(&t, &asked))
        return false;
    bool has_patterns = t.n > 1;
    t.any = asked || (n_possible == 0 && !has_patterns) || o->min > n_possible;
    if (!t.any && !has_patterns)
        return true;
    return add_name_cases(&t) && put_names(&t);
}
