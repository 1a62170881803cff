#include "runtime/nn/kv/kv.h"

#include "runtime/base/assert.h"
#include "runtime/base/pages.h"
#include "runtime/base/sizes.h"
#include "runtime/nn/kv/cache.h"

#include <stdlib.h>
#include <string.h>

/* ---- sizes ---- */

static size_t multiply(size_t a, size_t b)
{
    size_t product;
    return __builtin_mul_overflow(a, b, &product) ? SIZE_MAX : product;
}

/* To whole cache lines. */
static size_t align(size_t size)
{
    return size > SIZE_MAX - 63 ? SIZE_MAX : round_up(size, 64);
}

#define MAX_LAYERS (1 << 16) /* models have 1,024 at most, of each stack; a place is kept for each */

/* Where layer i of that shape begins at `at`. false: its sizes are zero or cannot be counted. */
static bool place(const struct kv_shape *shape, size_t i, size_t at, struct kv_place *out)
{
    const struct kv_layer all = {shape->n_kv_heads, shape->head_dim},
                          *layer = shape->layers ? &shape->layers[i] : &all;
    size_t scales = shape->type == KV_INT8 ? align(shape->block_len * sizeof(float)) : 0;
    size_t part = multiply(multiply(shape->block_len, layer->head_dim), kv_element_size(shape->type));
    *out = (struct kv_place){layer->n_kv_heads, layer->head_dim, align(part), multiply(align(part), 2), at};
    return part > 0 && part != SIZE_MAX && layer->n_kv_heads > 0 && layer->head_dim <= KV_MAX_HEAD_DIM &&
           !__builtin_add_overflow(out->tile_size, 2 * scales, &out->tile_size);
}

/* Fills the sizes, and the places where there is room for them; false: they are zero or cannot be counted. */
static bool measure(struct kv_cache *cache, const struct kv_shape *shape)
{
    if (shape->block_len > SIZE_MAX / 64 || shape->n_layers > MAX_LAYERS || (unsigned)shape->type > KV_INT8 ||
        (shape->type != KV_F32 && shape->block_len % KV_GROUP != 0))
        return false;
    cache->shape = *shape;
    cache->block_size = 0;
    cache->states.size = shape->state_size;
    if (shape->state_size > 0 &&
        shape->n_layers == 0) { /* blocks of tokens alone; still told apart by their place */
        cache->block_size = 64;
        return shape->block_len > 0 && shape->state_size <= SIZE_MAX / 64;
    }
    for (size_t i = 0; i < shape->n_layers; i++) {
        struct kv_place here;
        if (!place(shape, i, cache->block_size, &here) ||
            __builtin_add_overflow(cache->block_size, multiply(here.tile_size, here.n_kv_heads),
                                   &cache->block_size))
            return false;
        if (cache->places)
            cache->places[i] = here;
    }
    return shape->state_size <= SIZE_MAX / 64 && cache->block_size > 0 && cache->block_size != SIZE_MAX;
}

static size_t ceil_div(size_t n, size_t by)
{
    return n / by + (n % by != 0);
}

size_t kv_bytes(const struct kv_shape *shape, size_t n_tokens)
{
    struct kv_cache sizes = {.places = NULL};
    return measure(&sizes, shape) ? multiply(sizes.block_size, ceil_div(n_tokens, shape->block_len))
                                  : SIZE_MAX;
}

/* ---- the cache ---- */

enum hone_status kv_new(struct kv_cache **out, const struct kv_shape *shape, size_t n_blocks,
                        struct hone_error *err)
{
    *out = NULL;
    struct kv_cache *cache = calloc(1, sizeof *cache);
    if (cache && shape->n_layers <= MAX_LAYERS)
        cache->places = calloc(shape->n_layers + 1, sizeof *cache->places);
    if (!cache || (!cache->places && shape->n_layers <= MAX_LAYERS)) {
        kv_free(cache);
        return hone_no_memory(err, "the KV cache", sizeof *cache);
    }
    if (!measure(cache, shape) || n_blocks == 0 || n_blocks >= BLOCK_NONE) {
        kv_free(cache);
        return hone_fail(
            err, HONE_USAGE,
            "a KV cache of %zu blocks of %zu tokens, %zu layers and %zu heads of %zu makes no sense",
            n_blocks, shape->block_len, shape->n_layers, shape->n_kv_heads, shape->head_dim);
    }
    cache->slab_blocks = n_blocks;
    blocks_init(&cache->blocks, shape->block_len);
    enum hone_status status = kv_grow(cache, n_blocks, err);
    if (status == HONE_OK)
        *out = cache;
    else
        kv_free(cache);
    return status;
}

