/* The clients that are connected: who is too slow, and who has left while its request waits. */
#ifndef SERVER_HTTP_CONNECTIONS_H
#define SERVER_HTTP_CONNECTIONS_H

#include "runtime/base/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct http_request;
struct service;

enum connection_phase {
    CONNECTION_NEW,     /* nothing has come yet */
    CONNECTION_IDLE,    /* between two requests */
    CONNECTION_READING, /* a request is coming in */
    CONNECTION_BUSY,    /* it is complete */
    CONNECTION_SLOW,    /* it was not complete in time, and the connection is being closed */
};

struct connection {
    int fd;
    bool encrypted;
    _Atomic int phase;
    _Atomic int dialect;               /* of the request that is coming in */
    _Atomic uint64_t since;            /* ns */
    _Atomic(struct service *) service; /* of the request that is on its way, or NULL */
    atomic_bool left;                  /* it waited for work, and has closed its side since */
    struct http_request *waiting;      /* for its work; under the list's lock */
    struct connection *prev, *next;
};

struct connections {
    const struct clock *clock;
    pthread_mutex_t lock;
    struct connection *first;
    _Atomic size_t n;
};

/* NULL: out of memory. */
struct connection *connections_add(struct connections *list, int fd, bool encrypted);
void connections_remove(struct connections *list, struct connection *c);

/* NULL: it waits no more. */
void connection_waits(struct connections *list, struct connection *c, struct http_request *r);

void connection_phase(const struct connections *list, struct connection *c, enum connection_phase phase);
/* The request has come. false: too late. */
bool connection_complete(struct connection *c);

/* Closes the connections of clients that took longer than `read_timeout` (s) to send a request, with 408, or sent
 * nothing for `idle_timeout`, and cancels the work that nobody waits for any more. To be called about every second. */
void connections_sweep(struct connections *list, double read_timeout, double idle_timeout);

/* Whether anybody connected, or got an answer, less than a second ago, and may be about to send a request. */
bool connections_are_fresh(struct connections *list);

/* Cancels the work of all requests of a service, or some of it where there is very much. */
void connections_cancel(struct connections *list, const struct service *s);

/* Closes the connections on which there are requests of a service. */
void connections_shut(struct connections *list, const struct service *s);

#endif
