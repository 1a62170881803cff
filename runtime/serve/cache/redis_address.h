/* Where a Redis server is, and what it is told first: HOST:PORT, /PATH of a socket, redis://[[USER]:PASSWORD@]HOST[:PORT][/N],
 * unix://[[USER]:PASSWORD@]/PATH[?db=N]; rediss:// is the first URL over TLS, with redis-py's names for what TLS needs behind
 * a question mark: ssl_ca_certs=FILE (else those that the system trusts), ssl_cert_reqs=none (whoever answers is believed),
 * ssl_certfile=FILE and ssl_keyfile=FILE (who we are). Only in a build with hiredis. */
#ifndef RUNTIME_SERVE_CACHE_REDIS_ADDRESS_H
#define RUNTIME_SERVE_CACHE_REDIS_ADDRESS_H

#include <hone/hone.h>

struct redis_address {
    char *text;       /* that the others lie in */
    const char *host; /* or path, where port is 0 */
    int port;
    const char *user, *password; /* NULL: none */
    int database;
    bool tls, unverified;
    const char *ca, *certificate, *key; /* files; NULL: none */
    uint64_t patience;                  /* ns */
};

/* HONE_USAGE: it makes no sense. Released in any case. */
enum hone_status redis_address_read(struct redis_address *a, const char *text, struct hone_error *err);
void redis_address_release(struct redis_address *a);

#endif
