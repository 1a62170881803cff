/* Strings: by length, pattern and format, all that is asked for together. */
#include "runtime/generate/grammar/schema/translate.h"

#include <string.h>

struct string_parts {
    const struct expression *list[AUTOMATON_MOST];
    bool holds[AUTOMATON_MOST];
    size_t n;
    const struct schema_value **excluded; /* [n_excluded] */
    size_t n_excluded, excluded_capacity;
    uint32_t min, max;
    struct schema_text key; /* the same for the same strings */
};

static bool add_part(struct schema *s, struct string_parts *p, const struct schema_value *at,
                     const struct expression *e, bool holds)
{
    if (!e)
        return false;
    if (p->n + 1 >= AUTOMATON_MOST)
        return schema_fail_at(&s->w, at, "more than %u patterns hold together", AUTOMATON_MOST - 1);
    p->list[p->n] = e;
    p->holds[p->n++] = holds;
    return true;
}

static bool add_atom(struct schema *s, struct string_parts *p, const struct case_atom *a)
{
    uint32_t max = REPEAT_UNLIMITED;
    switch (a->kind) {
    case ATOM_LEAST:
        p->min = a->count > p->min ? a->count : p->min;
        return true;
    case ATOM_MOST:
        p->max = a->count < p->max ? a->count : p->max;
        return true;
    case ATOM_NOT:
        schema_text_put(&p->key, "!");
        schema_text_value(&p->key, a->value);
        if (!schema_room(&s->w, &p->excluded, &p->excluded_capacity, p->n_excluded, sizeof *p->excluded))
            return false;
        p->excluded[p->n_excluded++] = a->value;
        return true;
    case ATOM_PATTERN:
        schema_text_put(&p->key, a->holds ? "+" : "-");
        schema_text_value(&p->key, a->value);
        return add_part(s, p, a->value, schema_pattern(s, a->value, a->value->text, a->holds), a->holds);
    case ATOM_FORMAT:
        schema_text_put(&p->key, a->holds ? "f+" : "f-");
        schema_text_value(&p->key, a->value);
        if (!add_part(s, p, a->value, schema_format(s, a->value, &max), a->holds))
            return false;
        if (!a->holds && max != REPEAT_UNLIMITED)
            return schema_fail_at(&s->w, a->value,
                                  "a format of limited length that must not hold is not supported");
        p->max = a->holds && max < p->max ? max : p->max;
        return true;
    default:
        return true;
    }
}

/* Characters of a set, so many times. */
static void put_counted(struct schema_text *t, const char *set, uint32_t min, uint32_t max)
{
    if (max == REPEAT_UNLIMITED)
        schema_text_put(t, "\"\\\"\" %s{%u,} \"\\\"\"", set, min);
    else
        schema_text_put(t, "\"\\\"\" %s{%u,%u} \"\\\"\"", set, min, max);
}

static bool put_repeat(struct schema *s, const struct string_parts *p, struct schema_text *symbols)
{
    const struct char_set *set;
    uint32_t min, max;
    struct schema_text one = {.w = &s->w};
    if (p->n != 1 || p->n_excluded > 0 || !p->holds[0] || !expression_is_repeat(p->list[0], &set, &min, &max))
        return false;
    min = min > p->min ? min : p->min;
    max = max < p->max ? max : p->max;
    if (min > max)
        return true;
    schema_put_set(s, &one, set->ranges, set->n);
    schema_text_put(symbols, " | ");
    put_counted(symbols, one.data, min, max);
    return true;
}

static bool put_parts(struct schema *s, const struct case_of *c, struct string_parts *p, uint32_t rule)
{
    static const char *const tails[] = {"", "\"\\\"\""};
    uint64_t wanted = 0;
    bool all = true;
    if (p->n_excluded > 0 &&
        !add_part(s, p, c->at, expression_of_strings(&s->w, p->excluded, p->n_excluded), false))
        return false;
    for (size_t i = 0; i < p->n; i++) {
        wanted |= (uint64_t)p->holds[i] << i;
        all &= p->holds[i];
    }
    bool is_most = p->max != REPEAT_UNLIMITED;
    struct automaton *a = automaton_make(&s->w, c->at, p->list, p->n,
                                         (struct automaton_wanted){is_most ? p->max : p->min, is_most, all});
    uint64_t mask = ((uint64_t)1 << p->n) - 1;
    for (size_t i = 0; a && i < a->n_states; i++)
        a->accept[i] = (a->match[i] & mask) == wanted && a->length[i] >= p->min;
    if (!a)
        return false;
    if (!automaton_trim(&s->w, a)) {
        schema_rule_put(s, rule, "[]");
        return !s->w.failed;
    }
    uint32_t base = schema_put_automaton(s, a, tails);
    schema_rule_put(s, rule, "\"\\\"\" r%u", base);
    return !s->w.failed;
}

bool schema_put_string(struct schema *s, const struct case_of *c, struct schema_text *symbols)
{
    struct string_parts p = {.max = REPEAT_UNLIMITED, .key.w = &s->w};
    uint32_t rule;
    for (const struct case_atom *a = c->atoms; a; a = a->next)
        if (!add_atom(s, &p, a))
            return false;
    if (p.min > p.max)
        return !s->w.failed;
    if (p.n == 0 && p.n_excluded == 0) {
        schema_text_put(symbols, " | ");
        if (p.min == 0 && p.max == REPEAT_UNLIMITED)
            schema_text_put(symbols, "string");
        else
            put_counted(symbols, "char", p.min, p.max);
        return !s->w.failed;
    }
    if (put_repeat(s, &p, symbols))
        return !s->w.failed;
    schema_text_put(&p.key, "{%u,%u}", p.min, p.max);
    if (!schema_rule_known(s, p.key.data, p.key.size, &rule) && (s->w.failed || !put_parts(s, c, &p, rule)))
        return false;
    schema_text_put(symbols, " | r%u", rule);
    return !s->w.failed;
}
