/* Random numbers by counter: SplitMix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014),
 * whose n-th number is a function of seed and n. The token at a position of a sequence depends on the seed and that
 * position alone: not on batches, preemption, or how many drafted tokens were thrown away on the way. */
#ifndef RUNTIME_GENERATE_SAMPLING_RANDOM_H
#define RUNTIME_GENERATE_SAMPLING_RANDOM_H

#include <stdint.h>

static inline uint64_t random_mix(uint64_t x)
{
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* Number `n` of the stream `seed`. The seed is mixed first, so that neighbouring seeds are far apart. */
static inline uint64_t random_at(uint64_t seed, uint64_t n)
{
    const uint64_t golden = 0x9e3779b97f4a7c15u;
    return random_mix(random_mix(seed + golden) + (n + 1) * golden);
}

/* The same in [0, 1), 53 bits. */
static inline double random_unit(uint64_t seed, uint64_t n)
{
    return (double)(random_at(seed, n) >> 11) * 0x1p-53;
}

#endif