static size_t slab_size(const struct kv_cache *cache)
{
    return multiply(cache->block_size + POISON_ZONE, cache->slab_blocks);
}

static bool add_slab(struct kv_cache *cache)
{
    char **slabs = realloc(cache->slabs, (cache->n_slabs + 1) * sizeof *slabs);
    cache->slabs = slabs ? slabs : cache->slabs;
    char *slab = slabs && slab_size(cache) != SIZE_MAX ? pages_alloc(slab_size(cache)) : NULL;
    if (!slab)
        return false;
    poison(slab, slab_size(cache));
    slabs[cache->n_slabs++] = slab;
    return true;
}

enum hone_status kv_grow(struct kv_cache *cache, size_t n_blocks, struct hone_error *err)
{
    if (n_blocks <= cache->blocks.n)
        return HONE_OK;
    size_t n_slabs = ceil_div(n_blocks, cache->slab_blocks), n = multiply(n_slabs, cache->slab_blocks);
    bool ok = n < BLOCK_NONE;
    while (ok && cache->n_slabs < n_slabs)
        ok = add_slab(cache);
    if (!ok || !blocks_grow(&cache->blocks, n))
        return hone_no_memory(err, "the KV cache", multiply(n_blocks, cache->block_size));
    return HONE_OK;
}

void kv_free(struct kv_cache *cache)
{
    if (!cache)
        return;
    ASSERT(cache->blocks.n_idle == cache->blocks.n); /* whoever had a sequence has freed it */
    for (size_t i = 0; i < cache->blocks.n; i++)
        kv_forget_state(cache, (uint32_t)i);
    states_release(&cache->states);
    blocks_release(&cache->blocks);
    for (size_t i = 0; i < cache->n_slabs; i++)
        pages_free(cache->slabs[i], slab_size(cache));
    free(cache->slabs);
    free(cache->places);
    free(cache);
}

const struct kv_shape *kv_shape_of(const struct kv_cache *cache)
{
    return &cache->shape;
}

struct kv_stats kv_stats(const struct kv_cache *cache)
{
    const struct blocks *b = &cache->blocks;
    return (struct kv_stats){b->n,          b->n - b->n_idle, b->n_known, cache->n_lookups,
                             cache->n_hits, b->n_evictions};
}

size_t kv_n_available(const struct kv_cache *cache)
{
    return cache->blocks.n_idle;
}

/* ---- who holds a block ---- */

static uint32_t take_block(struct kv_cache *cache)
{
    uint32_t block = blocks_take(&cache->blocks);
    kv_forget_state(cache, block);
    unpoison(block_data(cache, block), cache->block_size);
    return block;
}

static void ref_block(struct kv_cache *cache, uint32_t block)
{
    blocks_ref(&cache->blocks, block);
    unpoison(block_data(cache, block), cache->block_size);
}

static void unref_block(struct kv_cache *cache, uint32_t block)
{
    blocks_unref(&cache->blocks, block);
    if (cache->blocks.list[block].n_refs == 0)
        poison(block_data(cache, block), cache->block_size);
}

/* ---- sequences ---- */

/* The next known block of a sequence whose tokens are ids; *parent moves on. */
static uint32_t find_next(const struct kv_cache *cache, uint64_t *parent, uint64_t salt, const int32_t *ids)
{
    uint32_t block = blocks_find(&cache->blocks, *parent, salt, ids);
    if (block != BLOCK_NONE)
        *parent = cache->blocks.list[block].serial;
    return block;
}

