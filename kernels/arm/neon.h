/* NEON's vectors of four floats, for the templates: see kernels/template/kernels.h, int8.h and int4.h. Included between
 * TARGET_BEGIN and TARGET_END, if any. */
#ifndef KERNELS_ARM_NEON_H
#define KERNELS_ARM_NEON_H

#include "kernels/template/compiler.h"

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#define VL 4

typedef float32x4_t vf;

static ALWAYS_INLINE vf vf_set1(float s)
{
    return vdupq_n_f32(s);
}

static ALWAYS_INLINE vf vf_load(const float *p)
{
    return vld1q_f32(p);
}

static ALWAYS_INLINE void vf_store(float *p, vf x)
{
    vst1q_f32(p, x);
}

/* There are no masked loads and stores: the ends of rows go through a vector in memory. */
static ALWAYS_INLINE vf vf_load_n(const float *p, size_t n)
{
    float x[4] = {0, 0, 0, 0};
    for (size_t i = 0; i < n; i++)
        x[i] = p[i];
    return vld1q_f32(x);
}

static ALWAYS_INLINE void vf_store_n(float *p, vf x, size_t n)
{
    float y[4];
    vst1q_f32(y, x);
    for (size_t i = 0; i < n; i++)
        p[i] = y[i];
}

static ALWAYS_INLINE vf vf_first(vf x, size_t n)
{
    const uint32x4_t iota = {0, 1, 2, 3};
    const uint32x4_t mask = vcltq_u32(iota, vdupq_n_u32((uint32_t)n));
    return vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), mask));
}

static ALWAYS_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return vfmaq_f32(c, a, b);
}

static ALWAYS_INLINE vf vf_min(vf a, vf b)
{
    return vbslq_f32(vcltq_f32(a, b), a, b);
}

static ALWAYS_INLINE vf vf_max(vf a, vf b)
{
    return vbslq_f32(vcgtq_f32(a, b), a, b);
}

static ALWAYS_INLINE vf vf_abs(vf x)
{
    return vabsq_f32(x);
}

static ALWAYS_INLINE vf vf_copysign(vf x, vf sign)
{
    return vbslq_f32(vdupq_n_u32(0x80000000), sign, x);
}

static ALWAYS_INLINE vf vf_round(vf x)
{
    return vrndnq_f32(x);
}

/* 2^n as a float. */
static ALWAYS_INLINE vf power_of_two(int32x4_t n)
{
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(n, vdupq_n_s32(127)), 23));
}

/* In two steps, each a power of two that a float can hold. */
static ALWAYS_INLINE vf vf_ldexp(vf x, vf n)
{
    const int32x4_t e = vcvtq_s32_f32(n), half = vshrq_n_s32(e, 1);
    return x * power_of_two(half) * power_of_two(vsubq_s32(e, half));
}

static ALWAYS_INLINE float vf_sum(vf x)
{
    return vaddvq_f32(x);
}

static ALWAYS_INLINE float vf_max_of(vf x)
{
    return vmaxnmvq_f32(x);
}

static ALWAYS_INLINE void vf_transpose(vf x[4])
{
    const float64x2_t t0 = vreinterpretq_f64_f32(vtrn1q_f32(x[0], x[1]));
    const float64x2_t t1 = vreinterpretq_f64_f32(vtrn2q_f32(x[0], x[1]));
    const float64x2_t t2 = vreinterpretq_f64_f32(vtrn1q_f32(x[2], x[3]));
    const float64x2_t t3 = vreinterpretq_f64_f32(vtrn2q_f32(x[2], x[3]));
    x[0] = vreinterpretq_f32_f64(vtrn1q_f64(t0, t2));
    x[1] = vreinterpretq_f32_f64(vtrn1q_f64(t1, t3));
    x[2] = vreinterpretq_f32_f64(vtrn2q_f64(t0, t2));
    x[3] = vreinterpretq_f32_f64(vtrn2q_f64(t1, t3));
}

static ALWAYS_INLINE vf vf_load_f16(const uint16_t *p)
{
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
}

static ALWAYS_INLINE void vf_store_f16(uint16_t *p, vf x)
{
    vst1_u16(p, vreinterpret_u16_f16(vcvt_f16_f32(x)));
}

static ALWAYS_INLINE vf vf_load_bf16(const uint16_t *p)
{
    return vreinterpretq_f32_u32(vshll_n_u16(vld1_u16(p), 16));
}

static ALWAYS_INLINE void vf_store_bf16(uint16_t *p, vf x)
{
    const uint32x4_t bits = vreinterpretq_u32_f32(x), high = vshrq_n_u32(bits, 16);
    const uint32x4_t odd = vandq_u32(high, vdupq_n_u32(1));
    const uint32x4_t sum = vaddq_u32(vaddq_u32(bits, vdupq_n_u32(0x7fff)), odd);
    const uint32x4_t quiet_nan = vorrq_u32(high, vdupq_n_u32(0x40));
    const uint32x4_t number = vceqq_f32(x, x);
    vst1_u16(p, vmovn_u32(vbslq_u32(number, vshrq_n_u32(sum, 16), quiet_nan)));
}

typedef int32_t vi __attribute__((vector_size(16)));

static ALWAYS_INLINE void vi_store_u8_n(uint8_t *p, vi x, size_t n)
{
    const uint16x4_t words = vqmovun_s32((int32x4_t)x);
    const uint8x8_t bytes = vqmovn_u16(vcombine_u16(words, words));
    memcpy(p, &bytes, n);
}

static ALWAYS_INLINE void vi_store_s8(int8_t *p, vi x)
{
    const int16x4_t words = vqmovn_s32((int32x4_t)x);
    const int8x8_t bytes = vqmovn_s16(vcombine_s16(words, words));
    memcpy(p, &bytes, 4);
}

static ALWAYS_INLINE vi vi_load_pairs(const int8_t *p)
{
    return (vi)vmovl_s8(vld1_s8(p));
}

static ALWAYS_INLINE vi vi_dot_s16(vi sum, vi x, vi y)
{
    const int16x8_t a = (int16x8_t)x, b = (int16x8_t)y;
    const int32x4_t low = vmull_s16(vget_low_s16(a), vget_low_s16(b)), high = vmull_high_s16(a, b);
    return sum + (vi)vpaddq_s32(low, high);
}

static ALWAYS_INLINE vi vi_broadcast4(const void *p)
{
    int32_t four;
    memcpy(&four, p, sizeof four);
    return (vi)vdupq_n_s32(four);
}

static ALWAYS_INLINE vi vi_mul_s16(vi x, int32_t y)
{
    return x * y;
}

static ALWAYS_INLINE vi vi_from_vf(vf x)
{
    return (vi)vcvtnq_s32_f32(x);
}

/* Sixteen unsigned bytes, each less 128. */
static ALWAYS_INLINE int8x16_t load_less_128(const uint8_t *p)
{
    return vreinterpretq_s8_u8(veorq_u8(vld1q_u8(p), vdupq_n_u8(128)));
}

/* Bytes that the low four bits of each byte of x choose, the others of which are zero. */
static ALWAYS_INLINE vi vi_lookup(vi levels, vi x)
{
    return (vi)vqtbl1q_s8((int8x16_t)levels, (uint8x16_t)x);
}

static ALWAYS_INLINE vi vi_load_levels(const int8_t *levels)
{
    return (vi)vld1q_s8(levels);
}

#endif
