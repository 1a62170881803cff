/* Which of the waiting requests are computed next. It knows no threads and no clock: the caller tells the time, in
 * nanoseconds, so that a simulation can. Not thread-safe; the caller owns the entries.
 *
 * Requests of a class wait in order of arrival; those whose token ids are still being made are passed over, and take
 * their old place when they are ready. Interactive requests go first, but a class that has waited for `starvation` gets
 * the next batch. The oldest request of a queue is always in its batch. Others of its kind fill it up to batch_tokens:
 * first those that have waited for `starvation`, then those of the same class of length, then all; each oldest first. A
 * request whose texts don't fit in one batch goes to the end of its queue with what is left, so that it never holds up
 * the others for longer than a batch. One whose first texts are of a kind of their own keeps its place for the others.
 *
 * Texts to be generated wait in queues of their own, since they join those that are being generated one by one. */
#ifndef RUNTIME_SERVE_POLICY_H
#define RUNTIME_SERVE_POLICY_H

#include <hone/hone.h>
#include <hone/scheduler.h>

#define POLICY_NEVER   UINT64_MAX
#define POLICY_ALONE   0   /* the kind of what is never computed together with anything */
#define POLICY_SLICES  512 /* requests in a batch, at most */
#define POLICY_LENGTHS 8

enum entry_place {
    ENTRY_PENDING, /* its token ids are being made */
    ENTRY_READY,
    ENTRY_PROMPT_PENDING, /* the same of a text to be generated */
    ENTRY_PROMPT_READY,
    ENTRY_N_PLACES,
    ENTRY_OUT = ENTRY_N_PLACES, /* in no queue */
};

struct policy_entry {
    enum hone_priority priority;
    bool generates;      /* text, of a prompt */
    uint64_t kind;       /* requests of the same kind can be computed together */
    uint64_t first_kind; /* of its first n_first texts, which go before the others; another one than `kind` */
    size_t n_first;
    bool whole;              /* its texts are of no use apart: they go into one batch, whatever they cost */
    const uint32_t *costs;   /* [n_texts] tokens, when it is ready */
    size_t n_texts, n_taken; /* texts first to last; those before n_taken are computed, or are being so */
    uint64_t queue_deadline; /* for its first text to be taken; POLICY_NEVER: none */
    uint64_t deadline;       /* for all of it */

    /* The policy's own. */
    struct policy_entry *prev, *next;
    enum entry_place place;
    uint64_t order;    /* in its queue */
    uint64_t since;    /* when it came, or its last texts were taken */
    uint64_t n_tokens; /* of the texts that were not taken */
};

struct policy_options {
    size_t batch_tokens, max_queue, max_parallel; /* max_parallel: requests in a batch */
    uint64_t window, starvation;                  /* ns */
    size_t lengths[POLICY_LENGTHS], n_lengths;    /* longest texts of each class of length but the last */
    bool adaptive_window, adaptive_batch;
    uint64_t windows
        [3]; /* ns, of adaptive_window: while at most `few` requests wait, `many`, and more; 0: the usual ones */
    size_t few, many;
};

struct entry_queue {
    struct policy_entry *first, *last;
    size_t n;
    uint64_t n_tokens;
    uint64_t waits_since; /* when it stopped being empty, or when something was last taken from it */
};

struct policy {
    struct policy_options options;
    struct entry_queue queues[ENTRY_N_PLACES][HONE_N_PRIORITIES];
    size_t
        cap; /* the most tokens of a batch while texts are being generated, which it keeps waiting; set by the caller; 0: no limit */
    uint64_t next_order;
    uint64_t last_end;      /* of a batch */
    size_t n_unfinished;    /* requests in it with texts that wait for the next one */
    size_t n_expected;      /* requests in it, and others that waited when it ended */
    uint64_t next_deadline; /* no deadline of an entry is before it */
};

struct slice {
    struct policy_entry *entry;
    size_t first, n; /* texts */
};

void policy_init(struct policy *p, const struct policy_options *options);

/* Its token ids are being made from now on. false: the queue of its class is full. */
bool policy_add(struct policy *p, struct policy_entry *e, uint64_t now);
/* They are there, and its costs. */
void policy_ready(struct policy *p, struct policy_entry *e, uint64_t now);

/* Takes it out of its queue, if it is in one. */
void policy_remove(struct policy *p, struct policy_entry *e);

/* Takes out and returns a request whose time is over; NULL: there is none. */
struct policy_entry *policy_expire(struct policy *p, uint64_t now);

/* The next batch: n slices, 0 if there is nothing to do yet. A request leaves its queue with its last text. *fast:
 * there was one request alone, and it did not wait. Between this and policy_done no other batch may be taken. */
size_t policy_take(struct policy *p, uint64_t now, struct slice slices[POLICY_SLICES], bool *fast);
void policy_done(struct policy *p, uint64_t now, size_t n_slices);

/* Takes out and returns the request that is to be generated next; NULL: there is none. */
struct policy_entry *policy_generate(struct policy *p, uint64_t now);

/* When to ask for a batch or for those whose time is over if nothing is added before. */
uint64_t policy_wake(const struct policy *p);

/* Requests of a class that wait, whatever for. */
size_t policy_n_waiting(const struct policy *p, enum hone_priority class);
uint64_t policy_window(const struct policy *p);     /* as it is now */
size_t policy_batch_tokens(const struct policy *p); /* as it is now */

#endif
