#include "kernels/scalar/scalar.h"

#include <math.h>
#include <string.h>

enum { HALF = I4_BLOCK / 2, N_BLOCKS = K_SUPER / I4_BLOCK };

/* Bytes of a block before its numbers, an output. */
static size_t codes_size(unsigned bits)
{
    return I4_BLOCK / 8 * bits;
}

/* ---- packing ---- */

/* Where the fifth bit of element e lies in a block, an output being the first of its panel, and how far up. */
static size_t high_byte(unsigned bits, size_t e, size_t panel, unsigned *shift)
{
    *shift = (unsigned)(bits == 5 ? e / 4 : e % HALF / 4 * 2);
    return HALF * panel + (bits == 5 ? 0 : e / HALF * panel * 4) + e % 4;
}

/* codes: [I4_BLOCK]; block: of output j of a panel. */
static void pack_codes(uint8_t *block, unsigned bits, const uint8_t *codes, size_t j, size_t panel)
{
    for (size_t e = 0; e < I4_BLOCK; e++) {
        unsigned shift;
        const size_t high = high_byte(bits, e, panel, &shift) + j * 4;
        block[(e % HALF / 4 * panel + j) * 4 + e % 4] |= (uint8_t)((codes[e] & 15) << e / HALF * 4);
        if (bits > 4)
            block[high] |= (uint8_t)(codes[e] >> 4 << shift);
    }
}

void scalar_pack_k_panels(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                          const uint16_t *super_scales, size_t n, size_t k, size_t panel)
{
    const size_t n_supers = k / K_SUPER, super_size = panel * k_super_size(bits);
    memset(packed, 0, (n + panel - 1) / panel * n_supers * super_size);
    for (size_t row = 0; row < n; row++) {
        uint8_t *block = (uint8_t *)packed + row / panel * n_supers * super_size;
        const size_t j = row % panel;
        for (size_t x = 0; x < n_supers; x++, super_scales += 2) {
            for (size_t i = 0; i < N_BLOCKS; i++, codes += I4_BLOCK, scales += 2) {
                pack_codes(block, bits, codes, j, panel);
                block += codes_size(bits) * panel;
                block[j] = (uint8_t)scales[0];
                block[panel + j] = (uint8_t)scales[1];
                block += 2 * panel;
            }
            for (size_t i = 0; i < (bits < 6 ? 2 : 1); i++, block += panel * sizeof *super_scales)
                memcpy(block + j * sizeof *super_scales, super_scales + i, sizeof *super_scales);
        }
    }
}

void scalar_pack_k(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                   const uint16_t *super_scales, size_t n, size_t k)
{
    scalar_pack_k_panels(packed, bits, codes, scales, super_scales, n, k, SCALAR_PANEL_K);
}

/* ---- products ---- */

static int code(const uint8_t *block, unsigned bits, size_t j, size_t e)
{
    unsigned shift;
    const size_t high = high_byte(bits, e, SCALAR_PANEL_K, &shift) + j * 4;
    const int low = block[(e % HALF / 4 * SCALAR_PANEL_K + j) * 4 + e % 4] >> e / HALF * 4 & 15;
    return bits == 4 ? low : low | (block[high] >> shift & (bits == 5 ? 1 : 3)) << 4;
}

static int32_t sum_half(const int8_t *a, const uint8_t *block, unsigned bits, size_t j, size_t half)
{
    int32_t sum = 0;
    for (size_t e = half * HALF; e < (half + 1) * HALF; e++)
        sum += a[e] * code(block, bits, j, e);
    return sum;
}

/* Adds a block of a row and of output j of a panel; numbers: d and min. */
static float add_block(float c, const int8_t *a, const struct s8_block *row, const uint8_t *block,
                       unsigned bits, size_t j, const float *numbers)
{
    const int8_t *scales = (const int8_t *)block + codes_size(bits) * SCALAR_PANEL_K + j;
    const int32_t sums[2] = {sum_half(a, block, bits, j, 0), sum_half(a, block, bits, j, 1)};
    if (bits < 6) {
        c = fmaf((float)(sums[0] + sums[1]), row->scale * (numbers[0] * scales[0]), c);
        return fmaf(row->sum, numbers[1] * scales[SCALAR_PANEL_K], c);
    }
    for (size_t half = 0; half < 2; half++)
        c = fmaf((float)(sums[half] - 32 * row->half_sums[half]),
                 row->scale * (numbers[0] * scales[half * SCALAR_PANEL_K]), c);
    return c;
}

/* One superblock. */
static float add_super(float c, const int8_t *a, const struct s8_block *rows, const uint8_t *super,
                       unsigned bits, size_t j)
{
    const size_t block_size = (codes_size(bits) + 2) * SCALAR_PANEL_K;
    uint16_t super_scales[2] = {0};
    float numbers[2];
    for (size_t i = 0; i < (bits < 6 ? 2 : 1); i++)
        memcpy(super_scales + i,
               super + N_BLOCKS * block_size + (i * SCALAR_PANEL_K + j) * sizeof *super_scales,
               sizeof *super_scales);
    scalar_f16_to_f32(numbers, super_scales, 2);
    for (size_t i = 0; i < N_BLOCKS; i++)
        c = add_block(c, a + i * I4_BLOCK, &rows[i], super + i * block_size, bits, j, numbers);
    return c;
}

static void gemm(unsigned bits, float *c, size_t ld_c, const int8_t *a, size_t ld_a,
                 const struct s8_block *blocks, const void *packed, const float *bias, size_t m, size_t n,
                 size_t k)
{
    const size_t n_supers = k / K_SUPER, super_size = SCALAR_PANEL_K * k_super_size(bits);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const uint8_t *super = (const uint8_t *)packed + j / SCALAR_PANEL_K * n_supers * super_size;
            float y = bias ? bias[j] : 0;
            for (size_t x = 0; x < n_supers; x++)
                y = add_super(y, a + i * ld_a + x * K_SUPER, blocks + (i * n_supers + x) * N_BLOCKS,
                              super + x * super_size, bits, j % SCALAR_PANEL_K);
            c[i * ld_c + j] = y;
        }
}

void scalar_gemm_s8k4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(4, c, ld_c, a, ld_a, blocks, packed, bias, m, n, k);
}

void scalar_gemm_s8k5(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(5, c, ld_c, a, ld_a, blocks, packed, bias, m, n, k);
}

void scalar_gemm_s8k6(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(6, c, ld_c, a, ld_a, blocks, packed, bias, m, n, k);
}
