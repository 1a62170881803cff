/* What the manager's own files share: what it holds, who waits for a model, and what is wanted. All under its lock. */
#ifndef SERVER_MANAGER_INSIDE_H
#define SERVER_MANAGER_INSIDE_H

#include "server/manager/manager.h"

#include <pthread.h>

#define TICKET_BIT (1ull << 63) /* no scheduler's number has it */

struct manager {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool has_thread, stopped;
    struct manager_ops ops;
    const struct clock *clock;
    size_t budget, base;
    uint64_t last_ticket;
    struct managed *models;
};

static inline uint64_t now_of(const struct manager *g)
{
    return clock_now(g->clock);
}

static inline double seconds_since(const struct manager *g, uint64_t then)
{
    return (double)(int64_t)(now_of(g) - then) / 1e9;
}

/* Something has changed. */
static inline void tell(struct manager *g)
{
    pthread_cond_broadcast(&g->changed);
}

static inline bool is_in_memory(const struct managed *m)
{
    return m->state == MODEL_LOADING || m->state == MODEL_READY || m->state == MODEL_LEAVING;
}

/* ---- waiting.c: who waits for a model ---- */

/* Takes the first one out, or that of a ticket; NULL: there is none. */
struct waiting *waiting_take(struct managed *m, uint64_t ticket);
void waiting_add(struct manager *g, struct managed *m, struct waiting *w);
/* Ends all that waits for it, as the model's failure has it. Leaves the lock meanwhile. */
void waiting_end(struct manager *g, struct managed *m, enum hone_status status, const char *message,
                 double retry_ms);
/* The model is there: each that waits holds it, and goes on. Leaves the lock meanwhile. */
void waiting_admit(struct manager *g, struct managed *m);
/* The first one whose time is over; *next: when that will be of another. */
struct waiting *waiting_take_late(struct manager *g, struct managed **whose, uint64_t *next);
/* ms until it may be there, by how long loading took before. */
double waiting_retry(const struct manager *g, const struct managed *m);
/* Of a failure that will be over soon by itself: ms until then. */
double waiting_retry_of_failure(const struct managed *m);

/* ---- loading.c: what is in memory, and what is to be ---- */

size_t loading_used(const struct manager *g);
/* HONE_FAILED: it can never be in memory beside what always is. */
enum hone_status loading_check_fits(const struct manager *g, const struct managed *m, struct hone_error *err);
/* It is to be loaded. asked: by somebody who waits. */
void loading_want(struct manager *g, struct managed *m, bool asked);

#endif
