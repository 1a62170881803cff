#include "runtime/serve/cache/redis.h"

#ifdef HONE_HIREDIS

#include "runtime/base/clock.h"
#include "runtime/serve/cache/redis_link.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PUTS     1024 /* values that wait to be sent, */
#define PUTS_AT_ONCE 64   /* and go in one exchange */

struct put {
    char name[sizeof((struct redis_value *)0)->name];
    void *data;
    size_t size;
};

struct redis {
    struct redis_address address;
    struct redis_tls *tls; /* NULL: without */
    uint64_t lifetime;
    _Atomic uint64_t n_failures;
    pthread_mutex_t
        get_lock; /* of getting, for which the sequence connects, so that no request waits for that */
    struct redis_link getting;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t work;
    struct put puts[MAX_PUTS]; /* a ring */
    size_t first, n;
    bool connects; /* a connection to get from is wanted */
    bool closing;
    pthread_t sequence;
    struct redis_link putting; /* the sequence's own */
};

static void fail(struct redis *r, struct redis_link *l)
{
    atomic_fetch_add_explicit(&r->n_failures, 1, memory_order_relaxed);
    redis_link_fail(l);
}

/* ---- getting ---- */

/* A GET for each and no MGET, which a cluster refuses where the keys are not all in one of its slots. */
static bool ask(struct redis_link *l, const struct redis_value *values, size_t n)
{
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        const char *words[] = {"GET", values[i].name};
        ok = redis_link_append(l, 2, words, NULL);
    }
    return ok;
}

/* Of a cluster another server has it, or none now: nothing is wrong with this one. */
static bool is_elsewhere(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ERROR &&
           (strncmp(reply->str, "MOVED ", 6) == 0 || strncmp(reply->str, "ASK ", 4) == 0 ||
            strncmp(reply->str, "CLUSTERDOWN", 11) == 0);
}

static bool take(const redisReply *reply, struct redis_value *value)
{
    if (reply->type == REDIS_REPLY_STRING && (value->data = malloc(reply->len + 1))) {
        memcpy(value->data, reply->str, reply->len);
        value->size = reply->len;
    }
    return reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_NIL || is_elsewhere(reply);
}

/* Until one fails; what was there before it is kept. */
static bool receive_all(struct redis_link *l, struct redis_value *values, size_t n, uint64_t until)
{
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        redisReply *reply = redis_link_receive(l, until);
        ok = reply && take(reply, &values[i]);
        if (reply)
            freeReplyObject(reply);
    }
    return ok;
}

void redis_get(struct redis *r, struct redis_value *values, size_t n)
{
    if (n == 0)
        return;
    pthread_mutex_lock(&r->get_lock);
    struct redis_link *l = &r->getting;
    uint64_t until = clock_now(&clock_monotonic) + r->address.patience;
    bool may_connect = redis_link_may_connect(l);
    if (l->context) {
        if (ask(l, values, n) && redis_link_send(l, until) && receive_all(l, values, n, until))
            l->pause = 0;
        else
            fail(r, l);
    }
    pthread_mutex_unlock(&r->get_lock);
    if (!may_connect)
        return;
    pthread_mutex_lock(&r->lock);
    r->connects = true;
    pthread_cond_signal(&r->work);
    pthread_mutex_unlock(&r->lock);
}

/* By the sequence. */
static void connect_getting(struct redis *r)
{
    pthread_mutex_lock(&r->get_lock);
    bool may_connect = redis_link_may_connect(&r->getting);
    pthread_mutex_unlock(&r->get_lock);
    if (!may_connect)
        return;
    struct redis_link fresh = {0};
    bool connected = redis_link_connect(&fresh, &r->address, r->tls);
    pthread_mutex_lock(&r->get_lock);
    fresh.pause = r->getting.pause;
    if (connected)
        r->getting = fresh;
    else
        fail(r, &r->getting);
    pthread_mutex_unlock(&r->get_lock);
}

/* ---- putting ---- */

static bool append(const struct redis *r, struct redis_link *l, const struct put *p)
{
    char ms[24];
    const char *words[] = {"SET", p->name, p->data, "PX", ms};
    snprintf(ms, sizeof ms, "%llu", (unsigned long long)(r->lifetime / 1000000u));
    size_t sizes[] = {3, strlen(p->name), p->size, 2, strlen(ms)};
    return redis_link_append(l, r->lifetime >= 1000000u ? 5 : 3, words, sizes);
}

static void send_puts(struct redis *r, const struct put *puts, size_t n)
{
    struct redis_link *l = &r->putting;
    if (redis_link_may_connect(l) && !redis_link_connect(l, &r->address, r->tls))
        fail(r, l);
    if (!l->context)
        return;
    uint64_t until = clock_now(&clock_monotonic) + r->address.patience;
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++)
        ok = append(r, l, &puts[i]);
    ok = ok && redis_link_send(l, until);
    for (size_t i = 0; i < n && ok; i++) {
        redisReply *reply = redis_link_receive(l, until);
        ok = reply != NULL;
        if (reply)
            freeReplyObject(reply);
    }
    if (ok)
        l->pause = 0;
    else
        fail(r, l);
}

