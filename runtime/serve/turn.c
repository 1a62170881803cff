#include "runtime/serve/turn.h"

#include <pthread.h>
#include <stddef.h>

/* A thread that waits. */
struct waiting {
    struct waiting *next;
    pthread_cond_t called;
    bool its_turn;
};

static struct {
    pthread_mutex_t lock;
    bool taken;
    struct waiting *first, **end;
} turn = {.lock = PTHREAD_MUTEX_INITIALIZER, .end = &turn.first};

void turn_take(void)
{
    struct waiting w = {.called = PTHREAD_COND_INITIALIZER};
    pthread_mutex_lock(&turn.lock);
    if (turn.taken) {
        *turn.end = &w;
        turn.end = &w.next;
        while (!w.its_turn)
            pthread_cond_wait(&w.called, &turn.lock);
    }
    turn.taken = true;
    pthread_mutex_unlock(&turn.lock);
    pthread_cond_destroy(&w.called);
}

bool turn_try(void)
{
    pthread_mutex_lock(&turn.lock);
    bool was_free = !turn.taken;
    turn.taken = true;
    pthread_mutex_unlock(&turn.lock);
    return was_free;
}

void turn_give(void)
{
    pthread_mutex_lock(&turn.lock);
    struct waiting *next = turn.first;
    if (next) {
        turn.first = next->next;
        turn.end = turn.first ? turn.end : &turn.first;
        next->its_turn = true;
        pthread_cond_signal(&next->called);
    } else {
        turn.taken = false;
    }
    pthread_mutex_unlock(&turn.lock);
}
