#include "runtime/generate/grammar/schema/expression.h"

#include "runtime/generate/grammar/reader.h"
#include "runtime/generate/grammar/schema/named_chars.h"

#include <string.h>
#include <utf8proc.h>

/* Of groups in each other, each of which takes some calls of a stack that a client's pattern must not use up. */
enum { MAX_GROUPS = 100 };

struct expression_parser {
    struct schema_work *w;
    const struct schema_value *where;
    struct expression *e;
    const char *at, *end;
    unsigned depth;
    bool is_wide; /* where readers differ in what \d, \w and \s are: all of it, or what all take */
};

struct expression_ranges {
    struct char_range *list;
    size_t n, capacity;
};

static const struct expression_piece *read_alternatives(struct expression_parser *p);

static bool refuse(struct expression_parser *p, const char *what)
{
    int n = (int)(p->end - p->at < 20 ? p->end - p->at : 20);
    return schema_fail_at(p->w, p->where, "pattern: %s (at \"%.*s\")", what, n, p->at);
}

static char look(const struct expression_parser *p, size_t ahead)
{
    return (size_t)(p->end - p->at) > ahead ? p->at[ahead] : 0;
}

/* ---- sets of characters ---- */

static bool add_range(struct expression_parser *p, struct expression_ranges *r, uint32_t first, uint32_t last)
{
    if (!schema_pay(p->w, 1) || !schema_room(p->w, &r->list, &r->capacity, r->n + 1, sizeof *r->list))
        return false; /* one is left for inverting */
    r->list[r->n++] = (struct char_range){first, last};
    return true;
}

/* d, w, s and their opposites: these are what the others, taken the other way, are not. */
static bool add_named(struct expression_parser *p, struct expression_ranges *r, char name)
{
    bool is_opposite = name < 'a';
    struct expression_ranges own = {0};
    size_t n;
    const struct char_range *list = named_ranges((char)(name | 0x20), p->is_wide != is_opposite, &n);
    for (size_t i = 0; i < n; i++)
        if (!add_range(p, &own, list[i].first, list[i].last))
            return false;
    if (is_opposite)
        own.n = ranges_invert(own.list, own.n);
    for (size_t i = 0; i < own.n; i++)
        if (!add_range(p, r, own.list[i].first, own.list[i].last))
            return false;
    return true;
}

/* Ranges without what is no character. */
static size_t cut_surrogates(struct char_range *list, size_t n)
{
    size_t n_left = 0;
    for (size_t i = 0; i < n; i++) {
        struct char_range r = list[i];
        if (r.first >= 0xd800 && r.first <= 0xdfff)
            r.first = 0xe000;
        if (r.last >= 0xd800 && r.last <= 0xdfff)
            r.last = 0xd7ff;
        if (r.first <= r.last)
            list[n_left++] = r;
    }
    return n_left;
}

static const struct expression_piece *make(struct expression_parser *p, enum piece_kind kind,
                                           const struct expression_piece *a, const struct expression_piece *b)
{
    struct expression_piece *made = schema_alloc(p->w, 1, sizeof *made);
    if (made)
        *made = (struct expression_piece){.kind = kind, .a = a, .b = b};
    return made;
}

static const struct expression_piece *make_set(struct expression_parser *p, struct expression_ranges *r)
{
    struct expression *e = p->e;
    struct expression_piece *made = schema_alloc(p->w, 1, sizeof *made);
    size_t n = r->n > 0 ? ranges_join(r->list, r->n) : 0;
    n = cut_surrogates(r->list, n);
    struct char_range *copy = schema_alloc(p->w, n + 1, sizeof *copy);
    if (!made || !copy || !schema_room(p->w, &e->sets, &e->sets_capacity, e->n_sets, sizeof *e->sets))
        return NULL;
    if (n > 0)
        memcpy(copy, r->list, n * sizeof *copy);
    e->sets[e->n_sets] = (struct char_set){copy, n};
    *made = (struct expression_piece){.kind = PIECE_SET, .set = (uint32_t)e->n_sets++};
    return made;
}

/* ---- characters ---- */

static bool read_hex(struct expression_parser *p, int n_digits, uint32_t *point)
{
    *point = 0;
    for (int i = 0; i < n_digits; i++, p->at++) {
        const char *digits = "0123456789abcdef", *found = look(p, 0) ? strchr(digits, *p->at | 0x20) : NULL;
        if (!found || *p->at < '0')
            return refuse(p, "expected hexadecimal digits");
        *point = *point << 4 | (uint32_t)(found - digits);
    }
    return true;
}

