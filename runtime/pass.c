#include "runtime/pass.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define LEAST_SECONDS 1e-3 /* shorter passes tell nothing, and lose nothing */
#define LEAST_SHARE   0.6  /* of the time, that threads should run; with more, two are faster than one */
#define FIRST_PAUSE   16   /* passes with one thread; doubled while it does not get better, */
#define LAST_PAUSE    512  /* up to this */

static atomic_bool runs_well;              /* the last pass of several threads did */
static atomic_uint pause_length, n_paused; /* passes; those left until the next try */

static double seconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* More threads are ready to run than there are processors, and not just one that will be gone soon. */
static bool is_crowded(void)
{
    int n_ready = 0;
    FILE *f = fopen("/proc/loadavg", "re");
    if (!f)
        return false;
    bool is_known = fscanf(f, "%*s %*s %*s %d/", &n_ready) == 1;
    fclose(f);
    return is_known && n_ready > sysconf(_SC_NPROCESSORS_ONLN) + 1;
}

static void begin_pause(void)
{
    unsigned length = pause_length;
    length = length == 0 ? FIRST_PAUSE : length < LAST_PAUSE ? 2 * length : LAST_PAUSE;
    pause_length = n_paused = length;
    runs_well = false;
}

/* Whether this one has to be alone. */
static bool is_paused(void)
{
    unsigned left = n_paused;
    if (left > 0) {
        n_paused = left - 1;
        return true;
    }
    if (runs_well || !is_crowded())
        return false;
    begin_pause();
    return true;
}

struct pass pass_begin(int n_threads)
{
    struct pass p = {.n_threads = n_threads > 1 && is_paused() ? 1 : n_threads};
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
        runs_well = true;
        pause_length = 0;
    } else {
        begin_pause();
    }
}
