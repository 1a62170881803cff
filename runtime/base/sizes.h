/* Sizes: of public structs that may grow, and of memory.
 *
 * A public struct that may grow begins with `size`, which its ..._DEFAULTS sets to sizeof. So a program that was compiled
 * against an older header goes on working with a newer library: what its struct lacks is as the defaults say. */
#ifndef RUNTIME_BASE_SIZES_H
#define RUNTIME_BASE_SIZES_H

#include "runtime/base/error.h"

/* Copies what `given` has over *own [size], which holds the defaults. given NULL: nothing. Its first member is its size; 0
 * counts as `size`. HONE_USAGE: it is of a newer header, and a member that is not known here is set. name: "hone_options",
 * for the sentence. */
enum hone_status sizes_take(void *own, size_t size, const void *given, const char *name,
                            struct hone_error *err);

/* Of a struct that is also written to, or that stands in another one: HONE_USAGE where its size is neither 0 nor `size`. */
enum hone_status sizes_check(size_t given, size_t size, const char *name, struct hone_error *err);

/* The least multiple of `unit`, which is > 0, that is not below n. No overflow where n + unit fits. */
static inline size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

#endif
