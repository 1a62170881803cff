/* Attention over a cache: spans of KEYS_TILE keys are unpacked from their tiles and met by blocks of rows, each with the
 * running maximum and sums of attention.h. A row is a query's head. Spans begin at the same positions for all rows, and
 * what a row does not see weighs exactly nothing: it has the same bits in any company. */

enum { MAX_GROUPS = 8, MAX_TILE = 256 };

#include "kernels/template/cached_rows.h"

struct span {
    struct attention_args args; /* as attention.h's functions see the span */
    float *keys, *values, *row; /* row: [MAX_TILE, head_dim] */
    size_t begin, n;            /* positions begin to begin + n */
    bool is_cached;             /* not unpacked */
};

static size_t tile_attention_scratch(size_t head_dim)
{
    const size_t dim = round_up(head_dim, PANEL_F32);
    return KEYS_TILE * (head_dim + dim + MR_F32) + MAX_TILE * round_up(head_dim, 16) +
           MAX_GROUPS * MR_F32 * (dim + head_dim);
}

static const float *unpack_rows(const struct tile_attention_args *args, const void *part, const float *scales,
                                size_t n, float *rows)
{
    const size_t head_dim = args->head_dim;
    if (args->type == KV_F32)
        return part;
    if (args->type == KV_F16)
        f16_to_f32(rows, part, n * head_dim);
    for (size_t i = 0; args->type == KV_INT8 && i < n; i++)
        for (size_t d = 0; d < head_dim; d++)
            rows[i * head_dim + d] = scales[i] * (float)((const int8_t *)part)[i * head_dim + d];
    return rows;
}

/* Groups of keys to panels. */
static void unpack_keys(const struct tile_attention_args *args, const struct kv_tile *tile, size_t n,
                        float *panels)
{
    const size_t head_dim = args->head_dim;
    for (size_t key = 0; key < n; key += VL) {
        const size_t at = key / KV_GROUP * KV_GROUP * head_dim + key % KV_GROUP;
        const vf scale = args->type == KV_INT8 ? vf_load(tile->key_scales + key) : vf_set1(0);
        float *to = panels + key / PANEL_F32 * PANEL_F32 * head_dim + key % PANEL_F32;
        for (size_t d = 0; d < head_dim; d++)
            vf_store(to + d * PANEL_F32, load_cached(args->type, tile->keys, at + d * KV_GROUP, scale));
    }
}

static void unpack_span(const struct tile_attention_args *args, struct span *s)
{
    const size_t head_dim = args->head_dim;
    for (size_t i = 0; i < s->n; i += args->tile_len) {
        const struct kv_tile *tile = &args->tiles[(s->begin + i) / args->tile_len];
        const size_t n = s->n - i < args->tile_len ? s->n - i : args->tile_len;
        if (args->type == KV_F32)
            pack_f32(s->keys + i * head_dim, tile->keys, head_dim, n, head_dim);
        else
            unpack_keys(args, tile, n, s->keys + i * head_dim);
        const float *rows = unpack_rows(args, tile->values, tile->value_scales, n, s->row);
        pack_values(s->values + i * PANEL_F32, rows, head_dim, n, s->n, head_dim);
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

static void start_rows(const struct tile_attention_args *args, struct queries *g)
{
    for (size_t r = 0; r < g->n; r++) {
        float *q = g->q + r * args->head_dim;
        memcpy(q, args->q + place_of(args, g->first + r, args->ld_q), args->head_dim * sizeof *q);
        scale(q, args->scale, args->head_dim);
    }
    memset(g->sums, 0, g->n * g->dim * sizeof *g->sums);
    for (size_t r = 0; r < MAX_ROWS; r++)
        g->max[r] = -3.4e38f, g->weight[r] = 0;
}

static void finish_rows(const struct tile_attention_args *args, const struct queries *g)
{
    for (size_t r = 0; r < g->n; r++) {
        float *sums = g->sums + r * g->dim;
        scale(sums, 1 / g->weight[r], args->head_dim);
        memcpy(args->out + place_of(args, g->first + r, args->ld_out), sums, args->head_dim * sizeof *sums);
    }
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
        float *y = g->scores + r * KEYS_TILE;
        for (size_t j = from; j < end; j++)
            y[j] += *(bias - (to - 1 - begin - j));
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
        for (size_t j = to > begin ? to - begin : 0; j < round_up(n_keys, PANEL_F32); j++)
            y[j] = -INFINITY;
    }
}

/* A group of rows meets the part of a span that some of them see, in whole panels from its start. */
static void meet(const struct tile_attention_args *args, const struct span *s, struct queries *g)
{
    const size_t from = seen_from(args, g->first), to = position_of(args, g->first + g->n - 1) + 1;
    const size_t begin = from > s->begin ? (from - s->begin) / PANEL_F32 * PANEL_F32 : 0;
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

/* Rows from `row` on, at most `n_rows`, laid out behind the span; returns how many groups they make. */
static size_t form_groups(const struct tile_attention_args *args, const struct span *s, size_t row,
                          size_t n_rows, struct queries *groups)
{
    const size_t dim = round_up(args->head_dim, PANEL_F32), n = (n_rows + MR_F32 - 1) / MR_F32;
    float *scores = s->row + MAX_TILE * round_up(args->head_dim, 16), *next = scores + MR_F32 * KEYS_TILE;
    for (size_t i = 0; i < n; i++) {
        struct queries *g = &groups[i];
        *g = (struct queries){.keys = s->keys, .values = s->values, .scores = scores, .args = &s->args};
        g->dim = dim;
        g->first = row + i * n_rows / n;
        g->n = row + (i + 1) * n_rows / n - g->first;
        g->sums = next;
        g->q = next + MR_F32 * dim;
        next = g->q + MR_F32 * args->head_dim;
        start_rows(args, g);
    }
    return n;
}

static void tile_attention(const struct tile_attention_args *args)
{
    struct queries groups[MAX_GROUPS];
    const size_t dim = round_up(args->head_dim, PANEL_F32), n_rows = args->n_q * args->n_heads;
    struct span s = {.args = {.head_dim = args->head_dim}, .keys = args->scratch};
    s.is_cached = meets_cached(args);
    s.values = s.keys + KEYS_TILE * args->head_dim;
    s.row = s.values + KEYS_TILE * dim;
    for (size_t row = 0, n; row < n_rows; row += n) {
        n = n_rows - row < MAX_GROUPS * MR_F32 ? n_rows - row : MAX_GROUPS * MR_F32;
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
            finish_rows(args, &groups[i]);
    }
}
