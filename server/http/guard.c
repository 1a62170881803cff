#include "server/http/guard.h"
#include "server/http/front.h"
#include "server/service.h"
#include "server/wire/client.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* The name without the port, and without an address's brackets. */
static void name_of(const char *host, char out[256])
{
    size_t n = *host == '[' ? strcspn(++host, "]") : strcspn(host, ":");
    snprintf(out, 256, "%.*s", (int)(n < 255 ? n : 255), host);
}

static bool is_address(const char *name)
{
    struct in6_addr address;
    return inet_pton(AF_INET, name, &address) == 1 || inet_pton(AF_INET6, name, &address) == 1;
}

/* Whether a list such as "a.example, b.example" has it. */
static bool is_listed(const char *list, const char *name)
{
    size_t n = strlen(name);
    for (const char *p = list; p && *p; p += strcspn(p, ", ")) {
        p += strspn(p, ", ");
        size_t length = strcspn(p, ", ");
        if ((length == 1 && *p == '*') || (length == n && strncasecmp(p, name, n) == 0))
            return true;
    }
    return false;
}

static bool ends_with(const char *name, const char *end)
{
    size_t n = strlen(name), m = strlen(end);
    return n >= m && strcasecmp(name + n - m, end) == 0;
}

/* A name that nobody can own who is not near: without a dot it is a machine's or a proxy's. */
static bool is_ours(const struct settings *s, const char *host)
{
    char name[256];
    name_of(host, name);
    return !strchr(name, '.') || is_address(name) || ends_with(name, ".localhost") ||
           strcasecmp(name, s->host) == 0 || is_listed(s->allow_host, name);
}

/* "https://page.example:8443" of a page that came from `host`. */
static bool is_same_site(const char *origin, const char *host)
{
    const char *authority = strstr(origin, "://");
    return authority && host && strcasecmp(authority + 3, host) == 0;
}

static bool may_send(const struct http_request *r)
{
    const char *origin = head_value(&r->head, "Origin"), *cors = r->service->settings.cors,
               *site = head_value(&r->head, "Sec-Fetch-Site");
    if (site && strcasecmp(site, "cross-site") != 0 && strcasecmp(site, "same-site") != 0)
        return true;
    if (!origin)
        return !site || cors;
    return is_same_site(origin, r->head.host) ||
           (cors && (strcmp(cors, "*") == 0 || strcasecmp(cors, origin) == 0));
}

/* What a page can send without being asked for leave first, and no program calls JSON. */
static bool is_other_type(const struct http_request *r)
{
    const char *type = head_value(&r->head, "Content-Type");
    return type && (strncasecmp(type, "text/plain", 10) == 0 || strncasecmp(type, "multipart/", 10) == 0);
}

const char *guard_check(const struct http_request *r, enum problem *problem)
{
    const struct service *s = r->service;
    bool reads = strcmp(r->head.method, "GET") == 0 || strcmp(r->head.method, "HEAD") == 0;
    *problem = PROBLEM_HOST;
    if (s->keys.n == 0 && r->client->front->is_local && r->head.host && !is_ours(&s->settings, r->head.host))
        return "this server answers to addresses, to names without a dot, and to those that --allow-host "
               "names";
    *problem = PROBLEM_ORIGIN;
    if (s->keys.n == 0 && !reads && !may_send(r))
        return "pages of other sites may not ask here; --cors lets them in";
    *problem = PROBLEM_TYPE;
    if (!reads && is_other_type(r))
        return "the body must be JSON, and its Content-Type application/json";
    return NULL;
}
