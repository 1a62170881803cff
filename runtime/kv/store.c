/* Where keys and values lie, and how they get there. */
#include "runtime/kv/cache.h"

#include <math.h>
#include <string.h>

struct kv_tile kv_tile(const struct kv_cache *cache, uint32_t block, size_t layer, size_t head)
{
    char *tile = block_data(cache, block) + (layer * cache->shape.n_kv_heads + head) * cache->tile_size;
    struct kv_tile parts = {tile, tile + cache->part_size, NULL, NULL};
    if (cache->shape.type == KV_INT8) {
        parts.key_scales = (float *)(tile + 2 * cache->part_size);
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

static void store(const struct kv_shape *shape, void *part, float *scales, size_t slot, const float *from)
{
    size_t n = shape->head_dim;
    char *to = (char *)part + slot * n * kv_element_size(shape->type);
    if (shape->type == KV_F32)
        memcpy(to, from, n * sizeof *from);
    else if (shape->type == KV_F16)
        kernels_get()->f32_to_f16((uint16_t *)to, from, n);
    else
        scales[slot] = to_bytes((int8_t *)to, from, n);
}

static void load(const struct kv_shape *shape, const void *part, const float *scales, size_t slot, float *to)
{
    size_t n = shape->head_dim;
    const char *from = (const char *)part + slot * n * kv_element_size(shape->type);
    if (shape->type == KV_F32)
        memcpy(to, from, n * sizeof *to);
    else if (shape->type == KV_F16)
        kernels_get()->f16_to_f32(to, (const uint16_t *)from, n);
    else
        for (size_t i = 0; i < n; i++)
            to[i] = scales[slot] * (float)((const int8_t *)from)[i];
}

void kv_write(struct kv_cache *cache, const struct kv_seq *seq, size_t layer, size_t position,
              const float *keys, const float *values)
{
    const struct kv_shape *shape = &cache->shape;
    size_t slot = position % shape->block_len;
    for (size_t head = 0; head < shape->n_kv_heads; head++) {
        struct kv_tile tile = kv_tile(cache, seq->blocks[position / shape->block_len], layer, head);
        store(shape, tile.keys, tile.key_scales, slot, keys + head * shape->head_dim);
        store(shape, tile.values, tile.value_scales, slot, values + head * shape->head_dim);
    }
}

void kv_read(const struct kv_cache *cache, const struct kv_seq *seq, size_t layer, size_t head,
             size_t position, float *key, float *value)
{
    const struct kv_shape *shape = &cache->shape;
    size_t slot = position % shape->block_len;
    struct kv_tile tile = kv_tile(cache, seq->blocks[position / shape->block_len], layer, head);
    load(shape, tile.keys, tile.key_scales, slot, key);
    load(shape, tile.values, tile.value_scales, slot, value);
}
