/* Written for any length of blocks; blocks of I8_BLOCK are the scalar level's, those of I8_LONG what levels of tiles are
 * compared with. */
#include "kernels/scalar/scalar.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { PANEL = SCALAR_PANEL_I8 };

static size_t min(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* ---- rows to bytes ---- */

size_t scalar_rotation(size_t n)
{
    size_t size = 1;
    while (n % 16 == 0 && size < 64 && n / 16 % (2 * size) == 0)
        size *= 2;
    return size;
}

/* Pairs that stand `step` apart become their sum and their difference. */
static void rotate_step(float *x, size_t n, size_t step)
{
    for (size_t i = 0; i < n; i += 2 * step)
        for (size_t j = i; j < i + step; j++) {
            const float first = x[j], second = x[j + step];
            x[j] = first + second;
            x[j + step] = first - second;
        }
}

void scalar_rotate_i8(float *x, size_t n)
{
    for (size_t i = 0; i < n; i += I8_LONG) {
        const size_t size = min(n - i, I8_LONG), s = scalar_rotation(size);
        for (size_t step = 1; step < s; step *= 2)
            rotate_step(x + i, size, 16 * step);
    }
}

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
        *blocks++ = quantize_block(q + i, x + i, min(n - i, I8_BLOCK));
}

static void quantize_u8_long(uint8_t *q, struct u8_block *blocks, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i += I8_LONG, blocks++) {
        const size_t size = min(n - i, I8_LONG);
        float block[I8_LONG];
        memcpy(block, x + i, size * sizeof *block);
        scalar_rotate_i8(block, size);
        *blocks = quantize_block(q + i, block, size);
        blocks->scale *= 1 / (float)scalar_rotation(size);
    }
}

/* ---- weights to panels ---- */

/* One output's part of a block of `size` bytes, n of which are weights; j: its place in the panel. */
static void pack_block(char *block, size_t j, const int8_t *b, size_t n, uint16_t scale, size_t size,
                       const struct i8_layout *as)
{
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += b[i];
    for (size_t i = 0; i < n; i += as->group)
        memcpy(block + (i / as->group * as->panel + j) * as->group, b + i, min(n - i, as->group));
    char *numbers = block + as->panel * size;
    if (as->block == I8_BLOCK) {
        const int16_t short_sum = (int16_t)sum;
        memcpy(numbers + j * sizeof scale, &scale, sizeof scale);
        memcpy(numbers + (as->panel + j) * sizeof short_sum, &short_sum, sizeof short_sum);
    } else {
        float wide;
        scalar_bf16_to_f32(&wide, &scale, 1);
        memcpy(numbers + j * sizeof wide, &wide, sizeof wide);
        memcpy(numbers + (as->panel + j) * sizeof sum, &sum, sizeof sum);
    }
}

void scalar_pack_i8_as(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k,
                       struct i8_layout as)
{
    const struct kernels level = {.panel_i8 = as.panel, .i8_block = as.block};
    const size_t panel_size = i8_panel_size(&level, k), numbers = as.block == I8_BLOCK ? 4 : 8;
    memset(packed, 0, (n + as.panel - 1) / as.panel * panel_size);
    for (size_t j = 0; j < n; j++, b += ld_b) {
        char *block = (char *)packed + j / as.panel * panel_size;
        for (size_t i = 0, size; i < k; i += as.block, block += as.panel * (size + numbers)) {
            size = i8_row_size(min(k - i, as.block));
            pack_block(block, j % as.panel, b + i, min(k - i, as.block), *scales++, size, &as);
        }
    }
}

void scalar_pack_i8(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n, size_t k)
{
    scalar_pack_i8_as(packed, b, ld_b, scales, n, k, (struct i8_layout){PANEL, 1, I8_BLOCK});
}

static void pack_i8_long(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n,
                         size_t k)
{
    scalar_pack_i8_as(packed, b, ld_b, scales, n, k, (struct i8_layout){PANEL, 1, I8_LONG});
}

/* ---- products ---- */

/* One block of a row and of output j of a panel: `size` bytes of each. */
static float add_block(float c, const uint8_t *a, struct u8_block row, const char *block, size_t size,
                       size_t j, bool is_long)
{
    const char *numbers = block + PANEL * size;
    int16_t short_sum;
    int32_t sum_b, sum = 0;
    uint16_t bits;
    float scale;
    memcpy(&bits, numbers + j * sizeof bits, sizeof bits);
    memcpy(&short_sum, numbers + (PANEL + j) * sizeof short_sum, sizeof short_sum);
    scalar_bf16_to_f32(&scale, &bits, 1);
    sum_b = short_sum;
    if (is_long) {
        memcpy(&scale, numbers + j * sizeof scale, sizeof scale);
        memcpy(&sum_b, numbers + (PANEL + j) * sizeof sum_b, sizeof sum_b);
    }
    for (size_t i = 0; i < size; i++)
        sum += a[i] * (int8_t)block[i * PANEL + j];
    return fmaf((float)(sum - row.zero * sum_b), row.scale * scale, c);
}

static void gemm_by(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                    const void *packed, const float *bias, size_t m, size_t n, size_t k, size_t block_len)
{
    const struct kernels level = {.panel_i8 = PANEL, .i8_block = block_len};
    const size_t panel_size = i8_panel_size(&level, k), n_blocks = i8_blocks(&level, k);
    const bool is_long = block_len != I8_BLOCK;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const char *block = (const char *)packed + j / PANEL * panel_size;
            float y = bias ? bias[j] : 0;
            for (size_t x = 0; x < n_blocks; x++) {
                const size_t size = i8_row_size(min(k - x * block_len, block_len));
                y = add_block(y, a + i * ld_a + x * block_len, blocks[i * n_blocks + x], block, size,
                              j % PANEL, is_long);
                block += PANEL * (size + (is_long ? 8 : 4));
            }
            c[i * ld_c + j] = y;
        }
}

void scalar_gemm_u8i8(float *c, size_t ld_c, const uint8_t *a, size_t ld_a, const struct u8_block *blocks,
                      const void *packed, const float *bias, size_t m, size_t n, size_t k)
{
    gemm_by(c, ld_c, a, ld_a, blocks, packed, bias, m, n, k, I8_BLOCK);
}

static void gemm_u8i8_long(float *c, size_t ld_c, const uint8_t *a, size_t ld_a,
                           const struct u8_block *blocks, const void *packed, const float *bias, size_t m,
                           size_t n, size_t k)
{
    gemm_by(c, ld_c, a, ld_a, blocks, packed, bias, m, n, k, I8_LONG);
}

void scalar_take_long_blocks(struct kernels *k)
{
    k->i8_block = I8_LONG;
    k->rotate_i8 = scalar_rotate_i8;
    k->quantize_u8 = quantize_u8_long;
    k->pack_i8 = pack_i8_long;
    k->gemm_u8i8 = gemm_u8i8_long;
}
