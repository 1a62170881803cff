#include "server/wire/client.h"
#include "server/http/front.h"
#include "server/http/intake.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/wire/loop.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#define TURNS     8          /* steps of one client before others have theirs */
#define SMALL     16384      /* bytes of an answer that go out together with its head */
#define PARTING   2000000000 /* ns */
#define KEPT_ROOM 4096       /* bytes of a buffer that stay with a client between two requests */

enum step { GO, WAIT, CLOSE };

/* ---- coming and going ---- */

struct client *client_new(struct front *front, struct http_loop *loop, int fd,
                          const struct sockaddr_storage *address)
{
    struct client *c = calloc(1, sizeof *c);
    int yes = 1;
    if (c) {
        c->fd = fd;
        c->front = front;
        c->loop = loop;
        c->address = *address;
        c->readable = c->writable = true;
        c->moved = clock_now(c->front->connections.clock);
        c->connection = connections_add(&front->connections, fd, front->tls);
        c->tls = front->tls && c->connection ? tls_begin(front->tls, fd) : NULL;
        c->state = front->tls ? CLIENT_AGREES : CLIENT_HEAD;
    }
    if (!c || !c->connection || (front->tls && !c->tls)) {
        if (c && c->connection)
            connections_remove(&front->connections, c->connection);
        close(fd);
        free(c);
        return NULL;
    }
    if (address->ss_family != AF_UNIX)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return c;
}

void client_close(struct client *c)
{
    struct http_request *r = c->request;
    if (r)
        intake_end(r, false);
    loop_forget(c->loop, c);
    connections_remove(&c->front->connections, c->connection);
    tls_end(c->tls);
    close(c->fd);
    reply_buffer_release(&c->in);
    reply_buffer_release(&c->out);
    free(c);
}

void client_name(const struct client *c, char out[INET6_ADDRSTRLEN])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&c->address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&c->address;
    snprintf(out, INET6_ADDRSTRLEN, "unix");
    if (c->address.ss_family == AF_INET)
        inet_ntop(AF_INET, &v4->sin_addr, out, INET6_ADDRSTRLEN);
    else if (c->address.ss_family == AF_INET6)
        inet_ntop(AF_INET6, &v6->sin6_addr, out, INET6_ADDRSTRLEN);
}

/* ---- bytes in and out ---- */

