/* AMX's tiles in software. */
#include "tests/guard.h"

#if defined(__x86_64__)

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct tile_config;

static struct tile {
    size_t rows, row_bytes;
    uint8_t bytes[16][64];
} tiles[8];
static bool configured;

static void tile_configure(const struct tile_config *config);

static void tile_release(void)
{
    configured = false;
    memset(tiles, 0, sizeof tiles);
}

static void tile_zero(size_t t)
{
    assert_true(configured && tiles[t].rows > 0);
    memset(tiles[t].bytes, 0, sizeof tiles[t].bytes);
}

static void tile_load(size_t t, const void *p, size_t stride)
{
    tile_zero(t);
    for (size_t r = 0; r < tiles[t].rows; r++)
        memcpy(tiles[t].bytes[r], (const char *)p + r * stride, tiles[t].row_bytes);
}

static void tile_store(size_t t, void *p, size_t stride)
{
    assert_true(configured && tiles[t].rows > 0);
    for (size_t r = 0; r < tiles[t].rows; r++)
        memcpy((char *)p + r * stride, tiles[t].bytes[r], tiles[t].row_bytes);
}

/* The shapes that the processor insists on. */
static void check_shapes(const struct tile *c, const struct tile *a, const struct tile *b)
{
    assert_true(configured && c->rows > 0 && c != a && c != b && a != b);
    assert_int_equal(c->rows, a->rows);
    assert_int_equal(c->row_bytes, b->row_bytes);
    assert_int_equal(a->row_bytes, 4 * b->rows);
}

static void dot_bytes(size_t c, size_t a, size_t b, bool a_signed)
{
    check_shapes(&tiles[c], &tiles[a], &tiles[b]);
    for (size_t i = 0; i < tiles[c].rows; i++) {
        int32_t sums[16];
        memcpy(sums, tiles[c].bytes[i], sizeof sums);
        for (size_t j = 0; j < tiles[c].row_bytes / 4; j++)
            for (size_t k = 0; k < tiles[a].row_bytes; k++) {
                const uint8_t x = tiles[a].bytes[i][k];
                sums[j] += (a_signed ? (int8_t)x : x) * (int8_t)tiles[b].bytes[k / 4][4 * j + k % 4];
            }
        memcpy(tiles[c].bytes[i], sums, sizeof sums);
    }
}

static void tile_dot_u8i8(size_t c, size_t a, size_t b)
{
    dot_bytes(c, a, b, false);
}

static void tile_dot_i8i8(size_t c, size_t a, size_t b)
{
    dot_bytes(c, a, b, true);
}

/* A denormal counts as zero. */
static float bf16_at(const uint8_t *row, size_t i)
{
    uint16_t half;
    memcpy(&half, row + 2 * i, sizeof half);
    const uint32_t bits = (uint32_t)half << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return fpclassify(x) == FP_SUBNORMAL ? 0 : x;
}

/* Even and odd elements are summed apart. */
static void tile_dot_bf16(size_t c, size_t a, size_t b)
{
    check_shapes(&tiles[c], &tiles[a], &tiles[b]);
    for (size_t i = 0; i < tiles[c].rows; i++) {
        float sums[16];
        memcpy(sums, tiles[c].bytes[i], sizeof sums);
        for (size_t j = 0; j < tiles[c].row_bytes / 4; j++) {
            float part[2] = {0, 0};
            for (size_t k = 0; k < tiles[a].row_bytes / 2; k++)
                part[k % 2] += bf16_at(tiles[a].bytes[i], k) * bf16_at(tiles[b].bytes[k / 2], 2 * j + k % 2);
            sums[j] += part[0] + part[1];
        }
        memcpy(tiles[c].bytes[i], sums, sizeof sums);
    }
}

#define AMX_ISA "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx512bf16,avx2,fma,f16c"
#include "kernels/x86/amx.h"

static void tile_configure(const struct tile_config *config)
{
    assert_int_equal(config->palette, 1);
    configured = true;
    memset(tiles, 0, sizeof tiles);
    for (size_t t = 0; t < 8; t++) {
        assert_true(config->rows[t] <= 16 && config->row_bytes[t] <= 64);
        assert_int_equal(config->rows[t] == 0, config->row_bytes[t] == 0);
        tiles[t].rows = config->rows[t];
        tiles[t].row_bytes = config->row_bytes[t];
    }
}

const struct kernels *emulated_amx(void)
{
    static struct kernels table;
    const struct kernels *below = kernels_of(CPU_AVX512BF16);
    if (!below || kernels_of(CPU_AMX))
        return NULL;
    table = *below;
    table.name = "amx (emulated)";
    add_amx(&table);
    return &table;
}

#else

const struct kernels *emulated_amx(void)
{
    return NULL;
}

#endif
