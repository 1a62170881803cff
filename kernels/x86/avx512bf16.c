/* AVX-512 BF16: products of bfloat16 in pairs. Denormals count as zero, and a pair's products are rounded together. */
#include "kernels/tables.h"
#include "kernels/template/compiler.h"

#include <immintrin.h>

#include <math.h>

#define MR_BF16  6 /* 24 sums, four vectors of weights, one of input: 29 of 32 registers */
#define NR_BF16  4
#define MR_CELLS 12 /* 24 sums of two vectors each, as MR_F32 of avx512.c */

TARGET_BEGIN("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,avx2,fma,f16c")

#include "kernels/x86/avx512.h"

typedef __m512bh va_bf16, vb_bf16;

static ALWAYS_INLINE va_bf16 va_bf16_load(const uint16_t *p)
{
    return (__m512bh)vi_broadcast4(p);
}

static ALWAYS_INLINE vb_bf16 vb_bf16_load(const uint16_t *p)
{
    return (__m512bh)_mm512_load_si512(p);
}

static ALWAYS_INLINE vf vf_dot_bf16(vf sum, va_bf16 a, vb_bf16 b)
{
    return _mm512_dpbf16_ps(sum, a, b);
}

#include "kernels/template/bf16.h"
#include "kernels/template/math.h"

#include "kernels/x86/avx512_cells.h"

#include "kernels/template/cells.h"

#include "kernels/template/attention.h"
#include "kernels/template/tile_attention.h"

TARGET_END

void kernels_add_avx512bf16(struct kernels *k)
{
    BF16_SLOTS(k);
    k->attention_bf16 = attention;
    k->tile_attention_bf16 = tile_attention;
}
