#include "runtime/serve/cache/cache.h"
#include "runtime/base/tables/lru.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* In the order in which values were made, which is not that of their last use: a ring, so that one can leave it without
 * knowing whose it is. */
struct by_age {
    struct by_age *next, *before;
};

struct cache_value {
    struct lru_entry lru; /* first, so that an entry is its value */
    struct by_age age;
    struct cache_key key;
    uint64_t made; /* when */
    unsigned char bytes[];
};

#define SWEPT_BY_REQUESTS 4 /* more than one comes with a request, so that what is old gets less */
#define SWEPT_BY_READERS  4096

struct cache {
    pthread_mutex_t lock;
    struct lru values;
    struct by_age ages; /* the ring's end: next is the oldest */
    uint64_t lifetime;
    uint64_t n_hits, n_misses, n_expired;
};

static bool same_key(const struct hash_node *node, const void *key)
{
    return cache_key_same(((const struct cache_value *)node)->key, *(const struct cache_key *)key);
}

static void release_value(struct lru_entry *entry)
{
    struct by_age *age = &((struct cache_value *)entry)->age;
    age->next->before = age->before;
    age->before->next = age->next;
    free(entry);
}

struct cache *cache_new(size_t max_bytes, uint64_t lifetime)
{
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    pthread_mutex_init(&c->lock, NULL);
    c->values = (struct lru){.max_bytes = max_bytes, .same = same_key, .release = release_value};
    c->ages = (struct by_age){&c->ages, &c->ages};
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
    /* Another thread may have looked at the clock later and come first. */
    return c->lifetime > 0 && now > v->made && now - v->made >= c->lifetime;
}

/* Those that are too old leave, at most n: whoever holds the lock would hold up others. */
static void sweep(struct cache *c, uint64_t now, size_t n)
{
    while (n-- > 0 && c->ages.next != &c->ages) {
        struct cache_value *v =
            (struct cache_value *)((char *)c->ages.next - offsetof(struct cache_value, age));
        if (!is_old(c, v, now))
            return;
        lru_remove(&c->values, &v->lru);
        c->n_expired++;
    }
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
    sweep(c, now, SWEPT_BY_REQUESTS);
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
    sweep(c, now, SWEPT_BY_REQUESTS);
    bool is_kept = lru_add(&c->values, &v->lru, key.low, bytes_of(size));
    if (is_kept) {
        v->age = (struct by_age){&c->ages, c->ages.before};
        v->age.before->next = v->age.next->before = &v->age;
    }
    pthread_mutex_unlock(&c->lock);
    if (!is_kept)
        free(v);
}

void cache_stats(struct cache *c, uint64_t now, struct hone_cache_stats *out)
{
    pthread_mutex_lock(&c->lock);
    sweep(c, now, SWEPT_BY_READERS);
    *out = (struct hone_cache_stats){.n_hits = c->n_hits,
                                     .n_misses = c->n_misses,
                                     .n_expired = c->n_expired,
                                     .n_evicted = c->values.n_evicted,
                                     .n_entries = lru_count(&c->values),
                                     .n_bytes = c->values.n_bytes,
                                     .max_bytes = c->values.max_bytes};
    pthread_mutex_unlock(&c->lock);
}
