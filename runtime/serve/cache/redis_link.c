#ifdef HONE_HIREDIS

#include "runtime/serve/cache/redis_link.h"

#include "runtime/base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define FIRST_PAUSE 100000000u /* ns */
#define LAST_PAUSE  10000000000u
#define HANDSHAKE                                                                                            \
    1000000000u       /* ns that one may take at least: it is several exchanges, and some arithmetic */
#define AT_ONCE 16384 /* bytes */

bool redis_link_may_connect(const struct redis_link *l)
{
    return !l->context && clock_now(&clock_monotonic) >= l->not_before;
}

void redis_link_close(struct redis_link *l)
{
    redis_tls_end(l->tls);
    if (l->context)
        redisFree(l->context);
    free(l->out);
    l->context = NULL;
    l->tls = NULL;
    l->out = NULL;
    l->n_out = l->room = 0;
}

void redis_link_fail(struct redis_link *l)
{
    redis_link_close(l);
    l->pause = l->pause == 0 ? FIRST_PAUSE : l->pause < LAST_PAUSE / 2 ? 2 * l->pause : LAST_PAUSE;
    l->not_before = clock_now(&clock_monotonic) + l->pause;
}

/* ---- bytes ---- */

/* False: it is too late, or the socket is broken. */
static bool wait_for(const struct redis_link *l, bool writes, uint64_t until)
{
    for (;;) {
        uint64_t now = clock_now(&clock_monotonic), ns = now < until ? until - now : 0;
        struct pollfd fd = {.fd = l->context->fd, .events = writes ? POLLOUT : POLLIN};
        struct timespec left = {(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
        int n = ppoll(&fd, 1, &left, NULL);
        if (n > 0 || (n < 0 && errno != EINTR) || (n == 0 && ns == 0))
            return n > 0;
    }
}

/* Of a call on the socket: bytes, or what redis_tls_send says. */
static ssize_t result_of(ssize_t n)
{
    bool again = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return n > 0 ? n : again ? REDIS_TLS_AGAIN : REDIS_TLS_ENDED;
}

/* A server that went away must not end the program by SIGPIPE. */
bool redis_link_send(struct redis_link *l, uint64_t until)
{
    size_t done = 0;
    while (done < l->n_out) {
        bool writes = true;
        ssize_t n = l->tls ? redis_tls_send(l->tls, l->out + done, l->n_out - done, &writes)
                           : result_of(send(l->context->fd, l->out + done, l->n_out - done,
                                            MSG_NOSIGNAL | MSG_DONTWAIT));
        if (n == REDIS_TLS_ENDED || (n == REDIS_TLS_AGAIN && !wait_for(l, writes, until)))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    l->n_out = 0;
    return true;
}

redisReply *redis_link_receive(struct redis_link *l, uint64_t until)
{
    void *reply = NULL;
    char bytes[AT_ONCE];
    for (;;) {
        if (redisReaderGetReply(l->context->reader, &reply) != REDIS_OK)
            return NULL;
        if (reply)
            return reply;
        bool writes = false;
        ssize_t n = l->tls ? redis_tls_receive(l->tls, bytes, sizeof bytes, &writes)
                           : result_of(recv(l->context->fd, bytes, sizeof bytes, MSG_DONTWAIT));
        if (n == REDIS_TLS_ENDED || (n == REDIS_TLS_AGAIN && !wait_for(l, writes, until)) ||
            (n > 0 && redisReaderFeed(l->context->reader, bytes, (size_t)n) != REDIS_OK))
            return NULL;
    }
}

bool redis_link_append(struct redis_link *l, int n, const char **words, const size_t *sizes)
{
    char *command;
    long long size = redisFormatCommandArgv(&command, n, words, sizes);
    if (size < 0)
        return false;
    if (l->room - l->n_out < (size_t)size) {
        size_t room = 2 * (l->n_out + (size_t)size);
        char *out = realloc(l->out, room);
        if (!out) {
            redisFreeCommand(command);
            return false;
        }
        l->out = out;
        l->room = room;
    }
    memcpy(l->out + l->n_out, command, (size_t)size);
    l->n_out += (size_t)size;
    redisFreeCommand(command);
    return true;
}

/* ---- connecting, and what is said first ---- */

static bool open_connection(struct redis_link *l, const struct redis_address *a)
{
    struct timeval t = {(time_t)(a->patience / 1000000000u), (suseconds_t)(a->patience % 1000000000u / 1000)};
    redisContext *c =
        a->port ? redisConnectWithTimeout(a->host, a->port, t) : redisConnectUnixWithTimeout(a->host, t);
    l->context = c;
    return c && !c->err && fcntl(c->fd, F_SETFL, fcntl(c->fd, F_GETFL) | O_NONBLOCK) == 0;
}

static bool shake_hands(struct redis_link *l, const struct redis_address *a, struct redis_tls *tls,
                        uint64_t until)
{
    bool writes = false;
    int status = REDIS_TLS_ENDED;
    if ((l->tls = redis_tls_begin(tls, l->context->fd, a->host)))
        do
            status = redis_tls_handshake(l->tls, &writes);
        while (status == REDIS_TLS_AGAIN && wait_for(l, writes, until));
    return status == 0;
}

/* AUTH and SELECT; each must be answered by OK. */
static bool introduce(struct redis_link *l, const struct redis_address *a, uint64_t until)
{
    char database[16];
    const char *auth[3] = {"AUTH", a->user ? a->user : a->password, a->password};
    const char *select[2] = {"SELECT", database};
    int n = (a->password != NULL) + (a->database > 0);
    bool ok = true;
    snprintf(database, sizeof database, "%d", a->database);
    if (a->password)
        ok = redis_link_append(l, a->user ? 3 : 2, auth, NULL);
    if (a->database > 0)
        ok = ok && redis_link_append(l, 2, select, NULL);
    ok = ok && redis_link_send(l, until);
    for (int i = 0; i < n && ok; i++) {
        redisReply *reply = redis_link_receive(l, until);
        ok = reply && reply->type == REDIS_REPLY_STATUS;
        if (reply)
            freeReplyObject(reply);
    }
    return ok;
}

bool redis_link_connect(struct redis_link *l, const struct redis_address *a, struct redis_tls *tls)
{
    bool ok = open_connection(l, a);
    uint64_t patience = tls && a->patience < HANDSHAKE ? HANDSHAKE : a->patience;
    uint64_t until = clock_now(&clock_monotonic) + patience;
    ok = ok && (!tls || shake_hands(l, a, tls, until)) && introduce(l, a, until);
    if (!ok)
        redis_link_close(l);
    return ok;
}

#endif
