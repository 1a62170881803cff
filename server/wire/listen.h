/* Sockets that clients connect to: TCP, Unix, or handed over by systemd. */
#ifndef SERVER_WIRE_LISTEN_H
#define SERVER_WIRE_LISTEN_H

#include "server/settings.h"

#define LISTEN_MAX 8 /* addresses of one name, or sockets that systemd hands over */

struct listeners {
    struct {
        int fd;
        char name[128]; /* "127.0.0.1:8080", "/run/hone.sock" */
        bool inherited; /* from systemd, which listens on */
        bool is_local;  /* nobody comes from another machine */
    } items[LISTEN_MAX];
    size_t n;
    char socket[108]; /* the path of a Unix socket that was made here; "" */
};

/* Opens what the settings say, or takes what systemd hands over instead. On failure nothing is open. */
enum hone_status listen_open(struct listeners *out, const struct settings *s, struct hone_error *err);

/* To be called some round trips before the sockets are closed: from now on the system drops the first packet of new
 * connections, while those that have begun are completed and accepted. A client whose packet was dropped sends it again, and is
 * refused, as the port is closed by then. Without this, clients that were connected but not accepted yet would lose the requests
 * that they had sent. Of a Unix socket the path is removed instead; systemd keeps its sockets, so nothing is lost there. */
void listen_refuse(struct listeners *l);

/* Closes them, and removes the Unix socket. */
void listen_close(struct listeners *l);

#endif
