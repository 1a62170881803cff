#include "runtime/generate/grammar/reader.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* ---- errors ---- */

size_t reader_line(const struct reader *r, const char *at)
{
    size_t line = 1;
    for (const char *c = r->start; c < at; c++)
        line += *c == '\n';
    return line;
}

bool reader_fail(struct reader *r, const char *format, ...)
{
    char what[256];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    hone_fail(r->err, HONE_USAGE, "grammar, line %zu: %s", reader_line(r, r->at), what);
    return false;
}

/* ---- characters ---- */

void reader_skip(struct reader *r, bool newlines)
{
    for (; r->at < r->end; r->at++) {
        if (*r->at == '#')
            while (r->at + 1 < r->end && r->at[1] != '\n' && r->at[1] != '\r')
                r->at++;
        else if (*r->at != ' ' && *r->at != '\t' && !(newlines && (*r->at == '\n' || *r->at == '\r')))
            return;
    }
}

static bool parse_hex(struct reader *r, int n_digits, uint32_t *point)
{
    *point = 0;
    for (int i = 0; i < n_digits; i++, r->at++) {
        char c = r->at < r->end ? *r->at : 0, low = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            *point = *point << 4 | (uint32_t)(c - '0');
        else if (low >= 'a' && low <= 'f')
            *point = *point << 4 | (uint32_t)(low - 'a' + 10);
        else
            return reader_fail(r, "an escape needs %d hexadecimal digits", n_digits);
    }
    if (*point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
        return reader_fail(r, "an escape names U+%04X, which is no character", *point);
    return true;
}

static bool parse_escape(struct reader *r, uint32_t *point)
{
    if (++r->at == r->end)
        return reader_fail(r, "it ends in the middle of an escape");
    char c = *r->at++;
    switch (c) {
    case 'x':
        return parse_hex(r, 2, point);
    case 'u':
        return parse_hex(r, 4, point);
    case 'U':
        return parse_hex(r, 8, point);
    case 'n':
        *point = '\n';
        return true;
    case 'r':
        *point = '\r';
        return true;
    case 't':
        *point = '\t';
        return true;
    default:
        *point = (unsigned char)c;
        return strchr("\\\"[]-^", c) && c ? true : reader_fail(r, "the escape \\%c is unknown", c);
    }
}

bool reader_char(struct reader *r, uint32_t *point)
{
    utf8proc_int32_t c;
    *point = 0;
    if (*r->at == '\\')
        return parse_escape(r, point);
    utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)r->at, r->end - r->at, &c);
    if (n <= 0)
        return reader_fail(r, "it is not UTF-8");
    r->at += n;
    *point = (uint32_t)c;
    return true;
}

/* ---- ranges ---- */

static int compare_ranges(const void *a, const void *b)
{
    const struct char_range *x = a, *y = b;
    return (x->first > y->first) - (x->first < y->first);
}

/* Sorts and joins; returns how many are left. */
size_t ranges_join(struct char_range *ranges, size_t n)
{
    size_t n_joined = 0;
    qsort(ranges, n, sizeof *ranges, compare_ranges);
    for (size_t i = 0; i < n; i++) {
        struct char_range *last = n_joined > 0 ? &ranges[n_joined - 1] : NULL;
        if (!last || ranges[i].first > last->last + 1)
            ranges[n_joined++] = ranges[i];
        else if (ranges[i].last > last->last)
            last->last = ranges[i].last;
    }
    return n_joined;
}

/* What lies between sorted ranges, in place; there is room for one more. */
size_t ranges_invert(struct char_range *ranges, size_t n)
{
    size_t n_between = 0;
    uint32_t first = 0;
    for (size_t i = 0; i < n; i++) {
        struct char_range range = ranges[i];
        if (range.first > first)
            ranges[n_between++] = (struct char_range){first, range.first - 1};
        first = range.last + 1;
    }
    if (first <= 0x10ffff)
        ranges[n_between++] = (struct char_range){first, 0x10ffff};
    return n_between;
}

bool reader_range(struct reader *r, struct char_range *range)
{
    if (!reader_char(r, &range->first))
        return false;
    range->last = range->first;
    if (!looking_at(r, '-') || r->end - r->at < 2 || r->at[1] == ']')
        return true;
    r->at++;
    if (!reader_char(r, &range->last))
        return false;
    return range->first <= range->last || reader_fail(r, "a range of characters runs backwards");
}
