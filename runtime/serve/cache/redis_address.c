#ifdef HONE_HIREDIS

#include "runtime/serve/cache/redis_address.h"

#include "runtime/base/error.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define USUAL_PORT 6379
/* A server has 16 unless it is told otherwise, and says itself which it has not. */
#define MOST_DATABASES 1000000

/* A whole number from low to high; -1: it is none. */
static long number(const char *text, long low, long high)
{
    char *end;
    long n = strtol(text, &end, 10);
    return isdigit((unsigned char)*text) && *end == 0 && n >= low && n <= high ? n : -1;
}

/* %41 becomes A, in place. False: no two digits behind a %, or a NUL. */
static bool decode(char *text)
{
    char *to = text;
    for (; *text; text++) {
        if (*text != '%') {
            *to++ = *text;
            continue;
        }
        if (!isxdigit((unsigned char)text[1]) || !isxdigit((unsigned char)text[2]))
            return false;
        const char digits[] = {text[1], text[2], 0};
        if ((*to++ = (char)strtol(digits, NULL, 16)) == 0)
            return false;
        text += 2;
    }
    *to = 0;
    return true;
}

/* "user:password@" in front of the rest, which it gives back; NULL: it makes no sense. */
static char *take_names(struct redis_address *a, char *text)
{
    char *at = strrchr(text, '@');
    if (!at)
        return text;
    *at = 0;
    char *colon = strchr(text, ':');
    if (!colon)
        return NULL;
    *colon = 0;
    a->user = *text ? text : NULL;
    a->password = colon + 1;
    return decode(text) && decode(colon + 1) ? at + 1 : NULL;
}

static bool take_port(struct redis_address *a, char *host)
{
    char *bracket = *host == '[' ? strchr(host, ']') : NULL;
    char *colon = strrchr(bracket ? bracket : host, ':');
    a->host = bracket ? host + 1 : host;
    a->port = colon ? (int)number(colon + 1, 1, 65535) : USUAL_PORT;
    if (colon)
        *colon = 0;
    if (bracket)
        *bracket = 0;
    return *a->host && *a->host != '[' && !strchr(a->host, '?') && a->port > 0;
}

static bool take_database(struct redis_address *a, const char *text)
{
    a->database = (int)number(text, 0, MOST_DATABASES);
    return a->database >= 0;
}

static bool read_url(struct redis_address *a, char *text, bool is_socket)
{
    text = take_names(a, text);
    if (!text)
        return false;
    if (is_socket) {
        char *query = strstr(text, "?db=");
        a->host = text;
        if (query)
            *query = 0;
        return *text == '/' && (!query || take_database(a, query + 4));
    }
    char *slash = strchr(text, '/');
    if (slash)
        *slash = 0;
    return take_port(a, text) && (!slash || !slash[1] || take_database(a, slash + 1));
}

/* "name=value&name=value" behind a URL of TLS. */
static bool read_query(struct redis_address *a, char *query)
{
    const char *required = NULL;
    const struct {
        const char *name;
        const char **value;
    } names[] = {{"ssl_ca_certs", &a->ca},
                 {"ssl_cert_reqs", &required},
                 {"ssl_certfile", &a->certificate},
                 {"ssl_keyfile", &a->key}};
    for (char *next = query; query; query = next) {
        size_t i = 0, n = sizeof names / sizeof *names;
        next = strchr(query, '&');
        if (next)
            *next++ = 0;
        char *value = strchr(query, '=');
        if (!value)
            return false;
        *value++ = 0;
        while (i < n && strcmp(query, names[i].name) != 0)
            i++;
        if (i == n || *names[i].value || !*value || !decode(value))
            return false;
        *names[i].value = value;
    }
    a->unverified = required && strcmp(required, "none") == 0;
    bool known = !required || a->unverified || strcmp(required, "required") == 0;
    return known && !a->certificate == !a->key;
}

static bool read_tls(struct redis_address *a, char *text)
{
    char *query = strchr(text, '?');
    if (query)
        *query++ = 0;
    a->tls = true;
    return read_url(a, text, false) && (!query || read_query(a, query));
}

enum hone_status redis_address_read(struct redis_address *a, const char *text, struct hone_error *err)
{
    const char *shown = strrchr(text, '@'); /* without a password */
    bool is_tls = strncmp(text, "rediss://", 9) == 0;
    uint64_t patience = a->patience;
    *a = (struct redis_address){.text = strdup(text), .patience = patience};
    if (!a->text)
        return hone_no_memory(err, "an address", strlen(text));
    bool is_socket = strncmp(text, "unix://", 7) == 0, well;
    if (is_tls) {
        well = read_tls(a, a->text + 9);
    } else if (is_socket || strncmp(text, "redis://", 8) == 0) {
        well = read_url(a, a->text + (is_socket ? 7 : 8), is_socket);
    } else if (*text == '/') {
        a->host = a->text;
        well = true;
    } else {
        well = strchr(text, ':') != NULL && !strchr(text, '@') && !strchr(text, '/') && take_port(a, a->text);
    }
    if (well)
        return HONE_OK;
    return hone_fail(err, HONE_USAGE,
                     "'%s' is no address of a Redis server, expected HOST:PORT, /PATH, "
                     "redis://[[USER]:PASSWORD@]HOST[:PORT][/N], the same with rediss:// for TLS and "
                     "?ssl_ca_certs=FILE&ssl_cert_reqs=none&ssl_certfile=FILE&ssl_keyfile=FILE, or "
                     "unix://[[USER]:PASSWORD@]/PATH[?db=N]",
                     shown ? shown + 1 : text);
}

void redis_address_release(struct redis_address *a)
{
    free(a->text);
    *a = (struct redis_address){0};
}

#endif
