#include "runtime/pass.h"

#include <stdatomic.h>
#include <time.h>

#define LEAST_SECONDS 1e-3 /* shorter ones tell nothing, and lose nothing */
#define LEAST_SHARE   0.6  /* of the time, that the threads should have run */
#define FIRST_PAUSE   16   /* passes with one thread; doubled while it does not get better, */
#define LAST_PAUSE    512  /* up to this */

static atomic_uint pause_length, n_left; /* 0: all is well; passes until the next try */

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

struct pass pass_begin(int n_threads)
{
    struct pass p = {.n_threads = n_threads};
    unsigned left = n_left;
    if (n_threads > 1 && left > 0) {
        n_left = left - 1;
        p.n_threads = 1;
    }
    if (p.n_threads > 1) {
        p.wall = seconds(CLOCK_MONOTONIC);
        p.cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    }
    return p;
}

void pass_end(const struct pass *p)
{
    if (p->n_threads == 1)
        return;
    double wall = seconds(CLOCK_MONOTONIC) - p->wall, cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - p->cpu;
    if (wall < LEAST_SECONDS || cpu >= LEAST_SHARE * wall * p->n_threads) {
        pause_length = 0;
        return;
    }
    unsigned length = pause_length;
    length = length == 0 ? FIRST_PAUSE : length < LAST_PAUSE ? 2 * length : LAST_PAUSE;
    pause_length = n_left = length;
}
