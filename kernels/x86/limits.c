#include "kernels/limits_loop.h"

#include <immintrin.h>

/* Twelve sums fit sixteen registers beside their operands and hide five cycles at two a cycle; where there are
 * thirty-two registers, sixteen sums do it for more. */
enum { SUMS_YMM = 12, SUMS_ZMM = 16 };

/* A vector of bytes, each 1. */
#define ONES_YMM _mm256_set1_epi8(1)
#define ONES_ZMM _mm512_set1_epi8(1)

/* ---- AVX2 and FMA ---- products of bytes are added in pairs to 16 bits, then in pairs to 32 */
TARGET_BEGIN("avx2,fma")
LIMIT_LOOP(avx2_f32, __m256, SUMS_YMM, _mm256_set1_ps(1),
           _mm256_fmadd_ps(sum, _mm256_set1_ps(0.5f), _mm256_set1_ps(1)))
LIMIT_LOOP(avx2_i8, __m256i, SUMS_YMM, ONES_YMM,
           _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, ONES_YMM), _mm256_set1_epi16(1))))
LIMIT_READ(avx2_read, __m256i, _mm256_setzero_si256(), _mm256_load_si256, _mm256_or_si256)
TARGET_END

const struct limits limits_avx2 = {
    .products = {[LIMIT_F32] = {avx2_f32, SUMS_YMM * 8 * 2}, [LIMIT_I8] = {avx2_i8, SUMS_YMM * 32 * 2}},
    .read = avx2_read,
};

#if KNOWS_AVXVNNI_AND_AMX

/* ---- AVX-VNNI ---- four products of bytes at once, added up in 32 bits */
TARGET_BEGIN("avx2,avxvnni")
LIMIT_LOOP(avxvnni_i8, __m256i, SUMS_YMM, ONES_YMM, _mm256_dpbusd_avx_epi32(sum, a, ONES_YMM))
TARGET_END

const struct limits limits_avxvnni = {.products = {[LIMIT_I8] = {avxvnni_i8, SUMS_YMM * 32 * 2}}};

#else

const struct limits limits_avxvnni, limits_amx; /* of nothing */

#endif

/* ---- AVX-512 ---- */
TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq")
LIMIT_LOOP(avx512_f32, __m512, SUMS_ZMM, _mm512_set1_ps(1),
           _mm512_fmadd_ps(sum, _mm512_set1_ps(0.5f), _mm512_set1_ps(1)))
LIMIT_LOOP(avx512_i8, __m512i, SUMS_ZMM, ONES_ZMM,
           _mm512_add_epi32(sum, _mm512_madd_epi16(_mm512_maddubs_epi16(a, ONES_ZMM), _mm512_set1_epi16(1))))
LIMIT_READ(avx512_read, __m512i, _mm512_setzero_si512(), _mm512_load_si512, _mm512_or_si512)
TARGET_END

const struct limits limits_avx512 = {
    .products = {[LIMIT_F32] = {avx512_f32, SUMS_ZMM * 16 * 2}, [LIMIT_I8] = {avx512_i8, SUMS_ZMM * 64 * 2}},
    .read = avx512_read,
};

/* ---- AVX-512 VNNI ---- */
TARGET_BEGIN("avx512f,avx512vnni")
LIMIT_LOOP(avx512vnni_i8, __m512i, SUMS_ZMM, ONES_ZMM, _mm512_dpbusd_epi32(sum, a, ONES_ZMM))
TARGET_END

const struct limits limits_avx512vnni = {.products = {[LIMIT_I8] = {avx512vnni_i8, SUMS_ZMM * 64 * 2}}};

/* ---- AVX-512 BF16 ---- two products of bfloat16 at once, added up in float32 */
TARGET_BEGIN("avx512f,avx512bf16")
LIMIT_LOOP(avx512bf16_bf16, __m512, SUMS_ZMM, _mm512_set1_ps(1),
           _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)_mm512_set1_epi16(0x3f80)))
TARGET_END

const struct limits limits_avx512bf16 = {.products = {[LIMIT_BF16] = {avx512bf16_bf16, SUMS_ZMM * 32 * 2}}};

#if KNOWS_AVXVNNI_AND_AMX

/* ---- AMX ---- four tiles of sums of 16 x 16, each of 64 bytes of k */
TARGET_BEGIN("amx-tile,amx-int8,amx-bf16")

static void ready_tiles(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = {.palette = 1};
    for (int t = 0; t < 8; t++)
        config.row_bytes[t] = 64, config.rows[t] = 16;
    __asm__ volatile("" : : "r"(&config) : "memory"); /* all of it is in memory */
    _tile_loadconfig(&config);
}

static float amx_i8(size_t n_rounds)
{
    ready_tiles();
    for (; n_rounds > 0; n_rounds--) {
        _tile_dpbusd(0, 4, 5);
        _tile_dpbusd(1, 4, 5);
        _tile_dpbusd(2, 4, 5);
        _tile_dpbusd(3, 4, 5);
    }
    _tile_release();
    return 0;
}

static float amx_bf16(size_t n_rounds)
{
    ready_tiles();
    for (; n_rounds > 0; n_rounds--) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    _tile_release();
    return 0;
}

static void amx_load(const void *p, size_t size)
{
    ready_tiles();
    for (const char *at = p, *end = at + size; at < end; at += LIMIT_TILES) {
        _tile_loadd(4, at, 64);
        _tile_loadd(5, at + 1024, 64);
        _tile_loadd(6, at + 2048, 64);
        _tile_loadd(7, at + 3072, 64);
    }
    _tile_release();
}

/* As a square of sums is made: two tiles of rows, two of outputs. */
static void amx_multiply(const void *p, size_t size)
{
    ready_tiles();
    for (const char *at = p, *end = at + size; at < end; at += LIMIT_TILES) {
        _tile_loadd(4, at, 64);
        _tile_loadd(6, at + 1024, 64);
        _tile_loadd(7, at + 2048, 64);
        _tile_loadd(5, at + 3072, 64);
        _tile_dpbusd(0, 4, 6);
        _tile_dpbusd(1, 4, 7);
        _tile_dpbusd(2, 5, 6);
        _tile_dpbusd(3, 5, 7);
    }
    _tile_release();
}

TARGET_END

enum { TILE_SUMS = 4 * 16 * 16 };

const struct limits limits_amx = {
    .products = {[LIMIT_BF16] = {amx_bf16, TILE_SUMS * 32 * 2}, [LIMIT_I8] = {amx_i8, TILE_SUMS * 64 * 2}},
    .load_tiles = amx_load,
    .multiply_tiles = amx_multiply,
};

#endif
