#include "tokenizer/template/literal.h"

#include "runtime/base/utf8.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits of a base, up to `most` of them; *p moves behind them. */
static uint32_t digits(const char **p, const char *end, int base, size_t most, size_t *n)
{
    uint32_t value = 0;
    for (*n = 0; *n < most && *p < end && digit_value(**p) < base; (*p)++, (*n)++)
        value = value * (uint32_t)base + (uint32_t)digit_value(**p);
    return value;
}

/* "\x41", "\u0041", "\101": *p is behind the backslash and moves behind the escape. */
static const char *numeric_escape(const char **p, const char *end, char *out, size_t *size)
{
    size_t n, want = **p == 'x' ? 2 : **p == 'u' ? 4 : **p == 'U' ? 8 : 3;
    bool octal = want == 3;
    *p += !octal;
    uint32_t point = digits(p, end, octal ? 8 : 16, want, &n);
    if (!octal && n < want)
        return "an escape in a string that is too short";
    if (point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
        return "an escape in a string that is no character";
    *size += utf8_encode(point, out + *size);
    return NULL;
}

/* One escape; *p is behind the backslash, before end, and moves. */
static const char *escape(const char **p, const char *end, char *out, size_t *size)
{
    static const char from[] = "\\'\"abfnrtv", to[] = "\\'\"\a\b\f\n\r\t\v";
    char c = **p;
    const char *known = strchr(from, c);
    if (c && known) {
        out[(*size)++] = to[known - from];
    } else if (strchr("xuU01234567", c) && c) {
        return numeric_escape(p, end, out, size);
    } else if (c == 'N' || c == '\0' || (unsigned char)c >= 0x80) {
        return "an escape in a string that is not supported";
    } else if (c != '\n') {
        out[(*size)++] = '\\';
        out[(*size)++] = c;
    }
    (*p)++;
    return NULL;
}

const char *jinja_literal_string(struct arena *arena, const char *p, const char *end, struct jinja_value *out,
                                 const char **error)
{
    char quote = *p++;
    const char *stop = p;
    while (stop < end && *stop != quote)
        stop += *stop == '\\' && stop + 1 < end ? 2 : 1;
    *error = "a string without its end";
    if (stop >= end)
        return NULL;
    char *text = jinja_arena_alloc(arena, (size_t)(stop - p) + 1, 1);
    size_t size = 0;
    *error = text ? NULL : "out of memory";
    while (!*error && p < stop)
        if (*p != '\\')
            text[size++] = *p++;
        else if (++p, (*error = escape(&p, stop, text, &size)))
            break;
    *out = value_text(text, size);
    return *error ? NULL : stop + 1;
}

/* Behind digits of a base with single underscores between them; p where there are none. */
static const char *skip_digits(const char *p, const char *end, int base)
{
    const char *stop = p;
    while (p < end && digit_value(*p) < base) {
        stop = ++p;
        p += p < end && *p == '_';
    }
    return stop;
}

/* The digits without underscores, for strtod and strtoll. */
static char *without_underscores(struct arena *arena, const char *p, const char *stop)
{
    char *copy = jinja_arena_alloc(arena, (size_t)(stop - p) + 1, 1), *to = copy;
    for (; copy && p < stop; p++)
        if (*p != '_')
            *to++ = *p;
    if (copy)
        *to = '\0';
    return copy;
}

/* Behind a number with a fraction or an exponent, or NULL. Behind a dot a number is an index. */
static const char *skip_float(const char *p, const char *end)
{
    if (p[-1] == '.')
        return NULL;
    const char *whole = skip_digits(p, end, 10), *stop = whole;
    if (stop + 1 < end && *stop == '.' && digit_value(stop[1]) < 10)
        stop = skip_digits(stop + 1, end, 10);
    if (stop < end && (*stop | 0x20) == 'e') {
        const char *exponent = stop + 1 + (stop + 1 < end && (stop[1] == '+' || stop[1] == '-'));
        if (exponent < end && digit_value(*exponent) < 10)
            stop = skip_digits(exponent, end, 10);
    }
    return stop > whole ? stop : NULL;
}

static const char *skip_integer(const char *p, const char *end, int *base)
{
    static const char prefixes[] = "bBoOxX";
    static const int bases[] = {2, 2, 8, 8, 16, 16};
    const char *prefix = *p == '0' && p + 1 < end && p[1] ? strchr(prefixes, p[1]) : NULL;
    *base = 10;
    if (prefix) {
        const char *first = p + 2 + (p + 2 < end && p[2] == '_');
        const char *stop = skip_digits(first, end, bases[prefix - prefixes]);
        if (stop > first) {
            *base = bases[prefix - prefixes];
            return stop;
        }
    }
    return skip_digits(p, end, *p == '0' ? 1 : 10);
}

const char *jinja_literal_number(struct arena *arena, const char *p, const char *end, struct jinja_value *out,
                                 const char **error)
{
    int base = 10;
    const char *stop = skip_float(p, end);
    bool is_float = stop != NULL;
    if (!is_float)
        stop = skip_integer(p, end, &base);
    char *text = without_underscores(arena, p, stop);
    *error = "out of memory";
    if (!text)
        return NULL;
    errno = 0;
    if (is_float)
        *out = value_float(strtod(text, NULL));
    else
        *out = value_int(strtoll(text + (base == 10 ? 0 : 2), NULL, base));
    *error = !is_float && errno ? "an integer of more than 64 bits" : NULL;
    return *error ? NULL : stop;
}
