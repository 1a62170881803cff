#include "server/chat/regex.h"

#include "server/http/fail.h"
#include "server/http/reply_buffer.h"

#include <ctype.h>
#include <string.h>

#define DIGITS "0-9"
#define WORDS  "0-9A-Z_a-z"
#define SPACES " \\t\\n\\r\\x0B\\x0C"

struct regex_reader {
    const char *begin, *at, *end;
    struct reply_buffer *out;
    struct hone_error *err;
};

static bool refuse(struct regex_reader *r, const char *what)
{
    fail(r->err, HONE_USAGE, "regular expression, byte %zu: %s", (size_t)(r->at - r->begin) + 1, what);
    return false;
}

/* A character in a literal or a class of GBNF. */
static void write_char(struct regex_reader *r, char c)
{
    if (strchr("\\\"[]-^", c) && c)
        reply_buffer_format(r->out, "\\%c", c);
    else if ((unsigned char)c < ' ' || c == 0x7f)
        reply_buffer_format(r->out, "\\x%02X", (unsigned)(unsigned char)c);
    else
        reply_buffer_write(r->out, &c, 1);
}

static bool is_hex(const char *at, const char *end, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (at + i >= end || !isxdigit((unsigned char)at[i]))
            return false;
    return true;
}

/* \xHH, \uHHHH, \n and escaped punctuation, which is behind r->at[-1]. */
static bool escape(struct regex_reader *r)
{
    static const char names[] = "nrtfv", values[] = "\n\r\t\f\v";
    char c = *r->at;
    size_t n = c == 'x' ? 2 : c == 'u' ? 4 : 0;
    const char *name = c ? strchr(names, c) : NULL;
    if (n > 0 && is_hex(r->at + 1, r->end, n)) {
        reply_buffer_text(r->out, "\\");
        reply_buffer_write(r->out, r->at, n + 1);
        r->at += n + 1;
        return true;
    }
    if (isalnum((unsigned char)c) && !name)
        return refuse(r, "this escape is not supported here");
    write_char(r, name ? values[name - names] : c);
    r->at++;
    return true;
}

static const char *class_named(char c)
{
    return c == 'd' ? DIGITS : c == 'w' ? WORDS : c == 's' ? SPACES : NULL;
}

/* What is behind '['. */
static bool read_class(struct regex_reader *r)
{
    bool first = true;
    reply_buffer_text(r->out, "[");
    if (r->at < r->end && *r->at == '^') {
        reply_buffer_text(r->out, "^");
        r->at++;
    }
    for (; r->at < r->end && (*r->at != ']' || first); first = false) {
        if (*r->at == '[' && r->at + 1 < r->end && r->at[1] == ':')
            return refuse(r, "a named class is not supported");
        if (*r->at == '\\' && r->at + 1 < r->end) {
            const char *named = class_named(*++r->at);
            if (named) {
                reply_buffer_text(r->out, named);
                r->at++;
            } else if (!escape(r)) {
                return false;
            }
        } else if (*r->at == '-' && !first && r->at + 1 < r->end && r->at[1] != ']') {
            reply_buffer_text(r->out, "-"); /* a range */
            r->at++;
        } else {
            write_char(r, *r->at++);
        }
    }
    if (r->at == r->end)
        return refuse(r, "a class has no end");
    reply_buffer_text(r->out, "]");
    r->at++;
    return true;
}

/* What is behind a backslash, outside of a class. */
static bool read_escape(struct regex_reader *r)
{
    if (r->at == r->end)
        return refuse(r, "nothing follows the backslash");
    const char *named = class_named((char)tolower((unsigned char)*r->at));
    if (named) {
        reply_buffer_format(r->out, "[%s%s]", isupper((unsigned char)*r->at) ? "^" : "", named);
        r->at++;
        return true;
    }
    reply_buffer_text(r->out, "\"");
    bool read = escape(r);
    reply_buffer_text(r->out, "\"");
    return read;
}

/* What is behind '(': a name or "?:" is passed over. */
static bool begin_group(struct regex_reader *r)
{
    reply_buffer_text(r->out, "(");
    if (r->at == r->end || *r->at != '?')
        return true;
    const char *p = r->at + 1;
    if (p < r->end && *p == ':') {
        r->at += 2;
        return true;
    }
    p += p < r->end && *p == 'P';
    const char *close = p + 1 < r->end && *p == '<' && p[1] != '=' && p[1] != '!'
                            ? memchr(p, '>', (size_t)(r->end - p))
                            : NULL;
    if (!close)
        return refuse(r, "look-around and flags are not supported");
    r->at = close + 1;
    return true;
}

