#include "runtime/tools/bench/measure.h"

#include "runtime/base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

/* A run is long beside the clock's own time, and short beside the time that another process takes at once. */
#define RUN_SECONDS 1e-3
#define MIN_RUNS    3    /* so that one that was disturbed is not the only one */
#define OVERTIME    4    /* times the budget that they may take */
#define ENOUGH      6    /* runs that agree */
#define TOLERANCE   0.02 /* within this part */
#define MAX_ROUNDS  ((size_t)1 << 40)

/* Of the calling thread alone. */
static double own_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double measure_clock(void)
{
    return clock_seconds(&clock_monotonic);
}

/* Threads of their own: those of a team come when they have time, and these must all work at once. */
struct crew {
    measure_work work;
    void *arg;
    int n_threads; /* whose turns are done: thread t's by member t, those of threads that could not be had by the caller */
    atomic_int n_members;
    size_t first, end; /* of the next run */
    atomic_bool is_over;
    atomic_int n_waiting;
    atomic_uint n_meetings;
};

struct member {
    struct crew *crew;
    int thread;
    pthread_t id;
    double own, end; /* of the last run: seconds that it computed, the moment when it was through */
};

/* Until all members are here. None sleeps, since waking takes as long as a part of a run. */
static void meet(struct crew *c)
{
    unsigned n = c->n_meetings;
    if (++c->n_waiting == c->n_members) {
        c->n_waiting = 0;
        c->n_meetings = n + 1;
    } else {
        while (c->n_meetings == n)
            sched_yield();
    }
}

static void do_turn(struct member *m)
{
    struct crew *c = m->crew;
    double start = own_clock();
    c->work(c->arg, &(struct measure_turn){m->thread, c->n_threads, c->first, c->end});
    for (int t = c->n_members; m->thread == 0 && t < c->n_threads; t++)
        c->work(c->arg, &(struct measure_turn){t, c->n_threads, c->first, c->end});
    m->own = own_clock() - start;
    m->end = measure_clock();
}

static void *serve(void *member)
{
    struct member *m = member;
    for (;;) {
        meet(m->crew);
        if (m->crew->is_over)
            return NULL;
        do_turn(m);
        meet(m->crew);
    }
}

/* Each waits until its own place is known to be one of a whole crew: the caller is the last to come to the first meeting. */
static void gather(struct crew *c, struct member *members)
{
    int n = 1;
    c->n_members = c->n_threads;
    members[0] = (struct member){.crew = c};
    while (n < c->n_threads) {
        members[n] = (struct member){.crew = c, .thread = n};
        if (pthread_create(&members[n].id, NULL, serve, &members[n]) != 0)
            break;
        n++;
    }
    c->n_members = n;
}

static void dismiss(struct crew *c, struct member *members)
{
    c->is_over = true;
    meet(c);
    for (int i = 1; i < c->n_members; i++)
        pthread_join(members[i].id, NULL); // NOLINT: a member alone is a crew of one
}

/* From the moment that all threads are ready to the last one's end; or the longest time that one of them computed. */
static double run(struct crew *c, struct member *members, bool own_time, size_t n_rounds)
{
    c->end = c->first + n_rounds;
    meet(c);
    double start = measure_clock(), longest = 0;
    do_turn(&members[0]);
    meet(c);
    c->first = c->end;
    for (int i = 0; i < c->n_members; i++) {
        double seconds = own_time ? members[i].own : members[i].end - start; // NOLINT: likewise
        longest = seconds > longest ? seconds : longest;
    }
    return longest;
}

/* The best of several runs. */
static double repeat(struct crew *c, struct member *members, const struct measure_how *how)
{
    double begin = measure_clock(), budget = how->budget, spent = 0, worked = 0, best = 0;
    size_t n_rounds = 1;
    int runs = 0, agree = 0;
    while (agree < ENOUGH &&
           (runs == 0 || spent < budget || (runs < MIN_RUNS && worked < OVERTIME * budget))) {
        double seconds = run(c, members, how->own_time, n_rounds);
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

double measure_run(measure_work work, void *arg, const struct measure_how *how)
{
    struct crew crew = {.arg = arg, .n_threads = how->n_threads, .n_members = 1};
    struct member alone = {.crew = &crew}, *members = calloc((size_t)how->n_threads, sizeof *members);
    if (members)
        gather(&crew, members);
    struct member *all = members ? members : &alone;
    if (how->prepare) {
        crew.work = how->prepare;
        run(&crew, all, false, 1);
        crew.first = 0;
    }
    crew.work = work;
    double seconds = repeat(&crew, all, how);
    dismiss(&crew, all);
    free(members);
    return seconds;
}