/* *n_same: how many are known, with or without a state. */
static size_t known(const struct kv_cache *cache, uint64_t salt, const int32_t *ids, size_t n, size_t *n_same)
{
    size_t block_len = cache->shape.block_len, length = 0;
    uint64_t parent = 0;
    *n_same = 0;
    while (*n_same + block_len < n) {
        uint32_t block = find_next(cache, &parent, salt, ids + *n_same);
        if (block == BLOCK_NONE)
            break;
        *n_same += block_len;
        if (cache->shape.state_size == 0 || cache->blocks.list[block].state != STATE_NONE)
            length = *n_same;
    }
    return length;
}

size_t kv_known(const struct kv_cache *cache, uint64_t salt, const int32_t *ids, size_t n)
{
    size_t n_same;
    return known(cache, salt, ids, n, &n_same);
}

static bool table_reserve(struct kv_seq *seq, size_t n_blocks)
{
    if (n_blocks <= seq->capacity)
        return true;
    size_t capacity = n_blocks < 8 ? 16 : 2 * n_blocks;
    uint32_t *blocks = realloc(seq->blocks, multiply(capacity, sizeof *blocks));
    if (!blocks)
        return false;
    seq->blocks = blocks;
    seq->capacity = capacity;
    return true;
}

enum hone_status kv_seq_new(struct kv_cache *cache, struct kv_seq **out, uint64_t salt, const int32_t *ids,
                            size_t n, struct hone_error *err)
{
    size_t block_len = cache->shape.block_len, n_same, length = known(cache, salt, ids, n, &n_same);
    uint64_t parent = 0;
    *out = NULL;
    struct kv_seq *seq = calloc(1, sizeof *seq);
    if (!seq || !table_reserve(seq, length / block_len)) {
        free(seq);
        return hone_no_memory(err, "a sequence", sizeof *seq + length);
    }
    for (size_t i = 0; i < length; i += block_len) {
        uint32_t block = find_next(cache, &parent, salt, ids + i);
        ref_block(cache, block);
        seq->blocks[seq->n_blocks++] = block;
    }
    seq->salt = salt;
    seq->n_tokens = seq->n_reserved = length;
    seq_state_begin(cache, seq, n_same);
    cache->n_lookups += n;
    cache->n_hits += length;
    *out = seq;
    return HONE_OK;
}

/* Last ones first, so that they are used again first. */
static void drop_blocks(struct kv_cache *cache, struct kv_seq *seq, size_t n_left)
{
    while (seq->n_blocks > n_left)
        unref_block(cache, seq->blocks[--seq->n_blocks]);
}

void kv_seq_free(struct kv_cache *cache, struct kv_seq *seq)
{
    if (!seq)
        return;
    seq_state_free(cache, seq);
    drop_blocks(cache, seq, 0);
    free(seq->blocks);
    free(seq);
}

uint64_t kv_seq_salt(const struct kv_seq *seq)
{
    return seq->salt;
}

size_t kv_seq_length(const struct kv_seq *seq)
{
    return seq->n_tokens;
}

const uint32_t *kv_seq_blocks(const struct kv_seq *seq)
{
    return seq->blocks;
}

int32_t kv_seq_token(const struct kv_cache *cache, const struct kv_seq *seq, size_t position)
{
    size_t block_len = cache->shape.block_len;
    return block_ids(&cache->blocks, seq->blocks[position / block_len])[position % block_len];
}

/* The block that the next token goes to and that holds tokens already; NULL: there is none. */
static uint32_t *open_block(const struct kv_cache *cache, const struct kv_seq *seq)
{
    size_t block_len = cache->shape.block_len;
    return seq->n_tokens % block_len ? &seq->blocks[seq->n_tokens / block_len] : NULL;
}

size_t kv_n_needed(const struct kv_cache *cache, const struct kv_seq *seq, size_t n)
{
    size_t block_len = cache->shape.block_len, end;
    if (!seq)
        return ceil_div(n, block_len);
    if (__builtin_add_overflow(seq->n_tokens, n, &end))
        return SIZE_MAX;
    const uint32_t *open = n > 0 ? open_block(cache, seq) : NULL;
    size_t n_copies = open && cache->blocks.list[*open].n_refs > 1, n_blocks = ceil_div(end, block_len);
    return n_copies + (n_blocks > seq->n_blocks ? n_blocks - seq->n_blocks : 0);
}

