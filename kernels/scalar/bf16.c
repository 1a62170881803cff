#include "kernels/scalar/scalar.h"

#include <math.h>
#include <string.h>

void scalar_pack_bf16_panels(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k,
                             size_t panel)
{
    const size_t n_pairs = (k + 1) / 2;
    memset(packed, 0, (n + panel - 1) / panel * panel * n_pairs * 2 * sizeof *packed);
    for (size_t j = 0; j < n; j++, b += ld_b) {
        uint16_t *dst = packed + (j / panel * panel * n_pairs + j % panel) * 2;
        for (size_t i = 0; i < k; i += 2, dst += panel * 2)
            memcpy(dst, b + i, (k - i < 2 ? 1 : 2) * sizeof *dst);
    }
}

void scalar_pack_bf16(uint16_t *packed, const uint16_t *b, size_t ld_b, size_t n, size_t k)
{
    scalar_pack_bf16_panels(packed, b, ld_b, n, k, SCALAR_PANEL_BF16);
}

void scalar_gemm_bf16(float *c, size_t ld_c, const uint16_t *a, size_t ld_a, const uint16_t *packed,
                      const float *bias, size_t m, size_t n, size_t k)
{
    const size_t panel = SCALAR_PANEL_BF16, n_pairs = (k + 1) / 2;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            const uint16_t *b = packed + (j / panel * panel * n_pairs + j % panel) * 2;
            float y = bias ? bias[j] : 0, x[2], w[2];
            for (size_t pair = 0; pair < n_pairs; pair++, b += panel * 2) {
                scalar_bf16_to_f32(x, a + i * ld_a + pair * 2, 2);
                scalar_bf16_to_f32(w, b, 2);
                y = fmaf(x[1], w[1], fmaf(x[0], w[0], y));
            }
            c[i * ld_c + j] = y;
        }
}
