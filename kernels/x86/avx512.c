/* AVX-512: F, BW, VL and DQ. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#define LEVEL_NAME  "avx512"
#define LEVEL_TABLE kernels_avx512
#define MR_F32      12 /* 24 sums, two vectors of weights, one of input: 27 of 32 registers */
#define MR_I8       8  /* 16 sums, weights and input as even and odd bytes: 22 registers */
#define NR_I8       2
/* 4 by 4 has 1.05 of this speed at 128 rows and 0.85 at 4, which is what generating has; 6 and 12 rows 0.94 to 1.01 (Zen 5). */
#define MR_I4     8
#define NR_I4     2
#define MR_K      8
#define NR_K      2
#define MR_MANY_K 6
#define MR_BF16   8 /* 10 or 12 rows, or 6 of four vectors: 0.98 to 1.00 of it */
#define NR_BF16   2

TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx2,fma,f16c")

#include "kernels/x86/avx512.h"

/* As with AVX2: vpmaddubsw would saturate. */
typedef struct {
    __m512i even, odd;
} va_i8, vb_i8;

static ALWAYS_INLINE va_i8 va_i8_load(const uint8_t *p)
{
    const __m512i x = (__m512i)vi_broadcast4(p);
    return (va_i8){_mm512_and_si512(x, _mm512_set1_epi16(0xff)), _mm512_srli_epi16(x, 8)};
}

static ALWAYS_INLINE vb_i8 vb_i8_load(const int8_t *p)
{
    const __m512i x = _mm512_load_si512(p);
    return (vb_i8){_mm512_srai_epi16(_mm512_slli_epi16(x, 8), 8), _mm512_srai_epi16(x, 8)};
}

static ALWAYS_INLINE vi vi_dot_i8(vi sum, va_i8 a, vb_i8 b)
{
    return sum + (vi)_mm512_madd_epi16(a.even, b.even) + (vi)_mm512_madd_epi16(a.odd, b.odd);
}

/* The products of six bits and a byte fit, in pairs, 16 bits. */
static ALWAYS_INLINE vi vi_dot_i4(vi sum, vi b, vi a)
{
    const __m512i pairs = _mm512_maddubs_epi16((__m512i)b, (__m512i)a);
    return sum + (vi)_mm512_madd_epi16(pairs, _mm512_set1_epi16(1));
}

/* Pairs of products of signed bytes fit 16 bits, as neither is -128. */
static ALWAYS_INLINE vi vi_level_pairs(vi b, vi a)
{
    const __mmask64 negative = _mm512_movepi8_mask((__m512i)b);
    const __m512i moved = _mm512_mask_sub_epi8((__m512i)a, negative, _mm512_setzero_si512(), (__m512i)a);
    return (vi)_mm512_maddubs_epi16(_mm512_abs_epi8((__m512i)b), moved);
}

static ALWAYS_INLINE vi vi_dot_levels(vi sum, vi b, vi a)
{
    return sum + (vi)_mm512_madd_epi16((__m512i)vi_level_pairs(b, a), _mm512_set1_epi16(1));
}

#define K_BY_WORDS

static ALWAYS_INLINE vi vi_add_pairs(vi sum, vi b, vi a)
{
    return (vi)_mm512_add_epi16((__m512i)sum, _mm512_maddubs_epi16((__m512i)b, (__m512i)a));
}

static ALWAYS_INLINE vi vi_dot_s16(vi sum, vi x, vi y)
{
    return sum + (vi)_mm512_madd_epi16((__m512i)x, (__m512i)y);
}

/* Both elements of a pair as float32. */
typedef struct {
    vf low, high;
} va_bf16, vb_bf16;

static ALWAYS_INLINE va_bf16 pair_from_bf16(__m512i x)
{
    const __m512i high = _mm512_and_epi32(x, _mm512_set1_epi32((int)0xffff0000));
    return (va_bf16){_mm512_castsi512_ps(_mm512_slli_epi32(x, 16)), _mm512_castsi512_ps(high)};
}

static ALWAYS_INLINE va_bf16 va_bf16_load(const uint16_t *p)
{
    return pair_from_bf16((__m512i)vi_broadcast4(p));
}

static ALWAYS_INLINE vb_bf16 vb_bf16_load(const uint16_t *p)
{
    return pair_from_bf16(_mm512_load_si512(p));
}

static ALWAYS_INLINE vf vf_dot_bf16(vf sum, va_bf16 a, vb_bf16 b)
{
    return vf_fma(a.high, b.high, vf_fma(a.low, b.low, sum));
}

#include "kernels/template/kernels.h"

TARGET_END
