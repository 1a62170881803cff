/* The side of the server that clients see: listening sockets, the threads that speak with clients, connections. Services come
 * and go behind it, while connections stay. */
#ifndef SERVER_HTTP_FRONT_H
#define SERVER_HTTP_FRONT_H

#include "server/http/connections.h"
#include "server/wire/listen.h"

struct http_loop;
struct service;

struct front {
    struct connections connections;
    struct http_loop **loops; /* [n_loops]: each listening socket has one for each thread */
    size_t n_loops;
    size_t n_threads, max_connections, max_header; /* connections in all; KB */
    bool is_local;                                 /* it listens on this machine alone */
    size_t wanted_connections;                     /* as the settings have it; descriptors may be fewer */
    unsigned stall_timeout;                        /* s, after which an answer that is not read is given up */
    char *certificate, *private_key;               /* PEM, or NULL */
    struct tls *tls;                               /* of both */
    pthread_mutex_t lock;
    struct service *service; /* who answers the next request; under the lock */
};

/* Begins to listen for `s`, whose settings, certificate and key count, and are the front's from then on. */
enum hone_status front_open(struct front **out, struct service *s, const struct listeners *listeners,
                            struct hone_error *err);

/* Whether another one that was opened for s would be the same. */
bool front_fits(const struct front *f, const struct service *s);

/* From now on requests that begin are for s. */
void front_serve(struct front *f, struct service *s);

/* Whom a request that begins is for; it has been counted among the service's. */
struct service *front_service(struct front *f);

/* Takes no new connections. */
void front_quiesce(struct front *f);

/* Closes all connections; no request may be waiting for its work. NULL is allowed. */
void front_close(struct front *f);

#endif
