/* libmicrohttpd: it listens on a socket and calls the endpoints' handlers. */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include "server/front.h"
#include "server/loop.h"

/* Listens on fd, which stays the caller's, for the front. NULL: it cannot. */
struct loop *daemon_start(struct front *front, int fd);

#endif
