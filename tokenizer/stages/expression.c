#include "tokenizer/stages/expression.h"

#include "runtime/base/utf8.h"
#include "tokenizer/text/unicode.h"

#include <ctype.h>

/* Inside brackets. */
#define SPACES                                                                                               \
    "\\x09-\\x0d\\x20\\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{"     \
    "3000}"
/* Without brackets, Oniguruma counts the numbers of Latin-1 in; circled letters always. */
#define WORD                                                                                                 \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-\\x{1f169}"         \
    "\\x{1f170}-\\x{1f189}"
#define WORD_NUMBERS "\\xb2\\xb3\\xb9\\xbc-\\xbe"

struct expression_state {
    const char *p, *end;
    struct buffer *out;
    bool in_class;
    char
        last; /* of what was copied last: '}' for the end of an interval, 0 for anything that can be repeated */
    bool categories; /* it asks for kinds of characters */
    bool late;       /* a range holds characters that tok_expression_subject replaces */
    uint32_t first;  /* in a class: the last single character, of which a range may begin; 0: none */
    bool range;      /* a range has begun */
};

static void put(struct expression_state *s, const char *text)
{
    buffer_append(s->out, text, strlen(text));
}

static void put_class(struct expression_state *s, const char *members, bool negated)
{
    if (!s->in_class)
        put(s, negated ? "[^" : "[");
    put(s, members);
    if (!s->in_class)
        put(s, "]");
}

/* A single character of a class. */
static void add_member(struct expression_state *s, uint32_t point)
{
    for (uint32_t c = s->first; s->range && c <= point && c < 0x110000; c++)
        s->late |= (unicode_properties(c) & UC_LATE) != 0;
    s->range = false;
    s->first = point;
}

static bool copy_braces(struct expression_state *s)
{
    const char *close = s->p < s->end && *s->p == '{' ? memchr(s->p, '}', (size_t)(s->end - s->p)) : NULL;
    if (!close)
        return false;
    buffer_append(s->out, s->p, (size_t)(close + 1 - s->p));
    s->p = close + 1;
    return true;
}

/* {L} as it is; {Han}: the other way round, PCRE2 would count characters in that are used in that script, too. */
static bool copy_property(struct expression_state *s)
{
    const char *name = s->p + 1 + (s->p + 1 < s->end && s->p[1] == '^'), *after = name;
    while (after < s->end && isalpha((unsigned char)*after))
        after++;
    if (s->p == s->end || *s->p != '{' || after == s->end || *after != '}' || after - name <= 2 ||
        (after - name == 3 && memcmp(name, "Any", 3) == 0))
        return copy_braces(s);
    buffer_append(s->out, s->p, (size_t)(name - s->p));
    put(s, "sc:");
    buffer_append(s->out, name, (size_t)(after + 1 - name));
    s->p = after + 1;
    return true;
}

static uint32_t hexadecimal(const char *p, const char *end)
{
    uint32_t value = 0;
    for (; p < end && isxdigit((unsigned char)*p) && value < 0x110000; p++)
        value = value * 16 + (uint32_t)(*p <= '9' ? *p - '0' : (*p | 0x20) - 'a' + 10);
    return value;
}

/* What follows a backslash. false: not known to mean the same. */
static bool translate_escape(struct expression_state *s)
{
    char c = *s->p++;
    const char *digits = s->p + (s->p < s->end && *s->p == '{');
    s->last = 0;
    s->categories |= c && strchr("sSwWdDpPb", c);
    if (c == 'u' || c == 'x')
        add_member(s, hexadecimal(digits, s->end));
    else
        s->first = 0;
    switch (c) {
    case 's':
        put_class(s, SPACES, false);
        return true;
    case 'w':
        put_class(s, s->in_class ? WORD : WORD WORD_NUMBERS, false);
        return true;
    case 'S':
    case 'W':
        if (s->in_class)
            return false;
        put_class(s, c == 'S' ? SPACES : WORD WORD_NUMBERS, true);
        return true;
    case 'b': /* the two have other characters of words */
        put(s, "(?:(?<=[" WORD WORD_NUMBERS "])(?![" WORD WORD_NUMBERS "])|(?<![" WORD WORD_NUMBERS
               "])(?=[" WORD WORD_NUMBERS "]))");
        return !s->in_class;
    case 'p':
    case 'P':
        put(s, c == 'p' ? "\\p" : "\\P");
        return copy_property(s);
    case 'x':
        put(s, "\\x");
        if (!copy_braces(s))
            for (int i = 0; i < 2 && s->p < s->end && strchr("0123456789abcdefABCDEF", *s->p) && *s->p; i++)
                buffer_byte(s->out, *s->p++);
        return true;
    case 'u':
        if (s->end - s->p < 4)
            return false;
        put(s, "\\x{");
        buffer_append(s->out, s->p, 4);
        put(s, "}");
        s->p += 4;
        return true;
    case 'v':
        put(s, "\\x0b");
        return true;
    default:
        if (c & 0x80 || (c >= '0' && c <= '9') ||
            ((c | 0x20) >= 'a' && (c | 0x20) <= 'z' && !strchr("dDrntfae", c)))
            return false;
        buffer_byte(s->out, '\\');
        buffer_byte(s->out, c);
        return true;
    }
}

