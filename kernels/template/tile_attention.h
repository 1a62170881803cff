/* Attention over a cache: spans of KEYS_TILE keys are unpacked from their tiles and met by blocks of rows, each with the
 * running maximum and sums of attention.h. A row is a query's head. Spans begin at the same positions for all rows, and
 * what a row does not see weighs exactly nothing: it has the same bits in any company. */

enum { MAX_GROUPS = 8 };

#include "kernels/template/cached_rows.h"

struct span {
    struct attention_args args; /* as attention.h's functions see the span */
    float *keys, *values;       /* as struct queries has them */
    float *groups;              /* of struct queries, what is their own */
    size_t begin, n;            /* positions begin to begin + n */
    bool is_cached;             /* not unpacked */
};

#if CELL_LEN == 1 /* which takes the most */
static size_t tile_attention_scratch(size_t head_dim)
{
    const size_t dim = round_up(head_dim, PANEL_CELLS);
    return KEYS_TILE * (head_dim + dim + MR_CELLS) + MAX_GROUPS * MR_CELLS * (dim + head_dim);
}
#endif

/* Groups of keys, n from `row` on, to a panel. */
static void unpack_keys(const struct tile_attention_args *args, const struct kv_tile *tile, size_t row,
                        size_t n, float *panel)
{
    const size_t depth = n_cells(args->head_dim);
    for (size_t key = 0; key < n; key += VL) {
        const struct keys_at keys = keys_of(args, tile, row + key);
        for (size_t i = 0; i < depth; i++)
            vf_store(panel + key + i * PANEL_CELLS, load_key_cells(args->type, &keys, i, args->head_dim));
    }
}

/* VL elements from d on of rows i to i + CELL_LEN, zeros from row `end` on and behind head_dim. */
static ALWAYS_INLINE vf load_value_cells(const struct tile_attention_args *args, const struct kv_tile *tile,
                                         size_t i, size_t end, size_t d)
{
    vf rows[CELL_LEN];
    for (size_t r = 0; r < CELL_LEN; r++)
        rows[r] = i + r < end ? load_value(args, tile, i + r, d) : vf_set1(0);
    return cells_of_rows(rows);
}

/* What is unpacked of a span, n rows from `row` on; and the tile whose same rows are unpacked a span later, if there are any. */
struct unpacked {
    const struct kv_tile *tile, *later;
    size_t row, n;
};

static void fetch_later(const struct tile_attention_args *args, const void *part, size_t element, size_t n)
{
    fetch_ahead((const char *)part + element * kv_size(args->type), n * kv_size(args->type));
}

/* Of a span of n_span. */
static void unpack_values(const struct tile_attention_args *args, const struct unpacked *u, size_t n_span,
                          float *packed)
{
    for (size_t d = 0; d < args->head_dim; d += PANEL_CELLS, packed += n_cells(n_span) * PANEL_CELLS)
        for (size_t i = 0; i < u->n; i += CELL_LEN) {
            float *to = packed + i / CELL_LEN * PANEL_CELLS;
            for (size_t r = 0; r < CELL_LEN && u->later; r++)
                fetch_later(args, u->later->values, (u->row + i + r) * args->head_dim + d, PANEL_CELLS);
            vf_store(to, load_value_cells(args, u->tile, u->row + i, u->row + u->n, d));
            vf_store(to + VL, load_value_cells(args, u->tile, u->row + i, u->row + u->n, d + VL));
        }
}

/* A panel of keys after the other, while what a span later is in its place is on its way, a few lines at a time: a panel's values
 * asked for at once, 8 KB, are brought no sooner than without that (8,192 float32 keys met by one token: 17 ms and 23; one core of
 * Zen 5). A span is whole tiles, or a part of one. */
