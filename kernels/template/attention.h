/* Attention in tiles of keys with a running maximum and sum, so that only a tile of scores exists at a time.
 * Milakov and Gimelshein, Online normalizer calculation for softmax (2018); Dao et al., FlashAttention (2022). */

enum { KEYS_TILE = 256, MAX_ROWS = (MR_F32 + VL - 1) / VL * VL };

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Up to MR_F32 query rows on their way through the keys. What lies in the scratch comes first, in its order. */
struct queries {
    float *keys;   /* panels of n_k keys */
    float *values; /* [dim / PANEL_F32][n_k][PANEL_F32], zeros behind head_dim */
    float *scores; /* [MR_F32, KEYS_TILE] */
    float *sums;   /* [MR_F32, dim] */
    float *q;      /* [MR_F32, head_dim], scaled */
    const struct attention_args *args;
    size_t dim;      /* head_dim in whole panels */
    size_t first, n; /* rows first to first + n of the queries */
    float max[MAX_ROWS], weight[MAX_ROWS];
};

static size_t attention_scratch(size_t n_k, size_t head_dim)
{
    const size_t dim = round_up(head_dim, PANEL_F32), keys = round_up(n_k, PANEL_F32);
    return keys * head_dim + n_k * dim + MR_F32 * (KEYS_TILE + dim + head_dim);
}

static void lay_out(struct queries *s, float *scratch)
{
    const size_t n_k = s->args->n_k, head_dim = s->args->head_dim;
    s->keys = scratch;
    s->values = s->keys + round_up(n_k, PANEL_F32) * head_dim;
    s->scores = s->values + n_k * s->dim;
    s->sums = s->scores + MR_F32 * KEYS_TILE;
    s->q = s->sums + MR_F32 * s->dim;
}

/* The first n of n_k rows. */
static void pack_values(float *packed, const float *v, size_t ld_v, size_t n, size_t n_k, size_t head_dim)
{
    for (size_t d = 0; d < head_dim; d += PANEL_F32, packed += n_k * PANEL_F32)
        for (size_t i = 0; i < n; i++) {
            float *row = packed + i * PANEL_F32;
            vf_store(row, vf_load_n(v + i * ld_v + d, nth_part(head_dim - d, 0)));
            vf_store(row + VL, vf_load_n(v + i * ld_v + d + VL, nth_part(head_dim - d, 1)));
        }
}

/* The next rows of q, and nothing seen of the keys. */
static void start(struct queries *s)
{
    const struct attention_args *args = s->args;
    for (size_t r = 0; r < s->n; r++) {
        memcpy(s->q + r * args->head_dim, args->q + (s->first + r) * args->ld_q,
               args->head_dim * sizeof(float));
        scale(s->q + r * args->head_dim, args->scale, args->head_dim);
    }
    memset(s->sums, 0, s->n * s->dim * sizeof *s->sums);
    for (size_t r = 0; r < MAX_ROWS; r++)
        s->max[r] = -3.4e38f, s->weight[r] = 0; /* finite: scores of -infinity weigh nothing then */
}

/* Row r's bias for n_keys keys from j0, -infinity behind them up to a whole panel. */
static void start_with_bias(const struct queries *s, size_t j0, size_t n_keys)
{
    const struct attention_args *args = s->args;
    for (size_t r = 0; r < s->n; r++) {
        float *y = s->scores + r * KEYS_TILE;
        memcpy(y, args->bias + (ptrdiff_t)(s->first + r) * args->ld_bias + (ptrdiff_t)j0, n_keys * sizeof *y);
        for (size_t j = n_keys; j % PANEL_F32; j++)
            y[j] = -INFINITY;
    }
}

/* scores = q k^T for n_keys keys from j0, -infinity behind them up to a whole panel. */
static void score(const struct queries *s, size_t j0, size_t n_keys)
{
    const size_t head_dim = s->args->head_dim;
    const bool biased = s->args->bias != NULL;
    struct tile_f32 t = {.a = s->q,
                         .ld_a = head_dim,
                         .ld_c = KEYS_TILE,
                         .init = zeros_f32,
                         .ld_init = biased ? KEYS_TILE : 0,
                         .n = PANEL_F32,
                         .k = head_dim};
    float last[PANEL_F32];
    for (size_t j = 0; j < PANEL_F32; j++)
        last[j] = j < n_keys % PANEL_F32 ? 0 : -INFINITY;
    if (biased)
        start_with_bias(s, j0, n_keys);
    for (size_t j = 0; j < n_keys; j += PANEL_F32) {
        t.b = s->keys + (j0 + j) * head_dim;
        t.ahead = t.b;
        t.c = s->scores + j;
        if (biased)
            t.init = t.c;
        else if (n_keys - j < PANEL_F32)
            t.init = last;
        tiles_f32[s->n - 1](&t);
    }
}

/* The keys that row i sees, of all. */
static size_t first_seen(const struct attention_args *args, size_t i)
{
    const struct attention_window *w = args->window;
    return w && w->first + i > w->left ? w->first + i - w->left : 0;
}

static size_t end_seen(const struct attention_args *args, size_t i)
{
    const struct attention_window *w = args->window;
    const bool all = !w || args->n_k <= w->first + i || args->n_k - w->first - i - 1 <= w->right;
    return all ? args->n_k : w->first + i + w->right + 1;
}

