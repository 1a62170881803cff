/* Attention in tiles of keys with a running maximum and sum, so that only a tile of scores exists at a time.
 * Milakov and Gimelshein, Online normalizer calculation for softmax (2018); Dao et al., FlashAttention (2022).
 * What products take is made of cells (cells.h); all else is float32. */

/* A row's scores of a tile are 1 KB, so that those of all rows stay in the first cache, and its keys and values in the second. */
enum { KEYS_TILE = 256, MAX_ROWS = (MR_CELLS + VL - 1) / VL * VL };

static size_t round_up(size_t n, size_t unit)
{
    return (n + unit - 1) / unit * unit;
}

/* Up to MR_CELLS query rows on their way through the keys. What lies in the scratch comes first, in its order. */
struct queries {
    float *keys;   /* panels of n_k keys, of cells */
    float *values; /* [dim / PANEL_CELLS][n_cells(n_k)][PANEL_CELLS] cells, zeros behind head_dim and n_k */
    float *scores; /* [MR_CELLS, KEYS_TILE]; a row of weights is cells at its start */
    float *sums;   /* [MR_CELLS, dim] */
    float *q;      /* [MR_CELLS, depth] cells, scaled */
    const struct attention_args *args;
    size_t dim;      /* head_dim in whole panels */
    size_t depth;    /* n_cells(head_dim) */
    size_t first, n; /* rows first to first + n of the queries */
    float max[MAX_ROWS], weight[MAX_ROWS];
};

#if CELL_LEN == 1 /* which takes the most */
static size_t attention_scratch(size_t n_k, size_t head_dim)
{
    const size_t dim = round_up(head_dim, PANEL_CELLS), keys = round_up(n_k, PANEL_CELLS);
    return keys * head_dim + n_k * dim + MR_CELLS * (KEYS_TILE + dim + head_dim);
}
#endif

static void lay_out(struct queries *s, float *scratch)
{
    const size_t n_k = s->args->n_k;
    s->keys = scratch;
    s->values = s->keys + round_up(n_k, PANEL_CELLS) * s->depth;
    s->scores = s->values + n_cells(n_k) * s->dim;
    s->sums = s->scores + MR_CELLS * KEYS_TILE;
    s->q = s->sums + MR_CELLS * s->dim;
}

/* VL elements of rows i to i + CELL_LEN of x, zeros behind its n rows and behind what is left of each. */
static ALWAYS_INLINE vf load_rows(const float *x, size_t ld, size_t i, size_t n, size_t left)
{
    vf rows[CELL_LEN];
    UNROLL
    for (size_t r = 0; r < CELL_LEN; r++)
        rows[r] = i + r < n ? vf_load_n(x + (i + r) * ld, left) : vf_set1(0);
    return cells_of_rows(rows);
}

static void pack_values(float *packed, const float *v, size_t ld_v, size_t n, size_t head_dim)
{
    for (size_t d = 0; d < head_dim; d += PANEL_CELLS)
        for (size_t i = 0; i < CELL_LEN * n_cells(n); i += CELL_LEN, packed += PANEL_CELLS) {
            vf_store(packed, load_rows(v + d, ld_v, i, n, nth_part(head_dim - d, 0)));
            vf_store(packed + VL, load_rows(v + d + VL, ld_v, i, n, nth_part(head_dim - d, 1)));
        }
}

/* q, scaled, as row r; nothing is seen of the keys. */
static void start_row(struct queries *s, size_t r, const float *q, float factor)
{
    const size_t head_dim = s->args->head_dim;
    float *to = s->q + r * s->depth, *sums = s->sums + r * s->dim;
    for (size_t i = 0; i < s->depth; i += VL) {
        vf x[CELL_LEN];
        for (size_t v = 0; v < CELL_LEN; v++) {
            const size_t at = i / VL * CELL_LEN + v;
            x[v] = vf_load_n(q + at * VL, nth_part(head_dim, at)) * vf_set1(factor);
        }
        vf_store_n(to + i, cells_of_run(x), nth_part(s->depth - i, 0));
    }
    memset(sums, 0, s->dim * sizeof *sums);
    s->max[r] = -3.4e38f; /* finite: scores of -infinity weigh nothing then */
    s->weight[r] = 0;
}

static void scale_row(float *y, float factor, size_t dim)
{
    for (size_t d = 0; d < dim; d += VL)
        vf_store(y + d, vf_load(y + d) * vf_set1(factor));
}

