/* What the manager's thread does: it loads what is wanted, makes room for it, and ends what waits too long. */
#include "runtime/base/assert.h"
#include "server/http/fail.h"
#include "server/manager/inside.h"

#include <math.h>
#include <stdio.h>

#define IDLE_WAIT 60.0 /* s: when nothing is to be done, and nothing will be unless somebody says so */

/* ---- memory ---- */

size_t loading_used(const struct manager *g)
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
    size_t used = loading_used(g);
    return used < g->budget ? g->budget - used : 0;
}

enum hone_status loading_check_fits(const struct manager *g, const struct managed *m, struct hone_error *err)
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

/* ---- what is wanted ---- */

void loading_want(struct manager *g, struct managed *m, bool asked)
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
        loading_want(g, m, true);
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
        waiting_admit(g, m);
        return;
    }
    m->state = MODEL_FAILED;
    m->failed = now_of(g);
    m->failure = err;
    m->held = 0;
    m->asked = false;
    m->n_failures++;
    tell(g);
    waiting_end(g, m, err.status, err.message, waiting_retry_of_failure(m));
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
    struct waiting *late = waiting_take_late(g, &m, &next);
    if (late) {
        char sentence[256];
        snprintf(sentence, sizeof sentence,
                 "the model '%.128s' is being loaded, and the request's time is over", m->name);
        double retry = waiting_retry(g, m);
        pthread_mutex_unlock(&g->lock);
        late->go(late, HONE_LATE, sentence, retry);
        pthread_mutex_lock(&g->lock);
        return true;
    }
    double left = next < UINT64_MAX ? (double)(int64_t)(next - now_of(g)) / 1e9 : IDLE_WAIT;
    *wait = left < IDLE_WAIT ? fmax(left, 0) : IDLE_WAIT;
    if ((m = next_to_stay(g))) {
        m->draining = false;
        waiting_admit(g, m);
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
