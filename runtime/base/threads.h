/* How many threads this process may really use. */
#ifndef RUNTIME_BASE_THREADS_H
#define RUNTIME_BASE_THREADS_H

/* The smaller of the affinity mask and the CPU quota of the control group (version 1 or 2), at least 1. */
int threads_available(void);

#endif
