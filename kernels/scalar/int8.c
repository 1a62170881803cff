#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <string.h>

static struct u8_block quantize_block(uint8_t *q, const float *x, size_t n)
{
    float low = 0, high = 0, sum = 0;
    for (size_t i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        sum += x[i] * 0; /* not a number where x is not finite */
    }
    const float scale = (high - low) / 255 + sum, inverse = scale >= FLT_MIN ? 1 / scale : 0;
    const int32_t zero = inverse > 0 ? (int32_t)lrintf(-low * inverse) : 0;
    for (size_t i = 0; i < n; i++) {
        const float y = rintf(x[i] * inverse) + (float)zero;
        q[i] = y > 0 ? y < 255 ? (uint8_t)y : 255 : 0;
    }
    return (struct u8_block){scale, zero};
}

void scalar_quantize_u8(uint8_t *q, struct u8_block *blocks, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += I8_BLOCK)
        *blocks++ = quantize_block(q + i, x + i, n - i < I8_BLOCK ? n - i : I8_BLOCK);
}

/* One output's part of a block: weights, scale and sum; j: its place in the panel. */
static void pack_block(char *block, size_t j, const int8_t *b, size_t n, uint16_t scale, size_t panel,
                       size_t group)
{
    int16_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum = (int16_t)(sum + b[i]);
    for (size_t i = 0; i < n; i += group)
        memcpy(block + (i / group * panel + j) * group, b + i, n - i < group ? n - i : group);
    block += panel * I8_BLOCK;
    memcpy(block + j * sizeof scale, &scale, sizeof scale);
    memcpy(block + panel * sizeof scale + j * sizeof sum, &sum, sizeof sum);
}

void scalar_pack_i8_groups(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n,
                           size_t k, size_t panel, size_t group)
{
    const size_t n_blocks = i8_blocks(k), block_size = panel * (I8_BLOCK + 4);
    memset(packed, 0, (n + panel - 1) / panel * n_blocks * block_size);
    for (size_t j = 0; j < n; j++, b += ld_b) {
        char *block = (char *)packed + j / panel * n_blocks * block_size;
        for (size_t i = 0; i < k; i += I8_BLOCK, block += block_size)
            pack_block(block, j % panel, b + i, k - i < I8_BLOCK ? k - i : I8_BLOCK, *scales++, panel, group);
    }
}

void scalar_pack_i8(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k)
{
    scalar_pack_i8_groups(packed, b, ld_b, scales, n, k, SCALAR_PANEL_I8, 1);
}

/* One block of a row and of output j of a panel. */
static float add_block(float c, const uint8_t *a, struct u8_block row, const char *block, size_t j)
{
    const char *scales = block + SCALAR_PANEL_I8 * I8_BLOCK, *sums = scales + SCALAR_PANEL_I8 * 2;
    int16_t sum_b;
    uint16_t bits;
    float scale;
    memcpy(&bits, scales + j * sizeof bits, sizeof bits);
    memcpy(&sum_b, sums + j * sizeof sum_b, sizeof sum_b);
    scalar_bf16_to_f32(&scale, &bits, 1);
    int32_t sum = -row.zero * sum_b;
    for (size_t i = 0; i < I8_BLOCK; i++)
        sum += a[i] * (int8_t)block[i * SCALAR_PANEL_I8 + j];
    return fmaf((float)sum, row.scale * scale, c);
}

void scalar_gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    const size_t n_blocks = i8_blocks(k), block_size = SCALAR_PANEL_I8 * (I8_BLOCK + 4);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const char *block = (const char *)packed + j / SCALAR_PANEL_I8 * n_blocks * block_size;
            float y = bias ? bias[j] : 0;
            for (size_t x = 0; x < n_blocks; x++, block += block_size)
                y = add_block(y, a + i * ld_a + x * I8_BLOCK, blocks[i * n_blocks + x], block,
                              j % SCALAR_PANEL_I8);
            c[i * ld_c + j] = y;
        }
}
