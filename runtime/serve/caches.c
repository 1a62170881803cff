#include "runtime/serve/caches.h"

#include "runtime/base/hash.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NS_A_SECOND      1e9
#define DEFAULT_PATIENCE 5e6 /* ns */
#define MOST_NS          1e18

/* ---- all ---- */

static uint64_t to_ns(double value, double ns)
{
    double n = value * ns;
    return n > 0 && n < MOST_NS ? (uint64_t)n : 0;
}

enum hone_status caches_init(struct caches *c, const struct hone_model *model,
                             const struct hone_scheduler_options *options, const struct clock *clock,
                             struct hone_error *err)
{
    uint64_t lifetime = to_ns(options->cache_seconds, NS_A_SECOND);
    *c = (struct caches){.clock = clock};
    if (!hash_secret_of_process(0))
        return hone_fail(err, HONE_FAILED,
                         "the system gives no random numbers, which the keys of caches need");
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        if (options->cache_bytes[i] > 0 && !(c->caches[i] = cache_new(options->cache_bytes[i], lifetime)))
            return hone_no_memory(err, "a cache", sizeof *c);
    if (!options->redis)
        return HONE_OK;
    struct redis_options redis = {
        .address = options->redis, .patience = to_ns(options->redis_ms, 1e6), .lifetime = lifetime};
    redis.patience = redis.patience ? redis.patience : (uint64_t)DEFAULT_PATIENCE;
    if (!caches_digest_model(&c->model, model))
        return hone_no_memory(err, "the keys of a model", sizeof c->model);
    return redis_new(&c->redis, &redis, err);
}

void caches_release(struct caches *c)
{
    for (size_t i = 0; i < HONE_N_CACHES; i++)
        cache_free(c->caches[i]);
    redis_free(c->redis);
}

bool caches_keep_rows(const struct caches *c, enum hone_cache which)
{
    return c->caches[which] || c->redis;
}

void caches_stats(struct caches *c, struct hone_cache_stats out[HONE_N_CACHES])
{
    for (size_t i = 0; i < HONE_N_CACHES; i++) {
        out[i] = (struct hone_cache_stats){0};
        if (c->caches[i])
            cache_stats(c->caches[i], clock_now(c->clock), &out[i]);
        out[i].n_remote_hits = c->remote[i].n_hits;
        out[i].n_remote_misses = c->remote[i].n_misses;
        out[i].n_remote_failures = c->redis && i != HONE_CACHE_TOKENS ? redis_failures(c->redis) : 0;
    }
}

/* ---- tokens ---- */

struct token_value {
    uint64_t n, n_full;
    uint64_t invalid;
    int32_t ids[]; /* [n], then uint8_t type_ids [n] */
};

bool caches_get_tokens(struct caches *c, struct cache_key key, struct token_run *run)
{
    size_t size;
    struct cache *cache = c->caches[HONE_CACHE_TOKENS];
    struct token_value *v = cache ? cache_get(cache, key, clock_now(c->clock), &size) : NULL;
    if (!v)
        return false;
    *run = (struct token_run){.n = v->n, .n_full = v->n_full, .invalid = v->invalid != 0};
    size_t n_bytes = run->n * (sizeof *run->ids + 1);
    memmove(v, v->ids, n_bytes);
    run->ids = (int32_t *)v;
    run->type_ids = (uint8_t *)(run->ids + run->n);
    return true;
}

void caches_put_tokens(struct caches *c, struct cache_key key, const struct token_run *run)
{
    struct cache *cache = c->caches[HONE_CACHE_TOKENS];
    size_t size = sizeof(struct token_value) + run->n * (sizeof *run->ids + 1);
    struct token_value *v = cache ? malloc(size) : NULL;
    if (!v)
        return;
    *v = (struct token_value){run->n, run->n_full, run->invalid};
    if (run->n > 0) {
        memcpy(v->ids, run->ids, run->n * sizeof *run->ids);
        memcpy(v->ids + run->n, run->type_ids, run->n);
    }
    cache_put(cache, key, v, size, clock_now(c->clock));
    free(v);
}

