/* What must hold before a grammar is run: every alternative can be completed, and no rule begins with itself. */
#include "runtime/generate/grammar/rules.h"

#include <stdlib.h>
#include <string.h>

/* Per rule and alternative, for the walks below. */
struct check {
    struct grammar *g;
    size_t *first; /* users[first[r]] to users[first[r + 1] - 1]: alternatives that need rule r, once a use */
    uint32_t *users;
    uint32_t *owner;     /* rule of each alternative */
    uint32_t *n_missing; /* symbols of an alternative that are not good yet */
    uint32_t *queue;     /* rules */
    uint8_t *is_nullable, *is_productive;
};

static const struct symbol *symbols_of(const struct grammar *g, uint32_t alternate)
{
    return &g->symbols[g->alternates[alternate]];
}

static bool is_optional(const struct symbol *s)
{
    return s->kind == SYMBOL_REPEAT && s->min == 0;
}

static bool needs_rule(const struct symbol *s)
{
    return (s->kind == SYMBOL_RULE || s->kind == SYMBOL_REPEAT) && !is_optional(s);
}

static bool is_empty_set(const struct byte_set *set)
{
    return !(set->bits[0] | set->bits[1] | set->bits[2] | set->bits[3]);
}

static void find_users(struct check *c)
{
    const struct grammar *g = c->g;
    for (uint32_t r = 0; r < g->n_rules; r++)
        for (uint32_t a = 0; a < g->rules[r].n_alternates; a++)
            c->owner[g->rules[r].alternates + a] = r;
    for (uint32_t a = 0; a < g->n_alternates; a++)
        for (const struct symbol *s = symbols_of(g, a); s->kind != SYMBOL_END; s++)
            if (needs_rule(s))
                c->first[s->index + 2]++;
    for (size_t r = 0; r < g->n_rules; r++)
        c->first[r + 2] += c->first[r + 1];
    for (uint32_t a = 0; a < g->n_alternates; a++)
        for (const struct symbol *s = symbols_of(g, a); s->kind != SYMBOL_END; s++)
            if (needs_rule(s))
                c->users[c->first[s->index + 1]++] = a;
}

static bool check_init(struct check *c, struct grammar *g)
{
    *c = (struct check){.g = g,
                        .first = calloc(g->n_rules + 2, sizeof *c->first),
                        .users = calloc(g->n_symbols + 1, sizeof *c->users),
                        .owner = calloc(g->n_alternates + 1, sizeof *c->owner),
                        .n_missing = calloc(g->n_alternates + 1, sizeof *c->n_missing),
                        .queue = calloc(g->n_rules + 1, sizeof *c->queue),
                        .is_nullable = calloc(g->n_rules + 1, 1),
                        .is_productive = calloc(g->n_rules + 1, 1)};
    if (!c->first || !c->users || !c->owner || !c->n_missing || !c->queue || !c->is_nullable ||
        !c->is_productive)
        return false;
    find_users(c);
    return true;
}

static void check_release(struct check *c)
{
    free(c->first);
    free(c->users);
    free(c->owner);
    free(c->n_missing);
    free(c->queue);
    free(c->is_nullable);
    free(c->is_productive);
}

/* ---- the least set of rules that ... ---- */

static size_t mark_owner(struct check *c, uint8_t *good, uint32_t alternate, size_t n_queue)
{
    uint32_t r = c->owner[alternate];
    if (!good[r])
        c->queue[n_queue++] = r;
    good[r] = 1;
    return n_queue;
}

/* good[r] = 1 for the rules with an alternative of good symbols alone; sets of bytes are good or not. Without them:
 * the rules that can match nothing. With them: those that can match anything at all. */
static void find_good(struct check *c, bool with_sets, uint8_t *good)
{
    const struct grammar *g = c->g;
    size_t n_queue = 0;
    for (uint32_t a = 0; a < g->n_alternates; a++) {
        c->n_missing[a] = 0;
        for (const struct symbol *s = symbols_of(g, a); s->kind != SYMBOL_END; s++)
            c->n_missing[a] +=
                s->kind == SYMBOL_SET ? !with_sets || is_empty_set(&g->sets[s->index]) : needs_rule(s);
        if (c->n_missing[a] == 0)
            n_queue = mark_owner(c, good, a, n_queue);
    }
    while (n_queue > 0) {
        uint32_t r = c->queue[--n_queue];
        for (size_t i = c->first[r]; i < c->first[r + 1]; i++)
            if (--c->n_missing[c->users[i]] == 0)
                n_queue = mark_owner(c, good, c->users[i], n_queue);
    }
}

