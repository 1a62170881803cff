/* The reader of GBNF (grammar.h). */
#include "runtime/generate/grammar/reader.h"

#include "runtime/base/tables/name_list.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

struct rule_name {
    const char *name; /* behind the struct */
    uint32_t rule;
    const char *at; /* its first use */
};

struct gbnf_parser {
    struct reader in;
    struct grammar *g;
    struct name_list names;
    struct symbol *symbols; /* of the alternatives that are being read, innermost last */
    uint32_t *starts;       /* of the alternatives that are complete, likewise */
    size_t n_symbols, symbols_capacity, n_starts, starts_capacity;
    unsigned depth;
};

static bool parse_alternates(struct gbnf_parser *p, bool is_nested, uint32_t rule);

/* Something could not be added. */
static bool fail_full(struct gbnf_parser *p)
{
    if (!p->g->too_large) {
        hone_no_memory(p->in.err, "a grammar", p->g->n_symbols * sizeof *p->g->symbols);
        return false;
    }
    return reader_fail(&p->in, "the grammar is too large (%u rules and %u symbols are possible)",
                       GRAMMAR_MAX_RULES, GRAMMAR_MAX_SYMBOLS);
}

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* ---- items ---- */

/* Room for one more. */
static bool reserve(struct gbnf_parser *p, void *array, size_t *capacity, size_t n, size_t item_size)
{
    void **items = array;
    if (n < *capacity)
        return true;
    if (n >= GRAMMAR_MAX_SYMBOLS) {
        p->g->too_large = true;
        return false;
    }
    void *grown = realloc(*items, (2 * n + 64) * item_size);
    if (!grown)
        return false;
    *items = grown;
    *capacity = 2 * n + 64;
    return true;
}

static bool push(struct gbnf_parser *p, struct symbol symbol)
{
    if (!reserve(p, &p->symbols, &p->symbols_capacity, p->n_symbols, sizeof symbol))
        return fail_full(p);
    p->symbols[p->n_symbols++] = symbol;
    return true;
}

static bool parse_literal(struct gbnf_parser *p)
{
    p->in.at++;
    while (!looking_at(&p->in, '"')) {
        uint32_t point;
        utf8proc_uint8_t bytes[4];
        if (p->in.at == p->in.end || *p->in.at == '\n')
            return reader_fail(&p->in, "a literal has no closing quote");
        if (!reader_char(&p->in, &point))
            return false;
        utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)point, bytes);
        for (utf8proc_ssize_t i = 0; i < n; i++)
            if (!push(p, (struct symbol){.kind = SYMBOL_SET, .index = bytes[i]}))
                return false;
    }
    p->in.at++;
    return true;
}

static bool parse_class(struct gbnf_parser *p)
{
    struct char_range *ranges = NULL;
    struct symbol symbol = {.kind = SYMBOL_SET};
    size_t n = 0, capacity = 0;
    bool ok = true;
    p->in.at++;
    bool is_negated = looking_at(&p->in, '^');
    p->in.at += is_negated;
    while (ok && !looking_at(&p->in, ']')) {
        if (p->in.at == p->in.end)
            ok = reader_fail(&p->in, "a class of characters has no closing bracket");
        else if (!reserve(p, &ranges, &capacity, n + 1, sizeof *ranges)) /* one is left for inverting */
            ok = fail_full(p);
        else
            ok = reader_range(&p->in, &ranges[n++]);
    }
    if (ok) {
        p->in.at++;
        n = n > 0 ? ranges_join(ranges, n) : 0;
        struct char_range all = {0, 0x10ffff};
        if (is_negated && n > 0)
            n = ranges_invert(ranges, n);
        ok = grammar_add_chars(p->g, is_negated && !ranges ? &all : ranges, is_negated && !ranges ? 1 : n,
                               &symbol) ||
             fail_full(p);
    }
    free(ranges);
    return ok && push(p, symbol);
}

static bool parse_any(struct gbnf_parser *p)
{
    static const struct char_range all = {0, 0x10ffff};
    struct symbol symbol = {.kind = SYMBOL_SET};
    p->in.at++;
    return (grammar_add_chars(p->g, &all, 1, &symbol) || fail_full(p)) && push(p, symbol);
}

/* ---- rules ---- */

static struct rule_name *find_rule(struct gbnf_parser *p, const char *name, size_t size)
{
    struct rule_name *item = malloc(sizeof *item + size + 1);
    if (!item)
        return NULL;
    char *copy = (char *)(item + 1);
    memcpy(copy, name, size);
    copy[size] = 0;
    struct rule_name *known = name_list_find(&p->names, copy);
    if (known) {
        free(item);
        return known;
    }
    *item = (struct rule_name){.name = copy, .at = name};
    if (!grammar_add_rule(p->g, &item->rule)) {
        free(item);
        return NULL;
    }
    return name_list_add(&p->names, item) ? item : NULL;
}

