/* AMX's tiles: registers of 16 rows of 64 bytes. Written over these words, so that tests can run it on machines without;
 * everything here is static to the file that defines them.
 *
 *   AMX_ISA                 the instruction sets, as TARGET_BEGIN takes them
 *   tile_configure(config)  takes shapes from a struct tile_config; all tiles are zero then
 *   tile_release()          of this thread; every call that configures ends with it: a thread that holds nothing in tiles
 *                           costs nothing to switch, and lets the processor's core sleep
 *   tile_zero(t)  tile_load(t, p, stride)  tile_store(t, p, stride)    t is a constant; stride in bytes
 *   tile_dot_u8i8(c, a, b)  c[i][j] += sums over k of a[i][k] b[k / 4][4 j + k % 4], int32_t
 *   tile_dot_i8i8(c, a, b)  the same of signed bytes
 *   tile_dot_bf16(c, a, b)  c[i][j] += sums over k of a[i][k] b[k / 2][2 j + k % 2], float
 *
 * Intel Architecture Instruction Set Extensions Programming Reference, chapter 3. */
#ifndef KERNELS_X86_AMX_H
#define KERNELS_X86_AMX_H

#include "kernels/scalar/scalar.h"
#include "kernels/template/compiler.h"

#include <float.h>
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

TARGET_BEGIN(AMX_ISA)

#include "kernels/x86/avx512.h"

#include "kernels/x86/amx_products.h"
#include "kernels/x86/amx_rows.h"

#include "kernels/x86/amx_codes.h"

#include "kernels/x86/amx_attention.h"

static void pack_i8_tiles(void *packed, const int8_t *b, size_t ld_b, const uint16_t *scales, size_t n,
                          size_t k)
{
    scalar_pack_i8_as(packed, b, ld_b, scales, n, k, (struct i8_layout){SQUARE, 4, I8_LONG});
}

static void pack_bf16_tiles(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k)
{
    scalar_pack_bf16_panels(packed, b, ld_b, n, k, SQUARE);
}

/* To a table of AVX-512 VNNI and BF16. */
static void add_amx(struct kernels *k)
{
    k->panel_i8 = SQUARE;
    k->i8_block = I8_LONG;
    k->rotate_i8 = rotate_i8;
    k->quantize_u8 = quantize_u8_long;
    k->pack_i8 = pack_i8_tiles;
    k->gemm_u8i8 = gemm_u8i8;
    k->panel_bf16 = SQUARE;
    k->pack_bf16 = pack_bf16_tiles;
    k->gemm_bf16 = gemm_bf16;
    add_products_of_codes(k);
    scratch_below = k->attention_scratch;
    k->attention_scratch = attention_scratch;
    k->attention_bf16 = attention_by_tiles;
}

TARGET_END

#endif
