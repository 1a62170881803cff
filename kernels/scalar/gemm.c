#include "kernels/scalar/scalar.h"

#include <string.h>

void scalar_pack_f32(float *packed, const float *b, size_t ld_b, size_t n, size_t k)
{
    for (size_t j0 = 0; j0 < n; j0 += SCALAR_PANEL_F32)
        for (size_t i = 0; i < k; i++)
            for (size_t j = j0; j < j0 + SCALAR_PANEL_F32; j++)
                *packed++ = j < n ? b[j * ld_b + i] : 0;
}

/* One row of a times one panel. */
static void row_by_panel(float *c, const float *a, const float *panel, const float *bias, size_t n, size_t k)
{
    float sum[SCALAR_PANEL_F32] = {0};
    if (bias)
        memcpy(sum, bias, n * sizeof *sum);
    for (size_t i = 0; i < k; i++)
        for (size_t j = 0; j < SCALAR_PANEL_F32; j++)
            sum[j] += a[i] * panel[i * SCALAR_PANEL_F32 + j];
    memcpy(c, sum, n * sizeof *sum);
}

void scalar_gemm_f32(float *c, size_t ld_c, const float *a, size_t ld_a, const float *packed,
                     const float *bias, size_t m, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += SCALAR_PANEL_F32) {
        const size_t n_panel = n - j < SCALAR_PANEL_F32 ? n - j : SCALAR_PANEL_F32;
        for (size_t i = 0; i < m; i++)
            row_by_panel(c + i * ld_c + j, a + i * ld_a, packed + j * k, bias ? bias + j : NULL, n_panel, k);
    }
}
