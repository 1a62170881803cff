/* Left factoring: what several alternatives of a rule begin with alike becomes the beginning of one.
 *
 * A text is at as many places as there are alternatives that it may still be in. Sixty tools that a call may be of begin
 * with the same words and blanks, and each byte of these led from sixty places to sixty: masks there took up to 800
 * microseconds. Factored they lead from one to one. */
#include "runtime/generate/grammar/rules.h"

#include <stdlib.h>
#include <string.h>

enum {
    MOST_ALTERNATES = 4096, /* of a rule, or it is left as it is */
    MOST_NESTED = 32,       /* rules that an alternative begins with, one within the other */
    BUDGET =
        1
        << 16 /* symbols that are written at least, before it is given up; with as many as the grammar has */
};

struct alternate {
    uint32_t start;     /* in the grammar */
    size_t at;          /* in `written`: the same, with what the rules that it begins with are */
    struct symbol head; /* that is there */
};

struct factoring {
    struct grammar *g;
    size_t n_chars;         /* rules that g->chars tells of */
    struct symbol *written; /* [n_written] */
    size_t n_written, written_capacity, budget;
    struct alternate *list; /* [n], of the rule at hand */
    size_t n;
    uint32_t *starts; /* room for as many */
};

static bool is_char(const struct factoring *f, uint32_t rule)
{
    return rule < f->n_chars && f->g->chars[rule] != CHARS_OTHER;
}

static size_t count_symbols(const struct symbol *s)
{
    size_t n = 0;
    while (s[n].kind != SYMBOL_END)
        n++;
    return n;
}

/* Room for n more symbols. false: out of memory. */
static bool reserve(struct factoring *f, size_t n)
{
    if (f->n_written + n <= f->written_capacity)
        return true;
    size_t wanted = 2 * (f->n_written + n) + 1024;
    struct symbol *grown = realloc(f->written, wanted * sizeof *grown);
    f->written = grown ? grown : f->written;
    f->written_capacity = grown ? wanted : f->written_capacity;
    return grown != NULL;
}

static void spend(struct factoring *f, size_t n)
{
    f->budget = f->budget > n ? f->budget - n : 0;
}

/* Writes an alternative with the rules of one alternative that it begins with written out. */
static bool write_out(struct factoring *f, struct alternate *a)
{
    const struct grammar *g = f->g;
    size_t n = count_symbols(&g->symbols[a->start]) + 1;
    if (!reserve(f, n))
        return false;
    a->at = f->n_written;
    memcpy(f->written + a->at, &g->symbols[a->start], n * sizeof *f->written);
    f->n_written += n;
    for (int i = 0; i < MOST_NESTED && f->budget > 0; i++) {
        struct symbol head = f->written[a->at];
        if (head.kind != SYMBOL_RULE || g->rules[head.index].n_alternates != 1 || is_char(f, head.index))
            break;
        const struct symbol *body = &g->symbols[g->alternates[g->rules[head.index].alternates]];
        size_t n_body = count_symbols(body);
        if (!reserve(f, n_body + n))
            return false;
        memcpy(f->written + f->n_written, body, n_body * sizeof *body);
        memcpy(f->written + f->n_written + n_body, f->written + a->at + 1, (n - 1) * sizeof *body);
        a->at = f->n_written;
        n += n_body - 1;
        f->n_written += n;
        spend(f, n);
    }
    return true;
}

/* Lists the rule's alternatives: where one is another rule and nothing else, that one's. */
static bool collect(struct factoring *f, uint32_t rule)
{
    const struct grammar *g = f->g;
    f->n_written = f->n = 0;
    for (uint32_t i = 0; i < g->rules[rule].n_alternates; i++)
        f->list[f->n++].start = g->alternates[g->rules[rule].alternates + i];
    for (size_t i = 0; i < f->n;) {
        if (!write_out(f, &f->list[i]))
            return false;
        const struct symbol *s = &f->written[f->list[i].at];
        const struct rule *only =
            s->kind == SYMBOL_RULE && s[1].kind == SYMBOL_END ? &g->rules[s->index] : NULL;
        if (!only || only->n_alternates < 2 || only->n_alternates > MOST_ALTERNATES - f->n ||
            is_char(f, s->index) || f->budget == 0) {
            i++;
            continue;
        }
        spend(f, only->n_alternates);
        f->list[i].start = g->alternates[only->alternates];
        for (uint32_t k = 1; k < only->n_alternates; k++)
            f->list[f->n++].start = g->alternates[only->alternates + k];
    }
    return true;
}

