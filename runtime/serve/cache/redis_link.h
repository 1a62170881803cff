/* A connection to Redis that comes and goes. One thread at a time. Only in a build with hiredis. */
#ifndef RUNTIME_SERVE_CACHE_REDIS_LINK_H
#define RUNTIME_SERVE_CACHE_REDIS_LINK_H

#include "runtime/serve/cache/redis_address.h"

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stdint.h>

struct redis_link {
    redisContext *context; /* NULL: there is none */
    uint64_t pause, not_before;
};

/* Whether enough time has passed since the last failure to try again. */
bool redis_link_may_connect(const struct redis_link *l);
/* NULL where there is no answer, or the password or database is not right. Looking up a host's name may take longer than the address's patience. */
redisContext *redis_connect(const struct redis_address *address);

/* It is over; the next one may be tried later. */
void redis_link_fail(struct redis_link *l);

/* Sends all commands that were appended, until a moment of clock_monotonic at the latest. */
bool redis_link_send(struct redis_link *l, uint64_t until);
/* The next reply, or NULL. A server that answers byte by byte gets no more time than one that does not answer. */
redisReply *redis_link_receive(struct redis_link *l, uint64_t until);

#endif
