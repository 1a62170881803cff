#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <string.h>

float scalar_of_halves(uint16_t lower, uint16_t upper)
{
    const uint32_t bits = lower | (uint32_t)upper << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static struct s8_block quantize_block(int8_t *q, const float *x, size_t n)
{
    float largest = 0, sum = 0;
    int32_t bytes = 0;
    for (size_t i = 0; i < n; i++) {
        largest = fabsf(x[i]) > largest ? fabsf(x[i]) : largest;
        sum += x[i] * 0; /* not a number where x is not finite */
    }
    const float scale = largest / 127 + sum, inverse = scale >= FLT_MIN ? 1 / scale : 0;
    for (size_t i = 0; i < I4_BLOCK; i++) {
        const float y = i < n && inverse > 0 ? rintf(x[i] * inverse) : 0;
        q[i] = (int8_t)(y > 127 ? 127 : y < -127 ? -127 : y);
        bytes += q[i];
    }
    return (struct s8_block){scale, scale * (float)bytes, -128 * bytes};
}

void scalar_quantize_s8(int8_t *q, struct s8_block *blocks, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += I4_BLOCK)
        *blocks++ = quantize_block(q + i, x + i, n - i < I4_BLOCK ? n - i : I4_BLOCK);
}

void scalar_pack_i4_panels(void *packed, const uint8_t *b, const uint16_t *scales, const uint16_t *offsets,
                           size_t n, size_t k, size_t panel)
{
    const size_t n_blocks = k / I4_BLOCK, block_size = panel * I4_BLOCK_SIZE;
    memset(packed, 0, (n + panel - 1) / panel * n_blocks * block_size);
    for (size_t j = 0; j < n; j++) {
        uint8_t *block = (uint8_t *)packed + j / panel * n_blocks * block_size;
        for (size_t x = 0; x < n_blocks; x++, block += block_size, b += I4_BLOCK) {
            for (size_t i = 0; i < I4_BLOCK / 2; i++)
                block[(i / 4 * panel + j % panel) * 4 + i % 4] = (uint8_t)(b[i] | b[i + I4_BLOCK / 2] << 4);
            uint8_t *numbers = block + panel * I4_BLOCK / 2 + j % panel * sizeof(uint16_t);
            memcpy(numbers, scales++, sizeof(uint16_t));
            memcpy(numbers + panel * sizeof(uint16_t), offsets++, sizeof(uint16_t));
        }
    }
}

void scalar_pack_i4(void *packed, const uint8_t *b, const uint16_t *scales, const uint16_t *offsets, size_t n,
                    size_t k)
{
    scalar_pack_i4_panels(packed, b, scales, offsets, n, k, SCALAR_PANEL_I4);
}

/* One block of a row and of output j of a panel; levels: NULL, or what the nibbles choose from. */
static float add_block(float c, const int8_t *a, struct s8_block row, const uint8_t *block,
                       const int8_t *levels, size_t j)
{
    const uint8_t *numbers = block + SCALAR_PANEL_I4 * I4_BLOCK / 2;
    uint16_t bits[2];
    float weight[2];
    int32_t sum = 0;
    memcpy(&bits[0], numbers + j * sizeof *bits, sizeof *bits);
    memcpy(&bits[1], numbers + (SCALAR_PANEL_I4 + j) * sizeof *bits, sizeof *bits);
    scalar_f16_to_f32(weight, bits, 2);
    for (size_t i = 0; i < I4_BLOCK / 2; i++) {
        const uint8_t pair = block[(i / 4 * SCALAR_PANEL_I4 + j) * 4 + i % 4];
        const int low = pair & 15, high = pair >> 4;
        sum += a[i] * (levels ? levels[low] : low) + a[i + I4_BLOCK / 2] * (levels ? levels[high] : high);
    }
    if (levels)
        return fmaf((float)sum, row.scale * scalar_of_halves(bits[0], bits[1]), c);
    return fmaf(row.sum, weight[1], fmaf((float)sum, row.scale * weight[0], c));
}

static void gemm(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                 const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n, size_t k)
{
    const size_t n_blocks = k / I4_BLOCK, block_size = SCALAR_PANEL_I4 * I4_BLOCK_SIZE;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const uint8_t *block = (const uint8_t *)packed + j / SCALAR_PANEL_I4 * n_blocks * block_size;
            float y = bias ? bias[j] : 0;
            for (size_t x = 0; x < n_blocks; x++, block += block_size)
                y = add_block(y, a + i * ld_a + x * I4_BLOCK, blocks[i * n_blocks + x], block, levels,
                              j % SCALAR_PANEL_I4);
            c[i * ld_c + j] = y;
        }
}

void scalar_gemm_s8i4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(c, ld_c, a, ld_a, blocks, packed, NULL, bias, m, n, k);
}

void scalar_gemm_s8l4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k)
{
    gemm(c, ld_c, a, ld_a, blocks, packed, levels, bias, m, n, k);
}
