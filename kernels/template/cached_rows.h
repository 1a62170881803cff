/* A few rows meet a cache as it lies there, without unpacking it first: for a token or two that takes longer than all that
 * follows. The sums have the order and the bits of score and gather in attention.h. */

enum { CACHED_ROWS = 4, CACHED_VECTORS = 4 };

/* Elements i to i + VL of what a tile holds; scale: of KV_INT8. */
static ALWAYS_INLINE vf load_cached(enum kv_type type, const void *part, size_t i, vf scale)
{
    if (type == KV_F16)
        return vf_load_f16((const uint16_t *)part + i);
    if (type == KV_F32)
        return vf_load((const float *)part + i);
    int8_t bytes __attribute__((vector_size(VL)));
    memcpy(&bytes, (const int8_t *)part + i, sizeof bytes);
    return scale * __builtin_convertvector(bytes, vf);
}

/* A group of at most CACHED_ROWS rows, and positions begin to end, whose scores it has from the first on. */
struct cached {
    const struct tile_attention_args *args;
    const struct queries *g;
    size_t begin, end;
};

/* Element d of the VL keys from a position on is at part + at + d * KV_GROUP. */
struct keys_at {
    const void *part;
    size_t at;
    vf scale;
};

static ALWAYS_INLINE struct keys_at find_keys(const struct cached *t, size_t position)
{
    const struct kv_tile *tile = &t->args->tiles[position / t->args->tile_len];
    const size_t row = position % t->args->tile_len;
    return (struct keys_at){tile->keys, row / KV_GROUP * KV_GROUP * t->args->head_dim + row % KV_GROUP,
                            t->args->type == KV_INT8 ? vf_load(tile->key_scales + row) : vf_set1(0)};
}

static ALWAYS_INLINE void meet_keys_as(const struct cached *t, const size_t rows, enum kv_type type)
{
    const size_t head_dim = t->args->head_dim, last = (t->end - 1) / VL * VL;
    for (size_t p = t->begin; p < t->end; p += CACHED_VECTORS * VL) {
        struct keys_at keys[CACHED_VECTORS];
        vf sum[CACHED_ROWS][CACHED_VECTORS];
        for (size_t v = 0; v < CACHED_VECTORS; v++)
            keys[v] = find_keys(t, p + v * VL < last ? p + v * VL : last);
        UNROLL
        for (size_t r = 0; r < rows; r++)
            UNROLL
        for (size_t v = 0; v < CACHED_VECTORS; v++)
            sum[r][v] = vf_set1(0);
        for (size_t d = 0; d < head_dim; d++) {
            vf y[CACHED_VECTORS];
            UNROLL
            for (size_t v = 0; v < CACHED_VECTORS; v++)
                y[v] = load_cached(type, keys[v].part, keys[v].at + d * KV_GROUP, keys[v].scale);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const vf x = vf_set1(t->g->q[r * head_dim + d]);
                UNROLL
                for (size_t v = 0; v < CACHED_VECTORS; v++)
                    sum[r][v] = vf_fma(x, y[v], sum[r][v]);
            }
        }
        UNROLL
        for (size_t r = 0; r < rows; r++)
            for (size_t v = 0; v < CACHED_VECTORS && p + v * VL < t->end; v++)
                vf_store(t->g->scores + r * KEYS_TILE + p - t->begin + v * VL, sum[r][v]);
    }
}

static ALWAYS_INLINE void meet_values_as(const struct cached *t, const size_t rows, enum kv_type type)
{
    const size_t head_dim = t->args->head_dim, dim = t->g->dim, tile_len = t->args->tile_len;
    for (size_t d = 0; d < head_dim; d += CACHED_VECTORS * VL) {
        vf sum[CACHED_ROWS][CACHED_VECTORS];
        UNROLL
        for (size_t r = 0; r < rows; r++)
            UNROLL
        for (size_t v = 0; v < CACHED_VECTORS; v++)
            sum[r][v] = vf_load(t->g->sums + r * dim + d + v * VL);
        for (size_t p = t->begin; p < t->end; p++) {
            const struct kv_tile *tile = &t->args->tiles[p / tile_len];
            const size_t row = p % tile_len;
            const vf scale = vf_set1(type == KV_INT8 ? tile->value_scales[row] : 0);
            vf y[CACHED_VECTORS];
            UNROLL
            for (size_t v = 0; v < CACHED_VECTORS; v++)
                y[v] = load_cached(type, tile->values, row * head_dim + d + v * VL, scale);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const vf x = vf_set1(t->g->scores[r * KEYS_TILE + p - t->begin]);
                UNROLL
                for (size_t v = 0; v < CACHED_VECTORS; v++)
                    sum[r][v] = vf_fma(x, y[v], sum[r][v]);
            }
        }
        UNROLL
        for (size_t r = 0; r < rows; r++)
            UNROLL
        for (size_t v = 0; v < CACHED_VECTORS; v++)
            vf_store(t->g->sums + r * dim + d + v * VL, sum[r][v]);
    }
}

#define BY_ROWS(function, type)                                                                              \
    switch (t->g->n) {                                                                                       \
    case 1:                                                                                                  \
        function(t, 1, type);                                                                                \
        break;                                                                                               \
    case 2:                                                                                                  \
        function(t, 2, type);                                                                                \
        break;                                                                                               \
    case 3:                                                                                                  \
        function(t, 3, type);                                                                                \
        break;                                                                                               \
    case 4:                                                                                                  \
        function(t, 4, type);                                                                                \
        break;                                                                                               \
    }

/* scores = q k^T */
static void meet_keys(const struct cached *t)
{
    if (t->args->type == KV_F16)
        BY_ROWS(meet_keys_as, KV_F16)
    else
        BY_ROWS(meet_keys_as, KV_INT8)
}

/* sums += weights v */
static void meet_values(const struct cached *t)
{
    if (t->args->type == KV_F16)
        BY_ROWS(meet_values_as, KV_F16)
    else
        BY_ROWS(meet_values_as, KV_INT8)
}
#undef BY_ROWS

/* Whether all rows of a call are met so. */
static bool meets_cached(const struct tile_attention_args *args)
{
    return args->n_q * args->n_heads <= CACHED_ROWS && args->type != KV_F32 &&
           args->head_dim % (CACHED_VECTORS * VL) == 0;
}
