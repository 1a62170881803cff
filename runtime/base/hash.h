/* Hashes. Whoever writes a file, a request or a text chooses what is put into tables, and could choose names that all fall
 * into one slot: so every hash of bytes is under a secret of the process. No result may depend on it. */
#ifndef RUNTIME_BASE_HASH_H
#define RUNTIME_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- of tables in memory ---- */

/* XXH3 under the process's secret, or its public default on a system without random numbers: hostile names cost time
 * there, and are found all the same. Of short names as fast as the multiply-and-fold without a secret that stood here
 * before. Thread-safe. */
uint64_t hash_bytes(const void *data, size_t size);

/* Another function for each seed. */
uint64_t hash_seeded(const void *data, size_t size, uint64_t seed);

/* Of two hashes, or of numbers that nobody chooses (the multiply-and-fold of wyhash). */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* For tables of numbers that are looked up in an inner loop: the same under a key of their own, made once. */
struct hash_key {
    uint64_t add, times;
};

struct hash_key hash_key_make(void);

static inline uint64_t hash_number(struct hash_key key, uint64_t number)
{
    __uint128_t product = (__uint128_t)(number ^ key.add) * key.times;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* ---- under a secret ----
 * Who does not know it cannot make two things that are taken for the same, as one can for XXH3 with its public default
 * (which takes a minute). Not a signature: who sees many hashes may learn of the secret. */

struct hash_secret {
    unsigned char bytes[192];
};

struct hash128 {
    uint64_t low, high;
};

/* From the system's random numbers. False: it has none. */
bool hash_secret_make(struct hash_secret *secret);

/* One of two for the life of this process, 0 or 1; NULL: the system has no random numbers. Thread-safe. */
const struct hash_secret *hash_secret_of_process(int which);

struct hash128 keyed_hash(const struct hash_secret *secret, const void *data, size_t size);

/* Of half the size, for checksums. */
uint64_t keyed_checksum(const struct hash_secret *secret, const void *data, size_t size);

static inline bool hash_same(struct hash128 a, struct hash128 b)
{
    return a.low == b.low && a.high == b.high;
}

#endif