/* * + ? {n,m}, at r->at; *read: there was one. */
static bool read_quantifier(struct regex_reader *r)
{
    const char *close = *r->at == '{' ? memchr(r->at, '}', (size_t)(r->end - r->at)) : r->at;
    const char *body = r->at + 1;
    if (*r->at == '{' && (!close || body == close || strspn(body, "0123456789,") != (size_t)(close - body)))
        return refuse(r, "'{' begins no number of repetitions");
    if (*r->at == '{' && *body == ',')
        reply_buffer_format(r->out, "{0%.*s", (int)(close - body + 1), body);
    else
        reply_buffer_write(r->out, r->at, (size_t)(close - r->at) + 1);
    r->at = close + 1;
    if (r->at < r->end && *r->at == '?')
        r->at++; /* lazy: of the same texts */
    else if (r->at < r->end && strchr("*+{", *r->at))
        return refuse(r, "a quantifier follows a quantifier");
    return true;
}

/* One character that is neither bracket nor quantifier. */
static void read_literal(struct regex_reader *r)
{
    size_t n = 1;
    while (r->at + n < r->end && ((unsigned char)r->at[n] & 0xc0) == 0x80)
        n++;
    reply_buffer_text(r->out, " \"");
    if (n == 1)
        write_char(r, *r->at);
    else
        reply_buffer_write(r->out, r->at, n);
    reply_buffer_text(r->out, "\"");
    r->at += n;
}

/* empty: nothing stands yet in this alternative. */
static bool read_item(struct regex_reader *r, size_t *depth, bool *empty)
{
    char c = *r->at;
    bool was_empty = *empty;
    *empty = c == '(' || c == '|';
    if (strchr("*+?{", c))
        return was_empty ? refuse(r, "there is nothing to repeat") : read_quantifier(r);
    if (c == ')' || c == '|') {
        if (c == ')' && (*depth)-- == 0)
            return refuse(r, "')' closes nothing");
        reply_buffer_format(r->out, "%s%c", was_empty ? "\"\"" : "", c);
        r->at++;
        return true;
    }
    reply_buffer_text(r->out, " ");
    if (c == '^' || c == '$')
        return refuse(r, "an anchor stands inside");
    if (c != '(' && c != '[' && c != '\\' && c != '.') {
        read_literal(r);
        return true;
    }
    r->at++;
    *depth += c == '(';
    if (c == '.')
        reply_buffer_text(r->out, "[^\\n]");
    return c == '(' ? begin_group(r) : c == '[' ? read_class(r) : c == '\\' ? read_escape(r) : true;
}

/* Without the anchors around it. */
static struct regex_reader begin(struct hone_text regex, struct reply_buffer *out, struct hone_error *err)
{
    const char *begin = regex.data, *end = regex.data + regex.size;
    size_t n_slashes = 0;
    if (end > begin && end[-1] == '$')
        while ((size_t)(end - begin) > n_slashes + 1 && end[-2 - (ptrdiff_t)n_slashes] == '\\')
            n_slashes++;
    if (end > begin && end[-1] == '$' && n_slashes % 2 == 0)
        end--;
    return (struct regex_reader){
        .begin = begin, .at = begin + (begin < end && *begin == '^'), .end = end, .out = out, .err = err};
}

char *regex_to_gbnf(struct hone_text regex, struct hone_error *err)
{
    struct reply_buffer out = {0};
    struct regex_reader r = begin(regex, &out, err);
    size_t depth = 0;
    bool empty = true, read = memchr(regex.data, 0, regex.size) == NULL;
    if (!read)
        refuse(&r, "it has a NUL in it");
    bool anchored = r.at > r.begin || r.end < regex.data + regex.size;
    reply_buffer_text(&out, "root ::= (");
    for (; read && r.at < r.end;) {
        if (anchored && depth == 0 && *r.at == '|')
            read = refuse(&r, "an anchor holds for one alternative only; put a group around them");
        else
            read = read_item(&r, &depth, &empty);
    }
    if (read && depth > 0)
        read = refuse(&r, "a group has no end");
    reply_buffer_write(&out, empty ? "\"\")\n" : ")\n", empty ? 5 : 3); /* with the NUL */
    if (read && out.failed)
        fail(err, HONE_FAILED, "out of memory for a regular expression");
    if (read && !out.failed)
        return out.data;
    reply_buffer_release(&out);
    return NULL;
}
