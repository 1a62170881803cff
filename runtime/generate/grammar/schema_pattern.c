/* Regular expressions of JSON Schema's "pattern" (ECMA-262 with u), over the inside of a JSON string.
 *
 * Understood: literal characters, '.', classes with ranges and ^, \d \w \s \D \W \S, \t \n \v \f \r, \xHH, \uHHHH,
 * \ before any other sign; groups ( ) and (?: ), '|', * + ? {n} {n,} {n,m} (lazy ones too, which match the same), ^ at
 * the beginning and $ at the end of the whole or of an alternative of it. Without these, anything may come before or
 * behind. \d, \w, \s and their opposites are about ASCII, so that every reader of schemas agrees. Look-ahead,
 * back-references, \b, \p and named groups are refused.
 */
#include "runtime/generate/grammar/reader.h"
#include "runtime/generate/grammar/schema_impl.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

enum { MAX_RANGES = 512, MAX_GROUPS = 40 };

struct schema_pattern {
    struct schema *s;
    FILE *f;
    const char *at;
    unsigned depth;
};

struct ranges {
    struct char_range list[MAX_RANGES];
    size_t n;
};

static bool put_alternatives(struct schema_pattern *p);

static bool refuse(struct schema_pattern *p, const char *what)
{
    return schema_fail(p->s, "pattern: %s (at \"%.20s\")", what, p->at);
}

/* ---- sets of characters ---- */

static bool add_range(struct schema_pattern *p, struct ranges *r, uint32_t first, uint32_t last)
{
    if (r->n + 1 >= MAX_RANGES) /* one is left for inverting */
        return refuse(p, "a class is too large");
    r->list[r->n++] = (struct char_range){first, last};
    return true;
}

static bool add_all(struct schema_pattern *p, struct ranges *r, const struct char_range *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!add_range(p, r, list[i].first, list[i].last))
            return false;
    return true;
}

/* d, w, s and their opposites. */
static bool add_named(struct schema_pattern *p, struct ranges *r, char name)
{
    static const struct char_range digits[] = {{'0', '9'}}, not_digits[] = {{0, '0' - 1}, {'9' + 1, 0x7f}},
                                   words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}},
                                   not_words[] = {{0, '0' - 1},
                                                  {'9' + 1, 'A' - 1},
                                                  {'Z' + 1, '_' - 1},
                                                  {'`', '`'},
                                                  {'z' + 1, 0x7f}},
                                   spaces[] = {{9, 13}, {' ', ' '}},
                                   not_spaces[] = {{0, 8}, {14, 27}, {33, 0x7f}};
    switch (name) {
    case 'd':
        return add_all(p, r, digits, 1);
    case 'D':
        return add_all(p, r, not_digits, 2);
    case 'w':
        return add_all(p, r, words, 4);
    case 'W':
        return add_all(p, r, not_words, 5);
    case 's':
        return add_all(p, r, spaces, 2);
    default:
        return add_all(p, r, not_spaces, 3);
    }
}

static void put_point(FILE *f, uint32_t c)
{
    if (c < 0x80)
        fprintf(f, "\\x%02x", c);
    else
        fprintf(f, "\\U%08x", c);
}

/* One character of the set as JSON may write it inside a string. */
static void put_set(FILE *f, struct ranges *r)
{
    static const char short_names[] = "btnvfr"; /* of 8 to 13; v is none of JSON's */
    size_t n = r->n > 0 ? ranges_join(r->list, r->n) : 0;
    fputs("([", f);
    for (size_t i = 0; i < n; i++) {
        uint32_t first = r->list[i].first, last = r->list[i].last;
        /* The parts between what must be escaped. */
        const struct char_range plain[] = {{0x20, '!'}, {'#', '['}, {']', 0x10ffff}};
        for (size_t j = 0; j < 3; j++) {
            uint32_t from = first > plain[j].first ? first : plain[j].first;
            uint32_t to = last < plain[j].last ? last : plain[j].last;
            if (from >= 0xd800 && from <= 0xdfff)
                from = 0xe000;
            if (to >= 0xd800 && to <= 0xdfff)
                to = 0xd7ff;
            if (from > to)
                continue;
            put_point(f, from);
            fputc('-', f);
            put_point(f, to);
        }
    }
    fputc(']', f);
    for (size_t i = 0; i < n; i++) {
        for (uint32_t c = r->list[i].first; c <= r->list[i].last && c < 0x20; c++) {
            if (c >= 8 && c <= 13 && c != 11)
                fprintf(f, " | \"\\\\%c\"", short_names[c - 8]);
            else
                fprintf(f, " | \"\\\\u00%02x\"", c);
        }
        if (r->list[i].first <= '"' && r->list[i].last >= '"')
            fputs(" | \"\\\\\\\"\"", f);
        if (r->list[i].first <= '\\' && r->list[i].last >= '\\')
            fputs(" | \"\\\\\\\\\"", f);
    }
    fputc(')', f);
}

/* ---- characters ---- */

static bool read_hex(struct schema_pattern *p, int n_digits, uint32_t *point)
{
    *point = 0;
    for (int i = 0; i < n_digits; i++, p->at++) {
        const char *digits = "0123456789abcdef", *found = *p->at ? strchr(digits, *p->at | 0x20) : NULL;
        if (!found)
            return refuse(p, "expected hexadecimal digits");
        *point = *point << 4 | (uint32_t)(found - digits);
    }
    return (*point < 0xd800 || *point > 0xdfff) || refuse(p, "surrogates are not supported");
}

