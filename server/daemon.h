/* libmicrohttpd: it listens on a socket and calls the endpoints' handlers. */
#ifndef SERVER_DAEMON_H
#define SERVER_DAEMON_H

<<<<<<< HEAD
#include "server/loop.h"
#include "server/service.h"

/* Listens on fd, which stays the caller's. NULL: it cannot. */
struct loop *daemon_start(struct service *service, int fd);
=======
#include <stdbool.h>

struct MHD_Daemon;
struct service;

struct daemon {
    struct MHD_Daemon *mhd;
    int fd; /* a copy of the socket that it listens on */
};

/* Listens on fd, which stays the caller's. false: it cannot. */
bool daemon_start(struct daemon *d, struct service *service, int fd);

/* Takes no new connections. */
void daemon_quiesce(struct daemon *d);

/* Closes all connections; none may wait for work. */
void daemon_stop(struct daemon *d);
>>>>>>> 08c23a6 (Tell Prometheus and people what the server does; keep keys, TLS, reloading and draining under test)

#endif
