/* Whose turn it is to compute: of all schedulers in the process one at a time, in the order in which they ask, so that
 * two passes never fight for the cores and their caches. */
#ifndef RUNTIME_SERVE_TICKET_LOCK_H
#define RUNTIME_SERVE_TICKET_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct ticket_waiter;
struct ticket_lock {
    pthread_mutex_t lock;
    bool taken;
    struct ticket_waiter *first, *last; /* in the order in which they came */
    size_t n_waiting;
};

#define TICKET_LOCK_INITIALIZER                                                                              \
    {                                                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                                    \
    }

/* What all schedulers share. */
extern struct ticket_lock ticket_lock_of_process;

/* Waits for the calling thread's turn. */
void ticket_lock_acquire(struct ticket_lock *t);
/* false: somebody has it, or waits for it. */
bool ticket_lock_try(struct ticket_lock *t);
void ticket_lock_release(struct ticket_lock *t);

/* Threads that wait for theirs. */
size_t ticket_lock_n_waiting(struct ticket_lock *t);

#endif