/* After a backslash: a character to *point, or a set of them, of which *name is the letter. */
static bool read_escape(struct schema_pattern *p, uint32_t *point, char *name)
{
    static const char letters[] = "tnvfr0", values[] = "\t\n\v\f\r";
    char c = *p->at;
    const char *letter = c ? strchr(letters, c) : NULL;
    *name = 0;
    if (!c)
        return refuse(p, "it ends in the middle of an escape");
    p->at++;
    if (strchr("dDwWsS", c)) {
        *name = c;
        return true;
    }
    if (c == 'x' || c == 'u')
        return read_hex(p, c == 'x' ? 2 : 4, point);
    *point = letter ? (uint32_t)values[letter - letters] : (unsigned char)c;
    bool is_sign = (unsigned char)c < 0x80 &&
                   !((c >= '1' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    return letter || is_sign || refuse(p, "this escape is not supported");
}

static void read_plain(struct schema_pattern *p, uint32_t *point)
{
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p->at, -1, &c);
    p->at += n > 0 ? n : 1;
    *point = (uint32_t)c;
}

static bool read_class_char(struct schema_pattern *p, uint32_t *point, char *name)
{
    *name = 0;
    if (*p->at == '\\') {
        p->at++;
        if (*p->at == 'b')
            return refuse(p, "\\b in a class is not supported");
        return read_escape(p, point, name);
    }
    read_plain(p, point);
    return true;
}

static bool read_class(struct schema_pattern *p, struct ranges *r)
{
    bool is_negated = *++p->at == '^';
    p->at += is_negated;
    while (*p->at != ']') {
        uint32_t first = 0, last;
        char name, other;
        if (!*p->at)
            return refuse(p, "a class has no closing bracket");
        if (!read_class_char(p, &first, &name))
            return false;
        last = first;
        if (!name && *p->at == '-' && p->at[1] != ']' && p->at[1]) {
            p->at++;
            if (!read_class_char(p, &last, &other))
                return false;
            if (other || last < first)
                return refuse(p, "a range of a class runs backwards or to a set");
        }
        if (name ? !add_named(p, r, name) : !add_range(p, r, first, last))
            return false;
    }
    p->at++;
    r->n = r->n > 0 ? ranges_join(r->list, r->n) : 0;
    if (is_negated)
        r->n = ranges_invert(r->list, r->n);
    return true;
}

/* ---- expressions ---- */

static bool put_group(struct schema_pattern *p)
{
    if (++p->depth > MAX_GROUPS)
        return refuse(p, "groups are nested too deep");
    p->at++;
    if (*p->at == '?') {
        if (p->at[1] != ':')
            return refuse(p, "look-around and named groups are not supported");
        p->at += 2;
    }
    fputc('(', p->f);
    if (!put_alternatives(p))
        return false;
    if (*p->at != ')')
        return refuse(p, "expected )");
    p->at++;
    fputc(')', p->f);
    p->depth--;
    return true;
}

static bool put_atom(struct schema_pattern *p)
{
    struct ranges r = {.n = 0};
    uint32_t point = 0;
    char name = 0;
    if (*p->at == '(')
        return put_group(p);
    if (strchr("*+?{}^$", *p->at))
        return refuse(p, "this sign has no meaning here, or is not supported");
    if (*p->at == '[') {
        if (!read_class(p, &r))
            return false;
    } else if (*p->at == '.') {
        static const struct char_range all[] = {{0, 9}, {11, 12}, {14, 0x2027}, {0x202a, 0x10ffff}};
        p->at++;
        if (!add_all(p, &r, all, 4))
            return false;
    } else {
        if (*p->at == '\\') {
            p->at++;
            if (!read_escape(p, &point, &name))
                return false;
        } else {
            read_plain(p, &point);
        }
        if (name ? !add_named(p, &r, name) : !add_range(p, &r, point, point))
            return false;
    }
    put_set(p->f, &r);
    return true;
}

static bool put_quantifier(struct schema_pattern *p)
{
    char c = *p->at;
    if (c == '*' || c == '+' || c == '?') {
        fputc(c, p->f);
        p->at++;
    } else if (c == '{') { /* GBNF's are the same, and it checks the numbers */
        size_t n = strspn(p->at + 1, "0123456789,") + 1;
        if (p->at[n] != '}' || p->at[1] == ',' || p->at[1] == '}')
            return refuse(p, "expected {n}, {n,} or {n,m}");
        fwrite(p->at, 1, n + 1, p->f);
        p->at += n + 1;
    } else {
        return true;
    }
    p->at += *p->at == '?'; /* lazy */
    return true;
}

static bool at_end(const struct schema_pattern *p)
{
    return !*p->at || *p->at == '|' || *p->at == ')' ||
           (*p->at == '$' && p->depth == 0 && (!p->at[1] || p->at[1] == '|'));
}

static bool put_sequence(struct schema_pattern *p)
{
    bool is_outside = p->depth == 0, is_anchored = is_outside && *p->at == '^';
    p->at += is_anchored;
    if (is_outside && !is_anchored)
        fputs("char* ", p->f);
    fputs("\"\"", p->f);
    while (!at_end(p)) {
        fputc(' ', p->f);
        if (!put_atom(p) || !put_quantifier(p))
            return false;
    }
    if (*p->at == '$')
        p->at++;
    else if (is_outside)
        fputs(" char*", p->f);
    return true;
}

static bool put_alternatives(struct schema_pattern *p)
{
    for (;;) {
        if (!put_sequence(p))
            return false;
        if (*p->at != '|')
            return true;
        fputs(" | ", p->f);
        p->at++;
    }
}

bool schema_put_pattern(struct schema *s, FILE *f, const char *pattern)
{
    struct schema_pattern p = {s, f, pattern, 0};
    fputc('(', f);
    if (!put_alternatives(&p))
        return false;
    if (*p.at)
        return refuse(&p, "a ) too many");
    fputc(')', f);
    return true;
}
