/* Which rules are a character of a JSON string: those that are the same, symbol by symbol, as the rules that tokens are looked
 * at by (string_tokens.h). */
#include "runtime/generate/grammar/rules.h"
#include "runtime/generate/grammar/string_tokens.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 8 }; /* rules that are followed to see whether two are the same; else they count as two */

static bool same_rule(const struct grammar *a, uint32_t x, const struct grammar *b, uint32_t y,
                      unsigned depth);

static bool same_symbols(const struct grammar *a, const struct symbol *x, const struct grammar *b,
                         const struct symbol *y, unsigned depth)
{
    for (; x->kind == y->kind && x->kind != SYMBOL_END; x++, y++) {
        if (x->kind == SYMBOL_SET) {
            if (memcmp(&a->sets[x->index], &b->sets[y->index], sizeof *a->sets) != 0)
                return false;
            continue;
        }
        if (x->kind == SYMBOL_REPEAT && (x->min != y->min || x->max != y->max))
            return false;
        if (!same_rule(a, x->index, b, y->index, depth + 1))
            return false;
    }
    return x->kind == y->kind;
}

/* A rule of nothing but another one is that. */
static uint32_t follow(const struct grammar *g, uint32_t rule)
{
    for (unsigned i = 0; i < MAX_DEPTH && g->rules[rule].n_alternates == 1; i++) {
        const struct symbol *s = &g->symbols[g->alternates[g->rules[rule].alternates]];
        if (s->kind != SYMBOL_RULE || s[1].kind != SYMBOL_END)
            break;
        rule = s->index;
    }
    return rule;
}

static bool same_rule(const struct grammar *a, uint32_t x, const struct grammar *b, uint32_t y,
                      unsigned depth)
{
    const struct rule *p = &a->rules[follow(a, x)], *q = &b->rules[follow(b, y)];
    if (p->n_alternates != q->n_alternates || depth > MAX_DEPTH)
        return false;
    for (uint32_t i = 0; i < p->n_alternates; i++)
        if (!same_symbols(a, &a->symbols[a->alternates[p->alternates + i]], b,
                          &b->symbols[b->alternates[q->alternates + i]], depth))
            return false;
    return true;
}

/* The rules to compare with: plain and char. */
static struct grammar *make_sample(uint32_t *plain, uint32_t *escaped)
{
    static const char text[] = "root ::= plain | char\n" STRING_TOKEN_RULES;
    struct grammar *g;
    if (grammar_read(&g, (struct hone_text){text, sizeof text - 1}, NULL) != HONE_OK)
        return NULL;
    const struct rule *root = &g->rules[g->root];
    *plain = g->symbols[g->alternates[root->alternates]].index;
    *escaped = g->symbols[g->alternates[root->alternates + 1]].index;
    return g;
}

bool grammar_find_chars(struct grammar *g)
{
    uint32_t plain, escaped;
    struct grammar *sample = make_sample(&plain, &escaped);
    g->chars = sample ? calloc(g->n_rules + 1, sizeof *g->chars) : NULL;
    for (size_t i = 0; g->chars && i < g->n_symbols; i++) {
        const struct symbol *s = &g->symbols[i];
        if (s->kind == SYMBOL_REPEAT && s[1].kind == SYMBOL_SET && s[1].index == '"' && !g->chars[s->index])
            g->chars[s->index] = same_rule(g, s->index, sample, plain, 0)     ? CHARS_PLAIN
                                 : same_rule(g, s->index, sample, escaped, 0) ? CHARS_ESCAPED
                                                                              : CHARS_OTHER;
    }
    grammar_free(sample);
    return g->chars != NULL;
}
