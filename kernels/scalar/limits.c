/* What the compiler makes of plain C, in vectors of sixteen bytes, which every machine has. */
#include "kernels/limits_loop.h"

typedef float f32x4 __attribute__((vector_size(16)));
typedef uint64_t u64x2 __attribute__((vector_size(16)));

static ALWAYS_INLINE f32x4 multiply_add(f32x4 sum)
{
    const f32x4 half = {0.5f, 0.5f, 0.5f, 0.5f}, one = {1, 1, 1, 1};
    return sum * half + one;
}

static ALWAYS_INLINE u64x2 load(const void *p)
{
    return *(const u64x2 *)p;
}

static ALWAYS_INLINE u64x2 either(u64x2 x, u64x2 y)
{
    return x | y;
}

LIMIT_LOOP(f32, f32x4, 12, ((f32x4){1, 1, 1, 1}), multiply_add(sum))
LIMIT_READ(read_all, u64x2, ((u64x2){0, 0}), load, either)

enum { ROW = 1024 }; /* bytes: twice that is within any first-level cache */

/* A dot product of bytes from the first-level cache. */
static float i8(size_t n_rounds)
{
    static const uint8_t a[ROW] = {1};
    static const int8_t b[ROW] = {1};
    int32_t sum = 0;
    for (; n_rounds > 0; n_rounds--) {
        __asm__ volatile("" ::: "memory");
        const uint8_t *x = a;
        const int8_t *y = b;
        __asm__ volatile("" : "+r"(x), "+r"(y));
        for (size_t i = 0; i < ROW; i++)
            sum += x[i] * y[i];
    }
    return (float)sum;
}

const struct limits limits_scalar = {
    .products = {[LIMIT_F32] = {f32, 12 * 4 * 2}, [LIMIT_I8] = {i8, ROW * 2}},
    .read = read_all,
};
