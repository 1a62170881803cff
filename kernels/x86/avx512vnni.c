/* AVX-512 VNNI: products of bytes on AVX-512's vectors. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#define MR_I8 6 /* 24 sums, four vectors of weights, one of input: 29 of 32 registers */
#define NR_I8 4
/* 12 sums of a block and 12 totals are in registers. Four vectors for two, of which some wait in memory, had 0.95 of the speed
 * with one row and from 16 on (Zen 5), the same with 4; 7, 8 rows were equal, 12 slower. */
#define MR_I4     6
#define NR_I4     2
#define MR_K      8
#define NR_K      2
#define MR_MANY_K 6

TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma,f16c")

#include "kernels/x86/avx512.h"

typedef __m512i va_i8, vb_i8;

static ALWAYS_INLINE va_i8 va_i8_load(const uint8_t *p)
{
    return (__m512i)vi_broadcast4(p);
}

static ALWAYS_INLINE vb_i8 vb_i8_load(const int8_t *p)
{
    return _mm512_load_si512(p);
}

static ALWAYS_INLINE vi vi_dot_i8(vi sum, va_i8 a, vb_i8 b)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, a, b);
}

static ALWAYS_INLINE vi vi_dot_i4(vi sum, vi b, vi a)
{
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)b, (__m512i)a);
}

/* One side of these products is unsigned: levels are 128 more. */
#define LEVELS_MORE 128

static ALWAYS_INLINE vi vi_dot_levels(vi sum, vi b, vi a)
{
    return vi_dot_i4(sum, b, a);
}

static ALWAYS_INLINE vi vi_dot_s16(vi sum, vi x, vi y)
{
    return (vi)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)y);
}

#include "kernels/template/int4.h"
#include "kernels/template/int8.h"
#include "kernels/template/k_quants.h"

TARGET_END

void kernels_add_avx512vnni(struct kernels *k)
{
    INT4_SLOTS(k);
    INT8_SLOTS(k);
    K_SLOTS(k);
}
