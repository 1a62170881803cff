/* A connection to Redis that comes and goes. hiredis connects, writes commands and reads replies; bytes are sent and received
 * here, over TLS or not, so that nothing waits for longer than it was told. One thread at a time. Only in a build with hiredis. */
#ifndef RUNTIME_SERVE_CACHE_REDIS_LINK_H
#define RUNTIME_SERVE_CACHE_REDIS_LINK_H

#include "runtime/serve/cache/redis_address.h"
#include "runtime/serve/cache/redis_tls.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

struct redis_link {
    redisContext *context;         /* NULL: there is none */
    struct redis_tls_session *tls; /* NULL: bytes go as they are */
    char *out;                     /* [n_out] commands that were not sent yet */
    size_t n_out, room;
    uint64_t pause, not_before;
};

/* Whether enough time has passed since the last failure to try again. */
bool redis_link_may_connect(const struct redis_link *l);
/* False where there is no answer, or certificate, password or database are not right. tls NULL: without. Looking up a host's
 * name may take longer than the address's patience, and a handshake may, since whoever connects keeps no request waiting. */
bool redis_link_connect(struct redis_link *l, const struct redis_address *address, struct redis_tls *tls);
void redis_link_close(struct redis_link *l);
/* It is over; the next one may be tried later. */
void redis_link_fail(struct redis_link *l);

/* Adds a command of n words; sizes NULL: they end in NUL. False: no memory. */
bool redis_link_append(struct redis_link *l, int n, const char **words, const size_t *sizes);
/* Sends all commands that were added, until a moment of clock_monotonic at the latest. */
bool redis_link_send(struct redis_link *l, uint64_t until);
/* The next reply, or NULL. A server that answers byte by byte gets no more time than one that does not answer. */
redisReply *redis_link_receive(struct redis_link *l, uint64_t until);

#endif
