/* libmicrohttpd: it listens on a socket and calls the endpoints' handlers. */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include "server/loop.h"
#include "server/service.h"

/* Listens on fd, which stays the caller's. NULL: it cannot. */
struct loop *daemon_start(struct service *service, int fd);

#endif