/* -infinity for keys outside each row's window. */
static void mask(const struct queries *s, size_t j0, size_t n_keys)
{
    for (size_t r = 0; r < s->n; r++) {
        float *y = s->scores + r * KEYS_TILE;
        const size_t from = first_seen(s->args, s->first + r), to = end_seen(s->args, s->first + r);
        for (size_t j = 0; j < n_keys && j0 + j < from; j++)
            y[j] = -INFINITY;
        for (size_t j = to > j0 ? to - j0 : 0; j < n_keys; j++)
            y[j] = -INFINITY;
    }
}

/* The running maxima; what is summed under smaller ones shrinks. */
static void raise_max(struct queries *s, size_t n_scores)
{
    float shrink[MAX_ROWS] = {0};
    for (size_t r = 0; r < s->n; r++) {
        const float *y = s->scores + r * KEYS_TILE;
        vf m0 = vf_set1(s->max[r]), m1 = m0;
        for (size_t j = 0; j < n_scores; j += PANEL_F32) {
            m0 = vf_max(vf_load(y + j), m0);
            m1 = vf_max(vf_load(y + j + VL), m1);
        }
        const float max = vf_max_of(vf_max(m0, m1));
        shrink[r] = s->max[r] - max;
        s->max[r] = max;
    }
    for (size_t r = 0; r < MAX_ROWS; r += VL) {
        const vf factor = vf_exp(vf_load(shrink + r));
        vf_store(shrink + r, factor);
        vf_store(s->weight + r, vf_load(s->weight + r) * factor);
    }
    for (size_t r = 0; r < s->n; r++)
        scale(s->sums + r * s->dim, shrink[r], s->dim);
}

/* scores to weights, exp(score - max). */
static void weigh(struct queries *s, size_t n_scores)
{
    for (size_t r = 0; r < s->n; r++) {
        float *y = s->scores + r * KEYS_TILE;
        const vf max = vf_set1(s->max[r]);
        vf sum0 = vf_set1(0), sum1 = sum0;
        for (size_t j = 0; j < n_scores; j += PANEL_F32) {
            const vf e0 = vf_exp(vf_load(y + j) - max), e1 = vf_exp(vf_load(y + j + VL) - max);
            vf_store(y + j, e0);
            vf_store(y + j + VL, e1);
            sum0 = sum0 + e0;
            sum1 = sum1 + e1;
        }
        s->weight[r] += vf_sum(sum0 + sum1);
    }
}

/* sums += weights v */
static void gather(const struct queries *s, size_t j0, size_t n_keys)
{
    struct tile_f32 t = {
        .a = s->scores, .ld_a = KEYS_TILE, .ld_c = s->dim, .ld_init = s->dim, .n = PANEL_F32, .k = n_keys};
    for (size_t d = 0; d < s->dim; d += PANEL_F32) {
        t.b = s->values + d * s->args->n_k + j0 * PANEL_F32;
        t.ahead = t.b;
        t.c = s->sums + d;
        t.init = t.c;
        tiles_f32[s->n - 1](&t);
    }
}

static void finish(const struct queries *s)
{
    const struct attention_args *args = s->args;
    for (size_t r = 0; r < s->n; r++) {
        float *out = args->out + (s->first + r) * args->ld_out, *sums = s->sums + r * s->dim;
        if (args->n_k)
            scale(sums, 1 / s->weight[r], args->head_dim);
        memcpy(out, sums, args->head_dim * sizeof *out);
    }
}

/* The part of the tile of keys at j0 that some of the rows see, in whole panels from its start. Tiles begin where they
 * do for any other rows too, and what is left out of one adds nothing: a row keeps its bits in any company. */
static void tile_of_keys(struct queries *s, size_t j0)
{
    const struct attention_args *args = s->args;
    size_t end = j0 + KEYS_TILE < args->n_k ? j0 + KEYS_TILE : args->n_k, begin = j0;
    if (args->window) {
        const size_t from = first_seen(args, s->first), to = end_seen(args, s->first + s->n - 1);
        begin = from > j0 ? from / PANEL_F32 * PANEL_F32 : j0;
        end = to < end ? to : end;
    }
    if (begin >= end)
        return;
    score(s, begin, end - begin);
    if (args->window)
        mask(s, begin, end - begin);
    raise_max(s, end - begin);
    weigh(s, end - begin);
    gather(s, begin, end - begin);
}

static void attention(const struct attention_args *args)
{
    struct queries s = {.args = args, .dim = round_up(args->head_dim, PANEL_F32)};
    lay_out(&s, args->scratch);
    pack_f32(s.keys, args->k, args->ld_kv, args->n_k, args->head_dim);
    pack_values(s.values, args->v, args->ld_kv, args->n_k, args->n_k, args->head_dim);
    for (s.first = 0; s.first < args->n_q; s.first += s.n) {
        const size_t left = args->n_q - s.first;
        s.n = left / ((left + MR_F32 - 1) / MR_F32);
        start(&s);
        for (size_t j = 0; j < args->n_k; j += KEYS_TILE)
            tile_of_keys(&s, j);
        finish(&s);
    }
}
