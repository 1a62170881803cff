/* Whose turn it is to compute: of all schedulers in the process one at a time, in the order in which they ask, so that
 * two passes never fight for the cores and their caches. */
#ifndef RUNTIME_SERVE_TURN_H
#define RUNTIME_SERVE_TURN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

struct turn_waiter;
struct turn {
    pthread_mutex_t lock;
    bool taken;
    struct turn_waiter *first, *last; /* in the order in which they came */
    size_t n_waiting;
};

#define TURN_INITIALIZER                                                                                     \
    {                                                                                                        \
        .lock = PTHREAD_MUTEX_INITIALIZER                                                                    \
    }

/* What all schedulers share. */
extern struct turn turn_of_process;

/* Waits for the calling thread's turn. */
void turn_take(struct turn *turn);
/* false: somebody has it, or waits for it. */
bool turn_try(struct turn *turn);
void turn_give(struct turn *turn);

/* Threads that wait for theirs. */
size_t turn_n_waiting(struct turn *turn);

#endif
