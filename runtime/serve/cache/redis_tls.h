/* TLS towards a Redis server, by GnuTLS, which is loaded when an address asks for it: who has no such server need not have
 * it. Only in a build with hiredis. One thread at a time uses a session; credentials are anybody's. */
#ifndef RUNTIME_SERVE_CACHE_REDIS_TLS_H
#define RUNTIME_SERVE_CACHE_REDIS_TLS_H

#include "runtime/serve/cache/redis_address.h"

#include <sys/types.h>

struct redis_tls;
struct redis_tls_session;

/* What the address says of certificates, read. HONE_USAGE: this build is without GnuTLS; HONE_FAILED: it is not there, or a
 * file cannot be read. */
enum hone_status redis_tls_new(struct redis_tls **out, const struct redis_address *address,
                               struct hone_error *err);
void redis_tls_free(struct redis_tls *t); /* NULL is allowed */

/* A session over a connected socket that does not block; its handshake is made by the calls below. NULL: no memory. */
struct redis_tls_session *redis_tls_begin(struct redis_tls *t, int fd, const char *host);
/* REDIS_TLS_AGAIN: when the socket can be read or written, as *writes says. The peer's certificate is checked here. */
#define REDIS_TLS_AGAIN (-1)
#define REDIS_TLS_ENDED (-2)
int redis_tls_handshake(struct redis_tls_session *s, bool *writes);
/* Bytes, or one of these; after AGAIN send is to be called with the same bytes again. */
ssize_t redis_tls_send(struct redis_tls_session *s, const void *data, size_t n, bool *writes);
ssize_t redis_tls_receive(struct redis_tls_session *s, void *data, size_t n, bool *writes);
void redis_tls_end(struct redis_tls_session *s); /* NULL is allowed; leaves the socket open */

#endif
