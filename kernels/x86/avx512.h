/* AVX-512's vectors of sixteen floats, for the templates: see kernels/template/kernels.h and int8.h. Included between
 * TARGET_BEGIN and TARGET_END. */
#ifndef KERNELS_X86_AVX512_H
#define KERNELS_X86_AVX512_H

#include "kernels/template/compiler.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VL 16

typedef __m512 vf;

static ALWAYS_INLINE __mmask16 first_n(size_t n)
{
    return (__mmask16)((1u << n) - 1);
}

static ALWAYS_INLINE vf vf_set1(float s)
{
    return _mm512_set1_ps(s);
}

static ALWAYS_INLINE vf vf_load(const float *p)
{
    return _mm512_loadu_ps(p);
}

static ALWAYS_INLINE void vf_store(float *p, vf x)
{
    _mm512_storeu_ps(p, x);
}

static ALWAYS_INLINE vf vf_load_n(const float *p, size_t n)
{
    return _mm512_maskz_loadu_ps(first_n(n), p);
}

static ALWAYS_INLINE void vf_store_n(float *p, vf x, size_t n)
{
    _mm512_mask_storeu_ps(p, first_n(n), x);
}

static ALWAYS_INLINE vf vf_first(vf x, size_t n)
{
    return _mm512_maskz_mov_ps(first_n(n), x);
}

static ALWAYS_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

static ALWAYS_INLINE vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

static ALWAYS_INLINE vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

static ALWAYS_INLINE vf vf_abs(vf x)
{
    return _mm512_andnot_ps(_mm512_set1_ps(-0.0f), x);
}

static ALWAYS_INLINE vf vf_copysign(vf x, vf sign)
{
    return _mm512_or_ps(x, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign));
}

static ALWAYS_INLINE vf vf_round(vf x)
{
    return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT);
}

static ALWAYS_INLINE vf vf_ldexp(vf x, vf n)
{
    return _mm512_scalef_ps(x, n);
}

static ALWAYS_INLINE float vf_sum(vf x)
{
    return _mm512_reduce_add_ps(x);
}

static ALWAYS_INLINE float vf_max_of(vf x)
{
    return _mm512_reduce_max_ps(x);
}

static ALWAYS_INLINE void vf_transpose(vf x[16])
{
    vf t[16];
    UNROLL
    for (int i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(x[i], x[i + 1]);
    }
    /* Quarter q of u[4 g + c] becomes column 4 q + c of rows 4 g to 4 g + 3. */
    __m512d u[16];
    UNROLL
    for (int i = 0; i < 16; i += 4) {
        const __m512d t0 = _mm512_castps_pd(t[i]), t1 = _mm512_castps_pd(t[i + 1]);
        const __m512d t2 = _mm512_castps_pd(t[i + 2]), t3 = _mm512_castps_pd(t[i + 3]);
        u[i] = _mm512_unpacklo_pd(t0, t2);
        u[i + 1] = _mm512_unpackhi_pd(t0, t2);
        u[i + 2] = _mm512_unpacklo_pd(t1, t3);
        u[i + 3] = _mm512_unpackhi_pd(t1, t3);
    }
    UNROLL
    for (int c = 0; c < 4; c++) {
        const __m512d even01 = _mm512_shuffle_f64x2(u[c], u[c + 4], 0x88);
        const __m512d even23 = _mm512_shuffle_f64x2(u[c + 8], u[c + 12], 0x88);
        const __m512d odd01 = _mm512_shuffle_f64x2(u[c], u[c + 4], 0xdd);
        const __m512d odd23 = _mm512_shuffle_f64x2(u[c + 8], u[c + 12], 0xdd);
        x[c] = _mm512_castpd_ps(_mm512_shuffle_f64x2(even01, even23, 0x88));
        x[c + 4] = _mm512_castpd_ps(_mm512_shuffle_f64x2(odd01, odd23, 0x88));
        x[c + 8] = _mm512_castpd_ps(_mm512_shuffle_f64x2(even01, even23, 0xdd));
        x[c + 12] = _mm512_castpd_ps(_mm512_shuffle_f64x2(odd01, odd23, 0xdd));
    }
}

static ALWAYS_INLINE vf vf_load_f16(const uint16_t *p)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)p));
}

static ALWAYS_INLINE void vf_store_f16(uint16_t *p, vf x)
{
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

static ALWAYS_INLINE vf vf_load_bf16(const uint16_t *p)
{
    const __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)p));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}

/* Not vcvtneps2bf16: that takes denormals for zero. */
static ALWAYS_INLINE void vf_store_bf16(uint16_t *p, vf x)
{
    const __m512i bits = _mm512_castps_si512(x), high = _mm512_srli_epi32(bits, 16);
    const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
    const __m512i sum = _mm512_add_epi32(_mm512_add_epi32(bits, _mm512_set1_epi32(0x7fff)), odd);
    const __m512i quiet_nan = _mm512_or_si512(high, _mm512_set1_epi32(0x40));
    const __mmask16 nan = _mm512_cmp_ps_mask(x, x, _CMP_UNORD_Q);
    const __m512i rounded = _mm512_mask_mov_epi32(_mm512_srli_epi32(sum, 16), nan, quiet_nan);
    _mm256_storeu_si256((__m256i *)p, _mm512_cvtepi32_epi16(rounded));
}

typedef int32_t vi __attribute__((vector_size(64)));

static ALWAYS_INLINE void vi_store_u8_n(uint8_t *p, vi x, size_t n)
{
    const __m512i positive = _mm512_max_epi32((__m512i)x, _mm512_setzero_si512());
    _mm512_mask_cvtusepi32_storeu_epi8(p, first_n(n), positive);
}

static ALWAYS_INLINE void vi_store_s8(int8_t *p, vi x)
{
    _mm_storeu_si128((__m128i *)p, _mm512_cvtsepi32_epi8((__m512i)x));
}

static ALWAYS_INLINE vi vi_load_pairs(const int8_t *p)
{
    return (vi)_mm512_cvtepi8_epi16(_mm256_loadu_si256((const __m256i *)p));
}

static ALWAYS_INLINE vi vi_mul_s16(vi x, int32_t y)
{
    return (vi)_mm512_madd_epi16((__m512i)x, _mm512_set1_epi32(y & 0xffff));
}

static ALWAYS_INLINE vi vi_from_vf(vf x)
{
    return (vi)_mm512_cvtps_epi32(x);
}

static ALWAYS_INLINE vi vi_broadcast4(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return (vi)_mm512_set1_epi32(four);
}

/* Bytes that the low four bits of each byte of x choose, the others of which are zero. */
static ALWAYS_INLINE vi vi_lookup(vi levels, vi x)
{
    return (vi)_mm512_shuffle_epi8((__m512i)levels, (__m512i)x);
}

static ALWAYS_INLINE vi vi_load_levels(const int8_t *levels)
{
    return (vi)_mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)levels));
}

#endif
