/* The byte matrix products of ARMv8.6-A (optional from 8.2 on): two rows by two outputs, eight products each. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#ifdef __clang__
#define __ARM_FEATURE_MATMUL_INT8 1
TARGET_BEGIN("i8mm")
#else
TARGET_BEGIN("arch=armv8.2-a+i8mm")
#endif

#include "kernels/arm/neon.h"

#define MR_I8     6
#define NR_I8     4
#define GROUP_I8  8
#define OFFSET_I8 0

/* Rows go in pairs; the last of an odd number is its own companion. */
static ALWAYS_INLINE void sum_i8(vi sum[][NR_I8], const uint8_t *a, size_t ld_a, const int8_t *b,
                                 const int8_t *ahead, size_t step_ahead, const size_t rows)
{
    (void)ahead, (void)step_ahead;
    int32x4_t part[MR_I8 / 2]
                  [2 * NR_I8]; /* of outputs 2 j and 2 j + 1: two of the first row, two of the second */
    UNROLL
    for (size_t r = 0; r < rows; r += 2) {
        UNROLL
        for (size_t j = 0; j < 2 * NR_I8; j++)
            part[r / 2][j] = vdupq_n_s32(0);
    }
    for (size_t i = 0; i < I8_BLOCK; i += GROUP_I8, a += GROUP_I8) {
        uint8x16_t pair[MR_I8 / 2];
        UNROLL
        for (size_t r = 0; r < rows; r += 2)
            pair[r / 2] = vcombine_u8(vld1_u8(a + r * ld_a), vld1_u8(a + (r + 1 < rows ? r + 1 : r) * ld_a));
        UNROLL
        for (size_t j = 0; j < 2 * NR_I8; j++, b += 16) {
            if (j % 4 == 0)
                LOADS_STAY_BELOW;
            const int8x16_t y = vld1q_s8(b);
            UNROLL
            for (size_t r = 0; r < rows; r += 2)
                part[r / 2][j] = vusmmlaq_s32(part[r / 2][j], pair[r / 2], y);
        }
    }
    UNROLL
    for (size_t r = 0; r < rows; r++) {
        UNROLL
        for (size_t v = 0; v < NR_I8; v++) {
            const int64x2_t low = vreinterpretq_s64_s32(part[r / 2][2 * v]);
            const int64x2_t high = vreinterpretq_s64_s32(part[r / 2][2 * v + 1]);
            sum[r][v] += (vi)(r % 2 ? vzip2q_s64(low, high) : vzip1q_s64(low, high));
        }
    }
}

#include "kernels/template/int8.h"

TARGET_END

void kernels_add_i8mm(struct kernels *k)
{
    INT8_SLOTS(k);
}
