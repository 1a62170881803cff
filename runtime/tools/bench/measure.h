/* Times of short work. Everything measured is the best of several short runs, since whatever else the machine does
 * can only make one longer. */
#ifndef RUNTIME_TOOLS_BENCH_MEASURE_H
#define RUNTIME_TOOLS_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>

/* What a thread has to do: its share of the rounds `first` up to `end`. */
struct measure_turn {
    int thread, n_threads;
    size_t first, end;
};
typedef void (*measure_work)(void *arg, const struct measure_turn *turn);

struct measure_how {
    int n_threads;
    double budget; /* seconds, about, in all */
    /* Count the time that a thread computes, not the time that passes. On a busy machine that tells more of work whose
     * threads do not share a bandwidth. */
    bool own_time;
    measure_work prepare; /* NULL, or what each thread does once before */
};

/* Seconds that a round takes when all threads work at once, none waiting for another between rounds: the best of
 * several runs. Ends when some of them agree about it, or when the budget is spent; of long rounds there are three runs
 * if they take no more than four times that. Work of threads that the system does not give is done by those that there
 * are. */
double measure_run(measure_work work, void *arg, const struct measure_how *how);

double measure_clock(void); /* seconds since some moment */

#endif
