#include "runtime/serve/policy.h"

#include "runtime/base/assert.h"

#include <string.h>

/* Requests that wait, from which on a batch is waited for as the second or third window has it: with a few more others will
 * come soon, and with many a batch fills up by itself and is worth its time. */
#define FEW_WAIT        4
#define MANY_WAIT       16
#define LATENCY_DIVISOR 4 /* of batch_tokens, while little waits */

static const uint64_t usual_windows[] = {750000, 1000000, 2000000}; /* ns */

void policy_init(struct policy *p, const struct policy_options *options)
{
    memset(p, 0, sizeof *p);
    p->options = *options;
    struct policy_options *o = &p->options;
    for (size_t i = 0; i < sizeof usual_windows / sizeof *usual_windows; i++)
        o->windows[i] = o->windows[i] ? o->windows[i] : usual_windows[i];
    o->few = o->few ? o->few : FEW_WAIT;
    o->many = o->many ? o->many : MANY_WAIT;
    p->next_deadline = POLICY_NEVER;
}

/* ---- queues ---- */

/* To its place by its order, which is near the end. */
static void insert(struct policy *p, struct policy_entry *e, enum entry_place place)
{
    struct entry_queue *q = &p->queues[place][e->priority];
    ASSERT(e->place == ENTRY_OUT && place < ENTRY_OUT);
    struct policy_entry *before = q->last;
    while (before && before->order > e->order)
        before = before->prev;
    e->prev = before;
    e->next = before ? before->next : q->first;
    *(e->next ? &e->next->prev : &q->last) = e;
    *(before ? &before->next : &q->first) = e;
    e->place = place;
    q->n++;
    q->n_tokens += e->n_tokens;
}

void policy_remove(struct policy *p, struct policy_entry *e)
{
    if (e->place == ENTRY_OUT)
        return;
    struct entry_queue *q = &p->queues[e->place][e->priority];
    *(e->prev ? &e->prev->next : &q->first) = e->next;
    *(e->next ? &e->next->prev : &q->last) = e->prev;
    e->place = ENTRY_OUT;
    ASSERT(q->n > 0 && q->n_tokens >= e->n_tokens && (q->n == 1) == (q->first == NULL));
    q->n--;
    q->n_tokens -= e->n_tokens;
}

size_t policy_n_waiting(const struct policy *p, enum hone_priority class)
{
    size_t n = 0;
    for (size_t place = 0; place < ENTRY_N_PLACES; place++)
        n += p->queues[place][class].n;
    return n;
}

/* Requests for batches, of all classes, whether they are ready or not. */
static size_t n_waiting(const struct policy *p)
{
    size_t n = 0;
    for (size_t c = 0; c < HONE_N_PRIORITIES; c++)
        n += p->queues[ENTRY_PENDING][c].n + p->queues[ENTRY_READY][c].n;
    return n;
}

static uint64_t tokens_ready(const struct policy *p)
{
    return p->queues[ENTRY_READY][HONE_PRIORITY_INTERACTIVE].n_tokens +
           p->queues[ENTRY_READY][HONE_PRIORITY_BULK].n_tokens;
}

static uint64_t deadline_of(const struct policy_entry *e)
{
    return e->n_taken == 0 && e->queue_deadline < e->deadline ? e->queue_deadline : e->deadline;
}

bool policy_add(struct policy *p, struct policy_entry *e, uint64_t now)
{
    e->place = ENTRY_OUT;
    if (policy_n_waiting(p, e->priority) >= p->options.max_queue)
        return false;
    e->n_taken = 0;
    e->n_tokens = 0;
    e->since = now;
    e->order = p->next_order++;
    insert(p, e, e->generates ? ENTRY_PROMPT_PENDING : ENTRY_PENDING);
    if (deadline_of(e) < p->next_deadline)
        p->next_deadline = deadline_of(e);
    return true;
}

void policy_ready(struct policy *p, struct policy_entry *e, uint64_t now)
{
    enum entry_place place = e->generates ? ENTRY_PROMPT_READY : ENTRY_READY;
    ASSERT(e->place == (e->generates ? ENTRY_PROMPT_PENDING : ENTRY_PENDING));
    policy_remove(p, e);
    for (size_t i = 0; i < e->n_texts && e->costs; i++)
        e->n_tokens += e->costs[i];
    if (!p->queues[place][e->priority].first)
        p->queues[place][e->priority].waits_since = now;
    insert(p, e, place);
}

