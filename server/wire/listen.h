/* Sockets that clients connect to: TCP, Unix, or handed over by systemd. */
#ifndef SERVER_WIRE_LISTEN_H
#define SERVER_WIRE_LISTEN_H

#include "server/settings.h"

#define LISTEN_MAX 8

struct listeners {
    struct {
        int fd;
        char name[128]; /* "127.0.0.1:8080", "/run/hone.sock" */
    } items[LISTEN_MAX];
    size_t n;
    char socket[108]; /* the path of a Unix socket that was made here; "" */
};

/* Opens what the settings say, or takes what systemd hands over instead. On failure nothing is open. */
enum hone_status listen_open(struct listeners *out, const struct settings *s, struct hone_error *err);

/* Closes them, and removes the Unix socket. */
void listen_close(struct listeners *l);

#endif