static void unpack_span(const struct tile_attention_args *args, struct span *s)
{
    const size_t head_dim = args->head_dim, depth = n_cells(head_dim), all = args->first + args->n_q;
    for (size_t i = 0; i < s->n; i += PANEL_CELLS) {
        const size_t at = s->begin + i, n = s->n - i < PANEL_CELLS ? s->n - i : PANEL_CELLS;
        const struct kv_tile *tile = &args->tiles[at / args->tile_len];
        const bool is_more = at + KEYS_TILE + n <= all;
        const struct unpacked u = {tile, is_more ? tile + KEYS_TILE / args->tile_len : NULL,
                                   at % args->tile_len, n};
        float *keys = s->keys + i * depth;
        if (u.later)
            fetch_later(args, u.later->keys, u.row * head_dim, n * head_dim);
        if (args->type == KV_F32)
            pack_rows(keys, (const float *)tile->keys + u.row * head_dim, head_dim, n, head_dim);
        else
            unpack_keys(args, tile, u.row, n, keys);
        unpack_values(args, &u, s->n, s->values + i / CELL_LEN * PANEL_CELLS);
    }
}

/* Where a row's query and result begin. */
static size_t place_of(const struct tile_attention_args *args, size_t row, size_t ld)
{
    return row / args->n_heads * ld + row % args->n_heads * args->head_dim;
}

static size_t position_of(const struct tile_attention_args *args, size_t row)
{
    return args->first + row / args->n_heads;
}

static size_t seen_from(const struct tile_attention_args *args, size_t row)
{
    const size_t here = position_of(args, row);
    return here > args->left ? here - args->left : 0;
}

static void cap_scores(const struct queries *g, size_t n_keys, float cap)
{
    const vf c = vf_set1(cap), inverse = vf_set1(1 / cap);
    for (size_t r = 0; r < g->n; r++)
        for (size_t j = 0; j < n_keys; j += VL) {
            float *y = g->scores + r * KEYS_TILE + j;
            vf_store(y, c * vf_tanh(vf_load(y) * inverse));
        }
}

/* Keys from position `begin` on that a row sees. */
static void add_distances(const struct tile_attention_args *args, const struct queries *g, size_t begin,
                          size_t n_keys)
{
    for (size_t r = 0; r < g->n; r++) {
        const size_t row = g->first + r, to = position_of(args, row) + 1;
        const size_t from = seen_from(args, row) > begin ? seen_from(args, row) - begin : 0;
        const size_t end = to < begin ? 0 : to - begin < n_keys ? to - begin : n_keys;
        const float *bias = args->bias + row % args->n_heads * args->ld_bias;
        const ptrdiff_t first = (ptrdiff_t)begin - (args->bias_of_keys ? 0 : (ptrdiff_t)to - 1);
        float *y = g->scores + r * KEYS_TILE;
        for (size_t j = from; j < end; j++)
            y[j] += bias[first + (ptrdiff_t)j];
    }
}

/* -infinity for keys from position `begin` on that a row does not see, up to a whole panel. */
static void hide(const struct tile_attention_args *args, const struct queries *g, size_t begin, size_t n_keys)
{
    for (size_t r = 0; r < g->n; r++) {
        float *y = g->scores + r * KEYS_TILE;
        const size_t from = seen_from(args, g->first + r), to = position_of(args, g->first + r) + 1;
        for (size_t j = 0; j < n_keys && begin + j < from; j++)
            y[j] = -INFINITY;
        for (size_t j = to > begin ? to - begin : 0; j < round_up(n_keys, PANEL_CELLS); j++)
            y[j] = -INFINITY;
    }
}

