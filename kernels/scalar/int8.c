#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <string.h>

void scalar_quantize_u8(uint8_t *q, struct u8_row *row, const float *x, size_t n)
{
    float low = 0, high = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        sum += x[i] * 0; /* not a number where x is not finite */
    }
    const float scale = (high - low) / 255 + sum, inverse = scale >= FLT_MIN ? 1 / scale : 0;
    row->scale = scale;
    row->zero = inverse > 0 ? (int32_t)lrintf(-low * inverse) : 0;
    for (size_t i = 0; i < n; i++) {
        const float y = rintf(x[i] * inverse) + (float)row->zero;
        q[i] = y > 0 ? y < 255 ? (uint8_t)y : 255 : 0;
    }
}

void scalar_pack_i8_groups(int8_t *packed, int32_t *sums, const int8_t *b, size_t ld_b, size_t n, size_t k,
                           size_t panel, size_t group)
{
    const size_t n_groups = (k + group - 1) / group;
    memset(packed, 0, (n + panel - 1) / panel * panel * n_groups * group);
    for (size_t j = 0; j < n; j++, b += ld_b) {
        int8_t *dst = packed + j / panel * panel * n_groups * group + j % panel * group;
        sums[j] = 0;
        for (size_t i = 0; i < k; i++)
            sums[j] += b[i];
        for (size_t i = 0; i < k; i += group, dst += panel * group)
            memcpy(dst, b + i, k - i < group ? k - i : group);
    }
}

void scalar_pack_i8(int8_t *packed, int32_t *sums, const int8_t *b, size_t ld_b, size_t n, size_t k)
{
    scalar_pack_i8_groups(packed, sums, b, ld_b, n, k, SCALAR_PANEL_I8, 1);
}

static int32_t dot_u8i8(const uint8_t *a, const int8_t *column, size_t k)
{
    int32_t sum = 0;
    for (size_t i = 0; i < k; i++)
        sum += a[i] * column[i * SCALAR_PANEL_I8];
    return sum;
}

void scalar_gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_row *rows,
                      const int8_t *packed, const float *scales, const int32_t *sums, const float *bias,
                      size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const int8_t *column = packed + j / SCALAR_PANEL_I8 * SCALAR_PANEL_I8 * k + j % SCALAR_PANEL_I8;
            const int32_t sum = dot_u8i8(a + i * ld_a, column, k) - rows[i].zero * sums[j];
            c[i * ld_c + j] = fmaf((float)sum, rows[i].scale * scales[j], bias ? bias[j] : 0);
        }
}
