#include "cli/load/clients.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <unistd.h>

struct visitor {
    struct load_part *part;
    size_t slot;
    int fd; /* -1: no connection */
    bool is_busy, is_connected;
    bool is_old; /* the connection has carried an answer before */
    char *out;   /* the request */
    size_t n_out, n_sent;
    struct reply reply;
};

struct load_clients {
    struct load_part *parts;
    size_t n_parts;
    struct visitor **visitors; /* [n_parts][slots] */
    const struct clock *clock;
    int epoll, timer;
    char buffer[65536];
};

static bool start_asking(struct load_clients *c, struct visitor *v);

/* ---- a connection ---- */

static void hang_up(struct visitor *v)
{
    if (v->fd >= 0)
        close(v->fd);
    v->fd = -1;
    v->is_connected = v->is_old = false;
}

static bool watch(struct load_clients *c, struct visitor *v, bool is_new, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = v};
    return epoll_ctl(c->epoll, is_new ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, v->fd, &event) == 0;
}

static void done(struct load_clients *c, struct visitor *v, const struct load_result *result)
{
    uint64_t now = clock_now(c->clock);
    free(v->out);
    v->out = NULL;
    v->is_busy = false;
    v->is_old = true;
    if (result->outcome > LOAD_WRONG || !v->reply.keeps || !v->part->keep_alive)
        hang_up(v);
    load_plan_ended(&v->part->plan, v->slot, result, now);
}

/* The connection is no more. A server may close one that was idle at the very moment that a request is on its way: every
 * client asks again then, once, on a new one. */
static void lost(struct load_clients *c, struct visitor *v)
{
    struct load_result result = {.outcome = v->is_connected ? LOAD_CLOSED : LOAD_REFUSED};
    bool again = v->is_old && !v->reply.has_begun;
    hang_up(v);
    if (!v->is_busy || (again && start_asking(c, v)))
        return;
    done(c, v, &result);
}