/* Behind \u. */
static bool read_unicode(struct expression_parser *p, uint32_t *point)
{
    uint32_t low;
    if (look(p, 0) == '{') {
        size_t n = 1;
        while (look(p, n) && look(p, n) != '}')
            n++;
        p->at++;
        if (n < 2 || n > 7 || !read_hex(p, (int)n - 1, point) || look(p, 0) != '}')
            return refuse(p, "expected \\u{H} with up to six digits");
        p->at++;
        return *point <= 0x10ffff || refuse(p, "there is no such character");
    }
    if (!read_hex(p, 4, point))
        return false;
    if (*point < 0xd800 || *point > 0xdfff)
        return true;
    if (*point > 0xdbff || look(p, 0) != '\\' || look(p, 1) != 'u')
        return refuse(p, "half of a surrogate pair matches no text");
    p->at += 2;
    if (!read_hex(p, 4, &low))
        return false;
    if (low < 0xdc00 || low > 0xdfff)
        return refuse(p, "half of a surrogate pair matches no text");
    *point = 0x10000 + ((*point - 0xd800) << 10) + (low - 0xdc00);
    return true;
}

static bool refuse_escape(struct expression_parser *p, char c)
{
    p->at--;
    if (c == 'b' || c == 'B')
        return refuse(p, "borders of words (\\b) are not supported");
    if (c == 'p' || c == 'P')
        return refuse(p, "properties of characters (\\p) are not supported");
    if (c == 'k' || (c >= '1' && c <= '9'))
        return refuse(p, "back-references are not supported");
    return refuse(p, "this escape is not supported");
}

/* After a backslash: a character to *point, or a set of them, of which *name is the letter. */
static bool read_escape(struct expression_parser *p, uint32_t *point, char *name)
{
    static const char letters[] = "tnvfr0", values[] = "\t\n\v\f\r";
    char c = look(p, 0);
    const char *letter = c ? strchr(letters, c) : NULL;
    *name = 0;
    if (!c)
        return refuse(p, "it ends in the middle of an escape");
    p->at++;
    if (strchr("dDwWsS", c)) {
        *name = c;
        return true;
    }
    if (c == 'x')
        return read_hex(p, 2, point);
    if (c == 'u')
        return read_unicode(p, point);
    if (c == 'c' && ((look(p, 0) | 0x20) >= 'a' && (look(p, 0) | 0x20) <= 'z')) {
        *point = (uint32_t)*p->at++ & 0x1f;
        return true;
    }
    *point = letter ? (uint32_t)values[letter - letters] : (unsigned char)c;
    bool is_sign = (unsigned char)c < 0x80 &&
                   !((c >= '1' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'));
    return letter || is_sign || refuse_escape(p, c);
}

static void read_plain(struct expression_parser *p, uint32_t *point)
{
    utf8proc_int32_t c = 0;
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)p->at, p->end - p->at, &c);
    p->at += n > 0 ? n : 1;
    *point = (uint32_t)c;
}

static bool read_class_char(struct expression_parser *p, uint32_t *point, char *name)
{
    *name = 0;
    if (*p->at == '\\') {
        p->at++;
        if (look(p, 0) == 'b') { /* a backspace, in a class */
            p->at++;
            *point = 8;
            return true;
        }
        return read_escape(p, point, name);
    }
    read_plain(p, point);
    return true;
}

