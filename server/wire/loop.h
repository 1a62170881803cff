/* A thread that speaks with clients: it waits for all of their sockets at once (epoll), and for nothing else. */
#ifndef SERVER_WIRE_LOOP_H
#define SERVER_WIRE_LOOP_H

#include "server/wire/client.h"

struct front;

/* Accepts clients of the front on fd, which stays the caller's. NULL: it cannot. */
struct http_loop *loop_start(struct front *front, int fd);

/* Takes no new connections; those that were made before have been accepted when it returns. Not from the loop's thread. */
void loop_quiesce(struct http_loop *loop);

/* Closes all connections, and ends. NULL is allowed. */
void loop_stop(struct http_loop *loop);

/* ---- for clients ---- */

/* From any thread: client_wake is called soon. */
void loop_wake(struct http_loop *loop, struct client *c);

/* On the loop's thread. */
void loop_again(struct http_loop *loop,
                struct client *c); /* client_run is called soon, after others had their turn */
void loop_forget(struct http_loop *loop, struct client *c); /* it ends: neither is called any more */
char *loop_scratch(struct http_loop *loop);                 /* LOOP_SCRATCH bytes, for what is used at once */
#define LOOP_SCRATCH 65536

#endif
