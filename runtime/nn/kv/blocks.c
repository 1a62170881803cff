#include "runtime/nn/kv/blocks.h"

#include "runtime/base/assert.h"
#include "runtime/base/hash.h"

#include <stdlib.h>
#include <string.h>

/* ---- idle blocks ---- */

static void unlink_idle(struct blocks *b, uint32_t i)
{
    struct block *block = &b->list[i];
    if (block->previous == BLOCK_NONE)
        b->front = block->next;
    else
        b->list[block->previous].next = block->next;
    if (block->next == BLOCK_NONE)
        b->back = block->previous;
    else
        b->list[block->next].previous = block->previous;
    ASSERT(b->n_idle > 0);
    b->n_idle--;
    b->n_known -= block->serial != 0;
}

static void link_idle(struct blocks *b, uint32_t i)
{
    struct block *block = &b->list[i];
    bool is_known = block->serial != 0;
    block->previous = is_known ? b->back : BLOCK_NONE;
    block->next = is_known ? BLOCK_NONE : b->front;
    if (block->previous == BLOCK_NONE)
        b->front = i;
    else
        b->list[block->previous].next = i;
    if (block->next == BLOCK_NONE)
        b->back = i;
    else
        b->list[block->next].previous = i;
    b->n_idle++;
    b->n_known += is_known;
}

/* ---- known blocks ---- */

static uint32_t *bucket_of(const struct blocks *b, uint64_t parent, uint64_t salt, const int32_t *ids)
{
    uint64_t hash = hash_seeded(ids, b->block_len * sizeof *ids, parent * 0x9e3779b97f4a7c15u ^ salt);
    return &b->buckets[hash & (b->n_buckets - 1)];
}

uint32_t blocks_find(const struct blocks *b, uint64_t parent, uint64_t salt, const int32_t *ids)
{
    uint32_t i = *bucket_of(b, parent, salt, ids);
    for (; i != BLOCK_NONE; i = b->list[i].same_bucket) {
        const struct block *block = &b->list[i];
        if (block->parent == parent && block->salt == salt &&
            memcmp(block_ids(b, i), ids, b->block_len * sizeof *ids) == 0)
            return i;
    }
    return BLOCK_NONE;
}

void blocks_publish(struct blocks *b, uint32_t i, uint64_t parent, uint64_t salt)
{
    struct block *block = &b->list[i];
    uint32_t *bucket = bucket_of(b, parent, salt, block_ids(b, i));
    ASSERT(block->serial == 0 && block->n_refs > 0);
    block->serial = ++b->last_serial;
    block->parent = parent;
    block->salt = salt;
    block->same_bucket = *bucket;
    *bucket = i;
}

void blocks_withdraw(struct blocks *b, uint32_t i)
{
    struct block *block = &b->list[i];
    if (block->serial == 0)
        return;
    uint32_t *link = bucket_of(b, block->parent, block->salt, block_ids(b, i));
    while (*link != i)
        link = &b->list[*link].same_bucket;
    *link = block->same_bucket;
    block->serial = 0;
}

/* ---- references ---- */

uint32_t blocks_take(struct blocks *b)
{
    uint32_t i = b->front;
    ASSERT(b->n_idle > 0 && i < b->n && b->list[i].n_refs == 0);
    b->n_evictions += b->list[i].serial != 0;
    unlink_idle(b, i);
    blocks_withdraw(b, i);
    b->list[i].n_refs = 1;
    return i;
}

void blocks_ref(struct blocks *b, uint32_t i)
{
    ASSERT(i < b->n && b->list[i].n_refs < UINT32_MAX);
    if (b->list[i].n_refs++ == 0)
        unlink_idle(b, i);
}

void blocks_unref(struct blocks *b, uint32_t i)
{
    ASSERT(i < b->n && b->list[i].n_refs > 0);
    if (--b->list[i].n_refs == 0)
        link_idle(b, i);
}

/* ---- lifetime ---- */

void blocks_init(struct blocks *b, size_t block_len)
{
    *b = (struct blocks){.block_len = block_len, .front = BLOCK_NONE, .back = BLOCK_NONE};
}

/* Puts the known blocks into n_buckets empty ones. */
static void fill_buckets(struct blocks *b, uint32_t *buckets, size_t n_buckets)
{
    memset(buckets, 0xff, n_buckets * sizeof *buckets);
    free(b->buckets);
    b->buckets = buckets;
    b->n_buckets = n_buckets;
    for (size_t i = 0; i < b->n; i++) {
        struct block *block = &b->list[i];
        if (block->serial == 0)
            continue;
        uint32_t *bucket = bucket_of(b, block->parent, block->salt, block_ids(b, (uint32_t)i));
        block->same_bucket = *bucket;
        *bucket = (uint32_t)i;
    }
}

bool blocks_grow(struct blocks *b, size_t n)
{
    size_t n_buckets = 1, ids_size;
    while (n_buckets < n)
        n_buckets *= 2;
    if (__builtin_mul_overflow(n, b->block_len * sizeof *b->ids, &ids_size))
        return false;
    uint32_t *buckets = malloc(n_buckets * sizeof *buckets);
    int32_t *ids = buckets ? realloc(b->ids, ids_size) : NULL;
    b->ids = ids ? ids : b->ids;
    struct block *list = ids ? realloc(b->list, n * sizeof *list) : NULL;
    b->list = list ? list : b->list;
    if (!list) {
        free(buckets);
        return false;
    }
    fill_buckets(b, buckets, n_buckets);
    memset(list + b->n, 0, (n - b->n) * sizeof *list);
    memset(block_ids(b, (uint32_t)b->n), 0, ids_size - b->n * b->block_len * sizeof *ids);
    for (size_t i = n; i-- > b->n;) {
        list[i].state = STATE_NONE;
        link_idle(b, (uint32_t)i);
    }
    b->n = n;
    return true;
}

void blocks_release(struct blocks *b)
{
    free(b->list);
    free(b->ids);
    free(b->buckets);
    *b = (struct blocks){0};
}