/* ---- rows ---- */

struct row_value {
    uint32_t n_tokens, truncated;
    float row[];
};

static size_t row_size(const struct cached_row *r)
{
    return sizeof(struct row_value) + r->width * sizeof *r->row;
}

static bool is_finite(const float *row, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(row[i]))
            return false;
    return true;
}

/* A value may come from Redis, where anybody may have written it: one of another size, or with numbers that are not finite, which
 * are never kept, counts as not found. */
static void take_row(struct cached_row *r, const struct row_value *v, size_t size)
{
    if (!v || size != row_size(r) || !is_finite(v->row, r->width))
        return;
    memcpy(r->row, v->row, r->width * sizeof *r->row);
    r->n_tokens = v->n_tokens;
    r->truncated = v->truncated != 0;
    r->found = true;
}

static void name_key(struct redis_value *v, struct shared_key key)
{
    size_t n = (size_t)snprintf(v->name, sizeof v->name, "hone:");
    for (size_t i = 0; i < sizeof key.bytes; i++)
        n += (size_t)snprintf(v->name + n, sizeof v->name - n, "%02x", key.bytes[i]);
}

static void put_local(struct caches *c, enum hone_cache which, const struct cached_row *row,
                      const void *value)
{
    if (c->caches[which])
        cache_put(c->caches[which], row->key.here, value, row_size(row), clock_now(c->clock));
}

static void get_remote(struct caches *c, enum hone_cache which, struct cached_row *rows, size_t n)
{
    struct redis_value *values = calloc(n, sizeof *values);
    size_t n_asked = 0, k = 0, n_found = 0;
    for (size_t i = 0; values && i < n; i++)
        if (!rows[i].found)
            name_key(&values[n_asked++], rows[i].key.shared);
    redis_get(c->redis, values, n_asked);
    for (size_t i = 0; k < n_asked && i < n; i++) {
        if (rows[i].found)
            continue;
        struct redis_value *v = &values[k++];
        take_row(&rows[i], v->data, v->size);
        if (rows[i].found)
            put_local(c, which, &rows[i], v->data);
        n_found += rows[i].found;
        free(v->data);
    }
    atomic_fetch_add_explicit(&c->remote[which].n_hits, n_found, memory_order_relaxed);
    atomic_fetch_add_explicit(&c->remote[which].n_misses, n_asked - n_found, memory_order_relaxed);
    free(values);
}

void caches_get_rows(struct caches *c, enum hone_cache which, struct cached_row *rows, size_t n)
{
    uint64_t now = clock_now(c->clock);
    for (size_t i = 0; c->caches[which] && i < n; i++) {
        size_t size = 0;
        void *value = cache_get(c->caches[which], rows[i].key.here, now, &size);
        take_row(&rows[i], value, size);
        free(value);
    }
    if (c->redis)
        get_remote(c, which, rows, n);
}

void caches_get_row_again(struct caches *c, enum hone_cache which, struct cached_row *row)
{
    size_t size = 0;
    if (!c->caches[which])
        return;
    void *value = cache_get_again(c->caches[which], row->key.here, clock_now(c->clock), &size);
    take_row(row, value, size);
    free(value);
}

void caches_put_row(struct caches *c, enum hone_cache which, const struct cached_row *row)
{
    size_t size = row_size(row);
    struct row_value *v = malloc(size);
    struct redis_value named = {.data = NULL};
    if (!v)
        return;
    *v = (struct row_value){row->n_tokens, row->truncated};
    memcpy(v->row, row->row, row->width * sizeof *row->row);
    put_local(c, which, row, v);
    if (c->redis) {
        name_key(&named, row->key.shared);
        redis_put(c->redis, named.name, v, size);
    }
    free(v);
}
