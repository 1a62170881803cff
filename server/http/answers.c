#include "server/http/answers.h"
#include "runtime/base/tables/lru.h"
#include "runtime/base/text.h"
#include "server/http/connections.h"
#include "server/http/response.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xxhash.h>

#define OVERHEAD 1024 /* bytes of an entry beside its texts, about */
#define SWEPT    4    /* that are too old leave with each that comes, so that they get fewer */

/* A ring, from the oldest on. */
struct answers_by_age {
    struct answers_by_age *prev, *next;
};

struct answers_entry {
    struct lru_entry lru; /* first, so that an entry of the list is one of these */
    struct answers_by_age age;
    uint64_t made; /* ns */
    const struct route *route;
    uint64_t partition;
    struct response *response;
    size_t n_body;
    char body[]; /* of the request */
};

struct answers {
    pthread_mutex_t lock;
    double max_age, old_age;
    const struct clock *clock;
    uint64_t seed; /* so that nobody can choose texts of one hash */
    struct lru entries;
    struct answers_by_age ages; /* the ring's end: next is the oldest */
    uint64_t n_hits, n_misses;
};

struct question {
    const struct route *route;
    uint64_t partition;
    struct hone_text body;
};

static bool same_question(const struct hash_node *node, const void *key)
{
    const struct answers_entry *e = (const struct answers_entry *)node;
    const struct question *q = key;
    return e->route == q->route && e->partition == q->partition &&
           text_equal((struct hone_text){e->body, e->n_body}, q->body);
}

static void release_entry(struct lru_entry *entry)
{
    struct answers_entry *e = (struct answers_entry *)entry;
    e->age.prev->next = e->age.next;
    e->age.next->prev = e->age.prev;
    response_release(e->response);
    free(e);
}

struct answers *answers_new(size_t max_bytes, double max_age, double old_age, const struct clock *clock)
{
    struct answers *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    pthread_mutex_init(&a->lock, NULL);
    a->entries = (struct lru){.max_bytes = max_bytes, .same = same_question, .release = release_entry};
    a->ages = (struct answers_by_age){&a->ages, &a->ages};
    a->max_age = max_age;
    a->old_age = old_age;
    a->clock = clock;
    if (getrandom(&a->seed, sizeof a->seed, 0) < 0)
        a->seed = clock_now(a->clock);
    return a;
}

static uint64_t hash_of(const struct answers *a, const struct question *q)
{
    return XXH3_64bits_withSeed(q->body.data, q->body.size, a->seed);
}

static double age_of(const struct answers *a, const struct answers_entry *e)
{
    return (double)(clock_now(a->clock) - e->made) / 1e9;
}

/* Under the lock: of those that are too old for anything at most n leave. */
static void sweep(struct answers *a, size_t n)
{
    for (size_t i = 0; i < n && a->ages.next != &a->ages && a->max_age > 0; i++) {
        struct answers_entry *oldest =
            (struct answers_entry *)((char *)a->ages.next - offsetof(struct answers_entry, age));
        if (age_of(a, oldest) <= a->max_age || age_of(a, oldest) <= a->old_age)
            return;
        lru_remove(&a->entries, &oldest->lru);
    }
}

/* Under the lock. One that is too old for anything is dropped; NULL, too, where it is older than max_age (0: any). */
static struct answers_entry *look_up(struct answers *a, uint64_t hash, const struct question *q,
                                     double max_age)
{
    struct answers_entry *e = (struct answers_entry *)lru_find(&a->entries, hash, q);
    if (!e || max_age == 0 || age_of(a, e) <= max_age)
        return e;
    if (age_of(a, e) > a->max_age && age_of(a, e) > a->old_age)
        lru_remove(&a->entries, &e->lru);
    return NULL;
}

struct response *answers_find(struct answers *a, const struct route *route, uint64_t partition,
                              struct hone_text body)
{
    struct question q = {route, partition, body};
    struct response *found = NULL;
    if (a->entries.max_bytes == 0 || body.size == 0)
        return NULL;
    uint64_t hash = hash_of(a, &q);
    pthread_mutex_lock(&a->lock);
    struct answers_entry *e = look_up(a, hash, &q, a->max_age);
    if (e) {
        lru_use(&a->entries, &e->lru);
        found = response_use(e->response);
    }
    a->n_hits += found != NULL;
    a->n_misses += found == NULL;
    pthread_mutex_unlock(&a->lock);
    return found;
}

struct response *answers_find_old(struct answers *a, const struct route *route, uint64_t partition,
                                  struct hone_text body, double max_age)
{
    struct question q = {route, partition, body};
    if (a->entries.max_bytes == 0 || body.size == 0)
        return NULL;
    uint64_t hash = hash_of(a, &q);
    pthread_mutex_lock(&a->lock);
    struct answers_entry *e = look_up(a, hash, &q, max_age);
    struct response *found = e ? response_use(e->response) : NULL;
    pthread_mutex_unlock(&a->lock);
    return found;
}

static struct answers_entry *new_entry(const struct answers *a, const struct question *q,
                                       struct response *response)
{
    struct answers_entry *e = malloc(sizeof *e + q->body.size);
    if (!e)
        return NULL;
    *e = (struct answers_entry){.made = clock_now(a->clock),
                                .route = q->route,
                                .partition = q->partition,
                                .response = response_use(response),
                                .n_body = q->body.size};
    e->age = (struct answers_by_age){&e->age, &e->age};
    text_put(e->body, q->body);
    return e;
}

void answers_keep(struct answers *a, const struct route *route, uint64_t partition, struct hone_text body,
                  struct response *response)
{
    struct question q = {route, partition, body};
    size_t n_bytes = OVERHEAD + body.size + response->body.size;
    bool fits = body.size > 0 && n_bytes <= a->entries.max_bytes / 8;
    struct answers_entry *e = fits ? new_entry(a, &q, response) : NULL;
    if (!e)
        return;
    uint64_t hash = hash_of(a, &q);
    pthread_mutex_lock(&a->lock);
    struct answers_entry *old = (struct answers_entry *)lru_find(&a->entries, hash, &q);
    if (old && a->max_age > 0 && age_of(a, old) > a->max_age) {
        lru_remove(&a->entries, &old->lru);
        old = NULL;
    }
    /* Unless another request was faster. */
    bool is_kept = !old && lru_add(&a->entries, &e->lru, hash, n_bytes);
    if (is_kept) {
        e->age = (struct answers_by_age){a->ages.prev, &a->ages};
        a->ages.prev->next = &e->age;
        a->ages.prev = &e->age;
    }
    sweep(a, SWEPT);
    pthread_mutex_unlock(&a->lock);
    if (!is_kept)
        release_entry(&e->lru);
}

void answers_stats(struct answers *a, struct answers_stats *out)
{
    pthread_mutex_lock(&a->lock);
    sweep(a, SIZE_MAX);
    *out = (struct answers_stats){a->n_hits, a->n_misses, lru_count(&a->entries), a->entries.n_bytes};
    pthread_mutex_unlock(&a->lock);
}

void answers_free(struct answers *a)
{
    if (!a)
        return;
    lru_clear(&a->entries);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
