/* Hashes: a fast one for tables in memory of what we chose ourselves, and those under a secret for what strangers chose. */
#ifndef RUNTIME_BASE_HASH_H
#define RUNTIME_BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- fast, of short strings (the multiply-and-fold of wyhash) ---- */

static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)(a ^ 0x9e3779b97f4a7c15u) * (b ^ 0xd1b54a32d192ed03u);
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t hash_load8(const char *p)
{
    uint64_t x;
    memcpy(&x, p, 8);
    return x;
}

static inline uint64_t hash_bytes(const char *p, size_t n)
{
    uint64_t a, b, h = n;
    for (; n > 16; p += 16, n -= 16)
        h = hash_mix(hash_load8(p) ^ h, hash_load8(p + 8));
    if (n >= 8) {
        a = hash_load8(p);
        b = hash_load8(p + n - 8);
    } else if (n >= 4) {
        uint32_t low, high;
        memcpy(&low, p, 4);
        memcpy(&high, p + n - 4, 4);
        a = low;
        b = high;
    } else {
        a = n ? (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n / 2] << 8 |
                    (unsigned char)p[n - 1]
              : 0;
        b = 0;
    }
    return hash_mix(a ^ h, b);
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