/* What row r has gathered becomes a mean. */
static void finish_row(const struct queries *s, size_t r, float *out)
{
    float *sums = s->sums + r * s->dim;
    if (s->args->n_k)
        scale_row(sums, 1 / s->weight[r], s->dim);
    memcpy(out, sums, s->args->head_dim * sizeof *out);
}

/* Row r's bias for n_keys keys from j0, -infinity behind them up to a whole panel. */
static void start_with_bias(const struct queries *s, size_t j0, size_t n_keys)
{
    const struct attention_args *args = s->args;
    for (size_t r = 0; r < s->n; r++) {
        float *y = s->scores + r * KEYS_TILE;
        memcpy(y, args->bias + (ptrdiff_t)(s->first + r) * args->ld_bias + (ptrdiff_t)j0, n_keys * sizeof *y);
        for (size_t j = n_keys; j % PANEL_CELLS; j++)
            y[j] = -INFINITY;
    }
}

/* scores = q k^T for n_keys keys from j0, -infinity behind them up to a whole panel. */
static void score(const struct queries *s, size_t j0, size_t n_keys)
{
    const bool biased = s->args->bias != NULL;
    struct tile_cells t = {.a = s->q,
                           .ld_a = s->depth,
                           .ld_c = KEYS_TILE,
                           .init = zeros_cells,
                           .ld_init = biased ? KEYS_TILE : 0,
                           .depth = s->depth};
    float last[PANEL_CELLS];
    for (size_t j = 0; j < PANEL_CELLS; j++)
        last[j] = j < n_keys % PANEL_CELLS ? 0 : -INFINITY;
    if (biased)
        start_with_bias(s, j0, n_keys);
    for (size_t j = 0; j < n_keys; j += PANEL_CELLS) {
        t.b = s->keys + (j0 + j) * s->depth;
        t.c = s->scores + j;
        if (biased)
            t.init = t.c;
        else if (n_keys - j < PANEL_CELLS)
            t.init = last;
        product_cells(&t, s->n);
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
        for (size_t j = 0; j < n_scores; j += PANEL_CELLS) {
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
        scale_row(s->sums + r * s->dim, shrink[r], s->dim);
}

/* scores to weights, exp(score - max). */
static void weigh(struct queries *s, size_t n_scores)
{
    for (size_t r = 0; r < s->n; r++) {
        float *y = s->scores + r * KEYS_TILE;
        const vf max = vf_set1(s->max[r]);
        vf sum[2] = {vf_set1(0), vf_set1(0)};
        for (size_t j = 0; j < n_scores; j += PANEL_CELLS)
            store_weights(y, j, vf_weight(vf_load(y + j) - max), vf_weight(vf_load(y + j + VL) - max), sum);
        s->weight[r] += vf_sum(sum[0] + sum[1]);
    }
}

/* sums += weights v */
static void gather(const struct queries *s, size_t j0, size_t n_keys)
{
    struct tile_cells t = {
        .a = s->scores, .ld_a = KEYS_TILE, .ld_c = s->dim, .ld_init = s->dim, .depth = n_cells(n_keys)};
    for (size_t d = 0; d < s->dim; d += PANEL_CELLS) {
        t.b = s->values + d * n_cells(s->args->n_k) + j0 / CELL_LEN * PANEL_CELLS;
        t.c = s->sums + d;
        t.init = t.c;
        product_cells(&t, s->n);
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
        begin = from > j0 ? from / PANEL_CELLS * PANEL_CELLS : j0;
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
    struct queries s = {
        .args = args, .dim = round_up(args->head_dim, PANEL_CELLS), .depth = n_cells(args->head_dim)};
    lay_out(&s, args->scratch);
    pack_rows(s.keys, args->k, args->ld_kv, args->n_k, args->head_dim);
    pack_values(s.values, args->v, args->ld_kv, args->n_k, args->head_dim);
    for (s.first = 0; s.first < args->n_q; s.first += s.n) {
        const size_t left = args->n_q - s.first;
        s.n = left / ((left + MR_CELLS - 1) / MR_CELLS);
        for (size_t r = 0; r < s.n; r++)
            start_row(&s, r, args->q + (s.first + r) * args->ld_q, args->scale);
        for (size_t j = 0; j < args->n_k; j += KEYS_TILE)
            tile_of_keys(&s, j);
        for (size_t r = 0; r < s.n; r++)
            finish_row(&s, r, args->out + (s.first + r) * args->ld_out);
    }
}
