/* A cache in memory: values by hashes of what they were made from. The one used longest ago is thrown out for want of
 * room; values that are too old are not given, and leave: some with every
 * call, all of them where somebody reads the figures. Any thread may call at any time. */
#ifndef RUNTIME_SERVE_CACHE_CACHE_H
#define RUNTIME_SERVE_CACHE_CACHE_H

#include "runtime/base/error.h"

#include <hone/scheduler.h>

/* Hashes of an input under two secrets that this process alone has, and its size. All of it is compared, so that nobody
 * can make two inputs that are taken for the same one, nor does it happen by chance. */
struct cache_key {
    uint64_t low, high; /* under the first, */
    uint64_t check;     /* under the second */
    uint64_t size;      /* bytes */
};

static inline bool cache_key_same(struct cache_key a, struct cache_key b)
{
    return a.low == b.low && a.high == b.high && a.check == b.check && a.size == b.size;
}

struct cache;

/* max_bytes: of values, with what it takes to keep them. lifetime: ns; 0: no limit. NULL: no memory. */
struct cache *cache_new(size_t max_bytes, uint64_t lifetime);
void cache_free(struct cache *c); /* NULL is allowed */

/* A copy of the value in malloc'ed memory, or NULL. `now`: ns, never going back. */
void *cache_get(struct cache *c, struct cache_key key, uint64_t now, size_t *size);
/* The same for who has asked before, and was counted then. */
void *cache_get_again(struct cache *c, struct cache_key key, uint64_t now, size_t *size);
/* Replaces what there is. A value that is too large, or has no memory, is not kept. */
void cache_put(struct cache *c, struct cache_key key, const void *value, size_t size, uint64_t now);

/* The members of memory, not those of Redis. Takes away thousands of values that are too old. */
void cache_stats(struct cache *c, uint64_t now, struct hone_cache_stats *out);

#endif
