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
