#include "server/http/connections.h"

#include "runtime/base/assert.h"
#include "server/figures/traffic.h"
#include "server/http/errors.h"
#include "server/http/request.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct connection *connections_add(struct connections *list, int fd, bool encrypted)
{
    struct connection *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->fd = fd;
    c->encrypted = encrypted;
    c->since = clock_now(list->clock);
    pthread_mutex_lock(&list->lock);
    c->next = list->first;
    if (c->next)
        c->next->prev = c;
    list->first = c;
    list->n++;
    pthread_mutex_unlock(&list->lock);
    traffic.connections++;
    traffic.open++;
    return c;
}

void connections_remove(struct connections *list, struct connection *c)
{
    pthread_mutex_lock(&list->lock);
    ASSERT(list->n > 0 && (c->prev ? c->prev->next : list->first) == c);
    if (c->prev)
        c->prev->next = c->next;
    else
        list->first = c->next;
    if (c->next)
        c->next->prev = c->prev;
    list->n--;
    pthread_mutex_unlock(&list->lock);
    traffic.open--;
    free(c);
}

void connection_waits(struct connections *list, struct connection *c, struct http_request *r)
{
    pthread_mutex_lock(&list->lock);
    c->waiting = r;
    pthread_mutex_unlock(&list->lock);
}

void connection_phase(const struct connections *list, struct connection *c, enum connection_phase phase)
{
    c->since = clock_now(list->clock);
    c->phase = phase;
}

bool connection_complete(struct connection *c)
{
    int reading = CONNECTION_READING;
    return atomic_compare_exchange_strong(&c->phase, &reading, CONNECTION_BUSY);
}

static void send_too_slow(const struct connection *c)
{
    char head[160];
    struct reply_buffer body = {0};
    problem_write(&body, PROBLEM_SLOW, (enum dialect)c->dialect, NULL, "the request did not come in time");
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\n"
                     "Connection: close\r\nContent-Length: %zu\r\n\r\n",
                     body.size);
    struct iovec parts[] = {{head, (size_t)n}, {body.data, body.size}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (!body.failed)
        sendmsg(c->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    reply_buffer_release(&body);
}

/* `phase` is what it was a moment ago; the client may have gone on meanwhile. */
static void close_slow(struct connection *c, int phase)
{
    if (!atomic_compare_exchange_strong(&c->phase, &phase, CONNECTION_SLOW))
        return;
    if (phase != CONNECTION_IDLE) {
        traffic.slow++;
        if (!c->encrypted)
            send_too_slow(c);
    }
    shutdown(c->fd, SHUT_RDWR);
}

/* The client will read no answer: it has closed its side. */
static bool has_left(const struct connection *c)
{
    struct pollfd fd = {.fd = c->fd, .events = POLLRDHUP};
    return poll(&fd, 1, 0) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* Seconds. */
static double age_of(const struct connections *list, const struct connection *c)
{
    return (double)(int64_t)(clock_now(list->clock) - c->since) / 1e9;
}

bool connections_are_fresh(struct connections *list)
{
    bool fresh = false;
    pthread_mutex_lock(&list->lock);
    for (const struct connection *c = list->first; c && !fresh; c = c->next)
        fresh = (c->phase == CONNECTION_NEW || c->phase == CONNECTION_IDLE) && age_of(list, c) < 1;
    pthread_mutex_unlock(&list->lock);
    return fresh;
}

#define MAX_ABANDONED 64 /* requests that are cancelled in one go */

/* Without the list's lock, since cancelled work replies at once. */
static void cancel(struct abandoned *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        abandoned_cancel(&list[i]);
}

void connections_sweep(struct connections *list, double read_timeout, double idle_timeout)
{
    struct abandoned left[MAX_ABANDONED];
    size_t n_left = 0;
    pthread_mutex_lock(&list->lock);
    for (struct connection *c = list->first; c; c = c->next) {
        int phase = c->phase;
        double age = age_of(list, c);
        if ((phase == CONNECTION_IDLE && age > idle_timeout) ||
            ((phase == CONNECTION_NEW || phase == CONNECTION_READING) && age > read_timeout))
            close_slow(c, phase);
        else if (c->waiting && n_left < MAX_ABANDONED && has_left(c)) {
            c->left = true;
            n_left += request_abandon(c->waiting, &left[n_left]);
        }
    }
    pthread_mutex_unlock(&list->lock);
    cancel(left, n_left);
}

void connections_cancel(struct connections *list, const struct service *s)
{
    struct abandoned all[MAX_ABANDONED];
    size_t n = 0;
    pthread_mutex_lock(&list->lock);
    for (struct connection *c = list->first; c && n < MAX_ABANDONED; c = c->next)
        if (c->waiting && c->waiting->service == s)
            n += request_abandon(c->waiting, &all[n]);
    pthread_mutex_unlock(&list->lock);
    cancel(all, n);
}

void connections_shut(struct connections *list, const struct service *s)
{
    pthread_mutex_lock(&list->lock);
    for (const struct connection *c = list->first; c; c = c->next)
        if (c->service == s)
            shutdown(c->fd, SHUT_RDWR);
    pthread_mutex_unlock(&list->lock);
}