static bool parse_name(struct gbnf_parser *p, struct rule_name **name)
{
    const char *start = p->in.at;
    while (p->in.at < p->in.end && is_name_char(*p->in.at))
        p->in.at++;
    if (p->in.at == start)
        return reader_fail(&p->in, "expected a name");
    *name = find_rule(p, start, (size_t)(p->in.at - start));
    return *name || fail_full(p);
}

static bool parse_group(struct gbnf_parser *p)
{
    struct symbol symbol = {.kind = SYMBOL_RULE};
    if (++p->depth > GRAMMAR_MAX_DEPTH)
        return reader_fail(&p->in, "parentheses are nested more than %u deep", GRAMMAR_MAX_DEPTH);
    p->in.at++;
    reader_skip(&p->in, true);
    if (!grammar_add_rule(p->g, &symbol.index))
        return fail_full(p);
    if (!parse_alternates(p, true, symbol.index))
        return false;
    if (!looking_at(&p->in, ')'))
        return reader_fail(&p->in, "expected ')'");
    p->in.at++;
    p->depth--;
    return push(p, symbol);
}

static bool parse_number(struct gbnf_parser *p, uint32_t *number)
{
    const char *start = p->in.at;
    *number = 0;
    for (; p->in.at < p->in.end && *p->in.at >= '0' && *p->in.at <= '9'; p->in.at++) {
        *number = *number * 10 + (uint32_t)(*p->in.at - '0');
        if (*number > GRAMMAR_MAX_REPEAT)
            return reader_fail(&p->in, "a repetition counts to more than %u", GRAMMAR_MAX_REPEAT);
    }
    return p->in.at > start || reader_fail(&p->in, "expected a number");
}

/* {n} {n,} {n,m} */
static bool parse_counts(struct gbnf_parser *p, uint32_t *min, uint32_t *max)
{
    p->in.at++;
    reader_skip(&p->in, true);
    if (!parse_number(p, min))
        return false;
    *max = *min;
    reader_skip(&p->in, true);
    if (looking_at(&p->in, ',')) {
        p->in.at++;
        reader_skip(&p->in, true);
        *max = REPEAT_UNLIMITED;
        if (!looking_at(&p->in, '}') && !parse_number(p, max))
            return false;
        reader_skip(&p->in, true);
    }
    if (!looking_at(&p->in, '}'))
        return reader_fail(&p->in, "expected '}'");
    p->in.at++;
    return *min <= *max || reader_fail(&p->in, "a repetition runs backwards");
}

/* Makes the symbols from `start` on one repetition. */
static bool repeat(struct gbnf_parser *p, size_t start, uint32_t min, uint32_t max)
{
    struct symbol symbol = {.kind = SYMBOL_REPEAT, .min = min, .max = max};
    const struct symbol *first = &p->symbols[start];
    if (p->n_symbols - start == 1 && first->kind == SYMBOL_RULE) {
        symbol.index = first->index;
    } else {
        uint32_t alternate;
        if (!grammar_add_rule(p->g, &symbol.index) ||
            !grammar_add_symbols(p->g, first, p->n_symbols - start, &alternate) ||
            !grammar_define(p->g, symbol.index, &alternate, 1))
            return fail_full(p);
    }
    p->n_symbols = start;
    return push(p, symbol);
}

static bool parse_repetitions(struct gbnf_parser *p, size_t start)
{
    for (;;) {
        uint32_t min = 0, max = REPEAT_UNLIMITED;
        if (looking_at(&p->in, '{')) {
            if (!parse_counts(p, &min, &max))
                return false;
        } else if (looking_at(&p->in, '*') || looking_at(&p->in, '+') || looking_at(&p->in, '?')) {
            min = *p->in.at == '+';
            max = *p->in.at == '?' ? 1 : REPEAT_UNLIMITED;
            p->in.at++;
        } else {
            return true;
        }
        if (!repeat(p, start, min, max))
            return false;
        reader_skip(&p->in, p->depth > 0);
    }
}

/* One item with its repetitions; *none: here is none. */
static bool parse_item(struct gbnf_parser *p, bool *none)
{
    size_t start = p->n_symbols;
    struct rule_name *name;
    bool ok;
    *none = false;
    if (looking_at(&p->in, '"')) {
        ok = parse_literal(p);
    } else if (looking_at(&p->in, '[')) {
        ok = parse_class(p);
    } else if (looking_at(&p->in, '(')) {
        ok = parse_group(p);
    } else if (looking_at(&p->in, '.')) {
        ok = parse_any(p);
    } else if (p->in.at < p->in.end && is_name_char(*p->in.at)) {
        ok = parse_name(p, &name) && push(p, (struct symbol){.kind = SYMBOL_RULE, .index = name->rule});
    } else {
        *none = true;
        return true;
    }
    reader_skip(&p->in, p->depth > 0);
    return ok && parse_repetitions(p, start);
}

static bool parse_sequence(struct gbnf_parser *p)
{
    size_t start = p->n_symbols;
    for (bool none = false; !none;)
        if (!parse_item(p, &none))
            return false;
    if (!reserve(p, &p->starts, &p->starts_capacity, p->n_starts, sizeof *p->starts) ||
        !grammar_add_symbols(p->g, p->symbols + start, p->n_symbols - start, &p->starts[p->n_starts++]))
        return fail_full(p);
    p->n_symbols = start;
    return true;
}

