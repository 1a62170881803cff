#include "runtime/serve/ticket_lock.h"

struct ticket_lock turn_of_process = TURN_INITIALIZER;

/* A thread that waits. */
struct turn_waiter {
    struct turn_waiter *next;
    pthread_cond_t called;
    bool its_turn;
};

/* With the lock. */
static void wait_in_line(struct ticket_lock *turn)
{
    struct turn_waiter w = {.called = PTHREAD_COND_INITIALIZER};
    *(turn->first ? &turn->last->next : &turn->first) = &w;
    turn->last = &w;
    turn->n_waiting++;
    while (!w.its_turn)
        pthread_cond_wait(&w.called, &turn->lock);
    pthread_cond_destroy(&w.called);
}

void ticket_lock_acquire(struct ticket_lock *turn)
{
    pthread_mutex_lock(&turn->lock);
    if (turn->taken)
        wait_in_line(turn);
    turn->taken = true;
    pthread_mutex_unlock(&turn->lock);
}

bool ticket_lock_try(struct ticket_lock *turn)
{
    pthread_mutex_lock(&turn->lock);
    bool was_free = !turn->taken;
    turn->taken = true;
    pthread_mutex_unlock(&turn->lock);
    return was_free;
}

/* It stays taken where somebody waits, so that nobody comes in between. */
void ticket_lock_release(struct ticket_lock *turn)
{
    pthread_mutex_lock(&turn->lock);
    struct turn_waiter *next = turn->first;
    if (next) {
        turn->first = next->next;
        turn->n_waiting--;
        next->its_turn = true;
        pthread_cond_signal(&next->called);
    } else {
        turn->taken = false;
    }
    pthread_mutex_unlock(&turn->lock);
}

size_t turn_n_waiting(struct ticket_lock *turn)
{
    pthread_mutex_lock(&turn->lock);
    size_t n = turn->n_waiting;
    pthread_mutex_unlock(&turn->lock);
    return n;
}
