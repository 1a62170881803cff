#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { HALF = I4_BLOCK / 2, N_BLOCKS = K_SUPER / I4_BLOCK };

/* Whether each half of a block has a scale, and nothing an offset. */
static bool by_halves(unsigned bits)
{
    return bits >= 6;
}

static unsigned code_bits(unsigned bits)
{
    return bits == K_LEVELS ? 4 : bits;
}

/* Bytes of a block before its numbers, an output. */
static size_t codes_size(unsigned bits)
{
    return I4_BLOCK / 8 * code_bits(bits);
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
        if (code_bits(bits) > 4)
            block[high] |= (uint8_t)(codes[e] >> 4 << shift);
    }
}

/* Number i of pair p of a superblock, whose blocks have two numbers each: kernels.h. */
static int8_t number(unsigned bits, const int8_t *numbers, size_t p, size_t i)
{
    const size_t n_pairs = N_BLOCKS / 2;
    return by_halves(bits) ? numbers[2 * p + i]
           : p < n_pairs   ? numbers[2 * (2 * p + i)]
                           : numbers[2 * (2 * (p - n_pairs) + i) + 1];
}

void scalar_pack_k_panels(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                          const uint16_t *super_scales, size_t n, size_t k, size_t panel)
{
    const size_t n_supers = k / K_SUPER, super_size = panel * k_super_size(bits);
    memset(packed, 0, (n + panel - 1) / panel * n_supers * super_size);
    for (size_t row = 0; row < n; row++) {
        uint8_t *block = (uint8_t *)packed + row / panel * n_supers * super_size;
        const size_t j = row % panel;
        for (size_t x = 0; x < n_supers; x++, super_scales += 2, scales += 2 * N_BLOCKS) {
            for (size_t i = 0; i < N_BLOCKS; i++, codes += I4_BLOCK, block += codes_size(bits) * panel)
                pack_codes(block, bits, codes, j, panel);
            for (size_t i = 0; i < 2 * N_BLOCKS; i++)
                block[(i / 2 * panel + j) * 2 + i % 2] = (uint8_t)number(bits, scales, i / 2, i % 2);
            block += 2 * N_BLOCKS * panel;
            for (size_t i = 0; i < (bits == 6 ? 1 : 2); i++, block += panel * sizeof *super_scales)
                memcpy(block + j * sizeof *super_scales, super_scales + i, sizeof *super_scales);
        }
    }
}

void scalar_pack_k(void *packed, unsigned bits, const uint8_t *codes, const int8_t *scales,
                   const uint16_t *super_scales, size_t n, size_t k)
{
    scalar_pack_k_panels(packed, bits, codes, scales, super_scales, n, k, SCALAR_PANEL_K);
}

/* ---- rows to bytes ---- */

void scalar_quantize_k(int8_t *q, struct s8_super *supers, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += K_SUPER, q += K_SUPER, x += K_SUPER, supers++) {
        float largest = 0, sum = 0;
        *supers = (struct s8_super){0};
        for (size_t e = 0; e < K_SUPER; e++) {
            largest = fabsf(x[e]) > largest ? fabsf(x[e]) : largest;
            sum += x[e] * 0; /* not a number where x is not finite */
        }
        const float scale = largest / 127 + sum, inverse = scale >= FLT_MIN ? 1 / scale : 0;
        supers->scale = scale;
        for (size_t e = 0; e < K_SUPER; e++) {
            const float y = inverse > 0 ? rintf(x[e] * inverse) : 0;
            q[e] = (int8_t)(y > 127 ? 127 : y < -127 ? -127 : y);
            supers->sums[e / I4_BLOCK] = (int16_t)(supers->sums[e / I4_BLOCK] + q[e]);
            supers->less_16[e / HALF] = (int16_t)(supers->less_16[e / HALF] - 16 * q[e]);
        }
    }
}

/* ---- products ---- */

static int code(const uint8_t *block, unsigned bits, size_t j, size_t e)
{
    unsigned shift;
    const size_t high = high_byte(bits, e, SCALAR_PANEL_K, &shift) + j * 4;
    const int low = block[(e % HALF / 4 * SCALAR_PANEL_K + j) * 4 + e % 4] >> e / HALF * 4 & 15;
    return code_bits(bits) == 4 ? low : low | (block[high] >> shift & (bits == 5 ? 1 : 3)) << 4;
}

/* One superblock of a row and of output j of a panel. */
static float add_super(float c, const int8_t *a, const struct s8_super *row, const uint8_t *super,
                       unsigned bits, const int8_t *levels, size_t j)
{
    const size_t block_size = codes_size(bits) * SCALAR_PANEL_K;
    const uint8_t *numbers = super + N_BLOCKS * block_size, *halves = numbers + 2 * N_BLOCKS * SCALAR_PANEL_K;
    uint16_t super_scales[2] = {0};
    float d[2];
    int32_t sum = 0, offsets = 0;
    for (size_t i = 0; i < (bits == 6 ? 1 : 2); i++)
        memcpy(super_scales + i, halves + (i * SCALAR_PANEL_K + j) * sizeof *super_scales,
               sizeof *super_scales);
    scalar_f16_to_f32(d, super_scales, 2);
    if (levels)
        d[0] = scalar_of_halves(super_scales[0], super_scales[1]);
    for (size_t e = 0; e < K_SUPER; e++) {
        const size_t i = e / (by_halves(bits) ? HALF : I4_BLOCK);
        const int8_t *pair = (const int8_t *)numbers + (i / 2 * SCALAR_PANEL_K + j) * 2;
        const int q = code(super + e / I4_BLOCK * block_size, bits, j, e % I4_BLOCK);
        sum += a[e] * pair[i % 2] * (levels ? levels[q] : bits == 6 ? q - 32 : q);
        if (!by_halves(bits))
            offsets += a[e] * pair[N_BLOCKS / 2 * SCALAR_PANEL_K * 2 + i % 2];
    }
    c = fmaf((float)sum, row->scale * d[0], c);
    return !by_halves(bits) ? fmaf((float)offsets, row->scale * d[1], c) : c;
}

static void gemm(unsigned bits, float *c, size_t ld_c, const int8_t *a, size_t ld_a,
                 const struct s8_super *supers, const void *packed, const int8_t *levels, const float *bias,
                 size_t m, size_t n, size_t k)
{
    const size_t n_supers = k / K_SUPER, super_size = SCALAR_PANEL_K * k_super_size(bits);
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const uint8_t *super = (const uint8_t *)packed + j / SCALAR_PANEL_K * n_supers * super_size;
            float y = bias ? bias[j] : 0;
            for (size_t x = 0; x < n_supers; x++)
                y = add_super(y, a + i * ld_a + x * K_SUPER, &supers[i * n_supers + x],
                              super + x * super_size, bits, levels, j % SCALAR_PANEL_K);
            c[i * ld_c + j] = y;
        }
}

void scalar_gemm_s8k4(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(4, c, ld_c, a, ld_a, supers, packed, NULL, bias, m, n, k);
}

void scalar_gemm_s8k5(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(5, c, ld_c, a, ld_a, supers, packed, NULL, bias, m, n, k);
}

void scalar_gemm_s8k6(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm(6, c, ld_c, a, ld_a, supers, packed, NULL, bias, m, n, k);
}

void scalar_gemm_s8kl(float *c, size_t ld_c, const int8_t *a, size_t ld_a, const struct s8_super *supers,
                      const void *packed, const int8_t *levels, const float *bias, size_t m, size_t n,
                      size_t k)
{
    gemm(K_LEVELS, c, ld_c, a, ld_a, supers, packed, levels, bias, m, n, k);
}