static bool read_class(struct expression_parser *p, struct expression_ranges *r)
{
    p->at++;
    bool is_negated = look(p, 0) == '^';
    p->at += is_negated;
    p->is_wide ^= is_negated;
    while (look(p, 0) != ']' || p->at == p->end) {
        uint32_t first = 0, last;
        char name, other;
        if (p->at == p->end)
            return refuse(p, "a class has no closing bracket");
        if (!read_class_char(p, &first, &name))
            return false;
        last = first;
        if (!name && look(p, 0) == '-' && look(p, 1) != ']' && look(p, 1)) {
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
    p->is_wide ^= is_negated;
    r->n = r->n > 0 ? ranges_join(r->list, r->n) : 0;
    if (!is_negated)
        return true;
    if (!schema_room(p->w, &r->list, &r->capacity, r->n + 1, sizeof *r->list))
        return false;
    r->n = ranges_invert(r->list, r->n);
    return true;
}

/* ---- expressions ---- */

static bool read_group_kind(struct expression_parser *p)
{
    if (look(p, 0) != '?')
        return true;
    char kind = look(p, 1), next = look(p, 2);
    if (kind == '=' || kind == '!')
        return refuse(p, "look-ahead (?= ) and (?! ) is not supported");
    if (kind == '<' && (next == '=' || next == '!'))
        return refuse(p, "look-behind (?<= ) and (?<! ) is not supported");
    if (kind == '<') {
        while (p->at < p->end && *p->at != '>')
            p->at++;
        p->at += p->at < p->end;
        return true;
    }
    p->at += 2;
    return kind == ':' || refuse(p, "this kind of group (?...) is not supported");
}

static const struct expression_piece *read_group(struct expression_parser *p)
{
    if (++p->depth > MAX_GROUPS) {
        refuse(p, "groups are nested too deep");
        return NULL;
    }
    p->at++;
    const struct expression_piece *inner = read_group_kind(p) ? read_alternatives(p) : NULL;
    if (!inner)
        return NULL;
    if (look(p, 0) != ')') {
        refuse(p, "expected )");
        return NULL;
    }
    p->at++;
    p->depth--;
    return inner;
}

static const struct expression_piece *read_atom(struct expression_parser *p)
{
    static const struct char_range all[] = {{0, 9}, {11, 12}, {14, 0x2027}, {0x202a, 0x10ffff}};
    struct expression_ranges r = {0};
    uint32_t point = 0;
    char name = 0, c = *p->at;
    bool ok = true;
    if (c == '(')
        return read_group(p);
    if (c == '^' || c == '$') {
        p->at++;
        return make(p, c == '^' ? PIECE_BEGIN : PIECE_END, NULL, NULL);
    }
    if (c && strchr("*+?{}]", c)) {
        refuse(p, "this sign has no meaning here");
        return NULL;
    }
    if (c == '[') {
        ok = read_class(p, &r);
    } else if (c == '.') {
        p->at++;
        for (size_t i = 0; i < 4 && ok; i++)
            ok = add_range(p, &r, all[i].first, all[i].last);
    } else {
        if (c == '\\') {
            p->at++;
            ok = read_escape(p, &point, &name);
        } else {
            read_plain(p, &point);
        }
        ok = ok && (name ? add_named(p, &r, name) : add_range(p, &r, point, point));
    }
    return ok ? make_set(p, &r) : NULL;
}

static bool read_count(struct expression_parser *p, uint32_t *count)
{
    const char *start = p->at;
    for (*count = 0; look(p, 0) >= '0' && look(p, 0) <= '9'; p->at++)
        if ((*count = 10 * *count + (uint32_t)(*p->at - '0')) > GRAMMAR_MAX_REPEAT)
            return refuse(p, "a repetition counts too far");
    return p->at > start;
}

/* * + ? {n} {n,} {n,m}; *any: there is one. */
static bool read_quantifier(struct expression_parser *p, uint32_t *min, uint32_t *max, bool *any)
{
    char c = look(p, 0);
    *any = c && strchr("*+?{", c);
    *min = c == '+';
    *max = c == '?' ? 1 : REPEAT_UNLIMITED;
    if (!*any)
        return true;
    p->at++;
    if (c == '{') {
        if (!read_count(p, min))
            return refuse(p, "expected {n}, {n,} or {n,m}");
        *max = *min;
        if (look(p, 0) == ',') {
            p->at++;
            *max = REPEAT_UNLIMITED;
            if (look(p, 0) != '}' && !read_count(p, max))
                return refuse(p, "expected {n}, {n,} or {n,m}");
        }
        if (look(p, 0) != '}' || *min > *max)
            return refuse(p, "expected {n}, {n,} or {n,m}");
        p->at++;
    }
    p->at += look(p, 0) == '?'; /* lazy */
    return true;
}

static const struct expression_piece *read_sequence(struct expression_parser *p)
{
    const struct expression_piece *all = make(p, PIECE_EMPTY, NULL, NULL);
    while (all && p->at < p->end && *p->at != '|' && *p->at != ')') {
        uint32_t min, max;
        bool any;
        const struct expression_piece *atom = read_atom(p);
        if (!atom || !schema_pay(p->w, 1) || !read_quantifier(p, &min, &max, &any))
            return NULL;
        if (any) {
            struct expression_piece *repeat = schema_alloc(p->w, 1, sizeof *repeat);
            if (!repeat)
                return NULL;
            *repeat = (struct expression_piece){.kind = PIECE_REPEAT, .min = min, .max = max, .a = atom};
            atom = repeat;
        }
        all = all->kind == PIECE_EMPTY ? atom : make(p, PIECE_BOTH, all, atom);
    }
    return all;
}

static const struct expression_piece *read_alternatives(struct expression_parser *p)
{
    const struct expression_piece *all = read_sequence(p);
    while (all && look(p, 0) == '|') {
        p->at++;
        const struct expression_piece *next = read_sequence(p);
        all = next ? make(p, PIECE_EITHER, all, next) : NULL;
    }
    return all;
}

const struct expression *expression_read(struct schema_work *w, const struct schema_value *at,
                                         struct hone_text pattern, bool is_wide)
{
    struct expression_parser p = {
        .w = w, .where = at, .at = pattern.data, .end = pattern.data + pattern.size, .is_wide = is_wide};
    p.e = schema_alloc(w, 1, sizeof *p.e);
    if (!p.e || !(p.e->top = read_alternatives(&p)))
        return NULL;
    if (p.at < p.end) {
        refuse(&p, "a ) too many");
        return NULL;
    }
    return p.e;
}

/* ---- lists of texts ---- */

static const struct expression_piece *piece_of(struct expression_parser *p, struct hone_text text,
                                               uint32_t *set_of_char)
{
    const struct expression_piece *all = make(p, PIECE_EMPTY, NULL, NULL);
    p->at = text.data;
    p->end = text.data + text.size;
    while (all && p->at < p->end && schema_pay(p->w, 1)) {
        struct expression_ranges r = {0};
        struct expression_piece *one;
        uint32_t point;
        read_plain(p, &point);
        if (!add_range(p, &r, point, point))
            return NULL;
        if (point < 0x80 && set_of_char[point]) { /* a set each would be many */
            one = schema_alloc(p->w, 1, sizeof *one);
            if (one)
                *one = (struct expression_piece){.kind = PIECE_SET, .set = set_of_char[point] - 1};
            all = one ? (all->kind == PIECE_EMPTY ? one : make(p, PIECE_BOTH, all, one)) : NULL;
            continue;
        }
        const struct expression_piece *made = make_set(p, &r);
        if (made && point < 0x80)
            set_of_char[point] = made->set + 1;
        all = !made ? NULL : all->kind == PIECE_EMPTY ? made : make(p, PIECE_BOTH, all, made);
    }
    return p->w->failed ? NULL : all;
}

const struct expression *expression_of_names(struct schema_work *w, const struct hone_text *names, size_t n)
{
    uint32_t set_of_char[128] = {0};
    struct expression_parser p = {.w = w};
    p.e = schema_alloc(w, 1, sizeof *p.e);
    for (size_t i = 0; p.e && i < n; i++) {
        const struct expression_piece *one = piece_of(&p, names[i], set_of_char);
        p.e->top = !one ? NULL : p.e->top ? make(&p, PIECE_EITHER, p.e->top, one) : one;
        if (!p.e->top)
            return NULL;
    }
    if (p.e)
        p.e->is_whole = true;
    return p.e;
}

const struct expression *expression_of_strings(struct schema_work *w,
                                               const struct schema_value *const *strings, size_t n)
{
    struct hone_text *texts = schema_alloc(w, n + 1, sizeof *texts);
    size_t n_texts = 0;
    for (size_t i = 0; texts && i < n; i++)
        if (strings[i]->kind == VALUE_STRING)
            texts[n_texts++] = strings[i]->text;
    return texts ? expression_of_names(w, texts, n_texts) : NULL;
}

bool expression_is_repeat(const struct expression *e, const struct char_set **set, uint32_t *min,
                          uint32_t *max)
{
    const struct expression_piece *top = e->top, *repeat;
    if (!top || top->kind != PIECE_BOTH || top->b->kind != PIECE_END || top->a->kind != PIECE_BOTH ||
        top->a->a->kind != PIECE_BEGIN)
        return false;
    repeat = top->a->b;
    if (repeat->kind != PIECE_REPEAT || repeat->a->kind != PIECE_SET)
        return false;
    *set = &e->sets[repeat->a->set];
    *min = repeat->min;
    *max = repeat->max;
    return true;
}
