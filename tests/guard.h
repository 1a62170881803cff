/* What the kernel tests share: buffers between pages that must not be touched, random and adversarial data from a
 * seed, and comparison. Single-threaded; a mistake of the machine or of a test's own ends the program. */
#ifndef TESTS_GUARD_H
#define TESTS_GUARD_H

#include "kernels/kernels.h"

/* ---- buffers ---- */

/* `size` bytes, aligned to 64 where `size` is a multiple of 64 and to 4 (2) where it is one of 4 (2). It begins or ends
 * at an inaccessible page, as guard_at_end says; the rest of its pages is a canary. Lives until guard_free_all. */
void *guard_alloc(size_t size);
extern bool guard_at_end;

/* Fails the test if a canary was touched, and frees all buffers. */
void guard_free_all(void);

/* ---- random data; the seed is HONE_SEED, or 1, and is printed once ---- */

uint64_t random_bits(void);
size_t random_below(size_t n);
float random_uniform(float low, float high);

enum data {
    DATA_NORMAL,                   /* about -4 to 4 */
    DATA_WIDE,                     /* magnitudes from 2^-30 to 2^30 */
    DATA_DENORMAL,                 /* and zeros of both signs */
    DATA_EQUAL,                    /* one value */
    DATA_HUGE,                     /* about 1e30 */
    DATA_BITS,                     /* any finite float */
    DATA_N_FINITE,                 /* the kinds above */
    DATA_INFINITE = DATA_N_FINITE, /* normal, some infinite */
    DATA_NAN,                      /* normal, some NaN */
};
void random_floats(float *x, size_t n, enum data data);
const char *data_name(enum data data);

/* ---- comparison ---- */

/* The distance of neighbouring floats at x; of the smallest normal ones below those. */
double ulp_of(float x);

/* Bits, but any NaN equals any other. */
bool same_float(float a, float b);

/* Calls check with the table of each instruction set but scalar that this machine runs, and that of AMX in software
 * where it has none; its name is printed. */
void each_level(void (*check)(const struct kernels *k));

/* The same, without those that have the slot from the level below: offsetof(struct kernels, slot). For long tests. */
void each_version(size_t slot, void (*check)(const struct kernels *k));

/* AMX's kernels on software tiles, or NULL where the machine has real ones or lacks what lies below them. */
const struct kernels *emulated_amx(void);

#endif
