/* What the parts of the cache share. */
#ifndef RUNTIME_NN_KV_CACHE_H
#define RUNTIME_NN_KV_CACHE_H

#include "runtime/base/poison.h"
#include "runtime/nn/kv/blocks.h"
#include "runtime/nn/kv/kv.h"

struct kv_cache {
    struct kv_shape shape;
    struct blocks blocks;
    size_t part_size, tile_size, block_size; /* bytes: keys of a tile, a tile, a block */
    char **slabs; /* [n_slabs] of slab_blocks blocks each, a zone behind each block */
    size_t n_slabs, slab_blocks;
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

/* Poisoned while nobody holds the block, whether what is in it is known or not. */
static inline char *block_data(const struct kv_cache *cache, uint32_t block)
{
    return cache->slabs[block / cache->slab_blocks] +
           block % cache->slab_blocks * (cache->block_size + POISON_ZONE);
}

#endif
