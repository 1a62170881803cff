#include "cli/load/address.h"
#include "cli/io/report.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define PROBE_MS 2000 /* a server that is there answers at once, one that is not lets nobody wait long */

static enum hone_status read_socket(struct load_address *a, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if (n == 0 || n >= sizeof address.sun_path)
        return report_error(HONE_USAGE, "a socket's path must have 1 to %zu bytes",
                            sizeof address.sun_path - 1);
    memcpy(address.sun_path, path, n);
    memcpy(&a->to, &address, sizeof address);
    a->n_to = sizeof address;
    strcpy(a->host, "localhost");
    return HONE_OK;
}

static void take(struct load_address *a, const struct addrinfo *found)
{
    memcpy(&a->to, found->ai_addr, found->ai_addrlen);
    a->n_to = found->ai_addrlen;
}

/* 0: somebody takes connections there; else errno of why not. */
static int probe(const struct load_address *a)
{
    int problem = ETIMEDOUT, fd = load_address_connect(a);
    socklen_t size = sizeof problem;
    struct pollfd ready = {.fd = fd, .events = POLLOUT};
    if (fd < 0)
        return errno == EAGAIN ? 0 : errno; /* a socket whose backlog is full has somebody behind it */
    if (poll(&ready, 1, PROBE_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    close(fd);
    return problem;
}

/* A name may stand for several addresses, localhost for that of IPv6 too, where a server listens on one of them alone: the
 * first that answers, or else the first. */
static enum hone_status find(struct load_address *a, const char *name, const char *port)
{
    struct addrinfo *found, how = {.ai_socktype = SOCK_STREAM};
    int problem = getaddrinfo(name, port, &how, &found);
    if (problem)
        return report_error(HONE_FAILED, "%s: %s", a->host, gai_strerror(problem));
    const struct addrinfo *at = found;
    take(a, at);
    while (found->ai_next && at && probe(a) != 0)
        if ((at = at->ai_next))
            take(a, at);
    if (!at)
        take(a, found);
    freeaddrinfo(found);
    return HONE_OK;
}

/* "host", "host:port", "[::1]:port". */
static bool split_host(const char *host, char *name, size_t size, const char **port)
{
    bool in_brackets = *host == '[';
    size_t n = in_brackets ? strcspn(host + 1, "]") : strcspn(host, ":");
    if (in_brackets && host[1 + n] != ']')
        return false;
    const char *rest = in_brackets ? host + n + 2 : host + n;
    if (n == 0 || n >= size || (*rest && *rest != ':') || (*rest == ':' && !rest[1]) ||
        strchr(*rest ? rest + 1 : rest, ':'))
        return false;
    memcpy(name, host + in_brackets, n);
    name[n] = '\0';
    *port = *rest ? rest + 1 : "80";
    return true;
}

enum hone_status load_address_read(struct load_address *a, const char *url)
{
    char name[256];
    const char *port, *scheme = strstr(url, "://"), *host = scheme ? scheme + 3 : url;
    *a = (struct load_address){0};
    if (strncmp(url, "unix:", 5) == 0)
        return read_socket(a, url + 5);
    if (scheme && strncasecmp(url, "https://", 8) == 0)
        return report_error(HONE_USAGE,
                            "https is not spoken here: time would go into encryption, and it would be the "
                            "client's; give http:// of the server itself, or of a proxy that speaks it");
    if (scheme && strncasecmp(url, "http://", 7) != 0)
        return report_error(HONE_USAGE, "'%s' is no URL of a server: http://HOST:PORT is one", url);
    size_t n_host = strcspn(host, "/"), n_path = strlen(host + n_host);
    while (n_path && host[n_host + n_path - 1] == '/')
        n_path--;
    if (n_host >= sizeof a->host || n_path >= sizeof a->path || strpbrk(url, " \t\r\n?#@"))
        return report_error(HONE_USAGE, "'%s' is no URL of a server: http://HOST:PORT is one", url);
    memcpy(a->host, host, n_host);
    memcpy(a->path, host + n_host, n_path);
    if (!split_host(a->host, name, sizeof name, &port))
        return report_error(HONE_USAGE, "'%s' is no URL of a server: http://HOST:PORT is one", url);
    return find(a, name, port);
}

int load_address_connect(const struct load_address *a)
{
    int yes = 1, fd = socket(a->to.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    if (a->to.ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    /* A Unix socket whose backlog is full answers EAGAIN and is not on its way: the caller counts that as refused. */
    if (connect(fd, (const struct sockaddr *)&a->to, a->n_to) != 0 && errno != EINPROGRESS) {
        int problem = errno;
        close(fd);
        errno = problem;
        return -1;
    }
    return fd;
}

enum hone_status load_address_check(const struct load_address *a, const char *given)
{
    int problem = probe(a);
    return problem == 0 ? HONE_OK
                        : report_error(HONE_FAILED, "%s: no server takes connections there: %s", given,
                                       strerror(problem));
}
