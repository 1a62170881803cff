#include "cli/jobs/batch_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_ANSWER ((size_t)1 << 30)

static void fail(struct batch_answer *out, const char *what)
{
    free(out->body);
    char *body = strdup(what);
    *out = (struct batch_answer){.body = body, .size = body ? strlen(body) : 0};
}

static int open_socket(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fd;
    int n = snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    if ((size_t)n < sizeof address.sun_path && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool send_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* All that comes until the server closes. */
static bool receive_all(int fd, struct batch_answer *out)
{
    size_t room = 0;
    for (;;) {
        if (room - out->size < 4096) {
            room = 2 * room + 65536;
            char *body = room <= MAX_ANSWER ? realloc(out->body, room + 1) : NULL;
            if (!body)
                return false;
            out->body = body;
        }
        ssize_t n = recv(fd, out->body + out->size, room - out->size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            out->body[out->size] = '\0';
            return n == 0;
        }
        out->size += (size_t)n;
    }
}

/* Puts the pieces of a body that came in chunks together, in place. */
static bool join_chunks(char *body, size_t *size)
{
    char *from = body, *to = body, *end = body + *size, *after;
    for (;;) {
        unsigned long n = strtoul(from, &after, 16);
        char *data = after > from ? strstr(after, "\r\n") : NULL;
        if (!data || n > (size_t)(end - data - 2))
            return false;
        if (n == 0)
            break;
        memmove(to, data + 2, n);
        to += n;
        from = data + 2 + n + 2;
        if (from > end)
            return false;
    }
    *to = '\0';
    *size = (size_t)(to - body);
    return true;
}

static bool has_header(const char *head, const char *name)
{
    for (const char *line = head; (line = strstr(line, "\r\n")); line += 2)
        if (strncasecmp(line + 2, name, strlen(name)) == 0)
            return true;
    return false;
}

/* Takes status and body from what came. */
static bool read_answer(struct batch_answer *out)
{
    int status = 0;
    char *head = out->body, *body = out->size ? strstr(head, "\r\n\r\n") : NULL;
    if (!body || sscanf(head, "HTTP/1.%*d %d", &status) != 1)
        return false;
    *body = '\0';
    bool chunked = has_header(head, "Transfer-Encoding: chunked");
    body += 4;
    size_t size = out->size - (size_t)(body - head);
    memmove(head, body, size);
    head[size] = '\0';
    out->status = status;
    out->size = size;
    return !chunked || join_chunks(out->body, &out->size);
}

void batch_ask(const char *socket_path, const char *url, struct hone_text body, struct batch_answer *out)
{
    char head[1024];
    int fd = open_socket(socket_path);
    *out = (struct batch_answer){0};
    int n = snprintf(head, sizeof head,
                     "POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                     url, body.size);
    if (n < 0 || (size_t)n >= sizeof head)
        fail(out, "the url is too long");
    else if (fd < 0)
        fail(out, "the server cannot be reached");
    /* A server that refuses early need not read all; what it says counts. */
    else if (((void)(send_all(fd, head, (size_t)n) && send_all(fd, body.data, body.size)),
              !receive_all(fd, out)) ||
             !read_answer(out))
        fail(out, "the server has ended the connection");
    if (fd >= 0)
        close(fd);
}
