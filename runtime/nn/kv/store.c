/* Where keys and values lie, and how they get there. */
#include "runtime/nn/kv/cache.h"

#include <math.h>
#include <string.h>

struct kv_tile kv_tile(const struct kv_cache *cache, uint32_t block, size_t layer, size_t head)
{
    const struct kv_place *place = &cache->places[layer];
    char *tile = block_data(cache, block) + place->at + head * place->tile_size;
    struct kv_tile parts = {tile, tile + place->part_size, NULL, NULL};
    if (cache->shape.type == KV_INT8) {
        parts.key_scales = (float *)(tile + 2 * place->part_size);
        parts.value_scales = parts.key_scales + (cache->shape.block_len + 15) / 16 * 16;
    }
    return parts;
}

/* Returns the scale. What is not finite makes it so, and is seen in every result. */
static float to_bytes(int8_t *to, const float *from, size_t n)
{
    float max = 0;
    for (size_t i = 0; i < n; i++)
        max = fabsf(from[i]) <= max ? max : fabsf(from[i]);
    float scale = max / 127, inverse = scale > 0 && isfinite(scale) ? 1 / scale : 0;
    if (!isfinite(inverse)) /* all but zero */
        scale = inverse = 0;
    for (size_t i = 0; i < n; i++)
        to[i] = isfinite(from[i]) ? (int8_t)lrintf(from[i] * inverse) : 0;
    return scale;
}

/* A row as it is in the cache, whatever lies between its elements. */
static void narrow(enum kv_type type, void *to, float *scale, const float *from, size_t n)
{
    if (type == KV_F32)
        memcpy(to, from, n * sizeof *from);
    else if (type == KV_F16)
        kernels_get()->f32_to_f16(to, from, n);
    else
        *scale = to_bytes(to, from, n);
}

static void widen(enum kv_type type, float *to, float scale, const void *from, size_t n)
{
    if (type == KV_F32)
        memcpy(to, from, n * sizeof *to);
    else if (type == KV_F16)
        kernels_get()->f16_to_f32(to, from, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = scale * (float)((const int8_t *)from)[i];
}

/* Of rows of n elements. */
static char *row_of(enum kv_type type, size_t n, void *part, size_t slot)
{
    return (char *)part + slot * n * kv_element_size(type);
}

/* The first element of a slot's key; those that follow are KV_GROUP elements apart each, but of KV_F32. */
static char *key_of(enum kv_type type, size_t n, void *part, size_t slot)
{
    return row_of(type, n, part, slot / KV_GROUP * KV_GROUP) + slot % KV_GROUP * kv_element_size(type);
}

/* Elements of `size` bytes, 1 or 2. */
static void spread(char *to, const char *row, size_t n, size_t size)
{
    for (size_t i = 0; i < n && size == 2; i++)
        memcpy(to + 2 * i * KV_GROUP, row + 2 * i, 2);
    for (size_t i = 0; i < n && size == 1; i++)
        to[i * KV_GROUP] = row[i];
}

static void collect(char *row, const char *from, size_t n, size_t size)
{
    for (size_t i = 0; i < n; i++)
        memcpy(row + i * size, from + i * KV_GROUP * size, size);
}

static void store_key(enum kv_type type, size_t n, const struct kv_tile *tile, size_t slot, const float *from)
{
    char row[KV_MAX_HEAD_DIM * sizeof(uint16_t)];
    if (type == KV_F32) {
        narrow(KV_F32, row_of(type, n, tile->keys, slot), NULL, from, n);
        return;
    }
    narrow(type, row, tile->key_scales ? &tile->key_scales[slot] : NULL, from, n);
    spread(key_of(type, n, tile->keys, slot), row, n, kv_element_size(type));
}

static void load_key(enum kv_type type, size_t n, const struct kv_tile *tile, size_t slot, float *to)
{
    char row[KV_MAX_HEAD_DIM * sizeof(uint16_t)];
    if (type == KV_F32) {
        widen(KV_F32, to, 0, row_of(type, n, tile->keys, slot), n);
        return;
    }
    collect(row, key_of(type, n, tile->keys, slot), n, kv_element_size(type));
    widen(type, to, tile->key_scales ? tile->key_scales[slot] : 0, row, n);
}

void kv_write(struct kv_cache *cache, const struct kv_seq *seq, size_t layer, size_t position,
              const float *keys, const float *values)
{
    const enum kv_type type = cache->shape.type;
    const size_t block_len = cache->shape.block_len, slot = position % block_len,
                 n = cache->places[layer].head_dim;
    for (size_t head = 0; head < cache->places[layer].n_kv_heads; head++) {
        struct kv_tile tile = kv_tile(cache, seq->blocks[position / block_len], layer, head);
        store_key(type, n, &tile, slot, keys + head * n);
        narrow(type, row_of(type, n, tile.values, slot), tile.value_scales ? &tile.value_scales[slot] : NULL,
               values + head * n, n);
    }
}

void kv_read(const struct kv_cache *cache, const struct kv_seq *seq, size_t layer, size_t head,
             size_t position, float *key, float *value)
{
    const enum kv_type type = cache->shape.type;
    const size_t block_len = cache->shape.block_len, slot = position % block_len,
                 n = cache->places[layer].head_dim;
    struct kv_tile tile = kv_tile(cache, seq->blocks[position / block_len], layer, head);
    load_key(type, n, &tile, slot, key);
    widen(type, value, tile.value_scales ? tile.value_scales[slot] : 0, row_of(type, n, tile.values, slot),
          n);
}
