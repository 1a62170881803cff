/* Which of the waiting requests are computed next. It knows no threads and no clock: the caller tells the time, in
 * nanoseconds, so that a simulation can. Not thread-safe; the caller owns the entries.
 *
 * There is a queue for each class. Interactive requests go first, but a class that has waited for `starvation` gets
 * the next batch. The oldest request of a queue is always in its batch; others of its kind, oldest first, fill it up
 * to batch_tokens. A request whose texts don't fit in one batch goes to the end of its queue with what is left, so
 * that it never holds up the others for longer than a batch. */
#ifndef RUNTIME_SCHEDULER_POLICY_H
#define RUNTIME_SCHEDULER_POLICY_H

#include "runtime/hone.h"

#define POLICY_NEVER  UINT64_MAX
#define POLICY_ALONE  0   /* the kind of what is never computed together with anything */
#define POLICY_SLICES 512 /* requests in a batch, at most */

struct entry {
    enum hone_priority priority;
    uint64_t kind;           /* requests of the same kind can be computed together */
    const uint32_t *costs;   /* [n_texts] tokens, about */
    size_t n_texts, n_taken; /* texts first to last; those before n_taken are computed, or are being so */
    uint64_t queue_deadline; /* for its first text to be taken; POLICY_NEVER: none */
    uint64_t deadline;       /* for all of it */

    /* The policy's own. */
    struct entry *prev, *next;
    bool queued;
    uint64_t n_tokens; /* of the texts that were not taken */
};

struct policy_options {
    size_t batch_tokens, max_queue;
    uint64_t window, starvation; /* ns */
};

struct entry_queue {
    struct entry *first, *last;
    size_t n;
    uint64_t n_tokens;
    uint64_t waits_since; /* that it is not empty, or its last batch began */
};

struct policy {
    struct policy_options options;
    struct entry_queue queues[HONE_N_PRIORITIES];
    uint64_t last_end;      /* of a batch */
    size_t n_expected;      /* requests in it, and those that waited when it ended */
    uint64_t next_deadline; /* no deadline of an entry is before it */
};

struct slice {
    struct entry *entry;
    size_t first, n; /* texts */
};

void policy_init(struct policy *p, const struct policy_options *options);

/* false: the queue of its class is full. */
bool policy_add(struct policy *p, struct entry *e, uint64_t now);

/* Takes it out of its queue, if it is in one. */
void policy_remove(struct policy *p, struct entry *e);

/* Takes out and returns a request whose time is over; NULL: there is none. */
struct entry *policy_expire(struct policy *p, uint64_t now);

/* The next batch: n slices, 0 if there is nothing to do yet. A request leaves its queue with its last text. *fast:
 * there was one request alone, and it did not wait. Between this and policy_done no other batch may be taken. */
size_t policy_take(struct policy *p, uint64_t now, struct slice slices[POLICY_SLICES], bool *fast);
void policy_done(struct policy *p, uint64_t now, size_t n_slices);

/* When to ask again if nothing is added before. */
uint64_t policy_wake(const struct policy *p);

#endif
