/* What the parts of the cache share. */
#ifndef RUNTIME_KV_CACHE_H
#define RUNTIME_KV_CACHE_H

#include "runtime/kv/blocks.h"
#include "runtime/kv/kv.h"

struct kv_cache {
    struct kv_shape shape;
    struct blocks blocks;
    size_t part_size, tile_size, block_size; /* bytes: keys of a tile, a tile, a block */
    char *data;                              /* [n_blocks, block_size] */
    size_t data_size;
    size_t n_lookups, n_hits;
};

struct kv_seq {
    uint32_t *blocks; /* [n_blocks] */
    size_t n_blocks, capacity;
    size_t n_tokens, n_reserved; /* committed; ready to be written, these included */
    uint64_t salt;
};

static inline size_t kv_element_size(enum kv_type type)
{
    return type == KV_F32 ? 4 : type == KV_F16 ? 2 : 1;
}

static inline char *block_data(const struct kv_cache *cache, uint32_t block)
{
    return cache->data + (size_t)block * cache->block_size;
}

#endif
