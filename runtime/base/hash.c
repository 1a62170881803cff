#include "runtime/base/hash.h"

#include <pthread.h>
#include <sys/random.h>
#include <xxhash.h>

static struct hash_secret of_process[2];
static bool has_secret;
static pthread_once_t once = PTHREAD_ONCE_INIT;

bool hash_secret_make(struct hash_secret *secret)
{
    return getrandom(secret->bytes, sizeof secret->bytes, 0) == (ssize_t)sizeof secret->bytes;
}

static void make(void)
{
    has_secret = hash_secret_make(&of_process[0]) && hash_secret_make(&of_process[1]);
}

const struct hash_secret *hash_secret_of_process(int which)
{
    pthread_once(&once, make);
    return has_secret ? &of_process[which] : NULL;
}

struct hash128 keyed_hash(const struct hash_secret *secret, const void *data, size_t size)
{
    XXH128_hash_t h = XXH3_128bits_withSecret(data, size, secret->bytes, sizeof secret->bytes);
    return (struct hash128){h.low64, h.high64};
}

uint64_t keyed_checksum(const struct hash_secret *secret, const void *data, size_t size)
{
    return XXH3_64bits_withSecret(data, size, secret->bytes, sizeof secret->bytes);
}

uint64_t hash_bytes(const void *data, size_t size)
{
    const struct hash_secret *secret = hash_secret_of_process(0);
    return secret ? keyed_checksum(secret, data, size) : XXH3_64bits(data, size);
}

/* A number of the secret, other ones for other places. */
static uint64_t secret_number(size_t place)
{
    const struct hash_secret *secret = hash_secret_of_process(1);
    uint64_t number = 0x9e3779b97f4a7c15u * (place + 1);
    if (secret)
        memcpy(&number, secret->bytes + place * sizeof number, sizeof number);
    return number;
}

uint64_t hash_seeded(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, secret_number(0) ^ seed);
}

struct hash_key hash_key_make(void)
{
    return (struct hash_key){secret_number(1), secret_number(2) | 1};
}
