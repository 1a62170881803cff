#include "runtime/tools/bench/measure.h"

#include <omp.h>
#include <time.h>

/* A run is long beside the clock's own time, and short beside the time that another process takes at once. */
#define RUN_SECONDS 1e-3
#define MIN_RUNS    3
#define OVERTIME    4    /* times the budget that they may take */
#define ENOUGH      6    /* runs that agree */
#define TOLERANCE   0.02 /* within this part */
#define MAX_ROUNDS  ((size_t)1 << 40)

static double read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double measure_clock(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

/* From the moment that all threads are ready to the last one's end; or the longest time that one of them computed. */
static double run(measure_work work, void *arg, const struct measure_how *how, size_t first, size_t n_rounds)
{
    double start = 0, end = 0, own = 0;
#pragma omp parallel num_threads(how->n_threads) reduction(max : end, own)
    {
        double own_start;
#pragma omp barrier
#pragma omp masked
        start = measure_clock();
        own_start = read_clock(CLOCK_THREAD_CPUTIME_ID);
        work(arg, &(struct measure_turn){omp_get_thread_num(), how->n_threads, first, first + n_rounds});
        own = read_clock(CLOCK_THREAD_CPUTIME_ID) - own_start;
        end = measure_clock();
    }
    return how->own_time ? own : end - start;
}

double measure(measure_work work, void *arg, const struct measure_how *how)
{
    double begin = measure_clock(), budget = how->budget, spent = 0, worked = 0, best = 0;
    size_t n_rounds = 1, first = 0;
    int runs = 0, agree = 0;
    while (agree < ENOUGH &&
           (runs == 0 || spent < budget || (runs < MIN_RUNS && worked < OVERTIME * budget))) {
        double seconds = run(work, arg, how, first, n_rounds);
        first += n_rounds;
        worked += seconds;
        spent = measure_clock() - begin; /* with what threads wait for each other to begin */
        if (seconds < RUN_SECONDS / 2 && n_rounds < MAX_ROUNDS) { /* too short: more rounds, and anew */
            double more = seconds > RUN_SECONDS / 16 ? RUN_SECONDS / seconds : 16;
            n_rounds = (size_t)((double)n_rounds * more) + 1;
            runs = agree = 0;
            continue;
        }
        bool better = runs++ == 0 || seconds < best * (1 - TOLERANCE);
        agree = better ? 1 : agree + (seconds < best * (1 + TOLERANCE));
        best = runs == 1 || seconds < best ? seconds : best;
    }
    return best / (double)n_rounds;
}