/* A group of rows meets the part of a span that some of them see, in whole panels from its start. */
static void meet(const struct tile_attention_args *args, const struct span *s, struct queries *g)
{
    const size_t from = seen_from(args, g->first), to = position_of(args, g->first + g->n - 1) + 1;
    const size_t begin = from > s->begin ? (from - s->begin) / PANEL_CELLS * PANEL_CELLS : 0;
    const size_t end = to < s->begin + s->n ? to - s->begin : s->n;
    if (to <= s->begin || begin >= end)
        return;
    const struct cached cached = {args, g, s->begin + begin, s->begin + end};
    if (s->is_cached)
        meet_keys(&cached);
    else
        score(g, begin, end - begin);
    if (args->cap > 0)
        cap_scores(g, end - begin, args->cap);
    if (args->bias)
        add_distances(args, g, s->begin + begin, end - begin);
    hide(args, g, s->begin + begin, end - begin);
    raise_max(g, end - begin);
    weigh(g, end - begin);
    if (s->is_cached)
        meet_values(&cached);
    else
        gather(g, begin, end - begin);
}

/* A row that has seen nothing sees a key of that score, whose value is zeros. */
static void see_sink(struct queries *g, size_t r, float score)
{
    g->max[r] = score > g->max[r] ? score : g->max[r];
    g->weight[r] = 1;
}

/* Rows from `row` on, at most `n_rows`, laid out behind the span; returns how many groups they make. */
static size_t form_groups(const struct tile_attention_args *args, const struct span *s, size_t row,
                          size_t n_rows, struct queries *groups)
{
    const size_t dim = round_up(args->head_dim, PANEL_CELLS), most = s->is_cached ? CACHED_ROWS : MR_CELLS;
    const size_t n = (n_rows + most - 1) / most;
    float *next = s->groups + MR_CELLS * KEYS_TILE;
    for (size_t i = 0; i < n; i++) {
        struct queries *g = &groups[i];
        *g = (struct queries){.keys = s->keys, .values = s->values, .scores = s->groups, .args = &s->args};
        g->dim = dim;
        g->depth = n_cells(args->head_dim);
        g->first = row + i * n_rows / n;
        g->n = row + (i + 1) * n_rows / n - g->first;
        g->sums = next;
        g->q = next + MR_CELLS * dim;
        next = g->q + MR_CELLS * g->depth;
        for (size_t r = 0; r < g->n; r++) {
            start_row(g, r, args->q + place_of(args, g->first + r, args->ld_q), args->scale);
            if (args->sinks)
                see_sink(g, r, args->sinks[(g->first + r) % args->n_heads]);
        }
    }
    return n;
}

static void finish_group(const struct tile_attention_args *args, const struct queries *g)
{
    for (size_t r = 0; r < g->n; r++)
        finish_row(g, r, args->out + place_of(args, g->first + r, args->ld_out));
}

static void tile_attention(const struct tile_attention_args *args)
{
    struct queries groups[MAX_GROUPS];
    const size_t dim = round_up(args->head_dim, PANEL_CELLS), n_rows = args->n_q * args->n_heads;
    struct span s = {.args = {.head_dim = args->head_dim}, .keys = args->scratch};
    s.is_cached = meets_cached(args);
    s.values = s.keys + KEYS_TILE * n_cells(args->head_dim);
    s.groups = s.values + KEYS_TILE / CELL_LEN * dim;
    for (size_t row = 0, n; row < n_rows; row += n) {
        n = n_rows - row < MAX_GROUPS * MR_CELLS ? n_rows - row : MAX_GROUPS * MR_CELLS;
        const size_t end = position_of(args, row + n - 1) + 1,
                     n_groups = form_groups(args, &s, row, n, groups);
        for (s.begin = seen_from(args, row) / KEYS_TILE * KEYS_TILE; s.begin < end; s.begin += KEYS_TILE) {
            s.args.n_k = s.n = end - s.begin < KEYS_TILE ? end - s.begin : KEYS_TILE;
            if (!s.is_cached)
                unpack_span(args, &s);
            for (size_t i = 0; i < n_groups; i++)
                meet(args, &s, &groups[i]);
        }
        for (size_t i = 0; i < n_groups; i++)
            finish_group(args, &groups[i]);
    }
}
