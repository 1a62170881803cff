#include "runtime/generate/grammar/rules.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Room for n more items in an array that has at most `limit`. */
static bool reserve(struct grammar *g, void *array, size_t *capacity, size_t n_items, size_t n, size_t limit,
                    size_t item_size)
{
    void **items = array;
    if (n > limit || n_items > limit - n) {
        g->too_large = true;
        return false;
    }
    if (n_items + n <= *capacity)
        return true;
    size_t wanted = 2 * (n_items + n) + 16;
    void *grown = realloc(*items, wanted * item_size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = wanted;
    return true;
}

struct grammar *grammar_new(void)
{
    struct grammar *g = calloc(1, sizeof *g);
    for (unsigned byte = 0; g && byte < 256; byte++) {
        struct byte_set set = {{0}};
        uint32_t index;
        set.bits[byte >> 6] = (uint64_t)1 << (byte & 63);
        if (!grammar_add_set(g, &set, &index)) {
            grammar_free(g);
            g = NULL;
        }
    }
    return g;
}

void grammar_free(struct grammar *g)
{
    if (!g)
        return;
    free(g->symbols);
    free(g->sets);
    free(g->rules);
    free(g->alternates);
    free(g->chars);
    free(g->least);
    free(g);
}

size_t grammar_memory(const struct grammar *g)
{
    return sizeof *g + g->symbols_capacity * sizeof *g->symbols + g->sets_capacity * sizeof *g->sets +
           g->rules_capacity * sizeof *g->rules + g->alternates_capacity * sizeof *g->alternates +
           g->n_rules * (sizeof *g->chars + sizeof *g->least);
}

bool grammar_add_rule(struct grammar *g, uint32_t *rule)
{
    if (!reserve(g, &g->rules, &g->rules_capacity, g->n_rules, 1, GRAMMAR_MAX_RULES, sizeof *g->rules))
        return false;
    g->rules[g->n_rules] = (struct rule){RULE_UNDEFINED, 0};
    *rule = (uint32_t)g->n_rules++;
    return true;
}

bool grammar_add_set(struct grammar *g, const struct byte_set *set, uint32_t *index)
{
    if (!reserve(g, &g->sets, &g->sets_capacity, g->n_sets, 1, GRAMMAR_MAX_SYMBOLS, sizeof *g->sets))
        return false;
    g->sets[g->n_sets] = *set;
    *index = (uint32_t)g->n_sets++;
    return true;
}

bool grammar_add_symbols(struct grammar *g, const struct symbol *symbols, size_t n, uint32_t *start)
{
    if (!reserve(g, &g->symbols, &g->symbols_capacity, g->n_symbols, n + 1, GRAMMAR_MAX_SYMBOLS,
                 sizeof *g->symbols))
        return false;
    *start = (uint32_t)g->n_symbols;
    if (n > 0)
        memcpy(g->symbols + g->n_symbols, symbols, n * sizeof *symbols);
    g->n_symbols += n;
    g->symbols[g->n_symbols++] = (struct symbol){.kind = SYMBOL_END};
    return true;
}

bool grammar_define(struct grammar *g, uint32_t rule, const uint32_t *starts, size_t n)
{
    if (!reserve(g, &g->alternates, &g->alternates_capacity, g->n_alternates, n, GRAMMAR_MAX_SYMBOLS,
                 sizeof *g->alternates))
        return false;
    g->rules[rule] = (struct rule){(uint32_t)g->n_alternates, (uint32_t)n};
    if (n > 0)
        memcpy(g->alternates + g->n_alternates, starts, n * sizeof *starts);
    g->n_alternates += n;
    return true;
}

/* ---- characters as bytes ---- */

/* The alternatives of a rule that matches one character. */
struct class
{
    struct grammar *g;
    uint32_t *starts;
    size_t n, capacity;
    struct byte_set ascii;
};

static void set_range(struct byte_set *set, unsigned first, unsigned last)
{
    for (unsigned byte = first; byte <= last; byte++)
        set->bits[byte >> 6] |= (uint64_t)1 << (byte & 63);
}

/* One alternative: bytes from first[i] to last[i]. */
static bool add_bytes(struct class *c, const unsigned char *first, const unsigned char *last, size_t n)
{
    struct symbol symbols[4];
    for (size_t i = 0; i < n; i++) {
        struct byte_set set = {{0}};
        set_range(&set, first[i], last[i]);
        symbols[i] = (struct symbol){.kind = SYMBOL_SET};
        if (!grammar_add_set(c->g, &set, &symbols[i].index))
            return false;
    }
    return reserve(c->g, &c->starts, &c->capacity, c->n, 1, GRAMMAR_MAX_SYMBOLS, sizeof *c->starts) &&
           grammar_add_symbols(c->g, symbols, n, &c->starts[c->n++]);
}

/* Splits a range until each piece is a product of ranges of bytes: all encodings of one length, and where a byte
 * varies, all behind it take every value. */
static bool add_range(struct class *c, uint32_t first, uint32_t last)
{
    static const uint32_t ends[] = {0x7f, 0x7ff, 0xd7ff, 0xdfff, 0xffff};
    if (first > last || first > 0x10ffff)
        return true;
    last = last > 0x10ffff ? 0x10ffff : last;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (first <= ends[i] && last > ends[i])
            return add_range(c, first, ends[i]) && add_range(c, ends[i] + 1, last);
    if (first >= 0xd800 && last <= 0xdfff)
        return true;
    if (last <= 0x7f) {
        set_range(&c->ascii, first, last);
        return true;
    }
    for (unsigned bits = 6; bits <= 18; bits += 6) {
        uint32_t mask = (1u << bits) - 1;
        if ((first & ~mask) == (last & ~mask))
            continue;
        if (first & mask)
            return add_range(c, first, first | mask) && add_range(c, (first | mask) + 1, last);
        if ((last & mask) != mask)
            return add_range(c, first, (last & ~mask) - 1) && add_range(c, last & ~mask, last);
    }
    unsigned char first_bytes[4], last_bytes[4];
    utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)first, first_bytes);
    utf8proc_encode_char((utf8proc_int32_t)last, last_bytes);
    return add_bytes(c, first_bytes, last_bytes, (size_t)n);
}

