/* float32 products: tiles of up to MR_F32 rows by a panel of two vectors, the sums in registers. */

/* KC: what a tile takes of a row at a time, so that its rows stay in the first-level cache, and the panel's part in
 * the second. MC: rows that go through all panels together, their part of KC in the second-level cache. */
enum { PANEL_F32 = 2 * VL, KC_F32 = 512, MC_F32 = 128 };

static const float zeros_f32[PANEL_F32];

static void pack_f32(float *packed, const float *b, size_t ld_b, size_t n, size_t k)
{
    for (size_t j = 0; j < n; j += VL) {
        float *panel = packed + j / PANEL_F32 * PANEL_F32 * k + j % PANEL_F32;
        for (size_t i = 0; i < k; i += VL) {
            const size_t k_left = k - i < VL ? k - i : VL;
            vf x[VL];
            for (size_t r = 0; r < VL; r++)
                x[r] = j + r < n ? vf_load_n(b + (j + r) * ld_b + i, k_left) : vf_set1(0);
            vf_transpose(x);
            for (size_t r = 0; r < k_left; r++)
                vf_store(panel + (i + r) * PANEL_F32, x[r]);
        }
    }
    const size_t n_last = n % PANEL_F32;
    if (n_last > 0 && n_last <= VL) /* the second half of the last panel */
        for (size_t i = 0; i < k; i++)
            vf_store(packed + n / PANEL_F32 * PANEL_F32 * k + i * PANEL_F32 + VL, vf_set1(0));
}

/* c[rows, n <= PANEL_F32] = init + a b, where b is k rows of a panel. */
struct tile_f32 {
    float *c;
    const float *a, *b, *init;
    size_t ld_c, ld_a, ld_init, n, k;
};

/* Always from the first element of k to the last, one fused multiply-add each: whichever tile a row falls into, its
 * result has the same bits. */
static ALWAYS_INLINE void tile_f32(const struct tile_f32 *t, const int rows)
{
    const size_t n0 = t->n < VL ? t->n : VL, n1 = t->n - n0, ld_a = t->ld_a;
    vf sum[MR_F32][2];
    UNROLL
    for (int r = 0; r < rows; r++) {
        const float *init = t->init + (size_t)r * t->ld_init;
        sum[r][0] = vf_load_n(init, n0);
        sum[r][1] = vf_load_n(init + n0, n1);
    }
    const float *a = t->a, *b = t->b;
    for (size_t i = t->k; i > 0; i--, a++, b += PANEL_F32) {
        const vf b0 = vf_load(b), b1 = vf_load(b + VL);
        UNROLL
        for (int r = 0; r < rows; r++) {
            const vf x = vf_set1(a[(size_t)r * ld_a]);
            sum[r][0] = vf_fma(x, b0, sum[r][0]);
            sum[r][1] = vf_fma(x, b1, sum[r][1]);
        }
    }
    UNROLL
    for (int r = 0; r < rows; r++) {
        float *c = t->c + (size_t)r * t->ld_c;
        vf_store_n(c, sum[r][0], n0);
        vf_store_n(c + n0, sum[r][1], n1);
    }
}

#define TILE(rows)                                                                                           \
    static void tile_f32_##rows(const struct tile_f32 *t)                                                    \
    {                                                                                                        \
        tile_f32(t, rows);                                                                                   \
    }
TILE(1)
TILE(2)
TILE(3)
TILE(4)
TILE(5)
TILE(6)
#if MR_F32 > 6
TILE(7)
TILE(8)
TILE(9)
TILE(10)
TILE(11)
TILE(12)
#endif
#undef TILE

static void (*const tiles_f32[MR_F32])(const struct tile_f32 *) = {
    tile_f32_1, tile_f32_2, tile_f32_3, tile_f32_4,  tile_f32_5,  tile_f32_6,
#if MR_F32 > 6
    tile_f32_7, tile_f32_8, tile_f32_9, tile_f32_10, tile_f32_11, tile_f32_12,
#endif
};

/* m rows through one panel, in tiles of nearly equal height. */
static void rows_by_panel_f32(struct tile_f32 t, size_t m)
{
    const size_t n_tiles = (m + MR_F32 - 1) / MR_F32;
    for (size_t i = 0; i < n_tiles; i++) {
        const size_t rows = (i + 1) * m / n_tiles - i * m / n_tiles;
        tiles_f32[rows - 1](&t);
        t.a += rows * t.ld_a;
        t.c += rows * t.ld_c;
        t.init += rows * t.ld_init;
    }
}

/* m <= MC_F32 rows through elements k0 to k0 + kc of all panels. */
static void block_f32(const struct tile_f32 *block, const float *bias, size_t m, size_t n, size_t k,
                      size_t k0)
{
    struct tile_f32 t = *block;
    for (size_t j = 0; j < n; j += PANEL_F32) {
        t.n = n - j < PANEL_F32 ? n - j : PANEL_F32;
        t.b = block->b + j * k + k0 * PANEL_F32;
        t.c = block->c + j;
        t.init = k0 > 0 ? t.c : bias ? bias + j : zeros_f32;
        t.ld_init = k0 > 0 ? t.ld_c : 0;
        rows_by_panel_f32(t, m);
    }
}

static void gemm_f32(float *c, size_t ld_c, const float *a, size_t ld_a, const float *packed,
                     const float *bias, size_t m, size_t n, size_t k)
{
    for (size_t i = 0; i < m; i += MC_F32) {
        size_t k0 = 0;
        do {
            struct tile_f32 t = {
                .c = c + i * ld_c, .a = a + i * ld_a + k0, .b = packed, .ld_c = ld_c, .ld_a = ld_a};
            t.k = k - k0 < KC_F32 ? k - k0 : KC_F32;
            block_f32(&t, bias, m - i < MC_F32 ? m - i : MC_F32, n, k, k0);
            k0 += t.k;
        } while (k0 < k);
    }
}
