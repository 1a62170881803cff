/* NEON (Advanced SIMD of ARMv8-A, which every 64-bit Arm has). */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include "kernels/arm/neon.h"

#define LEVEL_NAME  "neon"
#define LEVEL_TABLE kernels_neon
#define MR_F32      8 /* 16 sums, two vectors of weights, one of input: 19 of 32 registers */
#define MR_I8       4
#define NR_I8       1
#define GROUP_I8    16
#define OFFSET_I8   128
#define MR_I4       4
#define NR_I4       4
#define MR_K        4
#define NR_K        4
#define MR_MANY_K   4
#define MR_BF16     4
#define NR_BF16     4

/* A vector of sums an output, joined at the end. Two products of signed bytes fit 16 bits: 2 * 128 * 127 < 2^15. */
static ALWAYS_INLINE void sum_i8(vi sum[][NR_I8], const uint8_t *a, size_t ld_a, const int8_t *b,
                                 const int8_t *ahead, size_t step_ahead, const size_t rows)
{
    (void)ahead, (void)step_ahead;
    int32x4_t part[MR_I8][VL];
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        UNROLL
        for (size_t j = 0; j < VL; j++)
            part[r][j] = vdupq_n_s32(0);
    }
    for (size_t i = 0; i < I8_BLOCK; i += GROUP_I8, b += VL * GROUP_I8) {
        int8x16_t x[MR_I8];
        UNROLL
        for (size_t r = 0; r < rows; r++)
            x[r] = load_less_128(a + r * ld_a + i);
        UNROLL
        for (size_t j = 0; j < VL; j++) {
            const int8x16_t y = vld1q_s8(b + j * GROUP_I8);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const int16x8_t low = vmull_s8(vget_low_s8(x[r]), vget_low_s8(y));
                part[r][j] = vpadalq_s16(part[r][j], vmlal_high_s8(low, x[r], y));
            }
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        const int32x4_t *p = part[r];
        sum[r][0] += (vi)vpaddq_s32(vpaddq_s32(p[0], p[1]), vpaddq_s32(p[2], p[3]));
    }
}

/* Two products fit 16 bits: 2 * 127 * 127 < 2^15. */
static ALWAYS_INLINE vi vi_dot_i4(vi sum, vi b, vi a)
{
    const int8x16_t x = (int8x16_t)b, y = (int8x16_t)a;
    const int16x8_t pairs = vpaddq_s16(vmull_s8(vget_low_s8(x), vget_low_s8(y)), vmull_high_s8(x, y));
    return (vi)vpadalq_s16((int32x4_t)sum, pairs);
}

static ALWAYS_INLINE vi vi_dot_levels(vi sum, vi b, vi a)
{
    return vi_dot_i4(sum, b, a); /* is of signed bytes */
}

/* Both elements of a pair as float32. */
typedef struct {
    vf low, high;
} va_bf16, vb_bf16;

static ALWAYS_INLINE va_bf16 pair_from_bf16(uint32x4_t x)
{
    const uint32x4_t high = vandq_u32(x, vdupq_n_u32(0xffff0000));
    return (va_bf16){vreinterpretq_f32_u32(vshlq_n_u32(x, 16)), vreinterpretq_f32_u32(high)};
}

static ALWAYS_INLINE va_bf16 va_bf16_load(const uint16_t *p)
{
    uint32_t pair;
    memcpy(&pair, p, sizeof pair);
    return pair_from_bf16(vdupq_n_u32(pair));
}

static ALWAYS_INLINE vb_bf16 vb_bf16_load(const uint16_t *p)
{
    return pair_from_bf16(vreinterpretq_u32_u16(vld1q_u16(p)));
}

static ALWAYS_INLINE vf vf_dot_bf16(vf sum, va_bf16 a, vb_bf16 b)
{
    return vf_fma(a.high, b.high, vf_fma(a.low, b.low, sum));
}

#include "kernels/template/kernels.h"
