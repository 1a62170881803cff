/* A connection: what comes in becomes requests, one after the other, and their answers go out. On its loop's thread. */
#ifndef SERVER_WIRE_CLIENT_H
#define SERVER_WIRE_CLIENT_H

#include "server/http/connections.h"
#include "server/http/reply_buffer.h"
#include "server/wire/tls.h"

#include <netinet/in.h>
#include <sys/socket.h>

struct front;
struct http_loop;

struct client {
    struct front *front;
    struct http_loop *loop;
    struct connection *connection;
    struct tls_session *tls; /* NULL: plain */
    int fd;
    struct sockaddr_storage address;
    enum {
        CLIENT_AGREES, /* on keys, for TLS */
        CLIENT_HEAD,   /* of a request is awaited or coming in */
        CLIENT_BODY,
        CLIENT_WAITS, /* for the request's work */
        CLIENT_READS, /* the answer is being sent */
        CLIENT_PARTS, /* all is said; until it has read that, what it still sends is dropped: a socket that is closed
                         before all was received tears down what was sent */
    } state;
    bool readable, writable; /* as far as is known: nothing said yet that the socket would not take it */
    bool closes;             /* after this answer */
    struct http_request *request;
    struct reply_buffer in; /* received, not used */
    size_t seen;            /* of it, for head_find */
    struct reply_buffer out;
    size_t sent, body_sent; /* of `out`, and then of the answer's body */
    uint64_t moved;         /* ns: when bytes went in or out last */
    /* The loop's own. */
    struct client *prev, *next, *next_woken, *next_again;
    bool is_woken, is_again;
};

/* Takes fd over. NULL: out of memory, and it is closed. */
struct client *client_new(struct front *front, struct http_loop *loop, int fd,
                          const struct sockaddr_storage *address);

/* Goes on as far as it can. false: it has ended, and is freed. */
bool client_run(struct client *c);

/* The same after something happened: what epoll says of the socket; the request's work has come further; a second is
 * over. */
bool client_event(struct client *c, uint32_t events);
bool client_wake(struct client *c);
bool client_tick(struct client *c, uint64_t now);

/* Ends it at once, and frees it. */
void client_close(struct client *c);

/* "127.0.0.1", "unix" */
void client_name(const struct client *c, char out[INET6_ADDRSTRLEN]);

#endif
