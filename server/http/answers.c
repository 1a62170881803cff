#include "server/http/answers.h"
#include "server/http/connections.h"
#include "server/http/response.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define BUCKETS  4096
#define OVERHEAD 1024 /* bytes of an entry beside its texts, about */

struct answers_entry {
    uint64_t hash, made; /* ns */
    const struct route *route;
    uint64_t partition;
    struct response *response;
    struct answers_entry *same;          /* the next one in its bucket */
    struct answers_entry *newer, *older; /* by use */
    size_t n_body;
    char body[]; /* of the request */
};

struct answers {
    pthread_mutex_t lock;
    size_t max_bytes;
    double max_age;
    const struct clock *clock;
    uint64_t seed; /* so that nobody can choose texts of one bucket */
    struct answers_entry *buckets[BUCKETS];
    struct answers_entry *newest, *oldest;
    struct answers_stats stats;
};

struct answers *answers_new(size_t max_bytes, double max_age, const struct clock *clock)
{
    struct answers *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    pthread_mutex_init(&a->lock, NULL);
    a->max_bytes = max_bytes;
    a->max_age = max_age;
    a->clock = clock;
    if (getrandom(&a->seed, sizeof a->seed, 0) < 0)
        a->seed = clock_now(a->clock);
    return a;
}

/* ---- under the lock ---- */

static size_t bytes_of(const struct answers_entry *e)
{
    return OVERHEAD + e->n_body + e->response->body.size;
}

static void unlink_use(struct answers *a, struct answers_entry *e)
{
    if (e->newer)
        e->newer->older = e->older;
    else
        a->newest = e->older;
    if (e->older)
        e->older->newer = e->newer;
    else
        a->oldest = e->newer;
}

static void link_newest(struct answers *a, struct answers_entry *e)
{
    e->newer = NULL;
    e->older = a->newest;
    if (a->newest)
        a->newest->newer = e;
    else
        a->oldest = e;
    a->newest = e;
}

static void drop(struct answers *a, struct answers_entry *e)
{
    struct answers_entry **place = &a->buckets[e->hash % BUCKETS];
    while (*place != e)
        place = &(*place)->same;
    *place = e->same;
    unlink_use(a, e);
    a->stats.n_entries--;
    a->stats.n_bytes -= bytes_of(e);
    response_release(e->response);
    free(e);
}

static void make_room(struct answers *a, size_t n_bytes)
{
    for (struct answers_entry *e = a->oldest, *newer; e && a->stats.n_bytes + n_bytes > a->max_bytes;
         e = newer) {
        newer = e->newer;
        drop(a, e);
    }
}

static struct answers_entry *look_up(struct answers *a, uint64_t hash, const struct route *route,
                                     uint64_t partition, struct hone_text body)
{
    struct answers_entry *e = a->buckets[hash % BUCKETS];
    while (e && (e->hash != hash || e->route != route || e->partition != partition ||
                 e->n_body != body.size || memcmp(e->body, body.data, body.size) != 0))
        e = e->same;
    if (e && a->max_age > 0 && (double)(clock_now(a->clock) - e->made) / 1e9 > a->max_age) {
        drop(a, e);
        e = NULL;
    }
    return e;
}

/* ---- for the server ---- */

struct response *answers_find(struct answers *a, const struct route *route, uint64_t partition,
                              struct hone_text body)
{
    struct response *found = NULL;
    if (a->max_bytes == 0 || body.size == 0)
        return NULL;
    uint64_t hash = XXH3_64bits_withSeed(body.data, body.size, a->seed);
    pthread_mutex_lock(&a->lock);
    struct answers_entry *e = look_up(a, hash, route, partition, body);
    if (e) {
        unlink_use(a, e);
        link_newest(a, e);
        found = response_use(e->response);
        a->stats.n_hits++;
    } else {
        a->stats.n_misses++;
    }
    pthread_mutex_unlock(&a->lock);
    return found;
}

static struct answers_entry *new_entry(const struct answers *a, const struct route *route, uint64_t partition,
                                       struct hone_text body, struct response *response)
{
    struct answers_entry *e = malloc(sizeof *e + body.size);
    if (!e)
        return NULL;
    *e = (struct answers_entry){.hash = XXH3_64bits_withSeed(body.data, body.size, a->seed),
                                .made = clock_now(a->clock),
                                .route = route,
                                .partition = partition,
                                .response = response,
                                .n_body = body.size};
    memcpy(e->body, body.data, body.size);
    return e;
}

void answers_keep(struct answers *a, const struct route *route, uint64_t partition, struct hone_text body,
                  struct response *response)
{
    bool fits = body.size > 0 && OVERHEAD + body.size + response->body.size <= a->max_bytes / 8;
    struct answers_entry *e = fits ? new_entry(a, route, partition, body, response) : NULL;
    if (!e)
        return;
    pthread_mutex_lock(&a->lock);
    bool is_new = !look_up(a, e->hash, route, partition, body); /* unless another request was faster */
    if (is_new) {
        response_use(response);
        make_room(a, bytes_of(e));
        e->same = a->buckets[e->hash % BUCKETS];
        a->buckets[e->hash % BUCKETS] = e;
        link_newest(a, e);
        a->stats.n_entries++;
        a->stats.n_bytes += bytes_of(e);
    }
    pthread_mutex_unlock(&a->lock);
    if (!is_new)
        free(e);
}

void answers_stats(struct answers *a, struct answers_stats *out)
{
    pthread_mutex_lock(&a->lock);
    *out = a->stats;
    pthread_mutex_unlock(&a->lock);
}

void answers_free(struct answers *a)
{
    if (!a)
        return;
    for (struct answers_entry *e = a->newest, *next; e; e = next) {
        next = e->older;
        response_release(e->response);
        free(e);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}
