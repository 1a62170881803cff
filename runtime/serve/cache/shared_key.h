/* What a value in Redis is called: the SHA-256 of everything that it depends on. Processes that share one must give it the
 * same name, so no secret of theirs can be in it; and nobody must be able to make two texts with one name, which a fast
 * hash without a secret allows. */
#ifndef RUNTIME_SERVE_CACHE_SHARED_KEY_H
#define RUNTIME_SERVE_CACHE_SHARED_KEY_H

#include <hone/hone.h>

struct shared_key {
    uint8_t bytes[32];
};

/* Of parts one behind the other; each counts with its size, so that no two lists of parts are the same bytes. In builds
 * without Redis it is all zeros, and nobody asks. */
struct shared_key shared_key_of(const struct hone_text *parts, size_t n);

#endif