bool grammar_add_chars(struct grammar *g, const struct char_range *ranges, size_t n, struct symbol *symbol)
{
    struct class c = {.g = g};
    struct symbol ascii = {.kind = SYMBOL_SET};
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++)
        ok = add_range(&c, ranges[i].first, ranges[i].last);
    ok = ok && grammar_add_set(g, &c.ascii, &ascii.index);
    *symbol = ascii;
    if (ok && c.n > 0) {
        *symbol = (struct symbol){.kind = SYMBOL_RULE};
        ok = reserve(g, &c.starts, &c.capacity, c.n, 1, GRAMMAR_MAX_SYMBOLS, sizeof *c.starts) &&
             grammar_add_symbols(g, &ascii, 1, &c.starts[c.n++]) && grammar_add_rule(g, &symbol->index) &&
             grammar_define(g, symbol->index, c.starts, c.n);
    }
    free(c.starts);
    return ok;
}

/* ---- sizes ---- */

static uint8_t least_of(const struct grammar *g, uint32_t alternate)
{
    size_t n = 0;
    for (const struct symbol *s = &g->symbols[g->alternates[alternate]]; s->kind != SYMBOL_END; s++)
        n += s->kind == SYMBOL_SET ? 1
             : s->kind == SYMBOL_RULE
                 ? g->least[s->index]
                 : (size_t)(s->min < UINT8_MAX ? s->min : UINT8_MAX) * g->least[s->index];
    return n < UINT8_MAX ? (uint8_t)n : UINT8_MAX;
}

/* Each pass is right if the one before it was, and the first one is: all rules take at least nothing. Items of lists are
 * objects and strings with bytes of their own, so few passes find nearly all, and more would cost large grammars too much. */
bool grammar_find_least(struct grammar *g)
{
    enum { N_PASSES = 3 };
    g->least = calloc(g->n_rules + 1, sizeof *g->least);
    for (int pass = 0; g->least && pass < N_PASSES; pass++)
        for (size_t r = g->n_rules; r-- > 0;) {
            const struct rule *rule = &g->rules[r];
            uint8_t least = rule->n_alternates > 0 ? UINT8_MAX : 0;
            for (uint32_t i = 0; i < rule->n_alternates; i++) {
                uint8_t its = least_of(g, rule->alternates + i);
                least = its < least ? its : least;
            }
            g->least[r] = least;
        }
    return g->least != NULL;
}
