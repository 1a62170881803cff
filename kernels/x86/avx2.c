/* AVX2 with FMA and F16C. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#define LEVEL_NAME  "avx2"
#define LEVEL_TABLE kernels_avx2
#define MR_F32      6
#define MR_I8       4
#define NR_I8       2

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

#include "kernels/template/kernels.h"

TARGET_END
