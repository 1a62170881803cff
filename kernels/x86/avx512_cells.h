/* Cells of two bfloat16, the words of kernels/template/cells.h, for AVX-512 BF16. Included between TARGET_BEGIN and
 * TARGET_END, behind avx512.h. */
#ifndef KERNELS_X86_AVX512_CELLS_H
#define KERNELS_X86_AVX512_CELLS_H

#define CELL_LEN 2

typedef __m512bh va_cell, vb_cells;

static ALWAYS_INLINE va_cell va_cell_load(const float *p)
{
    return (__m512bh)_mm512_set1_ps(*p);
}

static ALWAYS_INLINE vb_cells vb_cells_load(const float *p)
{
    return (__m512bh)_mm512_loadu_ps(p);
}

static ALWAYS_INLINE vf vf_dot_cells(vf sum, va_cell a, vb_cells b)
{
    return _mm512_dpbf16_ps(sum, a, b);
}

static ALWAYS_INLINE vf cells_of_run(const vf x[CELL_LEN])
{
    return (vf)_mm512_cvtne2ps_pbh(x[1], x[0]);
}

static ALWAYS_INLINE vf cells_of_rows(const vf x[CELL_LEN])
{
    const __m512i order =
        _mm512_set_epi32(0x1f000f, 0x1e000e, 0x1d000d, 0x1c000c, 0x1b000b, 0x1a000a, 0x190009, 0x180008,
                         0x170007, 0x160006, 0x150005, 0x140004, 0x130003, 0x120002, 0x110001, 0x100000);
    return (vf)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(x[1], x[0]));
}

/* 2^n 2^r, x / ln(2) = n + r, |r| <= 1/2: within 3e-6, of which rounding leaves nothing. */
static ALWAYS_INLINE vf vf_weight(vf x)
{
    const vf y = vf_max(vf_set1(-150), x * vf_set1(0x1.715476p+0f)), n = vf_round(y), r = y - n;
    vf p = vf_set1(0x1.3a02ccp-7f);
    p = vf_fma(p, r, vf_set1(0x1.c9fc46p-5f));
    p = vf_fma(p, r, vf_set1(0x1.ec0378p-3f));
    p = vf_fma(p, r, vf_set1(0x1.62e12cp-1f));
    return vf_ldexp(vf_fma(p, r, vf_set1(1)), n);
}

static ALWAYS_INLINE void store_weights(float *p, size_t j, vf e0, vf e1, vf sum[2])
{
    const __m512bh cells = _mm512_cvtne2ps_pbh(e1, e0), ones = (__m512bh)_mm512_set1_epi16(0x3f80);
    vf_store(p + j / CELL_LEN, (vf)cells);
    sum[0] = _mm512_dpbf16_ps(sum[0], cells, ones);
}

#endif
