/* Rows to bytes in long blocks, which are rotated first: kernels/kernels.h. */
#ifndef KERNELS_X86_AMX_ROWS_H
#define KERNELS_X86_AMX_ROWS_H

enum { GROUP = 8 }; /* vectors that are rotated in registers */

/* n vectors, a power of two: pairs that stand 1, 2, 4 ... apart become sum and difference. */
static ALWAYS_INLINE void rotate_vectors(vf x[], const size_t n)
{
    UNROLL
    for (size_t step = 1; step < n; step *= 2) {
        UNROLL
        for (size_t i = 0; i < n; i++)
            if ((i & step) == 0) {
                const vf first = x[i], second = x[i + step];
                x[i] = first + second;
                x[i + step] = first - second;
            }
    }
}

/* Vectors that stand `stride` apart, n of them, as often as fill a run of `stride`. */
static ALWAYS_INLINE void rotate_apart(float *y, const float *x, size_t stride, const size_t n)
{
    for (size_t i = 0; i < stride; i++, x += VL, y += VL) {
        vf v[GROUP];
        UNROLL
        for (size_t j = 0; j < n; j++)
            v[j] = vf_load(x + j * stride * VL);
        rotate_vectors(v, n);
        UNROLL
        for (size_t j = 0; j < n; j++)
            vf_store(y + j * stride * VL, v[j]);
    }
}

static ALWAYS_INLINE void rotate_run(float *y, const float *x, size_t stride, size_t n)
{
    switch (n) {
    case 2:
        rotate_apart(y, x, stride, 2);
        break;
    case 4:
        rotate_apart(y, x, stride, 4);
        break;
    case 8:
        rotate_apart(y, x, stride, 8);
        break;
    default: /* 1: there is nothing to do */
        break;
    }
}

/* A block of n <= I8_LONG to y, which may be x; returns what scalar_rotation does. */
static size_t rotate_block(float *y, const float *x, size_t n)
{
    const size_t size = scalar_rotation(n), inner = size < GROUP ? size : GROUP;
    if (size == 1 && y != x)
        memcpy(y, x, n * sizeof *y);
    for (size_t i = 0; i < n && size > 1; i += size * VL) {
        for (size_t j = 0; j < size; j += inner)
            rotate_run(y + i + j * VL, x + i + j * VL, 1, inner);
        rotate_run(y + i, y + i, inner, size / inner);
    }
    return size;
}

static void rotate_i8(float *x, size_t n)
{
    for (size_t i = 0; i < n; i += I8_LONG)
        rotate_block(x + i, x + i, n - i < I8_LONG ? n - i : I8_LONG);
}

static ALWAYS_INLINE size_t part(size_t n, size_t from)
{
    return n - from < VL ? n - from : VL;
}

static struct u8_block quantize_long_block(uint8_t *q, const float *x, size_t n)
{
    vf low = vf_set1(0), high = low, sum = low;
    for (size_t i = 0; i < n; i += VL) {
        const vf y = vf_load_n(x + i, part(n, i));
        low = vf_min(y, low);
        high = vf_max(y, high);
        sum += y * vf_set1(0); /* not a number where x is not finite */
    }
    const float above = vf_max_of(high), below = vf_max_of(vf_set1(0) - low);
    const float scale = (above + below) / 255 + vf_sum(sum), inverse = scale >= FLT_MIN ? 1 / scale : 0;
    if (!(inverse > 0)) {
        memset(q, 0, n);
        return (struct u8_block){scale, 0};
    }
    const struct u8_block block = {scale, (int32_t)lrintf(below * inverse)};
    for (size_t i = 0; i < n; i += VL)
        vi_store_u8_n(q + i, vi_from_vf(vf_load_n(x + i, part(n, i)) * vf_set1(inverse)) + block.zero,
                      part(n, i));
    return block;
}

static void quantize_u8_long(uint8_t *q, struct u8_block *blocks, const float *x, size_t n)
{
    float rotated[I8_LONG] __attribute__((aligned(64)));
    for (size_t i = 0; i < n; i += I8_LONG) {
        const size_t size = n - i < I8_LONG ? n - i : I8_LONG, s = rotate_block(rotated, x + i, size);
        *blocks = quantize_long_block(q + i, rotated, size);
        blocks++->scale *= 1 / (float)s;
    }
}

#endif
