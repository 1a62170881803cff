/* Threads that share the work of a forward pass: the caller and, where they have time, helpers that all callers of the
 * process have in common. Work comes in pieces that threads take when they are free. So nobody waits for a helper that the
 * system does not let run, only for one that is in the middle of a piece: where other programs want the processors, a
 * pass takes no longer than with one thread. */
#ifndef RUNTIME_BASE_THREAD_POOL_H
#define RUNTIME_BASE_THREAD_POOL_H

#include <stddef.h>

/* Items from first up to end. */
struct work_range {
    size_t first, end;
    size_t thread; /* below n_threads, and no two at once have the same: of a scratch */
};

typedef void (*thread_pool_work)(const void *arg, struct work_range piece);

/* Calls work for all of n items, and returns when all are done: in n_pieces of nearly equal length, taken in turn; 0: each
 * thread begins with a share of neighbours, the same from call to call, and takes of others' when it is through.
 * n_threads: at least 1. Thread-safe, and may be called from within a piece. Where no helper can be had, the caller does
 * it all. */
void thread_pool_run(int n_threads, size_t n, size_t n_pieces, thread_pool_work work, const void *arg);

/* How many of n_threads a pass over n numbers is worth: with fewer of them, what it costs to call others is more than they
 * save. */
static inline int threads_for(int n_threads, size_t n)
{
    return n < 16384 ? 1 : n_threads;
}

#endif