/* One character that is not escaped. */
static bool translate_plain(struct expression_state *s)
{
    const char *at = s->p;
    uint32_t point = utf8_next(&s->p);
    char c = *at, next = s->p < s->end ? *s->p : 0;
    if (s->in_class) {
        if (c == '[' || (c == '&' && next == '&')) /* classes in classes */
            return false;
        s->in_class = c != ']';
        if (c == '-' && s->first && next != ']')
            s->range = true;
        else
            add_member(s, point);
    } else if (c == '[') {
        s->in_class = true;
        s->first = 0;
        s->range = false;
        buffer_byte(s->out, c);
        if (next == '^')
            buffer_byte(s->out, *s->p++);
        s->last = 0;
        return !(s->p < s->end && *s->p == ']');
    } else if (c == '(' && next == '?') { /* groups, lookahead and lookbehind, the option i */
        const char *after = s->p + 1;
        while (after < s->end && (*after == 'i' || *after == '-'))
            after++;
        if (after == s->end || !strchr(after == s->p + 1 ? ":=!<>" : ":)", *after) || !*after)
            return false;
    } else if (c == '+' && s->last == '}') { /* possessive there, a repetition here */
        return false;
    }
    s->last = s->in_class ? 0 : c;
    buffer_append(s->out, at, (size_t)(s->p - at));
    return true;
}

bool tok_expression_translate(struct hone_text expression, struct buffer *out, bool *categories,
                              struct complaint *c)
{
    struct expression_state s = {.p = expression.data, .end = expression.data + expression.size, .out = out};
    while (s.p < s.end) {
        bool escape = *s.p == '\\', ok;
        s.p += escape;
        ok = s.p < s.end && (escape ? translate_escape(&s) : translate_plain(&s));
        if (!ok)
            return tok_fail(c->err, HONE_BAD_MODEL,
                            "the regular expression \"%.150s\" is not supported: \"%.10s\"", expression.data,
                            s.p > expression.data ? s.p - 1 : s.p);
    }
    *categories = s.categories;
    if (s.categories && s.late)
        return tok_fail(
            c->err, HONE_BAD_MODEL,
            "the regular expression \"%.150s\" is not supported: a range with unassigned characters",
            expression.data);
    return !out->failed || tok_no_memory(c->err);
}

/* Of each category a character of three and one of four bytes that all versions know. */
static const uint32_t stand_ins[][2] = {
    [UC_CN] = {0xfdd0, 0x1fffe}, [UC_LU] = {0x1e9e, 0x10400}, [UC_LL] = {0x1e97, 0x10428},
    [UC_LT] = {0x1f88, 0},       [UC_LM] = {0x1d2c, 0x16b40}, [UC_LO] = {0x0904, 0x10000},
    [UC_MN] = {0x093c, 0x101fd}, [UC_MC] = {0x0903, 0x11000}, [UC_ME] = {0x20dd, 0},
    [UC_ND] = {0x0966, 0x104a0}, [UC_NL] = {0x2160, 0x10140}, [UC_NO] = {0x2070, 0x10107},
    [UC_PC] = {0x203f, 0},       [UC_PD] = {0x2010, 0x10ead}, [UC_PS] = {0x2045, 0},
    [UC_PE] = {0x2046, 0},       [UC_PI] = {0x201c, 0},       [UC_PF] = {0x201d, 0},
    [UC_PO] = {0x2016, 0x10100}, [UC_SM] = {0x2044, 0x1d6c1}, [UC_SC] = {0x20a0, 0x1ecb0},
    [UC_SK] = {0x1fbd, 0x1f3fb}, [UC_SO] = {0x2100, 0x10137}, [UC_CF] = {0x200b, 0x110bd},
    [UC_CO] = {0xe000, 0xf0000},
};

/* The character to be shown for one; the same where it needs none. */
static uint32_t stand_in(uint32_t point, uint32_t properties, unsigned size)
{
    enum unicode_category category = unicode_category(properties);
    if (point == 0x180e) /* PCRE2 takes it for a space */
        return 0x200b;
    if (!(properties & UC_LATE) || size < 3)
        return point;
    if (category == UC_LO && point >= 0x20000)
        return 0x20000; /* Han */
    uint32_t other = stand_ins[category][size == 4];
    return other ? other : point;
}

const char *tok_expression_subject(const char *text, size_t size, struct buffer *work)
{
    const char *p = text, *end = text + size;
    bool copied = false;
    while (p < end) {
        if ((unsigned char)*p < 0xe0) { /* shorter characters are all old */
            p++;
            continue;
        }
        const char *at = p;
        uint32_t point = utf8_next(&p),
                 other = stand_in(point, unicode_properties(point), (unsigned)(p - at));
        if (other == point)
            continue;
        if (!copied) {
            buffer_clear(work);
            buffer_append(work, text, size);
            if (work->failed)
                return text;
            copied = true;
        }
        utf8_encode(other, work->data + (at - text));
    }
    return copied ? work->data : text;
}
