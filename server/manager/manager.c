#include "server/manager/manager.h"

#include "runtime/base/assert.h"
#include "server/http/fail.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICKET_BIT (1ull << 63) /* no scheduler's number has it */
#define IDLE_WAIT  60.0 /* s: when nothing is to be done, and nothing will be unless somebody says so */

const char *const model_state_names[] = {"unloaded", "loading", "loading", "ready", "unloading", "failed"};

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

static uint64_t now_of(const struct manager *g)
{
    return clock_now(g->clock);
}

static double seconds_since(const struct manager *g, uint64_t then)
{
    return (double)(int64_t)(now_of(g) - then) / 1e9;
}

/* Under the lock: something has changed. */
static void tell(struct manager *g)
{
    pthread_cond_broadcast(&g->changed);
}

/* ---- memory ---- */

static bool is_in_memory(const struct managed *m)
{
    return m->state == MODEL_LOADING || m->state == MODEL_READY || m->state == MODEL_LEAVING;
}

static size_t used_by_all(const struct manager *g)
{
    size_t n = g->base;
    for (const struct managed *m = g->models; m; m = m->next)
        n += m->light + (is_in_memory(m) ? m->held : 0);
    return n;
}

/* What there is without any model but those that never leave. */
static size_t fixed(const struct manager *g, const struct managed *but)
{
    size_t n = g->base;
    for (const struct managed *m = g->models; m; m = m->next)
        n += m->light + (m->keep && m != but ? m->need : 0);
    return n;
}

static size_t room_in(const struct manager *g)
{
    size_t used = used_by_all(g);
    return used < g->budget ? g->budget - used : 0;
}

static enum hone_status check_fits(const struct manager *g, const struct managed *m, struct hone_error *err)
{
    size_t others = fixed(g, m);
    if (m->need <= g->budget && others <= g->budget - m->need)
        return HONE_OK;
    return fail(err, HONE_FAILED,
                "the model '%s' does not fit: it needs %.1f MB (%s), %.1f MB are always taken, and there are "
                "%.1f MB of memory",
                m->name, (double)m->need / 1e6, m->sum ? m->sum : "", (double)others / 1e6,
                (double)g->budget / 1e6);
}

/* ---- who waits ---- */

/* Takes the first one out, or that of a ticket. Under the lock. */
static struct waiting *take_waiting(struct managed *m, uint64_t ticket)
{
    struct waiting **at = &m->first;
    while (*at && ticket && (*at)->ticket != ticket)
        at = &(*at)->next;
    struct waiting *w = *at;
    if (!w)
        return NULL;
    *at = w->next;
    if (m->last == &w->next)
        m->last = at;
    m->n_waiting--;
    w->next = NULL;
    return w;
}

static void add_waiting(struct manager *g, struct managed *m, struct waiting *w)
{
    if (!m->first)
        m->last = &m->first;
    w->ticket = TICKET_BIT | ++g->last_ticket;
    w->since = now_of(g);
    w->next = NULL;
    *m->last = w;
    m->last = &w->next;
    m->n_waiting++;
}

/* ms until it may be there, by how long loading took before. */
static double retry_of(const struct manager *g, const struct managed *m)
{
    double left = m->load_seconds > 0 ? m->load_seconds : 1;
    if (m->state == MODEL_LOADING)
        left -= seconds_since(g, m->wanted);
    return left > 0.1 ? 1e3 * left : 100;
}

/* Of a failure that will be over soon by itself: ms until then. */
static double retry_of_failure(const struct managed *m)
{
    return m->failure.status == HONE_LATE ? 1e3 * MANAGER_RETRY : 0;
}

/* Ends all that waits for it, as the model's failure has it. Takes the lock, and leaves it meanwhile. */
static void end_waiting(struct manager *g, struct managed *m, enum hone_status status, const char *message,
                        double retry_ms)
{
    struct waiting *w;
    while ((w = take_waiting(m, 0))) {
        pthread_mutex_unlock(&g->lock);
        w->go(w, status, message, retry_ms);
        pthread_mutex_lock(&g->lock);
    }
}

/* The model is there: each that waits holds it, and goes on. */
static void admit_waiting(struct manager *g, struct managed *m)
{
    struct waiting *w;
    while (m->state == MODEL_READY && !m->draining && (w = take_waiting(m, 0))) {
        m->pins++;
        pthread_mutex_unlock(&g->lock);
        w->go(w, HONE_OK, "", 0);
        pthread_mutex_lock(&g->lock);
    }
}