static void read_some(struct load_clients *c, struct visitor *v)
{
    for (int i = 0; i < 16 && v->is_busy; i++) {
        ssize_t n = recv(v->fd, c->buffer, sizeof c->buffer, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        uint64_t now = clock_now(c->clock);
        if (n > 0)
            reply_read(&v->reply, c->buffer, (size_t)n, now);
        else if (n == 0)
            reply_end(&v->reply, now);
        if (v->reply.state == REPLY_DONE || v->reply.state == REPLY_BAD) {
            struct load_result result = reply_result(&v->reply);
            done(c, v, &result);
        } else if (n <= 0)
            lost(c, v);
    }
}

static void write_some(struct load_clients *c, struct visitor *v)
{
    while (v->n_sent < v->n_out) {
        ssize_t n = send(v->fd, v->out + v->n_sent, v->n_out - v->n_sent, MSG_NOSIGNAL);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            break;
        if (n <
            0) { /* what it said before it closed is to be read: a refusal of a body that is too large, say */
            v->n_sent = v->n_out;
            break;
        }
        v->n_sent += (size_t)n;
    }
    if (v->n_sent == v->n_out)
        watch(c, v, false, EPOLLIN);
}

static void on_event(struct load_clients *c, struct visitor *v, uint32_t events)
{
    int problem = 0;
    socklen_t size = sizeof problem;
    if (v->fd < 0)
        return;
    if (!v->is_connected && events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) {
        getsockopt(v->fd, SOL_SOCKET, SO_ERROR, &problem, &size);
        if (problem) {
            lost(c, v);
            return;
        }
        v->is_connected = true;
    }
    if (!v->is_busy) { /* closed while nothing was asked */
        hang_up(v);
        return;
    }
    if (events & EPOLLOUT)
        write_some(c, v);
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        read_some(c, v);
}

/* ---- requests ---- */

static bool write_request(struct visitor *v, size_t serial)
{
    const struct load_part *p = v->part;
    char *body = p->body ? p->body(p->arg, serial) : NULL;
    size_t n_body = body ? strlen(body) : 0;
    int n = -1;
    if (body || !p->body)
        n = asprintf(&v->out, "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s%s%sContent-Length: %zu\r\n%s\r\n%s",
                     p->body ? "POST" : "GET", p->path, p->address->host,
                     p->body ? "Content-Type: application/json\r\n" : "",
                     p->key ? "Authorization: Bearer " : "", p->key ? p->key : "", p->key ? "\r\n" : "",
                     n_body, p->keep_alive ? "" : "Connection: close\r\n", body ? body : "");
    free(body);
    if (n < 0)
        v->out = NULL;
    v->n_out = n < 0 ? 0 : (size_t)n;
    return n >= 0;
}

static bool start_asking(struct load_clients *c, struct visitor *v)
{
    bool is_new = v->fd < 0;
    v->n_sent = 0;
    reply_begin(&v->reply, v->part->dialect);
    if (is_new) {
        v->fd = load_address_connect(v->part->address);
        v->part->n_connections += v->fd >= 0;
    }
    return v->fd >= 0 && watch(c, v, is_new, EPOLLIN | EPOLLOUT);
}

static void begin(struct load_clients *c, struct visitor *v, size_t serial)
{
    static const struct load_result refused = {.outcome = LOAD_REFUSED};
    v->is_busy = true;
    if (!write_request(v, serial) || !start_asking(c, v)) {
        hang_up(v);
        done(c, v, &refused);
    }
}

/* ---- all of them ---- */

static void begin_due(struct load_clients *c)
{
    size_t slot, serial;
    for (size_t i = 0; i < c->n_parts; i++)
        while (load_plan_take(&c->parts[i].plan, clock_now(c->clock), &slot, &serial))
            begin(c, &c->visitors[i][slot], serial);
}

static void end_late(struct load_clients *c)
{
    static const struct load_result late = {.outcome = LOAD_TIMEOUT};
    uint64_t now = clock_now(c->clock);
    for (size_t i = 0; i < c->n_parts; i++)
        for (size_t j = 0; j < c->parts[i].plan.n_slots && c->parts[i].plan.n_busy; j++)
            if (load_plan_is_late(&c->parts[i].plan, j, now))
                done(c, &c->visitors[i][j], &late);
}

static bool is_over(const struct load_clients *c)
{
    bool over = true;
    for (size_t i = 0; i < c->n_parts; i++)
        over &= load_plan_is_over(&c->parts[i].plan, clock_now(c->clock));
    return over;
}

/* epoll_wait counts milliseconds, which is too coarse for requests that are due at a moment. */
static void set_timer(struct load_clients *c)
{
    uint64_t wake = UINT64_MAX, now = clock_now(c->clock);
    for (size_t i = 0; i < c->n_parts; i++) {
        uint64_t at = load_plan_wake(&c->parts[i].plan, now);
        wake = at < wake ? at : wake;
    }
    uint64_t wait = wake == UINT64_MAX ? 1000000000 : wake > now ? wake - now : 1;
    struct itimerspec in = {.it_value = {(time_t)(wait / 1000000000), (long)(wait % 1000000000)}};
    timerfd_settime(c->timer, 0, &in, NULL);
}

void load_clients_work(struct load_clients *c)
{
    struct epoll_event events[256];
    for (;;) {
        begin_due(c);
        if (is_over(c))
            return;
        set_timer(c);
        int n = epoll_wait(c->epoll, events, 256, -1);
        for (int i = 0; i < n; i++)
            if (events[i].data.ptr)
                on_event(c, events[i].data.ptr, events[i].events);
        end_late(c);
    }
}

/* ---- coming and going ---- */

static enum hone_status fail(struct hone_error *err, const char *what)
{
    snprintf(err->message, sizeof err->message, "%s: %s", what, strerror(errno));
    return err->status = HONE_FAILED;
}

static void allow_descriptors(size_t n)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= n + 64)
        return;
    limit.rlim_cur = n + 64 < limit.rlim_max ? n + 64 : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static bool make_visitors(struct load_clients *c)
{
    size_t n = 0;
    c->visitors = calloc(c->n_parts, sizeof(struct visitor *));
    for (size_t i = 0; c->visitors && i < c->n_parts; i++) {
        size_t n_slots = c->parts[i].plan.n_slots;
        c->visitors[i] = calloc(n_slots, sizeof(struct visitor));
        if (!c->visitors[i])
            return false;
        for (size_t j = 0; j < n_slots; j++)
            c->visitors[i][j] = (struct visitor){.part = &c->parts[i], .slot = j, .fd = -1};
        n += n_slots;
    }
    allow_descriptors(n);
    return c->visitors != NULL;
}

void load_clients_close(struct load_clients *c)
{
    if (!c)
        return;
    for (size_t i = 0; c->visitors && i < c->n_parts; i++) {
        for (size_t j = 0; c->visitors[i] && j < c->parts[i].plan.n_slots; j++) {
            hang_up(&c->visitors[i][j]);
            free(c->visitors[i][j].out);
            reply_release(&c->visitors[i][j].reply);
        }
        free(c->visitors[i]);
    }
    free(c->visitors);
    if (c->epoll >= 0)
        close(c->epoll);
    if (c->timer >= 0)
        close(c->timer);
    free(c);
}

enum hone_status load_clients_open(struct load_clients **out, struct load_part *parts, size_t n,
                                   const struct clock *clock, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    struct epoll_event timer = {.events = EPOLLIN | EPOLLET};
    struct load_clients *c = *out = calloc(1, sizeof *c);
    if (!c)
        return fail(err, "clients");
    c->parts = parts;
    c->n_parts = n;
    c->clock = clock;
    c->epoll = epoll_create1(EPOLL_CLOEXEC);
    c->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (!make_visitors(c) || c->epoll < 0 || c->timer < 0 ||
        epoll_ctl(c->epoll, EPOLL_CTL_ADD, c->timer, &timer) != 0)
        status = fail(err, "clients");
    for (size_t i = 0; i < n && status == HONE_OK; i++)
        status = load_plan_start(&parts[i].plan, clock_now(clock), err);
    if (status != HONE_OK) {
        load_clients_close(c);
        *out = NULL;
    }
    return status;
}

enum hone_status load_clients_run(struct load_part *parts, size_t n, const struct clock *clock,
                                  struct hone_error *err)
{
    struct load_clients *c;
    enum hone_status status = load_clients_open(&c, parts, n, clock, err);
    if (status == HONE_OK)
        load_clients_work(c);
    load_clients_close(c);
    return status;
}
