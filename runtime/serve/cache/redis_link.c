#ifdef HONE_HIREDIS

#include "runtime/serve/cache/redis_link.h"

#include "runtime/base/clock.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>

#define FIRST_PAUSE 100000000u /* ns */
#define LAST_PAUSE  10000000000u

bool redis_link_may_connect(const struct redis_link *l)
{
    return !l->context && clock_now(&clock_monotonic) >= l->not_before;
}

static redisContext *open_connection(const struct redis_address *a)
{
    struct timeval t = {(time_t)(a->patience / 1000000000u), (suseconds_t)(a->patience % 1000000000u / 1000)};
    redisContext *c =
        a->port ? redisConnectWithTimeout(a->host, a->port, t) : redisConnectUnixWithTimeout(a->host, t);
    if (!c || (!c->err && redisSetTimeout(c, t) == REDIS_OK))
        return c;
    redisFree(c);
    return NULL;
}

void redis_link_fail(struct redis_link *l)
{
    if (l->context)
        redisFree(l->context);
    l->context = NULL;
    l->pause = l->pause == 0 ? FIRST_PAUSE : l->pause < LAST_PAUSE / 2 ? 2 * l->pause : LAST_PAUSE;
    l->not_before = clock_now(&clock_monotonic) + l->pause;
}

/* A server that went away must not end the program by SIGPIPE: it is held back, and taken away where it came. */
bool redis_link_send(struct redis_link *l, uint64_t until)
{
    static const struct timespec at_once = {0, 0};
    sigset_t pipe_signal, before, pending;
    int done = 0;
    bool ok = true;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
    while (!done && ok)
        ok = clock_now(&clock_monotonic) < until && redisBufferWrite(l->context, &done) == REDIS_OK;
    if (!ok && !sigismember(&pending, SIGPIPE))
        sigtimedwait(&pipe_signal, NULL, &at_once);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return ok;
}

redisReply *redis_link_receive(struct redis_link *l, uint64_t until)
{
    void *reply = NULL;
    for (;;) {
        if (redisGetReplyFromReader(l->context, &reply) != REDIS_OK)
            return NULL;
        if (reply)
            return reply;
        uint64_t now = clock_now(&clock_monotonic);
        struct pollfd fd = {.fd = l->context->fd, .events = POLLIN};
        struct timespec left = {0, 0};
        if (now < until)
            left =
                (struct timespec){(time_t)((until - now) / 1000000000u), (long)((until - now) % 1000000000u)};
        int n = ppoll(&fd, 1, &left, NULL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || redisBufferRead(l->context) != REDIS_OK)
            return NULL;
    }
}

/* ---- what is said first ---- */

static bool append(redisContext *c, const char *const *words, int n)
{
    return redisAppendCommandArgv(c, n, (const char **)words, NULL) == REDIS_OK;
}

/* AUTH and SELECT; each must be answered by OK. */
static bool introduce(redisContext *c, const struct redis_address *a)
{
    struct redis_link l = {.context = c};
    char database[16];
    const char *auth[3] = {"AUTH", a->user ? a->user : a->password, a->password};
    const char *select[2] = {"SELECT", database};
    uint64_t until = clock_now(&clock_monotonic) + a->patience;
    int n = (a->password != NULL) + (a->database > 0);
    bool ok = true;
    snprintf(database, sizeof database, "%d", a->database);
    if (n == 0)
        return true;
    if (a->password)
        ok = append(c, auth, a->user ? 3 : 2);
    if (a->database > 0)
        ok = ok && append(c, select, 2);
    ok = ok && redis_link_send(&l, until);
    for (int i = 0; i < n && ok; i++) {
        redisReply *reply = redis_link_receive(&l, until);
        ok = reply && reply->type == REDIS_REPLY_STATUS;
        if (reply)
            freeReplyObject(reply);
    }
    return ok;
}

redisContext *redis_connect(const struct redis_address *a)
{
    redisContext *c = open_connection(a);
    if (!c || c->err || introduce(c, a))
        return c;
    redisFree(c);
    return NULL;
}

#endif
