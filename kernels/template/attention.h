/* Attention in tiles of keys with a running maximum and sum, so that only a tile of scores exists at a time.
 * Milakov and Gimelshein, Online normalizer calculation for softmax (2018); Dao et al., FlashAttention (2022). */

enum { KEYS_TILE = 256 };

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Scratch: the keys in panels, the values in panels, then for MR_F32 query rows the scores of a tile of keys, and the
 * sums of values. */
static size_t attention_scratch(size_t n_k, size_t head_dim)
{
    const size_t dim = round_up(head_dim, PANEL_F32), keys = round_up(n_k, PANEL_F32);
    return keys * head_dim + n_k * dim + MR_F32 * (KEYS_TILE + dim);
}

/* v [n_k, head_dim] to panels [dim / PANEL_F32][n_k][PANEL_F32], zeros behind head_dim. */
static void pack_values(float *packed, const float *v, size_t ld_v, size_t n_k, size_t head_dim)
{
    for (size_t d = 0; d < head_dim; d += PANEL_F32) {
        const size_t left = head_dim - d < PANEL_F32 ? head_dim - d : PANEL_F32, n0 = left < VL ? left : VL;
        for (size_t i = 0; i < n_k; i++, packed += PANEL_F32) {
            vf_store(packed, vf_load_n(v + i * ld_v + d, n0));
            vf_store(packed + VL, vf_load_n(v + i * ld_v + d + n0, left - n0));
        }
    }
}

/* Up to MR_F32 query rows on their way through the keys. */
struct queries {
    const struct attention_args *args;
    const float *keys, *values; /* packed */
    float *scores, *sums;       /* [MR_F32, KEYS_TILE], [MR_F32, dim] */
    size_t dim, first, n;       /* rows first to first + n of q */
    float max[MR_F32], weight[MR_F32];
};

/* scores = q k^T for keys j0 to j0 + n_keys */
static void score(const struct queries *s, size_t j0, size_t n_keys)
{
    const struct attention_args *args = s->args;
    struct tile_f32 t = {.a = args->q + s->first * args->ld_q,
                         .ld_a = args->ld_q,
                         .ld_c = KEYS_TILE,
                         .init = zeros_f32,
                         .k = args->head_dim};
    for (size_t j = 0; j < n_keys; j += PANEL_F32) {
        t.n = n_keys - j < PANEL_F32 ? n_keys - j : PANEL_F32;
        t.b = s->keys + (j0 + j) * args->head_dim;
        t.c = s->scores + j;
        tiles_f32[s->n - 1](&t);
    }
}

/* A row of scores to weights exp(scale * score - max); what was summed under a smaller maximum shrinks. */
static void weigh(struct queries *s, size_t row, size_t n_keys)
{
    float *y = s->scores + row * KEYS_TILE, *sums = s->sums + row * s->dim;
    scale(y, s->args->scale, n_keys);
    const float largest = max(y, n_keys), old = s->max[row], new = largest > old ? largest : old;
    const vf m = vf_set1(new);
    vf sum = vf_set1(0);
    size_t j = 0;
    for (; j + VL <= n_keys; j += VL) {
        const vf e = vf_exp(vf_load(y + j) - m);
        vf_store(y + j, e);
        sum = sum + e;
    }
    if (j < n_keys) {
        const vf e = vf_first(vf_exp(vf_load_n(y + j, n_keys - j) - m), n_keys - j);
        vf_store_n(y + j, e, n_keys - j);
        sum = sum + e;
    }
    const float shrink = expf(old - new);
    scale(sums, shrink, s->dim);
    s->weight[row] = s->weight[row] * shrink + vf_sum(sum);
    s->max[row] = new;
}

/* sums += weights v */
static void gather(const struct queries *s, size_t j0, size_t n_keys)
{
    struct tile_f32 t = {
        .a = s->scores, .ld_a = KEYS_TILE, .ld_c = s->dim, .ld_init = s->dim, .n = PANEL_F32, .k = n_keys};
    for (size_t d = 0; d < s->dim; d += PANEL_F32) {
        t.b = s->values + d * s->args->n_k + j0 * PANEL_F32;
        t.c = s->sums + d;
        t.init = t.c;
        tiles_f32[s->n - 1](&t);
    }
}

static void attend(struct queries *s)
{
    const struct attention_args *args = s->args;
    memset(s->sums, 0, MR_F32 * s->dim * sizeof *s->sums);
    for (size_t r = 0; r < s->n; r++)
        s->max[r] = -3.4e38f, s->weight[r] = 0; /* finite: a tile of -infinity leaves all at zero */
    for (size_t j = 0; j < args->n_k; j += KEYS_TILE) {
        const size_t n_keys = args->n_k - j < KEYS_TILE ? args->n_k - j : KEYS_TILE;
        score(s, j, n_keys);
        for (size_t r = 0; r < s->n; r++)
            weigh(s, r, n_keys);
        gather(s, j, n_keys);
    }
    for (size_t r = 0; r < s->n; r++) {
        float *out = args->out + (s->first + r) * args->ld_out;
        memcpy(out, s->sums + r * s->dim, args->head_dim * sizeof *out);
        if (args->n_k)
            scale(out, 1 / s->weight[r], args->head_dim);
    }
}

static void attention(const struct attention_args *args)
{
    struct queries s = {.args = args, .dim = round_up(args->head_dim, PANEL_F32)};
    float *keys = args->scratch, *values = keys + round_up(args->n_k, PANEL_F32) * args->head_dim;
    s.keys = keys;
    s.values = values;
    s.scores = values + args->n_k * s.dim;
    s.sums = s.scores + MR_F32 * KEYS_TILE;
    pack_f32(keys, args->k, args->ld_kv, args->n_k, args->head_dim);
    pack_values(values, args->v, args->ld_kv, args->n_k, args->head_dim);
    for (s.first = 0; s.first < args->n_q; s.first += s.n) {
        const size_t left = args->n_q - s.first, n_tiles = (left + MR_F32 - 1) / MR_F32;
        s.n = left / n_tiles;
        attend(&s);
    }
}
