/* What is known of this machine without measuring. */
#ifndef RUNTIME_BASE_MACHINE_H
#define RUNTIME_BASE_MACHINE_H

#include <hone/bench.h>
#include <hone/hone.h>

/* Bytes at each level of hone_memory that one thread (L1, L2) or all together (L3) may hold; main memory: of the
 * machine. 0: there is none. */
size_t machine_memory(enum hone_memory level);

/* The largest cache there is. */
size_t machine_last_cache(void);

#endif
