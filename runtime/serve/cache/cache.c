#include "runtime/serve/cache/cache.h"
#include "runtime/base/tables/lru.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct cache_value {
    struct lru_entry lru; /* first, so that an entry is its value */
    struct cache_key key;
    uint64_t made; /* when */
    unsigned char bytes[];
};

struct cache {
    pthread_mutex_t lock;
    struct lru values;
    uint64_t lifetime;
    uint64_t n_hits, n_misses, n_expired;
};

static bool same_key(const struct hash_node *node, const void *key)
{
    return cache_key_same(((const struct cache_value *)node)->key, *(const struct cache_key *)key);
}

static void release_value(struct lru_entry *entry)
{
    free(entry);
}

struct cache *cache_new(size_t max_bytes, uint64_t lifetime)
{
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->values = (struct lru){.max_bytes = max_bytes, .same = same_key, .release = release_value};
    c->lifetime = lifetime;
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    lru_clear(&c->values);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static size_t bytes_of(size_t size)
{
    return sizeof(struct cache_value) + size + sizeof(struct hash_node *); /* and its share of the slots */
}

static size_t size_of(const struct cache_value *v)
{
    return v->lru.bytes - bytes_of(0);
}

/* With the lock. */
static struct cache_value *find(const struct cache *c, const struct cache_key *key)
{
    return (struct cache_value *)lru_find(&c->values, key->low, key);
}

static bool is_old(const struct cache *c, const struct cache_value *v, uint64_t now)
{
    return c->lifetime > 0 && now - v->made >= c->lifetime;
}

/* A copy of the value, or NULL. Under the lock. */
static void *copy_of(struct cache *c, struct cache_key key, uint64_t now, size_t *size)
{
    void *copy = NULL;
    struct cache_value *v = find(c, &key);
    if (v && is_old(c, v, now)) {
        lru_remove(&c->values, &v->lru);
        c->n_expired++;
        v = NULL;
    }
    if (v && (copy = malloc(size_of(v) + 1))) {
        *size = size_of(v);
        memcpy(copy, v->bytes, *size);
        lru_use(&c->values, &v->lru);
    }
    return copy;
}

void *cache_get(struct cache *c, struct cache_key key, uint64_t now, size_t *size)
{
    pthread_mutex_lock(&c->lock);
    void *copy = copy_of(c, key, now, size);
    c->n_hits += copy != NULL;
    c->n_misses += copy == NULL;
    pthread_mutex_unlock(&c->lock);
    return copy;
}

void *cache_get_again(struct cache *c, struct cache_key key, uint64_t now, size_t *size)
{
    pthread_mutex_lock(&c->lock);
    void *copy = copy_of(c, key, now, size);
    pthread_mutex_unlock(&c->lock);
    return copy;
}

void cache_put(struct cache *c, struct cache_key key, const void *value, size_t size, uint64_t now)
{
    struct cache_value *v = bytes_of(size) <= c->values.max_bytes ? malloc(sizeof *v + size) : NULL;
    if (!v)
        return;
    *v = (struct cache_value){.key = key, .made = now};
    memcpy(v->bytes, value, size);
    pthread_mutex_lock(&c->lock);
    struct cache_value *before = find(c, &key);
    if (before)
        lru_remove(&c->values, &before->lru);
    bool is_kept = lru_add(&c->values, &v->lru, key.low, bytes_of(size));
    pthread_mutex_unlock(&c->lock);
    if (!is_kept)
        free(v);
}

void cache_stats(struct cache *c, struct hone_cache_stats *out)
{
    pthread_mutex_lock(&c->lock);
    *out = (struct hone_cache_stats){.n_hits = c->n_hits,
                                     .n_misses = c->n_misses,
                                     .n_expired = c->n_expired,
                                     .n_evicted = c->values.n_evicted,
                                     .n_entries = lru_count(&c->values),
                                     .n_bytes = c->values.n_bytes,
                                     .max_bytes = c->values.max_bytes};
    pthread_mutex_unlock(&c->lock);
}
