#include "runtime/base/assert.h"
#include "server/http/fail.h"
#include "server/manager/inside.h"

#include <stdlib.h>

const char *const model_state_names[] = {"unloaded", "loading", "loading", "ready", "unloading", "failed"};

struct manager *manager_new(const struct manager_ops *ops, const struct clock *clock, size_t budget)
{
    struct manager *g = calloc(1, sizeof *g);
    pthread_condattr_t attr;
    if (!g)
        return NULL;
    pthread_mutex_init(&g->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&g->changed, &attr);
    pthread_condattr_destroy(&attr);
    g->ops = *ops;
    g->clock = clock;
    g->budget = budget;
    return g;
}

void manager_free(struct manager *g)
{
    if (!g)
        return;
    ASSERT(!g->models);
    pthread_mutex_lock(&g->lock);
    g->stopped = true;
    tell(g);
    pthread_mutex_unlock(&g->lock);
    if (g->has_thread)
        pthread_join(g->thread, NULL);
    pthread_cond_destroy(&g->changed);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* ---- for others ---- */

void manager_set_budget(struct manager *g, size_t budget)
{
    pthread_mutex_lock(&g->lock);
    g->budget = budget;
    tell(g);
    pthread_mutex_unlock(&g->lock);
}

void manager_set_base(struct manager *g, size_t base)
{
    pthread_mutex_lock(&g->lock);
    g->base = base;
    pthread_mutex_unlock(&g->lock);
}

size_t manager_budget(struct manager *g)
{
    pthread_mutex_lock(&g->lock);
    size_t n = g->budget;
    pthread_mutex_unlock(&g->lock);
    return n;
}

size_t manager_used(struct manager *g)
{
    pthread_mutex_lock(&g->lock);
    size_t n = loading_used(g);
    pthread_mutex_unlock(&g->lock);
    return n;
}

enum hone_status manager_add(struct manager *g, struct managed *m, struct hone_error *err)
{
    pthread_mutex_lock(&g->lock);
    struct managed **at = &g->models;
    while (*at)
        at = &(*at)->next;
    *at = m;
    enum hone_status status = loading_check_fits(g, m, err);
    if (status != HONE_OK)
        *at = NULL;
    else if (m->when != LOAD_DEMAND)
        loading_want(g, m, false);
    pthread_mutex_unlock(&g->lock);
    return status;
}

void manager_remove(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    waiting_end(g, m, HONE_CANCELLED, "the server is ending", 0);
    m->draining = m->unload = true;
    if (m->state == MODEL_WANTED)
        m->state = MODEL_UNLOADED;
    tell(g);
    while (is_in_memory(m))
        pthread_cond_wait(&g->changed, &g->lock);
    struct managed **at = &g->models;
    while (*at != m)
        at = &(*at)->next;
    *at = m->next;
    m->next = NULL;
    tell(g);
    pthread_mutex_unlock(&g->lock);
}

/* Whether it would be late in any case. */
static bool is_hopeless(const struct manager *g, const struct managed *m, const struct waiting *w)
{
    double left = (double)(int64_t)(w->until - now_of(g)) / 1e9;
    return w->until && m->load_seconds > 0 && waiting_retry(g, m) / 1e3 > left;
}

enum manager_answer manager_enter(struct manager *g, struct managed *m, struct waiting *w, double *retry_ms,
                                  struct hone_error *err)
{
    enum manager_answer answer = MANAGER_WAITS;
    pthread_mutex_lock(&g->lock);
    m->used = now_of(g);
    if (m->state == MODEL_READY && !m->draining && !m->unload) {
        m->pins++;
        pthread_mutex_unlock(&g->lock);
        return MANAGER_THERE;
    }
    if (!w) {
        pthread_mutex_unlock(&g->lock);
        return MANAGER_WAITS;
    }
    loading_want(g, m, true);
    if (m->state == MODEL_FAILED) {
        *err = m->failure;
        *retry_ms = waiting_retry_of_failure(m);
        answer = MANAGER_REFUSED;
    } else if (m->n_waiting >= m->most_waiting) {
        *retry_ms = waiting_retry(g, m);
        fail(err, HONE_BUSY, "%zu requests wait for the model '%s' already, which is being loaded",
             m->n_waiting, m->name);
        answer = MANAGER_REFUSED;
    } else if (is_hopeless(g, m, w)) {
        *retry_ms = waiting_retry(g, m);
        fail(err, HONE_LATE, "the model '%s' is being loaded, which takes about %.1f s", m->name,
             *retry_ms / 1e3);
        answer = MANAGER_REFUSED;
    } else {
        waiting_add(g, m, w);
        tell(g);
    }
    pthread_mutex_unlock(&g->lock);
    return answer;
}

void manager_hold(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    ASSERT(m->pins > 0);
    m->pins++;
    pthread_mutex_unlock(&g->lock);
}

bool manager_hold_if_ready(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    bool there = m->state == MODEL_READY;
    m->pins += there;
    pthread_mutex_unlock(&g->lock);
    return there;
}

void manager_let_go(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    ASSERT(m->pins > 0);
    if (--m->pins == 0)
        tell(g);
    pthread_mutex_unlock(&g->lock);
}

bool manager_cancel(struct manager *g, struct managed *m, uint64_t ticket)
{
    if (!(ticket & TICKET_BIT))
        return false;
    pthread_mutex_lock(&g->lock);
    struct waiting *w = waiting_take(m, ticket);
    pthread_mutex_unlock(&g->lock);
    if (w)
        w->go(w, HONE_CANCELLED, "the request was cancelled", 0);
    return true;
}

void manager_want(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    m->failed = 0;
    m->used = now_of(g);
    if (m->state == MODEL_READY && m->draining && !m->unload)
        m->draining = false;
    if (m->state == MODEL_FAILED)
        m->state = MODEL_UNLOADED;
    loading_want(g, m, true);
    pthread_mutex_unlock(&g->lock);
}

void manager_unload(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    if (m->state == MODEL_WANTED && !m->first)
        m->state = MODEL_UNLOADED;
    m->unload = m->state == MODEL_READY || m->state == MODEL_LOADING;
    tell(g);
    pthread_mutex_unlock(&g->lock);
}

void manager_status(struct manager *g, struct managed *m, struct model_status *out)
{
    pthread_mutex_lock(&g->lock);
    *out = (struct model_status){.state = m->state,
                                 .keep = m->keep,
                                 .was_ready = m->was_ready,
                                 .draining = m->draining,
                                 .pins = m->pins,
                                 .n_waiting = m->n_waiting,
                                 .held = is_in_memory(m) ? m->held : 0,
                                 .need = m->need,
                                 .light = m->light,
                                 .load_seconds = m->load_seconds,
                                 .n_loads = m->n_loads,
                                 .n_unloads = m->n_unloads,
                                 .n_failures = m->n_failures,
                                 .failure = m->failure};
    pthread_mutex_unlock(&g->lock);
}

void manager_settle(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    while (m->state == MODEL_WANTED || m->state == MODEL_LOADING)
        pthread_cond_wait(&g->changed, &g->lock);
    pthread_mutex_unlock(&g->lock);
}
