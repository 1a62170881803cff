#include "server/http/quota.h"

#include "runtime/base/assert.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define BUCKETS 4096 /* of the hash table; clients in one are looked through one by one */
#define MAX_CLIENTS                                                                                          \
    65536 /* more are not counted: who has so many addresses is not held up by a limit for each */
#define BUSY_MS 1000

struct quota {
    struct quota_id id;
    size_t n_requests;
    double left;   /* requests that it may begin now, */
    uint64_t then; /* as it was then; ns */
    struct quota *next;
};

static struct {
    pthread_mutex_t lock;
    XXH64_hash_t seed; /* 0: not yet drawn */
    struct quota *buckets[BUCKETS];
    size_t n, next_swept;
} table = {.lock = PTHREAD_MUTEX_INITIALIZER};

struct quota_id quota_of_key(uint64_t partition)
{
    return (struct quota_id){1, partition};
}

bool quota_of_address(struct quota_id *out, const struct sockaddr_storage *address)
{
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    *out = (struct quota_id){2, 0};
    if (address->ss_family == AF_INET) {
        out->low = ((const struct sockaddr_in *)address)->sin_addr.s_addr;
    } else if (address->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
        uint32_t v4;
        memcpy(&v4, v6->sin6_addr.s6_addr + 12, sizeof v4);
        out->low = v4;
    } else if (address->ss_family == AF_INET6) {
        out->high = 3;
        memcpy(&out->low, v6->sin6_addr.s6_addr, sizeof out->low);
    }
    return address->ss_family == AF_INET || address->ss_family == AF_INET6;
}

/* ---- under the lock ---- */

/* By a seed of the process: whoever has a /48 of IPv6 has 65,536 networks to choose from, and could otherwise come from those
 * that lie in one bucket, where each request would look through all of them. */
static struct quota **bucket_of(struct quota_id id, uint64_t now)
{
    if (!table.seed && getrandom(&table.seed, sizeof table.seed, 0) < 0)
        table.seed = now | 1;
    return &table.buckets[XXH3_64bits_withSeed(&id, sizeof id, table.seed) >> 52];
}
_Static_assert(BUCKETS == 1 << 12, "as many as 12 bits tell apart");

/* Who has no request and has not had one for so long that all is forgiven is forgotten. */
static void sweep(struct quota **place, const struct quota_limits *limits, uint64_t now)
{
    double seconds = limits->rate > 0 ? 1 + 1 / limits->rate : 0;
    while (*place) {
        struct quota *q = *place;
        if (q->n_requests > 0 || (double)(now - q->then) < seconds * 1e9) {
            place = &q->next;
            continue;
        }
        *place = q->next;
        table.n--;
        free(q);
    }
}

static struct quota *find(struct quota_id id, const struct quota_limits *limits, uint64_t now)
{
    struct quota **bucket = bucket_of(id, now), *q = *bucket;
    while (q && (q->id.high != id.high || q->id.low != id.low))
        q = q->next;
    if (q)
        return q;
    sweep(&table.buckets[table.next_swept++ % BUCKETS], limits, now);
    if (table.n >= MAX_CLIENTS || !(q = calloc(1, sizeof *q)))
        return NULL;
    q->id = id;
    q->then = now;
    q->left = fmax(limits->rate, 1);
    q->next = *bucket;
    *bucket = q;
    table.n++;
    return q;
}

/* Whether it may begin one now; else when. */
static bool may_begin(struct quota *q, const struct quota_limits *limits, uint64_t now, double *wait_ms)
{
    if (limits->max_requests > 0 && q->n_requests >= limits->max_requests) {
        *wait_ms = BUSY_MS;
        return false;
    }
    if (limits->rate > 0) {
        q->left = fmin(q->left + limits->rate * (double)(now - q->then) / 1e9, fmax(limits->rate, 1));
        q->then = now;
        if (q->left < 1) {
            *wait_ms = (1 - q->left) / limits->rate * 1e3;
            return false;
        }
        q->left--;
    }
    return true;
}

/* ---- for requests ---- */

struct quota *quota_enter(struct quota_id id, const struct quota_limits *limits, uint64_t now,
                          double *wait_ms)
{
    *wait_ms = 0;
    if (limits->max_requests == 0 && limits->rate <= 0)
        return NULL;
    pthread_mutex_lock(&table.lock);
    struct quota *q = find(id, limits, now);
    if (q && may_begin(q, limits, now, wait_ms))
        q->n_requests++;
    else
        q = NULL;
    pthread_mutex_unlock(&table.lock);
    return q;
}

void quota_leave(struct quota *q)
{
    if (!q)
        return;
    pthread_mutex_lock(&table.lock);
    ASSERT(q->n_requests > 0);
    q->n_requests--;
    pthread_mutex_unlock(&table.lock);
}
