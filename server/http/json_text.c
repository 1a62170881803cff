#include "server/http/json_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

/* A whole number that jansson has no room for goes through its tree as a text that begins with this mark: a noncharacter, and
 * digits that no client can know. Its texts may begin with the noncharacter, too. */
enum { LONG_MARK_SIZE = 3 + 16 };
static char long_mark[LONG_MARK_SIZE + 1];

static void make_long_mark(void)
{
    uint64_t secret = 0;
    if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        secret =
            (uintptr_t)&secret; /* where the system lays stacks: a weaker secret, on a kernel that has no other */
    snprintf(long_mark, sizeof long_mark, "\xef\xb7\x90%016" PRIx64, secret);
}

static const char *mark_of_longs(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_long_mark);
    return long_mark;
}

/* at: the opening quote. The digits behind the mark; size 0: it is a text like others. */
static struct hone_text marked_digits(const char *at, const char *behind)
{
    const char *digits = at + 1 + LONG_MARK_SIZE, *end = behind - 1;
    if (behind - at < LONG_MARK_SIZE + 3 || memcmp(at + 1, mark_of_longs(), LONG_MARK_SIZE) != 0)
        return (struct hone_text){0};
    for (const char *c = digits + (*digits == '-'); c < end; c++)
        if (!isdigit((unsigned char)*c))
            return (struct hone_text){0};
    return (struct hone_text){digits, (size_t)(end - digits)};
}

/* Copies JSON with some of its numbers written anew; bytes written. */
static size_t rewrite(char *out, struct hone_text json, size_t (*number)(char *out, const char *at, size_t n))
{
    const char *end = json.data + json.size;
    size_t size = 0;
    for (const char *at = json.data, *next; at < end; at = next) {
        next = *at == '"' ? skip_string(at, end) : at + 1;
        if (is_number_char(*at) && *at != 'e' && *at != 'E') {
            while (next < end && is_number_char(*next))
                next++;
            size += number(out + size, at, (size_t)(next - at));
            continue;
        }
        memcpy(out + size, at, (size_t)(next - at));
        size += (size_t)(next - at);
    }
    return size;
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

/* Bare digits instead of marked texts. */
static size_t unmark(char *out, size_t size)
{
    const char *end = out + size;
    size_t n = 0;
    for (const char *at = out, *next; at < end; at = next) {
        next = *at == '"' ? skip_string(at, end) : at + 1;
        struct hone_text digits = *at == '"' ? marked_digits(at, next) : (struct hone_text){0};
        struct hone_text bytes = digits.size > 0 ? digits : (struct hone_text){at, (size_t)(next - at)};
        memmove(out + n, bytes.data, bytes.size);
        n += bytes.size;
    }
    return n;
}

char *json_text(const json_t *value)
{
    /* 17 digits say all of a double, and are the longest way to: what is written anew never needs more room than that,
     * but for ".0". */
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    size_t size = text ? strlen(text) : 0;
    char *out = text ? malloc(2 * size + NUMBER_SIZE + 1) : NULL;
    if (out)
        out[unmark(out, rewrite(out, (struct hone_text){text, size}, shorten))] = 0;
    free(text);
    return out;
}

/* What is no JSON, such as 012, shall not become any. */
static bool is_long(const char *at, size_t n)
{
    size_t sign = *at == '-', i = sign;
    while (i < n && isdigit((unsigned char)at[i]))
        i++;
    return n > MOST_DIGITS && i == n && at[sign] != '0';
}

static size_t make_real(char *out, const char *at, size_t n)
{
    memcpy(out, at, n);
    if (!is_long(at, n))
        return n;
    memcpy(out + n, ".0", 2);
    return n + 2;
}

static size_t make_marked(char *out, const char *at, size_t n)
{
    if (!is_long(at, n))
        return make_real(out, at, n);
    *out++ = '"';
    memcpy(out, mark_of_longs(), LONG_MARK_SIZE);
    memcpy(out + LONG_MARK_SIZE, at, n);
    out[LONG_MARK_SIZE + n] = '"';
    return n + LONG_MARK_SIZE + 2;
}

/* The next object between at and end that is a call's arguments, or what Anthropic calls its input; at end: there is none. */
static struct hone_text next_arguments(const char *at, const char *end)
{
    for (const char *next; at < end; at = next) {
        next = *at == '"' ? skip_string(at, end) : at + 1;
        size_t n = (size_t)(next - at);
        bool is_name =
            (n == 11 && memcmp(at, "\"arguments\"", n) == 0) || (n == 7 && memcmp(at, "\"input\"", n) == 0);
        const char *value = is_name ? skip_blanks(next, end) : end;
        if (value == end || *value != ':')
            continue;
        value = skip_blanks(value + 1, end);
        if (value < end && *value == '{')
            return slice(value, end);
    }
    return (struct hone_text){end, 0};
}

/* A text that is being made of another one, and how far that was read. */
struct copying {
    char *out;
    size_t size;
    const char *at;
};

static void copy_to(struct copying *c, const char *end, size_t (*number)(char *out, const char *at, size_t n))
{
    if (end > c->at)
        c->size += rewrite(c->out + c->size, (struct hone_text){c->at, (size_t)(end - c->at)}, number);
    c->at = end > c->at ? end : c->at;
}

static void copy_messages(struct copying *c, struct hone_text messages)
{
    const char *end = messages.data + messages.size;
    for (const char *from = messages.data; from < end;) {
        struct hone_text kept = next_arguments(from, end);
        copy_to(c, kept.data, make_real);
        copy_to(c, kept.data + kept.size, make_marked);
        from = kept.data + kept.size;
    }
}

char *json_text_with_reals(struct hone_text json, size_t *size)
{
    /* What a template is shown: of messages their calls' arguments, of the others all. */
    static const char *const names[] = {"messages", "tools", "documents", "chat_template_kwargs"};
    enum { N = sizeof names / sizeof *names };
    struct hone_text parts[N], *next;
    struct copying c = {.out = malloc(json.size + (json.size / MOST_DIGITS + 1) * (LONG_MARK_SIZE + 2)),
                        .at = json.data};
    for (size_t i = 0; i < N; i++)
        parts[i] = json_text_member(json, names[i]);
    do {
        next = NULL;
        for (size_t i = 0; c.out && i < N; i++)
            if (parts[i].size > 0 && parts[i].data >= c.at && (!next || parts[i].data < next->data))
                next = &parts[i];
        if (next)
            copy_to(&c, next->data, make_real);
        if (next == &parts[0])
            copy_messages(&c, *next);
        else if (next)
            copy_to(&c, next->data + next->size, make_marked);
    } while (next);
    if (c.out)
        copy_to(&c, json.data + json.size, make_real);
    *size = c.size;
    return c.out;
}
