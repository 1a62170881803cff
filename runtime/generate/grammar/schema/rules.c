/* Rules of the grammar, as GBNF. */
#include "runtime/generate/grammar/schema/translate.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <stdlib.h>
#include <string.h>

struct known_rule {
    struct hone_text key;
    uint32_t rule;
};

uint32_t schema_rule_new(struct schema *s)
{
    return s->n_rules++;
}

static void end_rule(struct schema *s)
{
    schema_text_add(&s->out, "\n", 1);
    if (s->out.size > GRAMMAR_MAX_SIZE || s->n_rules > GRAMMAR_MAX_RULES)
        schema_fail(&s->w, ": it becomes a grammar of more than %zu bytes or %u rules", GRAMMAR_MAX_SIZE,
                    GRAMMAR_MAX_RULES);
}

void schema_rule_root(struct schema *s, const char *name)
{
    schema_text_put(&s->out, "root ::= %s", name);
    end_rule(s);
}

void schema_rule_text(struct schema *s, uint32_t rule, const struct schema_text *body)
{
    schema_text_put(&s->out, "r%u ::= ", rule);
    schema_text_add(&s->out, body->data, body->size);
    end_rule(s);
}

void schema_rule_put(struct schema *s, uint32_t rule, const char *format, ...)
{
    va_list args;
    schema_text_put(&s->out, "r%u ::= ", rule);
    va_start(args, format);
    schema_text_put_list(&s->out, format, args);
    va_end(args);
    end_rule(s);
}

void schema_put_literal(struct schema_text *t, const char *text, size_t size)
{
    schema_text_add(t, "\"", 1);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            schema_text_put(t, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            schema_text_put(t, "\\x%02x", c);
        else
            schema_text_add(t, &text[i], 1);
    }
    schema_text_add(t, "\"", 1);
}

/* ---- one of several texts ---- */

/* Beginnings within beginnings: each is a parenthesis, of which GRAMMAR_MAX_DEPTH may be nested in all. */
enum { MOST_NESTED = 24 };

static int compare_texts(const void *a, const void *b)
{
    const struct hone_text *x = a, *y = b;
    size_t n = x->size < y->size ? x->size : y->size;
    int order = n > 0 ? memcmp(x->data, y->data, n) : 0;
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* How far two texts that begin alike do so, by whole characters. */
static size_t common_begin(const struct hone_text *a, const struct hone_text *b)
{
    size_t n = a->size < b->size ? a->size : b->size, same = 0;
    while (same < n && a->data[same] == b->data[same])
        same++;
    while (same > 0 && same < a->size && ((unsigned char)a->data[same] & 0xc0) == 0x80)
        same--;
    return same;
}

/* Of sorted texts that are alike in their first `from` bytes. */
static void put_texts(struct schema_text *t, const struct hone_text *list, size_t n, size_t from,
                      unsigned depth)
{
    for (size_t i = 0, end; i < n && schema_pay(t->w, 1); i = end) {
        size_t shared = list[i].size;
        for (end = i + 1; end < n && depth < MOST_NESTED && list[i].size > from; end++) {
            size_t same = common_begin(&list[i], &list[end]);
            if (same <= from)
                break;
            shared = same < shared ? same : shared;
        }
        schema_text_add(t, " | ", i > 0 ? 3 : 0);
        schema_put_literal(t, list[i].data + from, shared - from);
        if (end - i == 1)
            continue;
        schema_text_add(t, " (", 2);
        put_texts(t, list + i, end - i, shared, depth + 1);
        schema_text_add(t, ")", 1);
    }
}

void schema_put_literals(struct schema_text *t, struct hone_text *list, size_t n)
{
    qsort(list, n, sizeof *list, compare_texts);
    put_texts(t, list, n, 0, 0);
}

/* ---- what was written before ---- */

static bool grow_known(struct schema *s)
{
    size_t n_slots = s->n_known_slots ? 2 * s->n_known_slots : 64;
    uint32_t *slots = schema_alloc(&s->w, n_slots, sizeof *slots);
    if (!slots)
        return false;
    for (uint32_t i = 0; i < s->n_known; i++) {
        size_t slot = hash_bytes(s->known[i].key.data, s->known[i].key.size) & (n_slots - 1);
        while (slots[slot])
            slot = (slot + 1) & (n_slots - 1);
        slots[slot] = i + 1;
    }
    s->known_slots = slots;
    s->n_known_slots = n_slots;
    return true;
}

bool schema_rule_known(struct schema *s, const char *key, size_t size, uint32_t *rule)
{
    *rule = 0;
    if (2 * (s->n_known + 1) > s->n_known_slots && !grow_known(s))
        return false;
    size_t slot = hash_bytes(key, size) & (s->n_known_slots - 1);
    for (; s->known_slots[slot] && schema_pay(&s->w, 1); slot = (slot + 1) & (s->n_known_slots - 1)) {
        const struct known_rule *k = &s->known[s->known_slots[slot] - 1];
        if (text_equal(k->key, (struct hone_text){key, size})) {
            *rule = k->rule;
            return true;
        }
    }
    char *copy = schema_copy_text(&s->w, key, size);
    if (!copy || !schema_room(&s->w, &s->known, &s->known_capacity, s->n_known, sizeof *s->known))
        return false;
    *rule = schema_rule_new(s);
    s->known[s->n_known] = (struct known_rule){{copy, size}, *rule};
    s->known_slots[slot] = (uint32_t)++s->n_known;
    return false;
}

/* ---- characters ---- */

static void put_point(struct schema_text *t, uint32_t c)
{
    schema_text_put(t, c < 0x80 ? "\\x%02x" : "\\U%08x", c);
}

static void put_range(struct schema_text *t, uint32_t first, uint32_t last)
{
    if (first > last)
        return;
    put_point(t, first);
    if (first == last)
        return;
    schema_text_add(t, "-", 1);
    put_point(t, last);
}

/* What a string holds as it is. */
static void put_plain(struct schema_text *t, const struct char_range *ranges, size_t n)
{
    static const struct char_range plain[] = {{0x20, '!'}, {'#', '['}, {']', 0x7e}, {0x80, 0x10ffff}};
    schema_text_add(t, "[", 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < sizeof plain / sizeof *plain; j++)
            put_range(t, ranges[i].first > plain[j].first ? ranges[i].first : plain[j].first,
                      ranges[i].last < plain[j].last ? ranges[i].last : plain[j].last);
    schema_text_add(t, "]", 1);
}

static void put_escaped(struct schema_text *t, uint32_t c)
{
    static const char short_names[] = "btnvfr"; /* of 8 to 13; v is none of JSON's */
    if (c == '"' || c == '\\')
        schema_text_put(t, " | \"\\\\\\%c\"", (int)c);
    else if (c >= 8 && c <= 13 && c != 11)
        schema_text_put(t, " | \"\\\\%c\"", short_names[c - 8]);
    else
        schema_text_put(t, " | \"\\\\u%04x\"", c);
}

void schema_put_set(struct schema *s, struct schema_text *t, const struct char_range *ranges, size_t n)
{
    static const struct char_range escaped[] = {{0, 0x1f}, {'"', '"'}, {'\\', '\\'}, {0x7f, 0x7f}};
    struct schema_text one = {.w = &s->w};
    uint32_t rule;
    put_plain(&one, ranges, n);
    size_t n_plain = one.size;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < 4; j++)
            for (uint32_t c = escaped[j].first; c <= escaped[j].last; c++)
                if (c >= ranges[i].first && c <= ranges[i].last)
                    put_escaped(&one, c);
    if (one.size == n_plain && (n == 0 || ranges[n - 1].last < 0x80)) {
        schema_text_add(t, one.data, one.size);
        return;
    }
    if (!schema_rule_known(s, one.data, one.size, &rule)) /* a rule of its own, that is used again */
        schema_rule_text(s, rule, &one);
    schema_text_put(t, "r%u", rule);
}

