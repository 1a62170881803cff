#include "tests/products.h"

#include <float.h>
#include <math.h>

size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

size_t extent(size_t rows, size_t cols, size_t stride)
{
    return rows ? (rows - 1) * stride + cols : 0;
}

void *guard_alloc_lines(size_t size)
{
    return guard_alloc(round_up(size, 64));
}

float *random_row(size_t n, int kind)
{
    float *x = guard_alloc(n * sizeof *x);
    random_floats(x, n, kind < ROW_TIES ? (enum data)kind : DATA_NORMAL);
    const float low = -0.5f * (float)random_below(511); /* so that 255 steps of 1 make the row */
    for (size_t i = 0; i < n; i++)
        switch (kind) {
        case ROW_TIES:
            x[i] = i == 0 ? low : i == 1 ? low + 255 : low + 0.5f * (float)random_below(511);
            break;
        case ROW_POSITIVE:
            x[i] = fabsf(x[i]);
            break;
        case ROW_NEGATIVE:
            x[i] = -fabsf(x[i]);
            break;
        case ROW_TINY:
            x[i] *= 40 * FLT_MIN;
            break;
        default:
            break;
        }
    return x;
}

void each_row(const struct kernels *k, void (*check)(const struct kernels *k, size_t n, int kind))
{
    static const size_t sizes[] = {127, 128, 129, 255, 257, 384, 1000, 1536, 4099};
    for (int end = 0; end < 2; end++) {
        guard_at_end = end;
        for (int kind = 0; kind < ROW_N_KINDS; kind++) {
            for (size_t n = 0; n < 100; n++)
                check(k, n, kind);
            for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                check(k, sizes[i], kind);
        }
    }
}

int random_byte(enum bytes kind, int low, int high)
{
    return kind == BYTES_HIGH      ? high
           : kind == BYTES_LOW     ? low
           : kind == BYTES_EXTREME ? (random_below(2) ? high : low)
           : kind == BYTES_SMALL   ? (int)random_below(3)
                                   : low + (int)random_below((size_t)(high - low + 1));
}
