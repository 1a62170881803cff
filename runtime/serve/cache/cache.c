#include "runtime/serve/cache/cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 1024

struct cache_value {
    struct cache_key key;
    struct cache_value *next;          /* of the same slot */
    struct cache_value *newer, *older; /* by last use */
    uint64_t made;                     /* when */
    size_t size;
    unsigned char bytes[];
};

struct cache {
    pthread_mutex_t lock;
    struct cache_value **slots; /* a power of two of them */
    size_t n_slots;
    struct cache_value *newest, *oldest;
    size_t max_bytes;
    uint64_t lifetime;
    struct hone_cache_stats stats;
};

struct cache *cache_new(size_t max_bytes, uint64_t lifetime)
{
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->slots = calloc(FIRST_SLOTS, sizeof(struct cache_value *));
    if (!c->slots) {
        free(c);
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    c->n_slots = FIRST_SLOTS;
    c->max_bytes = max_bytes;
    c->lifetime = lifetime;
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    for (struct cache_value *v = c->newest, *next; v; v = next) {
        next = v->older;
        free(v);
    }
    pthread_mutex_destroy(&c->lock);
    free(c->slots);
    free(c);
}

/* ---- with the lock ---- */

static size_t bytes_of(size_t size)
{
    return sizeof(struct cache_value) + size + sizeof(struct cache_value *);
}

static struct cache_value **slot_of(const struct cache *c, struct cache_key key)
{
    return &c->slots[key.low & (c->n_slots - 1)];
}

static struct cache_value **find(const struct cache *c, struct cache_key key)
{
    struct cache_value **v = slot_of(c, key);
    while (*v && !cache_key_same((*v)->key, key))
        v = &(*v)->next;
    return v;
}

static void leave_order(struct cache *c, struct cache_value *v)
{
    *(v->newer ? &v->newer->older : &c->newest) = v->older;
    *(v->older ? &v->older->newer : &c->oldest) = v->newer;
}

static void enter_order(struct cache *c, struct cache_value *v)
{
    v->newer = NULL;
    v->older = c->newest;
    *(c->newest ? &c->newest->newer : &c->oldest) = v;
    c->newest = v;
}

static void drop(struct cache *c, struct cache_value **at)
{
    struct cache_value *v = *at;
    *at = v->next;
    leave_order(c, v);
    c->stats.n_entries--;
    c->stats.n_bytes -= bytes_of(v->size);
    free(v);
}

static bool is_old(const struct cache *c, const struct cache_value *v, uint64_t now)
{
    return c->lifetime > 0 && now - v->made >= c->lifetime;
}

/* Twice as many slots; without memory they stay as they are. */
static void grow(struct cache *c)
{
    struct cache_value **slots = calloc(2 * c->n_slots, sizeof(struct cache_value *));
    if (!slots)
        return;
    free(c->slots);
    c->slots = slots;
    c->n_slots *= 2;
    for (struct cache_value *v = c->newest; v; v = v->older) {
        struct cache_value **slot = slot_of(c, v->key);
        v->next = *slot;
        *slot = v;
    }
}

/* ---- for all ---- */

void *cache_get(struct cache *c, struct cache_key key, uint64_t now, size_t *size)
{
    void *copy = NULL;
    pthread_mutex_lock(&c->lock);
    struct cache_value **at = find(c, key), *v = *at;
    if (v && is_old(c, v, now)) {
        drop(c, at);
        c->stats.n_expired++;
        v = NULL;
    }
    if (v && (copy = malloc(v->size + 1))) {
        memcpy(copy, v->bytes, v->size);
        *size = v->size;
        leave_order(c, v);
        enter_order(c, v);
    }
    c->stats.n_hits += copy != NULL;
    c->stats.n_misses += copy == NULL;
    pthread_mutex_unlock(&c->lock);
    return copy;
}

void cache_put(struct cache *c, struct cache_key key, const void *value, size_t size, uint64_t now)
{
    struct cache_value *v = bytes_of(size) <= c->max_bytes ? malloc(sizeof *v + size) : NULL;
    if (!v)
        return;
    *v = (struct cache_value){.key = key, .made = now, .size = size};
    memcpy(v->bytes, value, size);
    pthread_mutex_lock(&c->lock);
    struct cache_value **at = find(c, key);
    if (*at)
        drop(c, at);
    while (c->stats.n_bytes + bytes_of(size) > c->max_bytes) {
        c->stats.n_evicted++;
        drop(c, find(c, c->oldest->key));
    }
    if (c->stats.n_entries >= c->n_slots)
        grow(c);
    at = slot_of(c, key);
    v->next = *at;
    *at = v;
    enter_order(c, v);
    c->stats.n_entries++;
    c->stats.n_bytes += bytes_of(size);
    pthread_mutex_unlock(&c->lock);
}

void cache_stats(struct cache *c, struct hone_cache_stats *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->stats;
    out->max_bytes = c->max_bytes;
    pthread_mutex_unlock(&c->lock);
}
