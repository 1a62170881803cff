/* AVX2's vectors of eight floats, for the templates: see kernels/template/kernels.h and int8.h. Included between
 * TARGET_BEGIN and TARGET_END. */
#ifndef KERNELS_X86_AVX2_H
#define KERNELS_X86_AVX2_H

#include "kernels/template/compiler.h"

#include <immintrin.h>
#include <stdint.h>
#include <string.h>

#define VL 8

typedef __m256 vf;

static ALWAYS_INLINE __m256i first_n(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static ALWAYS_INLINE vf vf_set1(float s)
{
    return _mm256_set1_ps(s);
}

static ALWAYS_INLINE vf vf_load(const float *p)
{
    return _mm256_loadu_ps(p);
}

static ALWAYS_INLINE void vf_store(float *p, vf x)
{
    _mm256_storeu_ps(p, x);
}

static ALWAYS_INLINE vf vf_load_n(const float *p, size_t n)
{
    return _mm256_maskload_ps(p, first_n(n));
}

static ALWAYS_INLINE void vf_store_n(float *p, vf x, size_t n)
{
    _mm256_maskstore_ps(p, first_n(n), x);
}

static ALWAYS_INLINE vf vf_first(vf x, size_t n)
{
    return _mm256_and_ps(x, _mm256_castsi256_ps(first_n(n)));
}

static ALWAYS_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

static ALWAYS_INLINE vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

static ALWAYS_INLINE vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

static ALWAYS_INLINE vf vf_abs(vf x)
{
    return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x);
}

static ALWAYS_INLINE vf vf_copysign(vf x, vf sign)
{
    return _mm256_or_ps(x, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign));
}

static ALWAYS_INLINE vf vf_round(vf x)
{
    return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* In two steps, each a power of two that a float can hold. */
static ALWAYS_INLINE vf vf_ldexp(vf x, vf n)
{
    const __m256i e = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(e, 1), bias = _mm256_set1_epi32(127);
    const __m256i rest = _mm256_sub_epi32(e, half);
    const vf first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
    return x * first * _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
}

static ALWAYS_INLINE float vf_sum(vf x)
{
    __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    s = _mm_add_ps(s, _mm_movehl_ps(s, s));
    return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

static ALWAYS_INLINE float vf_max_of(vf x)
{
    __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
    m = _mm_max_ps(m, _mm_movehl_ps(m, m));
    return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}

static ALWAYS_INLINE void vf_transpose(vf x[8])
{
    vf t[8];
    UNROLL
    for (int i = 0; i < 8; i += 2) {
        t[i] = _mm256_unpacklo_ps(x[i], x[i + 1]);
        t[i + 1] = _mm256_unpackhi_ps(x[i], x[i + 1]);
    }
    /* Half h of u[4 g + c] becomes column 4 h + c of rows 4 g to 4 g + 3. */
    vf u[8];
    UNROLL
    for (int i = 0; i < 8; i += 4) {
        u[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
        u[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
        u[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
        u[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
    }
    UNROLL
    for (int c = 0; c < 4; c++) {
        x[c] = _mm256_permute2f128_ps(u[c], u[c + 4], 0x20);
        x[c + 4] = _mm256_permute2f128_ps(u[c], u[c + 4], 0x31);
    }
}

static ALWAYS_INLINE vf vf_load_f16(const uint16_t *p)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)p));
}

static ALWAYS_INLINE void vf_store_f16(uint16_t *p, vf x)
{
    _mm_storeu_si128((__m128i *)p, _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}

static ALWAYS_INLINE vf vf_load_bf16(const uint16_t *p)
{
    const __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)p));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}

static ALWAYS_INLINE void vf_store_bf16(uint16_t *p, vf x)
{
    const __m256i bits = _mm256_castps_si256(x), high = _mm256_srli_epi32(bits, 16);
    const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
    const __m256i sum = _mm256_add_epi32(_mm256_add_epi32(bits, _mm256_set1_epi32(0x7fff)), odd);
    const __m256i quiet_nan = _mm256_or_si256(high, _mm256_set1_epi32(0x40));
    const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
    const __m256i rounded = _mm256_blendv_epi8(_mm256_srli_epi32(sum, 16), quiet_nan, nan);
    const __m256i pairs = _mm256_packus_epi32(rounded, rounded);
    _mm_storeu_si128((__m128i *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(pairs, 0x08)));
}

typedef int32_t vi __attribute__((vector_size(32)));

static ALWAYS_INLINE void vi_store_u8_n(uint8_t *p, vi x, size_t n)
{
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128((__m256i)x), _mm256_extracti128_si256((__m256i)x, 1));
    const uint64_t bytes = (uint64_t)_mm_cvtsi128_si64(_mm_packus_epi16(words, words));
    memcpy(p, &bytes, n);
}

static ALWAYS_INLINE void vi_store_s8(int8_t *p, vi x)
{
    const __m128i words =
        _mm_packs_epi32(_mm256_castsi256_si128((__m256i)x), _mm256_extracti128_si256((__m256i)x, 1));
    _mm_storel_epi64((__m128i *)p, _mm_packs_epi16(words, words));
}

static ALWAYS_INLINE vi vi_load_pairs(const int8_t *p)
{
    return (vi)_mm256_cvtepi8_epi16(_mm_loadu_si128((const __m128i *)p));
}

static ALWAYS_INLINE vi vi_mul_s16(vi x, int32_t y)
{
    return (vi)_mm256_madd_epi16((__m256i)x, _mm256_set1_epi32(y & 0xffff));
}

static ALWAYS_INLINE vi vi_from_vf(vf x)
{
    return (vi)_mm256_cvtps_epi32(x);
}

static ALWAYS_INLINE vi vi_broadcast4(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return (vi)_mm256_set1_epi32(four);
}

/* Bytes that the low four bits of each byte of x choose, the others of which are zero. */
static ALWAYS_INLINE vi vi_lookup(vi levels, vi x)
{
    return (vi)_mm256_shuffle_epi8((__m256i)levels, (__m256i)x);
}

static ALWAYS_INLINE vi vi_load_levels(const int8_t *levels)
{
    return (vi)_mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)levels));
}

#endif
