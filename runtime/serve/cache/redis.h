/* Values in a Redis server, for several processes. Whatever goes wrong there is a miss and nothing else: it never fails,
 * and never waits for longer than it was told. After a failure the server is left alone for a while, at first for a
 * tenth of a second, later for up to ten. Any thread may call at any time. */
#ifndef RUNTIME_SERVE_CACHE_REDIS_H
#define RUNTIME_SERVE_CACHE_REDIS_H

#include "runtime/serve/cache/cache.h"

struct redis;

struct redis_options {
    const char *address; /* as redis_address.h says */
    uint64_t patience;   /* ns to wait for an answer */
    uint64_t lifetime;   /* ns that values are kept; 0: as long as the server likes */
};

/* Does not connect yet. HONE_USAGE: the address makes no sense, or this build is without hiredis. */
enum hone_status redis_new(struct redis **out, const struct redis_options *options, struct hone_error *err);
void redis_free(struct redis *r); /* NULL is allowed */

/* Whether redis_new would take the address, with the certificates that it names. */
enum hone_status redis_check(const char *address, struct hone_error *err);

struct redis_value {
    char name[80]; /* of the key */
    void *data;    /* to be freed; NULL: there is none */
    size_t size;
};

/* Looks for n values in one exchange. */
void redis_get(struct redis *r, struct redis_value *values, size_t n);
/* Copies the value, which is sent later. Where too many wait to be sent it is forgotten. */
void redis_put(struct redis *r, const char *name, const void *value, size_t size);

uint64_t redis_failures(const struct redis *r);

#endif