/* The first one whose time is over; *next: when that will be of another. Under the lock. */
static struct waiting *take_late(struct manager *g, struct managed **whose, uint64_t *next)
{
    uint64_t now = now_of(g);
    *next = UINT64_MAX;
    for (struct managed *m = g->models; m; m = m->next)
        for (struct waiting *w = m->first; w; w = w->next) {
            if (w->until && w->until <= now) {
                *whose = m;
                return take_waiting(m, w->ticket);
            }
            *next = w->until && w->until < *next ? w->until : *next;
        }
    return NULL;
}

/* ---- what is wanted ---- */

static void want(struct manager *g, struct managed *m, bool asked)
{
    if (m->state == MODEL_FAILED && asked && seconds_since(g, m->failed) < MANAGER_RETRY)
        return;
    if (m->state == MODEL_UNLOADED || m->state == MODEL_FAILED) {
        m->state = MODEL_WANTED;
        m->wanted = now_of(g);
    }
    m->asked |= asked;
    tell(g);
}

/* Whether a goes before b. */
static bool is_first(const struct managed *a, const struct managed *b)
{
    if (a->asked != b->asked)
        return a->asked;
    if (!a->asked && a->when != b->when)
        return a->when == LOAD_START || b->when == LOAD_BACKGROUND;
    if (a->bulk != b->bulk)
        return b->bulk;
    return a->wanted < b->wanted;
}

static struct managed *next_wanted(const struct manager *g)
{
    struct managed *best = NULL;
    for (struct managed *m = g->models; m; m = m->next)
        if (m->state == MODEL_WANTED && (!best || is_first(m, best)))
            best = m;
    return best;
}

/* The one that was used longest ago, idle or not, of those that may leave for m. */
static struct managed *pick_victim(const struct manager *g, bool idle)
{
    struct managed *best = NULL;
    for (struct managed *m = g->models; m; m = m->next)
        if (m->state == MODEL_READY && !m->keep && (idle ? m->pins == 0 && !m->first : !m->draining) &&
            (!best || m->used < best->used))
            best = m;
    return best;
}

static bool somebody_leaves(const struct manager *g)
{
    for (struct managed *m = g->models; m; m = m->next)
        if (m->state == MODEL_READY && m->draining)
            return true;
    return false;
}

/* ---- loading and unloading, on the thread ---- */

static void unload(struct manager *g, struct managed *m)
{
    ASSERT(m->pins == 0);
    m->state = MODEL_LEAVING;
    pthread_mutex_unlock(&g->lock);
    g->ops.unload(m);
    pthread_mutex_lock(&g->lock);
    m->state = MODEL_UNLOADED;
    m->draining = m->unload = m->asked = false;
    m->held = 0;
    m->n_unloads++;
    if (m->first)
        want(g, m, true);
    tell(g);
}

static void load(struct manager *g, struct managed *m)
{
    struct hone_error err = {0};
    size_t room = room_in(g), held = m->need;
    uint64_t began = now_of(g);
    m->state = MODEL_LOADING;
    m->held = m->need;
    pthread_mutex_unlock(&g->lock);
    enum hone_status status = g->ops.load(m, room, &held, &err);
    pthread_mutex_lock(&g->lock);
    if (status == HONE_OK) {
        m->state = MODEL_READY;
        m->held = held;
        m->was_ready = true;
        m->load_seconds = seconds_since(g, began);
        m->used = now_of(g);
        m->n_loads++;
        m->draining = false;
        tell(g);
        admit_waiting(g, m);
        return;
    }
    m->state = MODEL_FAILED;
    m->failed = now_of(g);
    m->failure = err;
    m->held = 0;
    m->asked = false;
    m->n_failures++;
    tell(g);
    end_waiting(g, m, err.status, err.message, retry_of_failure(m));
}

/* A step towards room for m. False: nothing can be done now. */
static bool make_room(struct manager *g, struct managed *m, double *wait)
{
    struct managed *idle = pick_victim(g, true);
    if (!m->asked && m->when != LOAD_START) { /* for its own sake nobody leaves */
        m->state = MODEL_UNLOADED;
        tell(g);
        return true;
    }
    if (idle) {
        unload(g, idle);
        return true;
    }
    double waited = seconds_since(g, m->wanted), left = MANAGER_PATIENCE - waited;
    if (left > 0) {
        *wait = left < *wait ? left : *wait;
        return false;
    }
    struct managed *busy = somebody_leaves(g) ? NULL : pick_victim(g, false);
    if (busy)
        busy->draining = true;
    return busy != NULL;
}

