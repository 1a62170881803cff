#include "kernels/scalar/scalar.h"

#include <math.h>

size_t scalar_attention_scratch(size_t n_k, size_t head_dim)
{
    (void)n_k, (void)head_dim;
    return 0;
}

/* Two passes over the keys, one for the maximum and one for the sums, so that nothing needs to be kept. */
static void attend(float *out, const float *q, const struct attention_args *args)
{
    const size_t n_k = args->n_k, ld = args->ld_kv, head_dim = args->head_dim;
    float max = -INFINITY, sum = 0;
    for (size_t j = 0; j < n_k; j++)
        max = fmaxf(max, args->scale * scalar_dot(q, args->k + j * ld, head_dim));
    for (size_t d = 0; d < head_dim; d++)
        out[d] = 0;
    for (size_t j = 0; j < n_k; j++) {
        const float weight = expf(args->scale * scalar_dot(q, args->k + j * ld, head_dim) - max);
        sum += weight;
        for (size_t d = 0; d < head_dim; d++)
            out[d] += weight * args->v[j * ld + d];
    }
    if (n_k)
        scalar_scale(out, 1 / sum, head_dim);
}

void scalar_attention(const struct attention_args *args)
{
    for (size_t i = 0; i < args->n_q; i++)
        attend(args->out + i * args->ld_out, args->q + i * args->ld_q, args);
}
