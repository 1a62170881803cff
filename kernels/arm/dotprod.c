/* The dot products of ARMv8.4-A (optional from 8.2 on): sums of four products of signed bytes. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#ifdef __clang__
#define __ARM_FEATURE_DOTPROD 1
TARGET_BEGIN("dotprod")
#else
TARGET_BEGIN("arch=armv8.2-a+dotprod")
#endif

#include "kernels/arm/neon.h"

#define MR_I8     6 /* 24 sums, four vectors of weights, the rest rows of input: of 32 registers */
#define NR_I8     4
#define GROUP_I8  4
#define OFFSET_I8 128 /* sdot takes signed bytes: inputs are moved by so much, and it is taken off the sums */
#define MR_I4     4
#define NR_I4     4
#define MR_K      4
#define NR_K      4
#define MR_MANY_K 4

/* sum + the products of the four bytes of each element of b and those of element `lane` of a. */
static ALWAYS_INLINE vi dot_lane(vi sum, int8x16_t b, int8x16_t a, size_t lane)
{
    switch (lane) {
    case 0:
        return (vi)vdotq_laneq_s32((int32x4_t)sum, b, a, 0);
    case 1:
        return (vi)vdotq_laneq_s32((int32x4_t)sum, b, a, 1);
    case 2:
        return (vi)vdotq_laneq_s32((int32x4_t)sum, b, a, 2);
    default:
        return (vi)vdotq_laneq_s32((int32x4_t)sum, b, a, 3);
    }
}

static ALWAYS_INLINE void sum_i8(vi sum[][NR_I8], const uint8_t *a, size_t ld_a, const int8_t *b,
                                 const int8_t *ahead, size_t step_ahead, const size_t rows)
{
    (void)ahead, (void)step_ahead;
    for (size_t i = 0; i < I8_BLOCK; i += 16) {
        int8x16_t x[MR_I8];
        UNROLL
        for (size_t r = 0; r < rows; r++)
            x[r] = load_less_128(a + r * ld_a + i);
        UNROLL
        for (size_t lane = 0; lane < 4; lane++) {
            LOADS_STAY_BELOW;
            UNROLL
            for (size_t v = 0; v < NR_I8; v++, b += 16) {
                const int8x16_t y = vld1q_s8(b);
                UNROLL
                for (size_t r = 0; r < rows; r++)
                    sum[r][v] = dot_lane(sum[r][v], y, x[r], lane);
            }
        }
    }
}

static ALWAYS_INLINE vi vi_dot_i4(vi sum, vi b, vi a)
{
    return (vi)vdotq_s32((int32x4_t)sum, (int8x16_t)b, (int8x16_t)a);
}

static ALWAYS_INLINE vi vi_dot_levels(vi sum, vi b, vi a)
{
    return vi_dot_i4(sum, b, a); /* is of signed bytes */
}

#include "kernels/template/int4.h"
#include "kernels/template/int8.h"
#include "kernels/template/k_quants.h"

TARGET_END

void kernels_add_dotprod(struct kernels *k)
{
    INT4_SLOTS(k);
    INT8_SLOTS(k);
    K_SLOTS(k);
}
