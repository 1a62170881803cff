#include "kernels/scalar/scalar.h"

#include <math.h>

size_t scalar_tile_attention_scratch(size_t head_dim)
{
    (void)head_dim;
    return 0;
}

/* Element i of keys or values, of a token's row. */
static float element(const struct tile_attention_args *args, const void *part, const float *scales,
                     size_t row, size_t i)
{
    float x;
    switch (args->type) {
    case KV_F32:
        return ((const float *)part)[i];
    case KV_F16:
        scalar_f16_to_f32(&x, (const uint16_t *)part + i, 1);
        return x;
    case KV_INT8:
        return scales[row] * (float)((const int8_t *)part)[i];
    }
    return 0;
}

static float key_element(const struct tile_attention_args *args, const struct kv_tile *tile, size_t row,
                         size_t d)
{
    size_t i = row * args->head_dim + d;
    if (args->type != KV_F32)
        i = (row / KV_GROUP * args->head_dim + d) * KV_GROUP + row % KV_GROUP;
    return element(args, tile->keys, tile->key_scales, row, i);
}

/* bias: the head's, or NULL. */
static float score(const struct tile_attention_args *args, const float *q, const float *bias, size_t here,
                   size_t position)
{
    const struct kv_tile *tile = &args->tiles[position / args->tile_len];
    const size_t row = position % args->tile_len;
    float sum = 0;
    for (size_t d = 0; d < args->head_dim; d++)
        sum += q[d] * key_element(args, tile, row, d);
    sum *= args->scale;
    if (args->cap > 0)
        sum = args->cap * tanhf(sum / args->cap);
    const ptrdiff_t at = (ptrdiff_t)position - (args->bias_of_keys ? 0 : (ptrdiff_t)here);
    return bias ? sum + bias[at] : sum;
}

/* sink: the head's, or NULL. */
static void attend(const struct tile_attention_args *args, const float *q, const float *bias,
                   const float *sink, float *out, size_t here)
{
    const size_t begin = here > args->left ? here - args->left : 0;
    float max = sink ? *sink : -INFINITY, sum = 0;
    for (size_t j = begin; j <= here; j++)
        max = fmaxf(max, score(args, q, bias, here, j));
    for (size_t d = 0; d < args->head_dim; d++)
        out[d] = 0;
    for (size_t j = begin; j <= here; j++) {
        const struct kv_tile *tile = &args->tiles[j / args->tile_len];
        const float weight = expf(score(args, q, bias, here, j) - max);
        sum += weight;
        for (size_t d = 0; d < args->head_dim; d++)
            out[d] += weight * element(args, tile->values, tile->value_scales, j % args->tile_len,
                                       j % args->tile_len * args->head_dim + d);
    }
    sum += sink ? expf(*sink - max) : 0;
    scalar_scale(out, 1 / sum, args->head_dim);
}

void scalar_tile_attention(const struct tile_attention_args *args)
{
    for (size_t i = 0; i < args->n_q; i++)
        for (size_t head = 0; head < args->n_heads; head++)
            attend(args, args->q + i * args->ld_q + head * args->head_dim,
                   args->bias ? args->bias + head * args->ld_bias : NULL,
                   args->sinks ? args->sinks + head : NULL,
                   args->out + i * args->ld_out + head * args->head_dim, args->first + i);
}
