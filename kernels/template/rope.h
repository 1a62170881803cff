/* Rotary position embedding; pairs that lie side by side are turned by the scalar version. */

static void rope_halves(float *x, const float *turn, size_t n_heads, size_t head_dim, size_t n_pairs)
{
    const float *sines = turn + n_pairs;
    for (size_t head = 0; head < n_heads; head++, x += head_dim) {
        float *y = x + n_pairs;
        size_t i = 0;
        for (; i + VL <= n_pairs; i += VL) {
            const vf a = vf_load(x + i), b = vf_load(y + i), c = vf_load(turn + i), s = vf_load(sines + i);
            vf_store(x + i, a * c - b * s);
            vf_store(y + i, b * c + a * s);
        }
        if (i < n_pairs) {
            const size_t n = n_pairs - i;
            const vf a = vf_load_n(x + i, n), b = vf_load_n(y + i, n);
            const vf c = vf_load_n(turn + i, n), s = vf_load_n(sines + i, n);
            vf_store_n(x + i, a * c - b * s, n);
            vf_store_n(y + i, b * c + a * s, n);
        }
    }
}
