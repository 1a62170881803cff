/* Single limits, as the parts of hone.h's struct hone_limits. */
#ifndef RUNTIME_BENCH_LIMITS_H
#define RUNTIME_BENCH_LIMITS_H

#include "kernels/cpu.h"
#include "runtime/hone.h"

/* Operations a second of one type by that level's own instructions, or those of the highest one below it that has
 * any: *by. 0: none has. */
double limits_ops(enum cpu_level level, enum hone_number type, int n_threads, enum cpu_level *by);

/* Bytes a second read from that part of the memory; 0: there is none. */
enum hone_status limits_read(double *out, enum cpu_level level, enum hone_memory memory, int n_threads,
                             struct hone_error *err);

/* Bytes that every thread works on to stay in that part of the memory, and to be sure to leave those before it. */
size_t limits_share(enum hone_memory memory, int n_threads);

#endif
