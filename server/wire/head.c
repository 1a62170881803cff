#include "server/wire/head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char no_memory[] = "there is no memory left for the request's head";
static const char bad_line[] =
    "the request's first line must be METHOD, path and HTTP/1.1, with single spaces between";
static const char bad_length[] =
    "the headers say in more than one way how long the body is, or in one that is not known here";

/* ---- where it ends ---- */

long head_find(const char *data, size_t n, size_t *seen)
{
    while (*seen < n) {
        const char *end = memchr(data + *seen, '\n', n - *seen);
        size_t i = end ? (size_t)(end - data) : n;
        *seen = end ? i + 1 : n;
        if (!end)
            return 0;
        if (i == 0 || data[i - 1] != '\r')
            return -1;
        if (i == 1 || data[i - 2] == '\n')
            return (long)(i + 1);
    }
    return 0;
}

/* ---- what its parts may be ---- */

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS  "0123456789"

static bool is_token(const char *text)
{
    return *text && text[strspn(text, LETTERS DIGITS "!#$%&'*+-.^_`|~")] == '\0';
}

static bool is_target(const char *text)
{
    while (*text > 0x20 && *text < 0x7f && *text != '#')
        text++;
    return *text == '\0';
}

static bool is_value(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

/* host[:port], as RFC 3986 has it. */
static bool is_authority(const char *text)
{
    if (*text == '[') { /* an address of IPv6 */
        text += 1 + strspn(text + 1, DIGITS "abcdefABCDEF:.");
        if (*text++ != ']')
            return false;
    } else {
        text += strspn(text, LETTERS DIGITS "-._~!$&'()*+,;=%");
    }
    return *text == '\0' || (*text == ':' && text[1 + strspn(text + 1, DIGITS)] == '\0');
}

static int digit(char c)
{
    char letter = (char)(c | 0x20);
    if (c >= '0' && c <= '9')
        return c - '0';
    return letter >= 'a' && letter <= 'f' ? letter - 'a' + 10 : -1;
}

/* Puts n bytes without escapes, and a NUL, to `out`, which may be the text itself. false: an escape is none, or is a NUL,
 * where a path would end before its end. */
static bool unescape(char *out, const char *text, size_t n, bool plus)
{
    for (size_t i = 0; i < n; i++) {
        char c = plus && text[i] == '+' ? ' ' : text[i];
        if (c == '%') {
            int high = i + 2 < n ? digit(text[i + 1]) : -1;
            int low = high >= 0 ? digit(text[i + 2]) : -1;
            if (low < 0 || high + low == 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        *out++ = c;
    }
    *out = '\0';
    return true;
}

/* ---- the first line ---- */

/* "http://host/path", as it is sent to proxies: the host counts, whatever the field says (RFC 9112, 3.2.2). The
 * authority is moved in front of where it was, so that both can end with a NUL. */
static const char *take_authority(struct http_head *h, char *target)
{
    char *start = strstr(target, "://") + 3;
    size_t n = strcspn(start, "/?");
    memmove(target, start, n);
    target[n] = '\0';
    h->host = target;
    start += n;
    return start;
}

static bool read_target(struct http_head *h, char *target)
{
    const char *path = target;
    if (!is_target(target))
        return false;
    if (strncasecmp(target, "http://", 7) == 0 || strncasecmp(target, "https://", 8) == 0)
        path = take_authority(h, target);
    else if (*target != '/' && strcmp(target, "*") != 0)
        return false;
    char *end = (char *)path + strcspn(path, "?");
    h->query = *end ? end + 1 : end;
    size_t n = (size_t)(end - path);
    *end = '\0';
    h->path = n == 0 ? "/" : unescape((char *)path, path, n, false) ? path : NULL;
    return true;
}

static const char *read_line(struct http_head *h, char *line, int *status)
{
    char *target = strchr(line, ' '), *version = target ? strchr(target + 1, ' ') : NULL;
    if (!version)
        return bad_line;
    *target++ = '\0';
    *version++ = '\0';
    h->method = line;
    bool known = strncmp(version, "HTTP/", 5) == 0 && version[5] >= '0' && version[5] <= '9' &&
                 version[6] == '.' && version[7] >= '0' && version[7] <= '9' && version[8] == '\0';
    if (!known || !is_token(line) || !read_target(h, target))
        return bad_line;
    if (version[5] != '1') {
        *status = 505;
        return "this server speaks HTTP/1.1";
    }
    h->old = version[7] == '0';
    return NULL;
}

/* ---- the fields ---- */

static const char *read_field(struct http_head *h, char *line, size_t n, int *status)
{
    char *colon = memchr(line, ':', n);
    if (*line == ' ' || *line == '\t')
        return "a header goes on in the next line, which is not allowed any more";
    if (!colon)
        return "a header has no colon";
    *colon = '\0';
    if (!is_token(line))
        return "a header's name has a character, or a space behind it, that is not allowed there";
    char *value = colon + 1, *end = line + n;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    if (!is_value(value, (size_t)(end - value)))
        return "a header's value has a control character";
    *end = '\0';
    if (h->n_fields == HEAD_MAX_FIELDS) {
        *status = 431;
        return "the request has more than 100 headers";
    }
    h->fields[h->n_fields].name = line;
    h->fields[h->n_fields++].value = value;
    return NULL;
}

static size_t count(const struct http_head *h, const char *name, const char **value)
{
    size_t n = 0;
    for (size_t i = 0; i < h->n_fields; i++)
        if (strcasecmp(h->fields[i].name, name) == 0) {
            *value = h->fields[i].value;
            n++;
        }
    return n;
}

static const char *read_host(struct http_head *h)
{
    const char *host = NULL;
    size_t n = count(h, "Host", &host);
    if (n > 1 || (n == 0 && !h->old))
        return n ? "there is more than one Host" : "there is no Host";
    if ((host && !is_authority(host)) || (h->host && (!*h->host || !is_authority(h->host))))
        return "the Host is none";
    h->host = h->host ? h->host : host;
    return NULL;
}

static const char *read_length(struct http_head *h)
{
    const char *length = NULL, *coding = NULL;
    size_t n = count(h, "Content-Length", &length) + count(h, "Transfer-Encoding", &coding);
    if (n > 1 || (coding && (h->old || strcasecmp(coding, "chunked") != 0)))
        return bad_length;
    h->chunked = coding;
    if (!length)
        return NULL;
    size_t digits = strspn(length, DIGITS);
    if (digits == 0 || digits > 18 || length[digits])
        return bad_length;
    h->length = strtoull(length, NULL, 10);
    return NULL;
}

/* Whether a word is in a list of them, such as "keep-alive, Upgrade". */
static bool has_word(const char *list, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = list; *p; p += strcspn(p, ", \t")) {
        p += strspn(p, ", \t");
        if (strncasecmp(p, word, n) == 0 && strchr(", \t", p[n]))
            return true;
    }
    return false;
}

static void read_wishes(struct http_head *h)
{
    const char *expect = head_value(h, "Expect");
    h->keeps = !h->old;
    for (size_t i = 0; i < h->n_fields; i++) {
        if (strcasecmp(h->fields[i].name, "Connection") != 0)
            continue;
        if (has_word(h->fields[i].value, "close"))
            h->keeps = false;
        else if (h->old && has_word(h->fields[i].value, "keep-alive"))
            h->keeps = true;
    }
    h->expects = expect && !h->old && strcasecmp(expect, "100-continue") == 0;
}

/* ---- all of it ---- */

const char *head_read(struct http_head *out, const char *data, size_t n, int *status)
{
    memset(out, 0, sizeof *out);
    *status = 503;
    out->text = malloc(2 * n + 2);
    if (!out->text)
        return no_memory;
    memcpy(out->text, data, n);
    out->text[n] = '\0';
    out->argument = out->text + n + 1;
    *status = 400;
    if (memchr(data, '\0', n))
        return "there is a NUL in the request's head";
    const char *wrong = NULL;
    char *line = out->text, *end = strstr(line, "\r\n");
    for (bool first = true; !wrong && end != line; first = false) {
        *end = '\0';
        wrong = memchr(line, '\r', (size_t)(end - line)) ? "there is a CR without LF in the request's head"
                : first                                  ? read_line(out, line, status)
                        : read_field(out, line, (size_t)(end - line), status);
        line = end + 2;
        end = strstr(line, "\r\n");
    }
    if (!wrong)
        wrong = read_host(out);
    if (!wrong)
        wrong = read_length(out);
    if (!wrong)
        read_wishes(out);
    return wrong;
}

void head_release(struct http_head *h)
{
    free(h->text);
    h->text = NULL;
    h->n_fields = 0;
}

const char *head_value(const struct http_head *h, const char *name)
{
    for (size_t i = 0; i < h->n_fields; i++)
        if (strcasecmp(h->fields[i].name, name) == 0)
            return h->fields[i].value;
    return NULL;
}

const char *head_argument(const struct http_head *h, const char *name)
{
    size_t n;
    for (const char *p = h->query; p && *p; p += n + (p[n] == '&')) {
        n = strcspn(p, "&");
        const char *equals = memchr(p, '=', n);
        size_t n_name = equals ? (size_t)(equals - p) : n;
        if (!unescape(h->argument, p, n_name, true) || strcmp(h->argument, name) != 0)
            continue;
        const char *value = equals ? equals + 1 : p + n;
        return unescape(h->argument, value, (size_t)(p + n - value), true) ? h->argument : NULL;
    }
    return NULL;
}
