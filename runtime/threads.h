/* How many threads this process may really use. */
#ifndef RUNTIME_THREADS_H
#define RUNTIME_THREADS_H

#include <stddef.h>

/* The smaller of the affinity mask and the CPU quota of the control group (version 1 or 2), at least 1. */
int threads_available(void);

/* How many of n_threads a pass over n numbers is worth: with fewer of them, what it costs to start and to await the
 * others is more than they save. */
static inline int threads_for(int n_threads, size_t n)
{
    return n < 16384 ? 1 : n_threads;
}

#endif
