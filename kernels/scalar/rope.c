#include "kernels/scalar/scalar.h"

static void rotate(float *a, float *b, float cosine, float sine)
{
    const float x = *a, y = *b;
    *a = x * cosine - y * sine;
    *b = y * cosine + x * sine;
}

void scalar_rope_halves(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs)
{
    for (size_t head = 0; head < n_heads; head++, x += head_dim)
        for (size_t i = 0; i < n_pairs; i++)
            rotate(&x[i], &x[n_pairs + i], turn[i], turn[n_pairs + i]);
}

void scalar_rope_pairs(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs)
{
    for (size_t head = 0; head < n_heads; head++, x += head_dim)
        for (size_t i = 0; i < n_pairs; i++)
            rotate(&x[2 * i], &x[2 * i + 1], turn[i], turn[n_pairs + i]);
}
