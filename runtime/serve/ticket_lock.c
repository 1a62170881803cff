#include "runtime/serve/ticket_lock.h"

#include "runtime/base/assert.h"

struct ticket_lock ticket_lock_of_process = TICKET_LOCK_INITIALIZER;

/* A thread that waits. */
struct ticket_waiter {
    struct ticket_waiter *next;
    pthread_cond_t called;
    bool its_turn;
};

/* With the lock. */
static void wait_in_line(struct ticket_lock *t)
{
    struct ticket_waiter w = {.called = PTHREAD_COND_INITIALIZER};
    *(t->first ? &t->last->next : &t->first) = &w;
    t->last = &w; // cppcheck-suppress autoVariables ; it leaves the line before this function ends
    t->n_waiting++;
    while (!w.its_turn)
        pthread_cond_wait(&w.called, &t->lock);
    pthread_cond_destroy(&w.called);
}

void ticket_lock_acquire(struct ticket_lock *t)
{
    pthread_mutex_lock(&t->lock);
    if (t->taken)
        wait_in_line(t);
    t->taken = true;
    pthread_mutex_unlock(&t->lock);
}

bool ticket_lock_try(struct ticket_lock *t)
{
    pthread_mutex_lock(&t->lock);
    bool was_free = !t->taken;
    t->taken = true;
    pthread_mutex_unlock(&t->lock);
    return was_free;
}

/* It stays taken where somebody waits, so that nobody comes in between. */
void ticket_lock_release(struct ticket_lock *t)
{
    pthread_mutex_lock(&t->lock);
    ASSERT(t->taken);
    struct ticket_waiter *next = t->first;
    if (next) {
        t->first = next->next;
        t->n_waiting--;
        next->its_turn = true;
        pthread_cond_signal(&next->called);
    } else {
        t->taken = false;
    }
    pthread_mutex_unlock(&t->lock);
}

size_t ticket_lock_n_waiting(struct ticket_lock *t)
{
    pthread_mutex_lock(&t->lock);
    size_t n = t->n_waiting;
    pthread_mutex_unlock(&t->lock);
    return n;
}
