#include "runtime/scheduler/turn.h"

#include <omp.h>
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
    bool wanted = turn.first != NULL;
    pthread_mutex_unlock(&turn.lock);
    /* The other's team comes next: idle threads of this one's would spin beside it. */
    if (wanted)
        omp_pause_resource_all(omp_pause_soft);
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
