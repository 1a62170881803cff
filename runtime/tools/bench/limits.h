/* Single limits, as the parts of hone.h's struct hone_limits. */
#ifndef RUNTIME_TOOLS_BENCH_LIMITS_H
#define RUNTIME_TOOLS_BENCH_LIMITS_H

#include "kernels/cpu.h"

#include <hone/bench.h>
#include <hone/hone.h>

/* Operations a second of one type by that level's own instructions, or those of the highest one below it that has
 * any: *by. 0: none has. */
double limits_ops(enum cpu_level level, enum hone_number type, int n_threads, enum cpu_level *by);

/* Bytes a second that all threads read together, each from `share` bytes of its own, over and over. 0 for 0. Takes
 * at most about `budget` seconds. */
enum hone_status limits_read(double *out, enum cpu_level level, size_t share, int n_threads, double budget,
                             struct hone_error *err);

/* HONE_USAGE where the machine has no such instruction set. */
enum hone_status limits_check_level(const char *level, struct hone_error *err);

/* What each thread reads to measure that part of the memory: what fits it, but none before it. 0: there is none. */
size_t limits_share(enum hone_memory memory, int n_threads);

#endif
