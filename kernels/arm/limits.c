#include "kernels/limits_loop.h"

#include <arm_neon.h>

enum { SUMS = 16 };

static ALWAYS_INLINE uint64x2_t load(const void *p)
{
    return vld1q_u64(p);
}

/* Products of signed bytes to 16 bits, added in pairs to 32. */
static ALWAYS_INLINE int32x4_t widen_and_add(int32x4_t sum, int8x16_t a)
{
    const int8x16_t ones = vdupq_n_s8(1);
    sum = vpadalq_s16(sum, vmull_s8(vget_low_s8(a), vget_low_s8(ones)));
    return vpadalq_s16(sum, vmull_high_s8(a, ones));
}

LIMIT_LOOP(neon_f32, float32x4_t, SUMS, vdupq_n_f32(1), vfmaq_f32(vdupq_n_f32(1), sum, vdupq_n_f32(0.5f)))
LIMIT_LOOP(neon_i8, int32x4_t, SUMS, vreinterpretq_s32_s8(vdupq_n_s8(1)),
           widen_and_add(sum, vreinterpretq_s8_s32(a)))
LIMIT_READ(neon_read, uint64x2_t, vdupq_n_u64(0), load, vorrq_u64)

const struct limits limits_neon = {
    .products = {[LIMIT_F32] = {neon_f32, SUMS * 4 * 2}, [LIMIT_I8] = {neon_i8, SUMS * 16 * 2}},
    .read = neon_read,
};