/* Makes the open block the sequence's own, and its tokens free to change. */
static void own_open_block(struct kv_cache *cache, struct kv_seq *seq)
{
    struct blocks *b = &cache->blocks;
    uint32_t *open = open_block(cache, seq);
    if (!open)
        return;
    if (b->list[*open].n_refs == 1) {
        blocks_withdraw(b, *open);
        kv_forget_state(cache, *open);
        return;
    }
    uint32_t copy = take_block(cache);
    memcpy(block_data(cache, copy), block_data(cache, *open), cache->block_size);
    memcpy(block_ids(b, copy), block_ids(b, *open), b->block_len * sizeof *b->ids);
    unref_block(cache, *open);
    *open = copy;
}

bool kv_seq_reserve(struct kv_cache *cache, struct kv_seq *seq, size_t n)
{
    size_t end;
    if (kv_n_needed(cache, seq, n) > cache->blocks.n_idle || __builtin_add_overflow(seq->n_tokens, n, &end) ||
        !table_reserve(seq, ceil_div(end, cache->shape.block_len)) || !seq_state_reserve(cache, seq, end))
        return false;
    if (n > 0)
        own_open_block(cache, seq);
    while (seq->n_blocks * cache->shape.block_len < end)
        seq->blocks[seq->n_blocks++] = take_block(cache);
    seq->n_reserved = end;
    return true;
}

/* Block i has become full. Where an equal one is known, that one is used from now on. */
static void publish(struct kv_cache *cache, struct kv_seq *seq, size_t i)
{
    struct blocks *b = &cache->blocks;
    uint64_t parent = i > 0 ? b->list[seq->blocks[i - 1]].serial : 0;
    uint32_t known = blocks_find(b, parent, seq->salt, block_ids(b, seq->blocks[i]));
    if (known == BLOCK_NONE) {
        blocks_publish(b, seq->blocks[i], parent, seq->salt);
        return;
    }
    ref_block(cache, known);
    unref_block(cache, seq->blocks[i]);
    seq->blocks[i] = known;
}

static void give_up_reservation(struct kv_cache *cache, struct kv_seq *seq)
{
    seq_state_cancel(cache, seq);
    drop_blocks(cache, seq, ceil_div(seq->n_tokens, cache->shape.block_len));
    seq->n_reserved = seq->n_tokens;
}

void kv_seq_commit(struct kv_cache *cache, struct kv_seq *seq, const int32_t *ids, size_t n)
{
    size_t block_len = cache->shape.block_len;
    ASSERT(n <= seq->n_reserved - seq->n_tokens);
    ASSERT(seq->n_stops == 0 || seq->n_tokens + n == seq->n_reserved);
    for (size_t i = 0; i < n && seq->n_tokens < seq->n_reserved; i++) {
        size_t block = seq->n_tokens / block_len;
        block_ids(&cache->blocks, seq->blocks[block])[seq->n_tokens % block_len] = ids[i];
        if (++seq->n_tokens % block_len == 0)
            publish(cache, seq, block);
    }
    if (n > 0)
        seq_state_commit(cache, seq);
    give_up_reservation(cache, seq);
}

enum hone_status kv_seq_fork(struct kv_cache *cache, struct kv_seq *seq, struct kv_seq **out,
                             struct hone_error *err)
{
    give_up_reservation(cache, seq);
    *out = NULL;
    struct kv_seq *copy = calloc(1, sizeof *copy);
    if (!copy || !table_reserve(copy, seq->n_blocks)) {
        free(copy);
        return hone_no_memory(err, "a sequence", sizeof *copy);
    }
    for (size_t i = 0; i < seq->n_blocks; i++) {
        ref_block(cache, seq->blocks[i]);
        copy->blocks[i] = seq->blocks[i];
    }
    copy->n_blocks = seq->n_blocks;
    copy->n_tokens = copy->n_reserved = seq->n_tokens;
    copy->salt = seq->salt;
    seq_state_fork(cache, seq, copy);
    *out = copy;
    return HONE_OK;
}

void kv_seq_truncate(struct kv_cache *cache, struct kv_seq *seq, size_t n)
{
    if (n < seq->n_tokens)
        seq->n_tokens = seq_state_go_back(cache, seq, n);
    give_up_reservation(cache, seq);
}
