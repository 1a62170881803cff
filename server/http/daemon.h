/* libmicrohttpd: it listens on a socket and calls the endpoints' handlers. */
#ifndef SERVER_HTTP_DAEMON_H
#define SERVER_HTTP_DAEMON_H

#include "server/http/front.h"
#include "server/http/loop.h"

/* Listens on fd, which stays the caller's, for the front. NULL: it cannot. */
struct http_loop *daemon_start(struct front *front, int fd);

/* Whether libmicrohttpd was built with TLS. */
bool daemon_has_tls(void);

#endif