static int compare_symbols(const struct symbol *x, const struct symbol *y)
{
    const uint32_t a[] = {x->kind, x->index, x->min, x->max}, b[] = {y->kind, y->index, y->min, y->max};
    size_t n = x->kind == SYMBOL_END ? 1 : x->kind == SYMBOL_REPEAT ? 4 : 2;
    for (size_t i = 0; i < n; i++)
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int compare_heads(const void *a, const void *b)
{
    const struct alternate *x = a, *y = b;
    int order = compare_symbols(&x->head, &y->head);
    return order ? order : (x->start > y->start) - (x->start < y->start);
}

/* How many symbols the alternatives from i to end - 1 begin with alike. */
static size_t common_symbols(const struct factoring *f, size_t i, size_t end)
{
    const struct symbol *first = &f->written[f->list[i].at];
    size_t n = count_symbols(first);
    for (size_t k = i + 1; k < end; k++) {
        const struct symbol *other = &f->written[f->list[k].at];
        size_t same = 0;
        while (same < n && compare_symbols(&first[same], &other[same]) == 0)
            same++;
        n = same;
    }
    /* What repeats characters stays beside the quote behind it: masks are put together by that (mask.h). */
    return n > 1 && first[n - 1].kind == SYMBOL_REPEAT && is_char(f, first[n - 1].index) ? n - 1 : n;
}

/* One alternative for those from i to end - 1, whose ends become a rule of their own. false: there is no room. */
static bool join(struct factoring *f, size_t i, size_t end, uint32_t *start)
{
    size_t n = common_symbols(f, i, end);
    struct symbol rest = {.kind = SYMBOL_RULE};
    for (size_t k = i; k < end; k++) {
        const struct symbol *its = &f->written[f->list[k].at + n];
        if (!grammar_add_symbols(f->g, its, count_symbols(its), &f->starts[k]))
            return false;
        spend(f, count_symbols(its) + 1);
    }
    if (!grammar_add_rule(f->g, &rest.index) || !grammar_define(f->g, rest.index, f->starts + i, end - i) ||
        !reserve(f, n + 1))
        return false;
    struct symbol *joined = f->written + f->n_written;
    memcpy(joined, &f->written[f->list[i].at], n * sizeof *joined);
    joined[n] = rest;
    return grammar_add_symbols(f->g, joined, n + 1, start);
}

static bool factor(struct factoring *f, uint32_t rule)
{
    size_t n = 0;
    if (!collect(f, rule))
        return false;
    for (size_t i = 0; i < f->n; i++)
        f->list[i].head = f->written[f->list[i].at];
    qsort(f->list, f->n, sizeof *f->list, compare_heads);
    for (size_t i = 0, end; i < f->n; i = end) {
        for (end = i + 1; end < f->n && f->list[i].head.kind != SYMBOL_END; end++)
            if (compare_symbols(&f->list[i].head, &f->list[end].head) != 0)
                break;
        uint32_t start = f->list[i].start;
        if (end - i > 1 && !join(f, i, end, &start))
            return false;
        f->starts[n++] = start;
    }
    return n == f->n || grammar_define(f->g, rule, f->starts, n);
}

bool grammar_factor(struct grammar *g)
{
    struct factoring f = {.g = g,
                          .n_chars = g->n_rules,
                          .budget = g->n_symbols + BUDGET,
                          .list = malloc(MOST_ALTERNATES * sizeof *f.list),
                          .starts = malloc(MOST_ALTERNATES * sizeof *f.starts)};
    bool ok = f.list && f.starts, was_too_large = g->too_large;
    for (uint32_t r = 0; ok && r < g->n_rules && f.budget > 0; r++) { /* of which some are new */
        uint32_t n = g->rules[r].alternates == RULE_UNDEFINED ? 0 : g->rules[r].n_alternates;
        if (n >= 2 && n <= MOST_ALTERNATES && !is_char(&f, r))
            ok = factor(&f, r);
    }
    uint8_t *chars = ok || g->too_large ? realloc(g->chars, g->n_rules + 1) : NULL;
    if (chars) {
        memset(chars + f.n_chars, CHARS_OTHER, g->n_rules + 1 - f.n_chars);
        g->chars = chars;
    }
    g->too_large = was_too_large; /* where there was no room for more, the rest stays as it is */
    free(f.list);
    free(f.starts);
    free(f.written);
    return chars != NULL;
}