/* > 0: bytes; 0: none for now; < 0: the client has ended, or will never be understood. */
static ssize_t receive(struct client *c, char *data, size_t size)
{
    if (!c->readable)
        return 0;
    ssize_t n = c->tls ? tls_receive(c->tls, data, size) : recv(c->fd, data, size, 0);
    if (n > 0) {
        c->moved = clock_now(c->front->connections.clock);
        return n;
    }
    if (n < 0 && errno == EINTR)
        return receive(c, data, size);
    c->readable = !(n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
    return c->readable ? -1 : 0;
}

/* Sends some of both. > 0: bytes; 0: none for now; < 0: the client reads no more. */
static ssize_t transmit(struct client *c, struct iovec parts[2])
{
    if (!c->writable)
        return 0;
    struct iovec *first = parts[0].iov_len ? &parts[0] : &parts[1];
    struct msghdr message = {.msg_iov = first, .msg_iovlen = first == parts ? 2 : 1};
    ssize_t n =
        c->tls ? tls_send(c->tls, first->iov_base, first->iov_len) : sendmsg(c->fd, &message, MSG_NOSIGNAL);
    if (n > 0) {
        c->moved = clock_now(c->front->connections.clock);
        return n;
    }
    if (n < 0 && errno == EINTR)
        return transmit(c, parts);
    c->writable = !(n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
    return c->writable ? -1 : 0;
}

/* Sends c->out and then `more`, of which *n_more bytes went before. GO: all of it is sent. */
static enum step flush(struct client *c, const struct reply_buffer *more, size_t *n_more)
{
    for (;;) {
        struct iovec parts[2] = {{c->out.data + c->sent, c->out.size - c->sent}, {NULL, 0}};
        if (more)
            parts[1] = (struct iovec){more->data + *n_more, more->size - *n_more};
        if (parts[0].iov_len + parts[1].iov_len == 0)
            break;
        ssize_t n = transmit(c, parts);
        if (n <= 0)
            return n ? CLOSE : WAIT;
        size_t head = (size_t)n < parts[0].iov_len ? (size_t)n : parts[0].iov_len;
        c->sent += head;
        if (more)
            *n_more += (size_t)n - head;
    }
    c->out.size = c->sent = 0;
    return GO;
}

/* ---- a request comes in ---- */

/* The request has come, or is refused before it has. */
static enum step dispatch(struct client *c)
{
    if (!connection_complete(c->connection))
        return CLOSE; /* it was too late, which has been told */
    c->state = CLIENT_WAITS;
    request_dispatch(c->request);
    return GO;
}

static enum step refuse(struct client *c, int status, const char *sentence)
{
    c->closes = true;
    intake_refuse(c->request, status, sentence);
    return dispatch(c);
}

/* What is there of the body decides whether the client still waits to be asked for it. */
static enum step take_head(struct client *c, const char *data, size_t n, size_t *used)
{
    struct http_request *r = c->request;
    const char *wrong;
    int status;
    long size = head_find(data, n, &c->seen);
    size_t max = c->front->max_header * 1024;
    *used = 0;
    if (size < 0)
        return refuse(c, 400, "the request's lines must end with CR LF");
    if (size > (long)max || (size == 0 && n > max))
        return memchr(data, '\n', max) ? refuse(c, 431, "the request's headers are too large")
                                       : refuse(c, 414, "the request's path is too long");
    if (size == 0)
        return WAIT;
    *used = (size_t)size;
    c->seen = 0;
    wrong = head_read(&r->head, data, (size_t)size, &status);
    if (wrong)
        return refuse(c, status, wrong);
    c->closes = !r->head.keeps;
    r->incoming = body_of(&r->head);
    intake_head(r);
    if (r->is_refused && (r->abrupt || r->head.expects)) {
        c->closes = true;
        return dispatch(c);
    }
    if (r->incoming.state == BODY_DONE)
        return dispatch(c);
    c->state = CLIENT_BODY;
    if (r->head.expects && n == (size_t)size) {
        reply_buffer_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        return flush(c, NULL, NULL) == CLOSE ? CLOSE : GO;
    }
    return GO;
}

static enum step take_body(struct client *c, const char *data, size_t n, size_t *used)
{
    struct http_request *r = c->request;
    const char *own;
    size_t n_own;
    *used = body_take(&r->incoming, data, n, &own, &n_own);
    if (n_own > 0)
        request_upload(r, own, n_own);
    if (r->incoming.state == BODY_BAD)
        return refuse(c, 400, "the chunks of the body are not as they should be");
    return r->incoming.state == BODY_DONE ? dispatch(c) : GO;
}

/* Empty lines in front of a request are none of it (RFC 9112, 2.2). */
static enum step begin(struct client *c, const char *data, size_t n, size_t *used)
{
    *used = n >= 2 && data[0] == '\r' && data[1] == '\n' ? 2 : 0;
    if (*used)
        return GO;
    if (n == 1 && *data == '\r')
        return WAIT;
    c->request = request_new(c->front, c);
    if (!c->request)
        return CLOSE;
    c->connection->dialect = DIALECT_HONE;
    c->connection->service = c->request->service;
    connection_phase(&c->front->connections, c->connection, CONNECTION_READING);
    return GO;
}

/* Takes what it can of n bytes. WAIT: more are needed. */
static enum step consume(struct client *c, const char *data, size_t n, size_t *used)
{
    enum step step = n > 0 ? GO : WAIT;
    *used = 0;
    while (step == GO && *used < n && (c->state == CLIENT_HEAD || c->state == CLIENT_BODY)) {
        size_t taken;
        step = !c->request               ? begin(c, data + *used, n - *used, &taken)
               : c->state == CLIENT_HEAD ? take_head(c, data + *used, n - *used, &taken)
                                         : take_body(c, data + *used, n - *used, &taken);
        *used += taken;
    }
    return step;
}

/* The same with what was received before. */
static enum step consume_rest(struct client *c)
{
    size_t used;
    enum step step = consume(c, c->in.data, c->in.size, &used);
    if (used > 0) {
        c->in.size -= used;
        memmove(c->in.data, c->in.data + used, c->in.size);
    }
    return step;
}

static enum step take_in(struct client *c)
{
    enum step step = consume_rest(c);
    if (step != WAIT)
        return step;
    char *data = loop_scratch(c->loop);
    ssize_t got = receive(c, data, LOOP_SCRATCH);
    size_t used = 0;
    if (got <= 0)
        return got ? CLOSE : WAIT;
    if (c->in.size == 0) /* the usual case, without a copy */
        step = consume(c, data, (size_t)got, &used);
    reply_buffer_write(&c->in, data + used, (size_t)got - used);
    return step == CLOSE || c->in.failed ? CLOSE : GO;
}

/* ---- its answer goes out ---- */

static enum step answer(struct client *c)
{
    struct http_request *r = c->request;
    if (request_is_handed(r) || r->phase != REQUEST_ANSWERED)
        return WAIT;
    if (!r->streaming && !r->response)
        return CLOSE; /* out of memory */
    c->closes |= r->service->draining || (r->streaming && r->head.old);
    reply_head(r, &c->out, c->closes);
    c->body_sent = 0;
    if (r->response && !r->bodiless && r->response->body.size <= SMALL) {
        reply_buffer_write(&c->out, r->response->body.data, r->response->body.size);
        c->body_sent = r->response->body.size;
    }
    c->state = CLIENT_READS;
    return c->out.failed ? CLOSE : GO;
}

/* The next words of an answer that comes bit by bit. */
static enum step stream(struct client *c)
{
    struct http_request *r = c->request;
    char *data = loop_scratch(c->loop);
    long n = request_read_stream(r, data, SMALL);
    if (n == 0)
        return WAIT;
    if (n > 0 && !r->head.old)
        reply_buffer_format(&c->out, "%lx\r\n", (unsigned long)n);
    if (n > 0)
        reply_buffer_write(&c->out, data, (size_t)n);
    if (!r->head.old)
        reply_buffer_text(&c->out, n > 0 ? "\r\n" : "0\r\n\r\n");
    r->streaming = n > 0;
    return c->out.failed ? CLOSE : GO;
}

/* An idle client takes little memory. */
static void tidy(struct reply_buffer *b)
{
    if (b->size == 0 && b->capacity > KEPT_ROOM)
        reply_buffer_release(b);
}

static enum step end(struct client *c)
{
    intake_end(c->request, true);
    c->request = NULL;
    c->state = CLIENT_HEAD;
    tidy(&c->in);
    tidy(&c->out);
    if (!c->closes)
        return GO;
    if (c->tls)
        tls_say_goodbye(c->tls);
    shutdown(c->fd, SHUT_WR);
    c->state = CLIENT_PARTS;
    return GO;
}

static enum step read_answer(struct client *c)
{
    struct http_request *r = c->request;
    const struct reply_buffer *body = r->response && !r->bodiless ? &r->response->body : NULL;
    enum step step = flush(c, body, &c->body_sent);
    if (step != GO)
        return step;
    return r->streaming ? stream(c) : end(c);
}

static enum step part(struct client *c)
{
    ssize_t got = receive(c, loop_scratch(c->loop), LOOP_SCRATCH);
    return got > 0 ? GO : got == 0 ? WAIT : CLOSE;
}

static enum step agree(struct client *c)
{
    int agreed = tls_agree(c->tls);
    c->state = agreed > 0 ? CLIENT_HEAD : c->state;
    return agreed > 0 ? GO : agreed == 0 ? WAIT : CLOSE;
}

/* ---- all of it ---- */

bool client_run(struct client *c)
{
    static enum step (*const steps[])(struct client *) = {
        [CLIENT_AGREES] = agree, [CLIENT_HEAD] = take_in,      [CLIENT_BODY] = take_in,
        [CLIENT_WAITS] = answer, [CLIENT_READS] = read_answer, [CLIENT_PARTS] = part,
    };
    enum step step = GO;
    for (int i = 0; i < TURNS && step == GO; i++)
        step = steps[c->state](c);
    if (step == GO)
        loop_again(c->loop, c);
    if (step == CLOSE)
        client_close(c);
    return step != CLOSE;
}

bool client_event(struct client *c, uint32_t events)
{
    c->readable |= (events & (EPOLLIN | EPOLLRDHUP)) != 0;
    c->writable |= (events & EPOLLOUT) != 0;
    if (events & (EPOLLHUP | EPOLLERR)) { /* nothing can be sent any more */
        client_close(c);
        return false;
    }
    return client_run(c);
}

bool client_wake(struct client *c)
{
    if (c->connection->left) {
        client_close(c);
        return false;
    }
    if (c->state == CLIENT_WAITS && !request_is_handed(c->request))
        request_go_on(c->request);
    return client_run(c);
}

bool client_tick(struct client *c, uint64_t now)
{
    bool stuck =
        c->state == CLIENT_READS && !c->writable && (double)(now - c->moved) > c->front->stall_timeout * 1e9;
    if (!stuck && !(c->state == CLIENT_PARTS && now - c->moved > PARTING))
        return true;
    client_close(c);
    return false;
}
