/* libmicrohttpd: one event loop a listening socket, which speaks with all of its clients. */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

#include "server/service.h"

/* Listens on fd, which stays the caller's. NULL: it cannot. */
struct MHD_Daemon *daemon_start(struct service *service, int fd);

/* Takes no new connections. */
void daemon_quiesce(struct MHD_Daemon *daemon);

/* Closes all connections; none may wait for work. */
void daemon_stop(struct MHD_Daemon *daemon);

#endif
