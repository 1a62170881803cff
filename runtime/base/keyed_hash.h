/* Hashes under a secret: who does not know it cannot make two things that are taken for the same, as one can for XXH3 with
 * its public default (which takes a minute). Not a signature: who sees many hashes may learn of the secret. */
#ifndef RUNTIME_BASE_KEYED_HASH_H
#define RUNTIME_BASE_KEYED_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