/* The end of a line ends a rule, unless '|' comes next. */
static void skip_to_bar(struct gbnf_parser *p)
{
    const char *at = p->in.at;
    reader_skip(&p->in, true);
    if (!looking_at(&p->in, '|'))
        p->in.at = at;
}

static bool parse_alternates(struct gbnf_parser *p, bool is_nested, uint32_t rule)
{
    size_t start = p->n_starts;
    for (bool more = true; more;) {
        if (!parse_sequence(p))
            return false;
        if (!is_nested)
            skip_to_bar(p);
        more = looking_at(&p->in, '|');
        if (more) {
            p->in.at++;
            reader_skip(&p->in, true);
        }
    }
    if (!grammar_define(p->g, rule, p->starts + start, p->n_starts - start))
        return fail_full(p);
    p->n_starts = start;
    return true;
}

static bool parse_rule(struct gbnf_parser *p)
{
    struct rule_name *name;
    if (!parse_name(p, &name))
        return false;
    reader_skip(&p->in, false);
    if (p->in.end - p->in.at < 3 || memcmp(p->in.at, "::=", 3) != 0)
        return reader_fail(&p->in, "expected ::= behind the name of a rule");
    p->in.at += 3;
    if (p->g->rules[name->rule].alternates != RULE_UNDEFINED)
        return reader_fail(&p->in, "the rule %s is defined twice", name->name);
    reader_skip(&p->in, true);
    if (!parse_alternates(p, false, name->rule))
        return false;
    if (p->in.at < p->in.end && *p->in.at != '\n' && *p->in.at != '\r')
        return reader_fail(&p->in, "the character '%c' has no meaning here", *p->in.at);
    reader_skip(&p->in, true);
    return true;
}

static const struct rule_name *name_of(const struct gbnf_parser *p, uint32_t rule)
{
    for (size_t i = 0; i < p->names.n; i++) {
        const struct rule_name *name = p->names.items[i];
        if (name->rule == rule)
            return name;
    }
    return NULL;
}

static bool finish(struct gbnf_parser *p)
{
    const struct rule_name *root = name_list_find(&p->names, "root");
    for (size_t i = 0; i < p->names.n; i++) {
        const struct rule_name *name = p->names.items[i];
        if (p->g->rules[name->rule].alternates == RULE_UNDEFINED) {
            hone_fail(p->in.err, HONE_USAGE, "grammar, line %zu: the rule %s is not defined",
                      reader_line(&p->in, name->at), name->name);
            return false;
        }
    }
    if (!root) {
        hone_fail(p->in.err, HONE_USAGE, "the grammar has no rule root");
        return false;
    }
    uint32_t rule;
    p->g->root = root->rule;
    const char *problem = grammar_check(p->g, &rule);
    if (!problem)
        return true;
    const struct rule_name *name = *problem ? name_of(p, rule) : NULL;
    if (!*problem)
        hone_no_memory(p->in.err, "a grammar", p->g->n_symbols * sizeof *p->g->symbols);
    else
        hone_fail(p->in.err, HONE_USAGE, "grammar, rule %s: %s", name ? name->name : "(a group)", problem);
    return false;
}

enum hone_status grammar_read(struct grammar **out, struct hone_text gbnf, struct hone_error *err)
{
    struct hone_error local = {0}; /* tells out of memory from a mistake when the caller does not ask */
    *out = NULL;
    if (gbnf.size > GRAMMAR_MAX_SIZE)
        return hone_fail(err, HONE_USAGE, "a grammar of %zu bytes; at most %zu are possible", gbnf.size,
                         GRAMMAR_MAX_SIZE);
    struct gbnf_parser p = {.in = {gbnf.data, gbnf.data, gbnf.data + gbnf.size, err ? err : &local}};
    p.g = grammar_new();
    if (!p.g)
        return hone_no_memory(err, "a grammar", sizeof *p.g);
    reader_skip(&p.in, true);
    /* Some, so that places among them are places in an array, also before the first. */
    bool ok = reserve(&p, &p.symbols, &p.symbols_capacity, 0, sizeof *p.symbols) || fail_full(&p);
    while (ok && p.in.at < p.in.end)
        ok = parse_rule(&p);
    if (ok && finish(&p)) {
        *out = p.g;
        p.g = NULL;
    }
    grammar_free(p.g);
    name_list_clear(&p.names);
    free(p.symbols);
    free(p.starts);
    return *out ? HONE_OK : p.in.err->status;
}

enum hone_status grammar_parse(struct grammar **out, struct hone_text gbnf, struct hone_error *err)
{
    enum hone_status status = grammar_read(out, gbnf, err);
    if (status != HONE_OK || (grammar_find_chars(*out) && grammar_factor(*out) && grammar_find_least(*out)))
        return status;
    status = hone_no_memory(err, "a grammar", grammar_memory(*out));
    grammar_free(*out);
    *out = NULL;
    return status;
}
