/* What the parts of the cache share. */
#ifndef RUNTIME_NN_KV_CACHE_H
#define RUNTIME_NN_KV_CACHE_H

#include "runtime/base/poison.h"
#include "runtime/nn/kv/blocks.h"
#include "runtime/nn/kv/kv.h"

/* The heads of one layer's keys and values, in a block. */
struct kv_place {
    size_t n_kv_heads, head_dim;
    size_t part_size, tile_size; /* bytes: keys of a tile, a tile */
    size_t at;                   /* of its first tile in a block */
};

struct kv_cache {
    struct kv_shape shape;
    struct kv_place *places; /* [n_layers] */
    struct blocks blocks;
    size_t block_size; /* bytes of a block */
    char **slabs;      /* [n_slabs] of slab_blocks blocks each, a zone behind each block */
    size_t n_slabs, slab_blocks;
    size_t n_lookups, n_hits;
    struct states states;
};

/* Where texts of one beginning part. A sequence that has more forgets the last one: a text may have to be computed from
 * further back then, and nothing else. */
#define MAX_MARKS 4

struct kv_seq {
    uint32_t *blocks; /* [n_blocks] */
    size_t n_blocks, capacity;
    size_t n_tokens, n_reserved; /* committed; ready to be written, these included */
    uint64_t salt;
    /* Recurrent states, where shape.state_size > 0 (seq_state.c). `state`: behind its n_tokens, STATE_NONE where it has none.
     * `held`: an earlier one that it may go back to, behind held_at tokens. `stops`: places among the reserved tokens whose
     * states are wanted; the last stop is behind all of them. */
    uint32_t state, held;
    size_t held_at;
    struct kv_stop *stops; /* [n_stops], */
    uint32_t *stop_states; /* and their numbers, each with a reference */
    size_t n_stops, stop_capacity;
    size_t passing
        [2]; /* places of the last states that were kept on the way: [0] at short distances, [1] at long ones; 0: none */
    size_t marks[MAX_MARKS]; /* places whose state is to be kept; 0: no more */
};

/* seq_state.c. Nothing happens in a cache without states. */

/* Room for the states of tokens n_tokens to end; false: no memory. */
bool seq_state_reserve(struct kv_cache *cache, struct kv_seq *seq, size_t end);
/* The reservation is given up. */
void seq_state_cancel(struct kv_cache *cache, struct kv_seq *seq);
/* What was reserved is written, and its tokens, the last of which is number n_tokens, are in known blocks. */
void seq_state_commit(struct kv_cache *cache, struct kv_seq *seq);
/* Of a new sequence, whose blocks it has; n_same of its tokens are known, with or without a state. */
void seq_state_begin(struct kv_cache *cache, struct kv_seq *seq, size_t n_same);
void seq_state_fork(struct kv_cache *cache, const struct kv_seq *seq, struct kv_seq *copy);
void seq_state_free(struct kv_cache *cache, struct kv_seq *seq);
/* Goes back to the last state that is there of its first n tokens. Returns how many it has then. */
size_t seq_state_go_back(struct kv_cache *cache, struct kv_seq *seq, size_t n);
/* Its state is kept beside its last block, where that is full and known. */
bool seq_state_keep(struct kv_cache *cache, struct kv_seq *seq, size_t n_tokens, uint32_t state);
/* A block's tokens will change. */
void kv_forget_state(struct kv_cache *cache, uint32_t block);

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
