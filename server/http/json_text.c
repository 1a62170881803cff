#include "server/http/json_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_DIGITS = 18, NUMBER_SIZE = 40 }; /* digits that always fit in 64 bits */

/* ---- walking over valid JSON ---- */

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

/* at: the opening quote. */
static const char *skip_string(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        at += *at == '\\';
    return at < end ? at + 1 : end;
}

static const char *skip_value(const char *at, const char *end)
{
    size_t depth = 0;
    for (; at < end; at++) {
        if (*at == '"') {
            at = skip_string(at, end) - 1;
        } else if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            if (depth-- == 0)
                return at;
        } else if (*at == ',' && depth == 0) {
            return at;
        }
    }
    return end;
}

static struct hone_text slice(const char *at, const char *end)
{
    const char *behind = skip_value(at, end);
    while (behind > at && skip_blanks(behind - 1, behind) == behind)
        behind--;
    return (struct hone_text){at, (size_t)(behind - at)};
}

struct hone_text json_text_member(struct hone_text object, const char *name)
{
    const char *at = skip_blanks(object.data, object.data + object.size), *end = object.data + object.size;
    size_t n = strlen(name);
    for (at++; at < end;) {
        const char *key = skip_blanks(at, end);
        if (key == end || *key != '"')
            break;
        at = skip_string(key, end);
        bool is_it = (size_t)(at - key) == n + 2 && memcmp(key + 1, name, n) == 0;
        at = skip_blanks(at, end);
        at = skip_blanks(at < end ? at + 1 : end, end); /* ':' */
        if (is_it)
            return slice(at, end);
        at = skip_value(at, end);
        at += at < end;
    }
    return (struct hone_text){0};
}

struct hone_text json_text_item(struct hone_text list, size_t i)
{
    const char *at = skip_blanks(list.data, list.data + list.size), *end = list.data + list.size;
    for (at += at < end; at < end; i--) {
        at = skip_blanks(at, end);
        if (i == 0)
            return slice(at, end);
        at = skip_value(at, end);
        at += at < end;
    }
    return (struct hone_text){0};
}

char *json_text_compact(struct hone_text json)
{
    char *out = malloc(json.size + 1);
    const char *end = json.data + json.size;
    size_t n = 0;
    for (const char *at = json.data; out && at < end;) {
        const char *next = *at == '"' ? skip_string(at, end) : at + 1;
        if (skip_blanks(at, next) == at) {
            memcpy(out + n, at, (size_t)(next - at));
            n += (size_t)(next - at);
        }
        at = next;
    }
    if (out)
        out[n] = 0;
    return out;
}

/* ---- numbers ---- */

/* The shortest of a few that is the same double; with a point or an exponent, so that it stays a real. */
static size_t write_real(char *out, double x)
{
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, NUMBER_SIZE, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            break;
    }
    if (!strpbrk(out, ".e"))
        n += snprintf(out + n, NUMBER_SIZE - (size_t)n, ".0");
    return (size_t)n;
}

static bool is_number_char(char c)
{
    return isdigit((unsigned char)c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

/* Copies JSON with some of its numbers written anew. */
static char *rewrite(struct hone_text json, size_t growth, size_t *size,
                     size_t (*number)(char *out, const char *at, size_t n))
{
    char *out = malloc(json.size + growth + 1);
    const char *end = json.data + json.size;
    *size = 0;
    for (const char *at = json.data, *next; out && at < end; at = next) {
        next = *at == '"' ? skip_string(at, end) : at + 1;
        if (is_number_char(*at) && *at != 'e' && *at != 'E') {
            while (next < end && is_number_char(*next))
                next++;
            *size += number(out + *size, at, (size_t)(next - at));
            continue;
        }
        memcpy(out + *size, at, (size_t)(next - at));
        *size += (size_t)(next - at);
    }
    if (out)
        out[*size] = 0;
    return out;
}

static size_t shorten(char *out, const char *at, size_t n)
{
    char text[NUMBER_SIZE];
    if (n >= sizeof text || (!memchr(at, '.', n) && !memchr(at, 'e', n))) {
        memcpy(out, at, n);
        return n;
    }
    memcpy(text, at, n);
    text[n] = 0;
    return write_real(out, strtod(text, NULL));
}

char *json_text(const json_t *value)
{
    /* 17 digits say all of a double, and are the longest way to: what is written anew never needs more room than that,
     * but for ".0". */
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t size = text ? strlen(text) : 0;
    char *out = text ? rewrite((struct hone_text){text, size}, size + NUMBER_SIZE, &size, shorten) : NULL;
    free(text);
    return out;
}

static size_t make_real(char *out, const char *at, size_t n)
{
    bool is_whole = !memchr(at, '.', n) && !memchr(at, 'e', n) && !memchr(at, 'E', n);
    memcpy(out, at, n);
    if (!is_whole || n <= MOST_DIGITS)
        return n;
    memcpy(out + n, ".0", 2);
    return n + 2;
}

char *json_text_with_reals(struct hone_text json, size_t *size)
{
    return rewrite(json, json.size / MOST_DIGITS * 2 + 2, size, make_real);
}