/* ---- automata ---- */

struct automaton_edge {
    uint32_t to, first, last;
};

static int compare_edges(const void *a, const void *b)
{
    const struct automaton_edge *x = a, *y = b;
    if (x->to != y->to)
        return x->to < y->to ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

/* The characters that lead from a state to others, sorted by where. */
static size_t find_edges(const struct automaton *a, size_t state, struct automaton_edge *edges)
{
    size_t n = 0, n_joined = 0;
    for (size_t i = 0; i < a->n_ranges; i++) {
        uint32_t to = a->next[state * a->n_classes + a->classes[i].number];
        if (to != NO_STATE)
            edges[n++] = (struct automaton_edge){to, a->classes[i].first, a->classes[i].last};
    }
    qsort(edges, n, sizeof *edges, compare_edges);
    for (size_t i = 0; i < n; i++) {
        struct automaton_edge *last = n_joined > 0 ? &edges[n_joined - 1] : NULL;
        if (last && last->to == edges[i].to && last->last + 1 == edges[i].first)
            last->last = edges[i].last;
        else
            edges[n_joined++] = edges[i];
    }
    return n_joined;
}

uint32_t schema_put_automaton(struct schema *s, const struct automaton *a, const char *const *tails)
{
    uint32_t base = s->n_rules;
    struct automaton_edge *edges = schema_alloc(&s->w, a->n_ranges + 1, sizeof *edges);
    struct char_range *ranges = schema_alloc(&s->w, a->n_ranges + 1, sizeof *ranges);
    struct schema_text body = {.w = &s->w};
    s->n_rules += (uint32_t)a->n_states;
    for (size_t state = 0; state < a->n_states && edges && ranges && schema_pay(&s->w, a->n_ranges);
         state++) {
        size_t n = find_edges(a, state, edges);
        body.size = 0;
        for (size_t i = 0, end; i < n; i = end) {
            for (end = i; end < n && edges[end].to == edges[i].to; end++)
                ranges[end - i] = (struct char_range){edges[end].first, edges[end].last};
            schema_text_add(&body, " | ", 3);
            schema_put_set(s, &body, ranges, end - i);
            schema_text_put(&body, " r%u", base + edges[i].to);
        }
        if (a->accept[state])
            schema_text_put(&body, " | %s", tails[a->accept[state]]);
        if (body.size == 0)
            schema_text_put(&body, " | []");
        struct schema_text shown = {.w = &s->w, .data = body.data + 3, .size = body.size - 3};
        if (!s->w.failed)
            schema_rule_text(s, base + (uint32_t)state, &shown);
    }
    return base;
}
