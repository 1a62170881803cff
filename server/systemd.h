/* What systemd and its services tell each other, sd_listen_fds(3) and sd_notify(3), without its library. */
#ifndef SERVER_SYSTEMD_H
#define SERVER_SYSTEMD_H

/* How many sockets were handed over, from *first on. */
int systemd_sockets(int *first);

/* "READY=1", "STOPPING=1", ...; does nothing where nobody listens. */
void systemd_notify(const char *state);

#endif
