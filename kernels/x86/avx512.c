/* AVX-512: F, BW, VL and DQ. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#define LEVEL_NAME  "avx512"
#define LEVEL_TABLE kernels_avx512
#define MR_F32      12
#define MR_I8       8
#define NR_I8       2

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

#include "kernels/template/kernels.h"

TARGET_END
