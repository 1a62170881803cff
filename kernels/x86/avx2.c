/* AVX2 with FMA and F16C. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#define LEVEL_NAME  "avx2"
#define LEVEL_TABLE kernels_avx2
#define MR_F32      6 /* 12 sums, two vectors of weights, one of input: 15 of 16 registers */
#define MR_I8       4 /* 8 sums, weights and input as even and odd bytes: 14 registers */
#define NR_I8       2
/* In 16 registers sums and totals of none of 3 by 2, 6 by 2, 4 by 1 fit, and they are within 0.97 to 1.04 of it (Zen 5). */
#define MR_I4     4
#define NR_I4     2
#define MR_K      4
#define NR_K      2
#define MR_MANY_K 3 /* 2: 0.88 of its speed at 128 rows; 4: equal */
#define MR_BF16   4 /* 3: 0.6 of its speed at 4 rows, 0.8 at 128; 5 and 6: 0.7 and 0.8 at 128 */
#define NR_BF16   2

TARGET_BEGIN("avx2,fma,f16c")

#include "kernels/x86/avx2.h"

/* vpmaddubsw would saturate: even and odd bytes are multiplied as words. */
typedef struct {
    __m256i even, odd;
} va_i8, vb_i8;

static ALWAYS_INLINE va_i8 va_i8_load(const uint8_t *p)
{
    const __m256i x = (__m256i)vi_broadcast4(p);
    return (va_i8){_mm256_and_si256(x, _mm256_set1_epi16(0xff)), _mm256_srli_epi16(x, 8)};
}

static ALWAYS_INLINE vb_i8 vb_i8_load(const int8_t *p)
{
    const __m256i x = _mm256_load_si256((const __m256i *)p);
    return (vb_i8){_mm256_srai_epi16(_mm256_slli_epi16(x, 8), 8), _mm256_srai_epi16(x, 8)};
}

static ALWAYS_INLINE vi vi_dot_i8(vi sum, va_i8 a, vb_i8 b)
{
    return sum + (vi)_mm256_madd_epi16(a.even, b.even) + (vi)_mm256_madd_epi16(a.odd, b.odd);
}

/* The products of six bits and a byte fit, in pairs, 16 bits. */
static ALWAYS_INLINE vi vi_dot_i4(vi sum, vi b, vi a)
{
    const __m256i pairs = _mm256_maddubs_epi16((__m256i)b, (__m256i)a);
    return sum + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
}

/* Pairs of products of signed bytes fit 16 bits, as neither is -128. */
static ALWAYS_INLINE vi vi_level_pairs(vi b, vi a)
{
    const __m256i positive = _mm256_abs_epi8((__m256i)b), moved = _mm256_sign_epi8((__m256i)a, (__m256i)b);
    return (vi)_mm256_maddubs_epi16(positive, moved);
}

static ALWAYS_INLINE vi vi_dot_levels(vi sum, vi b, vi a)
{
    return sum + (vi)_mm256_madd_epi16((__m256i)vi_level_pairs(b, a), _mm256_set1_epi16(1));
}

#define K_BY_WORDS

static ALWAYS_INLINE vi vi_add_pairs(vi sum, vi b, vi a)
{
    return (vi)_mm256_add_epi16((__m256i)sum, _mm256_maddubs_epi16((__m256i)b, (__m256i)a));
}

static ALWAYS_INLINE vi vi_dot_s16(vi sum, vi x, vi y)
{
    return sum + (vi)_mm256_madd_epi16((__m256i)x, (__m256i)y);
}

/* Both elements of a pair as float32. */
typedef struct {
    vf low, high;
} va_bf16, vb_bf16;

static ALWAYS_INLINE va_bf16 pair_from_bf16(__m256i x)
{
    const __m256i high = _mm256_and_si256(x, _mm256_set1_epi32((int)0xffff0000));
    return (va_bf16){_mm256_castsi256_ps(_mm256_slli_epi32(x, 16)), _mm256_castsi256_ps(high)};
}

static ALWAYS_INLINE va_bf16 va_bf16_load(const uint16_t *p)
{
    return pair_from_bf16((__m256i)vi_broadcast4(p));
}

static ALWAYS_INLINE vb_bf16 vb_bf16_load(const uint16_t *p)
{
    return pair_from_bf16(_mm256_load_si256((const __m256i *)p));
}

static ALWAYS_INLINE vf vf_dot_bf16(vf sum, va_bf16 a, vb_bf16 b)
{
    return vf_fma(a.high, b.high, vf_fma(a.low, b.low, sum));
}

#include "kernels/template/kernels.h"

TARGET_END
