#include "kernels/limits_loop.h"

#ifdef __clang__
#define __ARM_FEATURE_DOTPROD     1
#define __ARM_FEATURE_MATMUL_INT8 1
#endif
#include <arm_neon.h>

enum { SUMS = 16 };

static ALWAYS_INLINE uint64x2_t load(const void *p)
{
    return vld1q_u64(p);
}

/* Products of signed bytes, two added in 16 bits, then in pairs to 32. */
static ALWAYS_INLINE int32x4_t widen_and_add(int32x4_t sum, int8x16_t a)
{
    const int8x16_t ones = vdupq_n_s8(1);
    const int16x8_t low = vmull_s8(vget_low_s8(a), vget_low_s8(ones));
    return vpadalq_s16(sum, vmlal_high_s8(low, a, ones));
}

LIMIT_LOOP(neon_f32, float32x4_t, SUMS, vdupq_n_f32(1), vfmaq_f32(vdupq_n_f32(1), sum, vdupq_n_f32(0.5f)))
LIMIT_LOOP(neon_i8, int32x4_t, SUMS, vreinterpretq_s32_s8(vdupq_n_s8(1)),
           widen_and_add(sum, vreinterpretq_s8_s32(a)))
LIMIT_READ(neon_read, uint64x2_t, vdupq_n_u64(0), load, vorrq_u64)

const struct limits limits_neon = {
    .products = {[LIMIT_F32] = {neon_f32, SUMS * 4 * 2}, [LIMIT_I8] = {neon_i8, SUMS * 16 * 2}},
    .read = neon_read,
};

#ifdef __clang__
TARGET_BEGIN("dotprod")
#else
TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif
LIMIT_LOOP(dotprod_i8, int32x4_t, SUMS, vreinterpretq_s32_s8(vdupq_n_s8(1)),
           vdotq_s32(sum, vreinterpretq_s8_s32(a), vdupq_n_s8(1)))
TARGET_END

const struct limits limits_dotprod = {.products = {[LIMIT_I8] = {dotprod_i8, SUMS * 16 * 2}}};

#ifdef __clang__
TARGET_BEGIN("i8mm")
#else
TARGET_BEGIN("arch=armv8.2-a+i8mm")
#endif
LIMIT_LOOP(i8mm_i8, int32x4_t, SUMS, vreinterpretq_s32_s8(vdupq_n_s8(1)),
           vusmmlaq_s32(sum, vreinterpretq_u8_s32(a), vdupq_n_s8(1)))
TARGET_END

const struct limits limits_i8mm = {.products = {[LIMIT_I8] = {i8mm_i8, SUMS * 32 * 2}}};