/* Somebody is to leave, and nobody holds it any more. */
static struct managed *next_to_unload(const struct manager *g)
{
    for (struct managed *m = g->models; m; m = m->next)
        if (m->state == MODEL_READY && m->pins == 0 && (m->draining || m->unload))
            return m;
    return NULL;
}

/* Whom nobody needs to leave for any more may stay, and those that came for it meanwhile go on. */
static struct managed *next_to_stay(const struct manager *g)
{
    for (struct managed *m = g->models; m; m = m->next)
        if (m->state == MODEL_READY && m->draining && !m->unload && !next_wanted(g))
            return m;
    return NULL;
}

static bool step(struct manager *g, double *wait)
{
    uint64_t next;
    struct managed *m = NULL;
    struct waiting *late = take_late(g, &m, &next);
    if (late) {
        char sentence[256];
        snprintf(sentence, sizeof sentence,
                 "the model '%.128s' is being loaded, and the request's time is over", m->name);
        double retry = retry_of(g, m);
        pthread_mutex_unlock(&g->lock);
        late->go(late, HONE_LATE, sentence, retry);
        pthread_mutex_lock(&g->lock);
        return true;
    }
    double left = next < UINT64_MAX ? (double)(int64_t)(next - now_of(g)) / 1e9 : IDLE_WAIT;
    *wait = left < IDLE_WAIT ? fmax(left, 0) : IDLE_WAIT;
    if ((m = next_to_stay(g))) {
        m->draining = false;
        admit_waiting(g, m);
        return true;
    }
    if ((m = next_to_unload(g))) {
        unload(g, m);
        return true;
    }
    m = next_wanted(g);
    if (!m)
        return false;
    if (m->need <= room_in(g)) {
        load(g, m);
        return true;
    }
    return make_room(g, m, wait);
}

bool manager_step(struct manager *g, double *wait)
{
    pthread_mutex_lock(&g->lock);
    bool did = step(g, wait);
    pthread_mutex_unlock(&g->lock);
    return did;
}

/* ---- its thread ---- */

static void wait_for_change(struct manager *g, double seconds)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t ns = (uint64_t)until.tv_nsec + (uint64_t)(seconds * 1e9) + 100000; /* not a moment too early */
    until.tv_sec += (time_t)(ns / 1000000000);
    until.tv_nsec = (long)(ns % 1000000000);
    pthread_cond_timedwait(&g->changed, &g->lock, &until);
}

static void *run(void *arg)
{
    struct manager *g = arg;
    pthread_mutex_lock(&g->lock);
    while (!g->stopped) {
        double wait = IDLE_WAIT;
        if (!step(g, &wait) && !g->stopped)
            wait_for_change(g, wait);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

enum hone_status manager_start(struct manager *g, struct hone_error *err)
{
    g->has_thread = pthread_create(&g->thread, NULL, run, g) == 0;
    return g->has_thread ? HONE_OK : fail_errno(err, HONE_FAILED, "there is no thread to load models");
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
    size_t n = used_by_all(g);
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
    enum hone_status status = check_fits(g, m, err);
    if (status != HONE_OK)
        *at = NULL;
    else if (m->when != LOAD_DEMAND)
        want(g, m, false);
    pthread_mutex_unlock(&g->lock);
    return status;
}

void manager_remove(struct manager *g, struct managed *m)
{
    pthread_mutex_lock(&g->lock);
    end_waiting(g, m, HONE_CANCELLED, "the server is ending", 0);
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
    return w->until && m->load_seconds > 0 && retry_of(g, m) / 1e3 > left;
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
    want(g, m, true);
    if (m->state == MODEL_FAILED) {
        *err = m->failure;
        *retry_ms = retry_of_failure(m);
        answer = MANAGER_REFUSED;
    } else if (m->n_waiting >= m->most_waiting) {
        *retry_ms = retry_of(g, m);
        fail(err, HONE_BUSY, "%zu requests wait for the model '%s' already, which is being loaded",
             m->n_waiting, m->name);
        answer = MANAGER_REFUSED;
    } else if (is_hopeless(g, m, w)) {
        *retry_ms = retry_of(g, m);
        fail(err, HONE_LATE, "the model '%s' is being loaded, which takes about %.1f s", m->name,
             *retry_ms / 1e3);
        answer = MANAGER_REFUSED;
    } else {
        add_waiting(g, m, w);
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
    struct waiting *w = take_waiting(m, ticket);
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
    want(g, m, true);
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