struct policy_entry *policy_expire(struct policy *p, uint64_t now)
{
    if (now < p->next_deadline)
        return NULL;
    uint64_t next = POLICY_NEVER;
    for (size_t i = 0; i < (size_t)ENTRY_N_PLACES * HONE_N_PRIORITIES; i++)
        for (struct policy_entry *e = p->queues[i / HONE_N_PRIORITIES][i % HONE_N_PRIORITIES].first; e;
             e = e->next) {
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

/* ---- when, and how much ---- */

uint64_t policy_window(const struct policy *p)
{
    size_t n = n_waiting(p);
    if (!p->options.adaptive_window)
        return p->options.window;
    return p->options.windows[n <= p->options.few ? 0 : n <= p->options.many ? 1 : 2];
}

/* With adaptive_batch: half of the tokens that wait, but at least a quarter of the usual batch. While little waits a batch is
 * short, and a request that arrives during it is soon served; while much waits batches are as large as ever, and nothing of
 * their speed is lost. */
size_t policy_batch_tokens(const struct policy *p)
{
    uint64_t most = p->options.batch_tokens, least = most / LATENCY_DIVISOR;
    if (p->options.adaptive_batch) {
        uint64_t half = tokens_ready(p) / 2;
        most = half > most ? most : half < least ? least : half;
    }
    return p->cap && p->cap < most ? p->cap : most;
}

/* When the next batch starts: 0 for at once. A client that sends its next request when it has its reply needs a moment for
 * that, so after a batch of several requests the scheduler waits a window of time for them. It stops waiting as soon as as
 * many are there as the last batch had, and never waits for a client that was alone. */
static uint64_t window_end(const struct policy *p)
{
    size_t n =
        p->queues[ENTRY_READY][HONE_PRIORITY_INTERACTIVE].n + p->queues[ENTRY_READY][HONE_PRIORITY_BULK].n;
    if (n == 0)
        return POLICY_NEVER;
    bool enough = n >= p->n_expected || tokens_ready(p) >= policy_batch_tokens(p);
    return enough ? 0 : p->last_end + policy_window(p);
}

uint64_t policy_wake(const struct policy *p)
{
    uint64_t end = window_end(p);
    return end < p->next_deadline ? end : p->next_deadline;
}

/* ---- batches ---- */

static struct entry_queue *choose(struct policy *p, enum entry_place place, uint64_t now)
{
    struct entry_queue *first = &p->queues[place][HONE_PRIORITY_INTERACTIVE],
                       *bulk = &p->queues[place][HONE_PRIORITY_BULK];
    if (!first->first || !bulk->first)
        return first->first ? first : bulk;
    return now - bulk->waits_since >= p->options.starvation ? bulk : first;
}

static size_t length_class(const struct policy *p, const struct policy_entry *e)
{
    size_t class = 0;
    while (class < p->options.n_lengths && e->costs[e->n_taken] > p->options.lengths[class])
        class ++;
    return class;
}

/* Of the texts that are its next ones. */
static uint64_t next_kind(const struct policy_entry *e)
{
    return e->n_taken < e->n_first ? e->first_kind : e->kind;
}

/* What is being put together. */
struct batch_plan {
    struct policy *policy;
    struct entry_queue *queue;
    struct slice *slices;
    size_t n;
    uint64_t room;     /* tokens */
    uint64_t now, end; /* entries of this order and later have had their turn */
};

/* Back to its queue, with texts that are left: at its end, so that the others have their turn. Where its first texts are of a
 * kind of their own, they are of no use without those behind them, and their batch was short: these keep its place. */
static void put_back(struct batch_plan *b, struct policy_entry *e)
{
    if (e->n_taken != e->n_first) {
        e->order = b->policy->next_order++;
        e->since = b->now;
    }
    insert(b->policy, e, ENTRY_READY);
    b->policy->n_unfinished++;
}

/* As many of its next texts as fit, and one at least where the batch is empty. */
static void take_texts(struct batch_plan *b, struct policy_entry *e)
{
    struct slice slice = {e, e->n_taken, 0};
    uint64_t n_tokens = 0;
    const size_t end = e->n_taken < e->n_first ? e->n_first : e->n_texts; /* of one kind */
    while (e->n_taken < end &&
           (e->costs[e->n_taken] <= b->room || (b->n == 0 && slice.n == 0) || (e->whole && slice.n > 0))) {
        uint64_t cost = e->costs[e->n_taken++];
        b->room -= cost < b->room ? cost : b->room;
        n_tokens += cost;
        slice.n++;
    }
    if (slice.n == 0)
        return;
    policy_remove(b->policy, e);
    e->n_tokens -= n_tokens;
    b->slices[b->n++] = slice;
    if (e->n_taken < e->n_texts)
        put_back(b, e);
}

enum preference { PREFER_OVERDUE, PREFER_LENGTH, PREFER_ANY, N_PREFERENCES };

static void fill(struct batch_plan *b, enum preference preference, uint64_t kind, size_t length)
{
    const struct policy_options *o = &b->policy->options;
    struct policy_entry *e = b->queue->first, *next;
    for (; e && e->order < b->end && b->n < o->max_parallel && b->room > 0; e = next) {
        next = e->next;
        bool fits = next_kind(e) == kind && kind != POLICY_ALONE;
        if (preference == PREFER_OVERDUE)
            fits = fits && b->now - e->since >= o->starvation;
        else if (preference == PREFER_LENGTH)
            fits = fits && length_class(b->policy, e) == length;
        if (fits)
            take_texts(b, e);
    }
}

size_t policy_take(struct policy *p, uint64_t now, struct slice slices[POLICY_SLICES], bool *fast)
{
    if (window_end(p) > now)
        return 0;
    struct batch_plan b = {.policy = p,
                           .queue = choose(p, ENTRY_READY, now),
                           .slices = slices,
                           .room = policy_batch_tokens(p),
                           .now = now,
                           .end = p->next_order};
    *fast = n_waiting(p) == 1 && p->n_expected <= 1;
    struct policy_entry *oldest = b.queue->first;
    uint64_t kind = next_kind(oldest);
    p->n_unfinished = 0;
    size_t length = length_class(p, oldest);
    take_texts(&b, oldest);
    for (enum preference i = 0; i < N_PREFERENCES; i++)
        fill(&b, i, kind, length);
    b.queue->waits_since = now;
    ASSERT(b.n > 0 && b.n <= p->options.max_parallel);
    return b.n;
}

void policy_done(struct policy *p, uint64_t now, size_t n_slices)
{
    p->last_end = now;
    p->n_expected = n_slices - p->n_unfinished + n_waiting(p);
}

struct policy_entry *policy_generate(struct policy *p, uint64_t now)
{
    struct entry_queue *q = choose(p, ENTRY_PROMPT_READY, now);
    struct policy_entry *e = q->first;
    if (!e)
        return NULL;
    policy_remove(p, e);
    q->waits_since = now;
    return e;
}
