#include "kernels/scalar/scalar.h"

#include <math.h>

size_t scalar_attention_scratch(size_t n_k, size_t head_dim)
{
    (void)n_k, (void)head_dim;
    return 0;
}

static float score(const struct attention_args *args, size_t i, size_t j)
{
    const float *q = args->q + i * args->ld_q, *k = args->k + j * args->ld_kv;
    const float s = args->scale * scalar_dot(q, k, args->head_dim);
    return args->bias ? s + args->bias[(ptrdiff_t)i * args->ld_bias + (ptrdiff_t)j] : s;
}

/* Row i sees keys *begin to *end. */
static void visible(const struct attention_args *args, size_t i, size_t *begin, size_t *end)
{
    const struct attention_window *w = args->window;
    *begin = 0;
    *end = args->n_k;
    if (!w)
        return;
    const size_t here = w->first + i;
    if (here > w->left)
        *begin = here - w->left;
    if (*end > here && *end - here - 1 > w->right)
        *end = here + w->right + 1;
}

/* Two passes over the keys, one for the maximum and one for the sums, so that nothing needs to be kept. */
static void attend(const struct attention_args *args, size_t i)
{
    float max = -INFINITY, sum = 0, *out = args->out + i * args->ld_out;
    size_t begin, end;
    visible(args, i, &begin, &end);
    for (size_t j = begin; j < end; j++)
        max = fmaxf(max, score(args, i, j));
    for (size_t d = 0; d < args->head_dim; d++)
        out[d] = 0;
    for (size_t j = begin; j < end; j++) {
        const float weight = expf(score(args, i, j) - max);
        sum += weight;
        for (size_t d = 0; d < args->head_dim; d++)
            out[d] += weight * args->v[j * args->ld_kv + d];
    }
    if (args->n_k)
        scalar_scale(out, 1 / sum, args->head_dim);
}

void scalar_attention(const struct attention_args *args)
{
    for (size_t i = 0; i < args->n_q; i++)
        attend(args, i);
}