static size_t take_puts(struct redis *r, struct put *out)
{
    size_t n = r->n < PUTS_AT_ONCE ? r->n : PUTS_AT_ONCE;
    for (size_t i = 0; i < n; i++)
        out[i] = r->puts[(r->first + i) % MAX_PUTS];
    r->first = (r->first + n) % MAX_PUTS;
    r->n -= n;
    return n;
}

static void *write_puts(void *redis)
{
    struct redis *r = redis;
    struct put puts[PUTS_AT_ONCE];
    pthread_mutex_lock(&r->lock);
    for (;;) {
        while (r->n == 0 && !r->connects && !r->closing)
            pthread_cond_wait(&r->work, &r->lock);
        bool closing = r->closing, connects = r->connects;
        size_t n = take_puts(r, puts);
        if (closing && n == 0)
            break;
        r->connects = false;
        pthread_mutex_unlock(&r->lock);
        if (connects && !closing)
            connect_getting(r);
        if (n > 0 && !closing)
            send_puts(r, puts, n);
        for (size_t i = 0; i < n; i++)
            free(puts[i].data);
        pthread_mutex_lock(&r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

void redis_put(struct redis *r, const char *name, const void *value, size_t size)
{
    void *copy = malloc(size + 1);
    if (!copy)
        return;
    memcpy(copy, value, size);
    pthread_mutex_lock(&r->lock);
    if (r->n < MAX_PUTS) {
        struct put *p = &r->puts[(r->first + r->n++) % MAX_PUTS];
        snprintf(p->name, sizeof p->name, "%s", name);
        p->data = copy;
        p->size = size;
        copy = NULL;
        pthread_cond_signal(&r->work);
    }
    pthread_mutex_unlock(&r->lock);
    free(copy);
}

uint64_t redis_failures(const struct redis *r)
{
    return atomic_load_explicit(&r->n_failures, memory_order_relaxed);
}

/* ---- opening ---- */

enum hone_status redis_new(struct redis **out, const struct redis_options *options, struct hone_error *err)
{
    struct redis *r = calloc(1, sizeof *r);
    *out = NULL;
    if (!r)
        return hone_no_memory(err, "a connection to Redis", sizeof *r);
    r->address.patience = options->patience;
    r->lifetime = options->lifetime;
    r->connects = true;
    pthread_mutex_init(&r->get_lock, NULL);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work, NULL);
    enum hone_status status = redis_address_read(&r->address, options->address, err);
    if (status == HONE_OK && r->address.tls)
        status = redis_tls_new(&r->tls, &r->address, err);
    if (status == HONE_OK && pthread_create(&r->sequence, NULL, write_puts, r) != 0)
        status = hone_fail(err, HONE_FAILED, "cannot start the thread that writes to Redis");
    if (status != HONE_OK) {
        redis_tls_free(r->tls);
        redis_address_release(&r->address);
        free(r);
        return status;
    }
    *out = r;
    return HONE_OK;
}

enum hone_status redis_check(const char *address, struct hone_error *err)
{
    struct redis_address a = {.patience = 1};
    struct redis_tls *tls = NULL;
    enum hone_status status = redis_address_read(&a, address, err);
    if (status == HONE_OK && a.tls)
        status = redis_tls_new(&tls, &a, err);
    redis_tls_free(tls);
    redis_address_release(&a);
    return status;
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->closing = true;
    pthread_cond_signal(&r->work);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->sequence, NULL);
    redis_link_close(&r->getting);
    redis_link_close(&r->putting);
    redis_tls_free(r->tls);
    pthread_cond_destroy(&r->work);
    pthread_mutex_destroy(&r->lock);
    pthread_mutex_destroy(&r->get_lock);
    redis_address_release(&r->address);
    free(r);
}

#else

enum hone_status redis_new(struct redis **out, const struct redis_options *options, struct hone_error *err)
{
    *out = NULL;
    return redis_check(options->address, err);
}

enum hone_status redis_check(const char *address, struct hone_error *err)
{
    (void)address;
    return hone_fail(err, HONE_USAGE, "Redis: this program was built without hiredis");
}

void redis_free(struct redis *r)
{
    (void)r;
}

void redis_get(struct redis *r, struct redis_value *values, size_t n)
{
    (void)r;
    (void)values;
    (void)n;
}

void redis_put(struct redis *r, const char *name, const void *value, size_t size)
{
    (void)r;
    (void)name;
    (void)value;
    (void)size;
}

uint64_t redis_failures(const struct redis *r)
{
    (void)r;
    return 0;
}

#endif
