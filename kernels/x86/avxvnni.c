/* AVX-VNNI: products of bytes on AVX2's vectors. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#if KNOWS_AVXVNNI_AND_AMX

#define MR_I8     6 /* 12 sums, two vectors of weights, one of input: 15 of 16 registers */
#define MR_I4     4 /* 3: 0.89 of its speed with 4 rows, 0.98 with 128; 6: equal */
#define NR_I4     2
#define NR_I8     2
#define MR_K      4
#define NR_K      2
#define MR_MANY_K 4 /* 3: 0.97 of its speed at 128 rows */

TARGET_BEGIN("avx2,fma,f16c,avxvnni")

#include "kernels/x86/avx2.h"

typedef __m256i va_i8, vb_i8;

static ALWAYS_INLINE va_i8 va_i8_load(const uint8_t *p)
{
    return (__m256i)vi_broadcast4(p);
}

static ALWAYS_INLINE vb_i8 vb_i8_load(const int8_t *p)
{
    return _mm256_load_si256((const __m256i *)p);
}

static ALWAYS_INLINE vi vi_dot_i8(vi sum, va_i8 a, vb_i8 b)
{
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, a, b);
}

static ALWAYS_INLINE vi vi_dot_i4(vi sum, vi b, vi a)
{
    return (vi)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)b, (__m256i)a);
}

/* One side of these products is unsigned: levels are 128 more. */
#define LEVELS_MORE 128

static ALWAYS_INLINE vi vi_dot_levels(vi sum, vi b, vi a)
{
    return vi_dot_i4(sum, b, a);
}

static ALWAYS_INLINE vi vi_dot_s16(vi sum, vi x, vi y)
{
    return (vi)_mm256_dpwssd_avx_epi32((__m256i)sum, (__m256i)x, (__m256i)y);
}

#include "kernels/template/int4.h"
#include "kernels/template/int8.h"
#include "kernels/template/k_quants.h"

TARGET_END

void kernels_add_avxvnni(struct kernels *k)
{
    INT4_SLOTS(k);
    INT8_SLOTS(k);
    K_SLOTS(k);
}

#else

void kernels_add_avxvnni(struct kernels *k)
{
    (void)k;
}

#endif
