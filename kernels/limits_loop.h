/* How the loops of limits.h are written. */
#ifndef KERNELS_LIMITS_LOOP_H
#define KERNELS_LIMITS_LOOP_H

#include "kernels/limits.h"
#include "kernels/template/compiler.h"

#include <string.h>

/* The compiler may take nothing for known of x, a vector in a register, at no cost. */
#if defined(__x86_64__)
#define LIMIT_OPAQUE(x) __asm__ volatile("" : "+v"(x))
#elif defined(__aarch64__)
#define LIMIT_OPAQUE(x) __asm__ volatile("" : "+w"(x))
#else
#define LIMIT_OPAQUE(x) __asm__ volatile("" : "+m"(x))
#endif

/* A loop over n_sums vectors, each `first` to begin with: a round takes every `sum` of them to `next`, which may use
 * `a` as well, of the same type and never known to be the same. */
#define LIMIT_LOOP(name, vector, n_sums, first, next)                                                        \
    static float name(size_t n_rounds)                                                                       \
    {                                                                                                        \
        vector sums[n_sums], a = first;                                                                      \
        float result = 0;                                                                                    \
        UNROLL                                                                                               \
        for (size_t i = 0; i < (n_sums); i++)                                                                \
            sums[i] = first;                                                                                 \
        for (; n_rounds > 0; n_rounds--) {                                                                   \
            UNROLL                                                                                           \
            for (size_t i = 0; i < (n_sums); i++) {                                                          \
                vector sum = sums[i];                                                                        \
                LIMIT_OPAQUE(a);                                                                             \
                sum = next;                                                                                  \
                LIMIT_OPAQUE(sum);                                                                           \
                sums[i] = sum;                                                                               \
            }                                                                                                \
        }                                                                                                    \
        memcpy(&result, &sums[0], sizeof result);                                                            \
        return result;                                                                                       \
    }

/* Reads through eight vectors that are or-ed together. */
#define LIMIT_READ(name, vector, zero, load, either)                                                         \
    static uint64_t name(const void *p, size_t size)                                                         \
    {                                                                                                        \
        vector seen[8];                                                                                      \
        uint64_t result = 0;                                                                                 \
        UNROLL                                                                                               \
        for (size_t i = 0; i < 8; i++)                                                                       \
            seen[i] = zero;                                                                                  \
        for (const char *at = p, *end = at + size; at < end; at += 8 * sizeof(vector)) {                     \
            UNROLL                                                                                           \
            for (size_t i = 0; i < 8; i++)                                                                   \
                seen[i] = either(seen[i], load((const void *)(at + i * sizeof(vector))));                    \
        }                                                                                                    \
        for (size_t i = 0; i < 8; i++) {                                                                     \
            uint64_t part;                                                                                   \
            memcpy(&part, &seen[i], sizeof part);                                                            \
            result |= part;                                                                                  \
        }                                                                                                    \
        return result;                                                                                       \
    }

extern const struct limits limits_scalar;
#if defined(__x86_64__)
extern const struct limits limits_avx2;
extern const struct limits limits_avxvnni;
extern const struct limits limits_avx512;
extern const struct limits limits_avx512vnni;
extern const struct limits limits_avx512bf16;
extern const struct limits limits_amx;
#elif defined(__aarch64__)
extern const struct limits limits_neon;
extern const struct limits limits_dotprod;
extern const struct limits limits_i8mm;
#endif

#endif
