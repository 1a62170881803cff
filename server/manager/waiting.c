/* Who waits for a model that is not in memory. */
#include "server/manager/inside.h"

struct waiting *waiting_take(struct managed *m, uint64_t ticket)
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

void waiting_add(struct manager *g, struct managed *m, struct waiting *w)
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

double waiting_retry(const struct manager *g, const struct managed *m)
{
    double left = m->load_seconds > 0 ? m->load_seconds : 1;
    if (m->state == MODEL_LOADING)
        left -= seconds_since(g, m->wanted);
    return left > 0.1 ? 1e3 * left : 100;
}

double waiting_retry_of_failure(const struct managed *m)
{
    return m->failure.status == HONE_LATE ? 1e3 * MANAGER_RETRY : 0;
}

void waiting_end(struct manager *g, struct managed *m, enum hone_status status, const char *message,
                 double retry_ms)
{
    struct waiting *w;
    while ((w = waiting_take(m, 0))) {
        pthread_mutex_unlock(&g->lock);
        w->go(w, status, message, retry_ms);
        pthread_mutex_lock(&g->lock);
    }
}

void waiting_admit(struct manager *g, struct managed *m)
{
    struct waiting *w;
    while (m->state == MODEL_READY && !m->draining && (w = waiting_take(m, 0))) {
        m->pins++;
        pthread_mutex_unlock(&g->lock);
        w->go(w, HONE_OK, "", 0);
        pthread_mutex_lock(&g->lock);
    }
}

struct waiting *waiting_take_late(struct manager *g, struct managed **whose, uint64_t *next)
{
    uint64_t now = now_of(g);
    *next = UINT64_MAX;
    for (struct managed *m = g->models; m; m = m->next)
        for (struct waiting *w = m->first; w; w = w->next) {
            if (w->until && w->until <= now) {
                *whose = m;
                return waiting_take(m, w->ticket);
            }
            *next = w->until && w->until < *next ? w->until : *next;
        }
    return NULL;
}
