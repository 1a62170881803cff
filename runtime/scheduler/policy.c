#include "runtime/scheduler/policy.h"

#include <string.h>

void policy_init(struct policy *p, const struct policy_options *options)
{
    memset(p, 0, sizeof *p);
    p->options = *options;
    p->next_deadline = POLICY_NEVER;
}

/* ---- queues ---- */

static void append(struct entry_queue *q, struct entry *e)
{
    e->prev = q->last;
    e->next = NULL;
    if (q->last)
        q->last->next = e;
    else
        q->first = e;
    q->last = e;
    e->queued = true;
    q->n++;
    q->n_tokens += e->n_tokens;
}

static void unlink_entry(struct entry_queue *q, struct entry *e)
{
    if (e->prev)
        e->prev->next = e->next;
    else
        q->first = e->next;
    if (e->next)
        e->next->prev = e->prev;
    else
        q->last = e->prev;
    e->queued = false;
    q->n--;
    q->n_tokens -= e->n_tokens;
}

static uint64_t deadline_of(const struct entry *e)
{
    return e->n_taken == 0 && e->queue_deadline < e->deadline ? e->queue_deadline : e->deadline;
}

bool policy_add(struct policy *p, struct entry *e, uint64_t now)
{
    struct entry_queue *q = &p->queues[e->priority];
    if (q->n >= p->options.max_queue)
        return false;
    e->n_taken = 0;
    e->n_tokens = 0;
    for (size_t i = 0; i < e->n_texts; i++)
        e->n_tokens += e->costs[i];
    if (!q->first)
        q->waits_since = now;
    append(q, e);
    if (deadline_of(e) < p->next_deadline)
        p->next_deadline = deadline_of(e);
    return true;
}

void policy_remove(struct policy *p, struct entry *e)
{
    if (e->queued)
        unlink_entry(&p->queues[e->priority], e);
}

struct entry *policy_expire(struct policy *p, uint64_t now)
{
    if (now < p->next_deadline)
        return NULL;
    uint64_t next = POLICY_NEVER;
    for (size_t c = 0; c < HONE_N_PRIORITIES; c++)
        for (struct entry *e = p->queues[c].first; e; e = e->next) {
            uint64_t deadline = deadline_of(e);
            if (deadline <= now) {
                policy_remove(p, e);
                return e;
            }
            next = deadline < next ? deadline : next;
        }
    p->next_deadline = next;
    return NULL;
}

/* ---- batches ---- */

/* When the window of time ends in which more requests may come to be computed together. There is none unless several
 * were there the last time; it starts with the end of the last batch, and ends as soon as as many wait as if all that
 * had their replies then came again. */
static uint64_t window_end(const struct policy *p)
{
    size_t n = 0;
    uint64_t n_tokens = 0;
    for (size_t c = 0; c < HONE_N_PRIORITIES; c++) {
        n += p->queues[c].n;
        n_tokens += p->queues[c].n_tokens;
    }
    if (n == 0)
        return POLICY_NEVER;
    bool enough = n >= p->n_expected || n_tokens >= p->options.batch_tokens;
    return enough ? 0 : p->last_end + p->options.window;
}

static struct entry_queue *choose(struct policy *p, uint64_t now)
{
    struct entry_queue *first = &p->queues[HONE_INTERACTIVE], *bulk = &p->queues[HONE_BULK];
    if (!first->first || !bulk->first)
        return first->first ? first : bulk;
    return now - bulk->waits_since >= p->options.starvation ? bulk : first;
}

/* As many of its next texts as fit, and one at least where the batch is empty. */
static struct slice take_texts(struct policy *p, struct entry *e, uint64_t *room, bool first)
{
    struct slice slice = {e, e->n_taken, 0};
    struct entry_queue *q = &p->queues[e->priority];
    while (e->n_taken < e->n_texts && (e->costs[e->n_taken] <= *room || (first && slice.n == 0))) {
        uint64_t cost = e->costs[e->n_taken++];
        *room -= cost < *room ? cost : *room;
        e->n_tokens -= cost;
        q->n_tokens -= cost;
        slice.n++;
    }
    return slice;
}

size_t policy_take(struct policy *p, uint64_t now, struct slice slices[POLICY_SLICES], bool *fast)
{
    if (window_end(p) > now)
        return 0;
    struct entry_queue *q = choose(p, now);
    uint64_t room = p->options.batch_tokens, kind = q->first->kind;
    size_t n = 0, n_waiting = q->n;
    *fast = p->queues[HONE_INTERACTIVE].n + p->queues[HONE_BULK].n == 1 && p->n_expected <= 1;
    struct entry *e = q->first, *next;
    for (size_t i = 0; i < n_waiting && n < POLICY_SLICES && room > 0; i++, e = next) {
        next = e->next;
        if (n > 0 && (e->kind != kind || kind == POLICY_ALONE))
            continue;
        struct slice slice = take_texts(p, e, &room, n == 0);
        if (slice.n == 0)
            continue;
        slices[n++] = slice;
        unlink_entry(q, e);
        if (e->n_taken < e->n_texts)
            append(q, e);
    }
    q->waits_since = now;
    return n;
}

void policy_done(struct policy *p, uint64_t now, size_t n_slices)
{
    p->last_end = now;
    p->n_expected = n_slices + p->queues[HONE_INTERACTIVE].n + p->queues[HONE_BULK].n;
}

uint64_t policy_wake(const struct policy *p)
{
    uint64_t end = window_end(p);
    return end < p->next_deadline ? end : p->next_deadline;
}
