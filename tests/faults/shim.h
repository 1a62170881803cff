/* A machine that fails on demand: the N-th allocation, and calls of the operating system that fail or do less than they
 * were asked. Linked into a test, or preloaded into the program (build/tests/faults.so), where a file that FAULTS
 * names holds the controls, so that a test can change them while the program runs. */
#ifndef TESTS_FAULTS_SHIM_H
#define TESTS_FAULTS_SHIM_H

#include <stdatomic.h>

enum fault_call { FAULT_READ, FAULT_WRITE, FAULT_OPEN, FAULT_FSYNC, FAULT_RENAME, FAULT_MMAP, FAULT_N };

struct faults {
    atomic_long memory_at;   /* which allocation from now on fails: 1 is the next one; 0: none */
    atomic_long memory_more; /* not 0: all behind it, too */
    atomic_long n_memory;    /* allocations since this was last set to 0 */
    struct {
        atomic_long at;    /* which call from now on; 0: none */
        atomic_long more;  /* not 0: all behind it, too */
        atomic_long error; /* an errno; 0: read and write do one byte less than all, at least one */
        atomic_long n;     /* calls since this was last set to 0 */
    } calls[FAULT_N];
};

extern struct faults *faults;

#endif
