#include "runtime/serve/cache/shared_key.h"

#ifdef HONE_HIREDIS

#include <nettle/sha2.h>

struct shared_key shared_key_of(const struct hone_text *parts, size_t n)
{
    struct sha256_ctx sha;
    struct shared_key key;
    sha256_init(&sha);
    for (size_t i = 0; i < n; i++) {
        const uint64_t size = parts[i].size;
        sha256_update(&sha, sizeof size, (const uint8_t *)&size);
        sha256_update(&sha, parts[i].size, (const uint8_t *)parts[i].data);
    }
    sha256_digest(&sha, sizeof key.bytes, key.bytes);
    return key;
}

#else

struct shared_key shared_key_of(const struct hone_text *parts, size_t n)
{
    (void)parts;
    (void)n;
    return (struct shared_key){{0}};
}

#endif
