/* Blocks by number: who holds them, what they hold, and which to use next. */
#ifndef RUNTIME_NN_KV_BLOCKS_H
#define RUNTIME_NN_KV_BLOCKS_H

#include "runtime/nn/kv/states.h"

#define BLOCK_NONE UINT32_MAX

struct block {
    uint32_t n_refs;
    uint32_t previous, next; /* among those without references: the front is used first */
    uint32_t same_bucket;
    uint64_t serial; /* of what it holds, never used twice; 0: not known to others */
    uint64_t parent; /* serial of the block before it, 0 for a first one */
    uint64_t salt;
    uint32_t state; /* that follows its last token (states.h); STATE_NONE: none is kept */
};

struct blocks {
    struct block *list; /* [n] */
    int32_t *ids;       /* [n, block_len] */
    uint32_t *buckets;  /* [n_buckets] first block of each */
    size_t n, block_len, n_buckets;
    uint32_t front, back;
    size_t n_idle, n_known; /* without references; of these, known */
    size_t n_evictions;
    uint64_t last_serial;
};

/* Without any block yet. */
void blocks_init(struct blocks *b, size_t block_len);
/* n of them in all, the new ones idle; those that there are keep their numbers. false: out of memory. */
bool blocks_grow(struct blocks *b, size_t n);
void blocks_release(struct blocks *b);

/* One with one reference and nothing in it. There must be an idle one. */
uint32_t blocks_take(struct blocks *b);
void blocks_ref(struct blocks *b, uint32_t block);
/* Without its last reference it becomes idle: a known one is used last, another one first. */
void blocks_unref(struct blocks *b, uint32_t block);

/* The block that holds ids[block_len] after `parent`; BLOCK_NONE. */
uint32_t blocks_find(const struct blocks *b, uint64_t parent, uint64_t salt, const int32_t *ids);
/* Makes a full block known; there must be no equal one. */
void blocks_publish(struct blocks *b, uint32_t block, uint64_t parent, uint64_t salt);
/* Its tokens will change. */
void blocks_withdraw(struct blocks *b, uint32_t block);

static inline int32_t *block_ids(const struct blocks *b, uint32_t block)
{
    return b->ids + (size_t)block * b->block_len;
}

#endif