/* ---- cutting away ---- */

static bool is_dead(const struct check *c, uint32_t alternate)
{
    for (const struct symbol *s = symbols_of(c->g, alternate); s->kind != SYMBOL_END; s++) {
        if (s->kind == SYMBOL_SET && is_empty_set(&c->g->sets[s->index]))
            return true;
        if (needs_rule(s) && !c->is_productive[s->index])
            return true;
    }
    return false;
}

static void cut(struct check *c)
{
    struct grammar *g = c->g;
    for (uint32_t r = 0; r < g->n_rules; r++) {
        struct rule *rule = &g->rules[r];
        uint32_t n = 0;
        for (uint32_t a = rule->alternates; a < rule->alternates + rule->n_alternates; a++)
            if (!is_dead(c, a))
                g->alternates[rule->alternates + n++] = g->alternates[a];
        rule->n_alternates = n;
    }
    for (size_t i = 0; i < g->n_symbols; i++) {
        struct symbol *s = &g->symbols[i];
        if (s->kind != SYMBOL_REPEAT)
            continue;
        if (c->is_nullable[s->index])
            s->min = 0; /* the same texts, and empty turns need not be counted */
        if (!c->is_productive[s->index])
            s->max = 0;
    }
}

/* ---- left recursion ---- */

/* Lists the rules that may come first in each rule: those of r are users[first[r]] to users[first[r + 1] - 1]. */
static void find_firsts(struct check *c)
{
    const struct grammar *g = c->g;
    size_t n = 0;
    for (uint32_t r = 0; r < g->n_rules; r++) {
        c->first[r] = n;
        for (uint32_t a = 0; a < g->rules[r].n_alternates; a++)
            for (const struct symbol *s = symbols_of(g, g->rules[r].alternates + a);
                 s->kind == SYMBOL_RULE || s->kind == SYMBOL_REPEAT; s++) {
                if (s->kind == SYMBOL_RULE || s->max > 0)
                    c->users[n++] = s->index;
                if (!is_optional(s) && !c->is_nullable[s->index])
                    break;
            }
    }
    c->first[g->n_rules] = n;
}

/* A rule that can begin with itself, by depth-first search from r; RULE_UNDEFINED: none is met. state: 0 new, 1 on
 * the path, 2 done. next: the edge to go along. */
static uint32_t search(struct check *c, uint32_t r, uint8_t *state, size_t *next)
{
    size_t depth = 0;
    c->queue[depth++] = r;
    state[r] = 1;
    while (depth > 0) {
        r = c->queue[depth - 1];
        if (next[r] == c->first[r + 1]) {
            state[r] = 2;
            depth--;
            continue;
        }
        uint32_t to = c->users[next[r]++];
        if (state[to] == 1)
            return to;
        if (state[to] == 0) {
            state[to] = 1;
            c->queue[depth++] = to;
        }
    }
    return RULE_UNDEFINED;
}

/* false: out of memory. */
static bool find_left_recursion(struct check *c, uint32_t *found)
{
    size_t n_rules = c->g->n_rules, *next = malloc((n_rules + 1) * sizeof *next);
    uint8_t *state = calloc(n_rules + 1, 1);
    bool ok = next && state;
    find_firsts(c);
    *found = RULE_UNDEFINED;
    if (ok)
        memcpy(next, c->first, n_rules * sizeof *next);
    for (uint32_t r = 0; ok && r < n_rules && *found == RULE_UNDEFINED; r++)
        if (state[r] == 0)
            *found = search(c, r, state, next);
    free(next);
    free(state);
    return ok;
}

const char *grammar_check(struct grammar *g, uint32_t *rule)
{
    struct check c;
    const char *problem = "";
    *rule = g->root;
    if (!check_init(&c, g))
        goto done;
    find_good(&c, false, c.is_nullable);
    find_good(&c, true, c.is_productive);
    if (!c.is_productive[g->root]) {
        problem = "no text can satisfy it";
        goto done;
    }
    cut(&c);
    if (!find_left_recursion(&c, rule))
        goto done;
    problem = *rule == RULE_UNDEFINED ? NULL : "it begins with itself (left recursion)";
done:
    check_release(&c);
    return problem;
}
