/* A few rows meet a cache as it lies there, without unpacking it first: for a token or two that takes longer than all that
 * follows. The sums have the order and the bits of score and gather in attention.h. */

/* 16 sums, each of a row and a vector of keys: enough chains of multiply-adds to hide how long one takes. */
enum { CACHED_ROWS = 4, CACHED_VECTORS = 4 };

static ALWAYS_INLINE size_t kv_size(enum kv_type type)
{
    return type == KV_F32 ? sizeof(float) : type == KV_F16 ? sizeof(uint16_t) : sizeof(int8_t);
}

/* Elements i to i + VL of what a tile holds; scale: of KV_INT8. */
static ALWAYS_INLINE vf load_cached(enum kv_type type, const void *part, size_t i, vf scale)
{
    if (type == KV_F16)
        return vf_load_f16((const uint16_t *)part + i);
    if (type == KV_F32)
        return vf_load((const float *)part + i);
    /* By way of words: gcc 12 takes a vector apart that grows to four times its size at once. */
    typedef int16_t words __attribute__((vector_size(2 * VL)));
    int8_t bytes __attribute__((vector_size(VL)));
    memcpy(&bytes, (const int8_t *)part + i, sizeof bytes);
    return scale *
           __builtin_convertvector(__builtin_convertvector(__builtin_convertvector(bytes, words), vi), vf);
}

/* VL keys that lie side by side: element d of them is at part + at + d * KV_GROUP. */
struct keys_at {
    const void *part;
    size_t at;
    vf scale;
};

static ALWAYS_INLINE struct keys_at keys_of(const struct tile_attention_args *args,
                                            const struct kv_tile *tile, size_t row)
{
    return (struct keys_at){tile->keys, row / KV_GROUP * KV_GROUP * args->head_dim + row % KV_GROUP,
                            args->type == KV_INT8 ? vf_load(tile->key_scales + row) : vf_set1(0)};
}

/* Cell i of each. */
static ALWAYS_INLINE vf load_key_cells(enum kv_type type, const struct keys_at *keys, size_t i,
                                       size_t head_dim)
{
    vf x[CELL_LEN];
    UNROLL
    for (size_t r = 0; r < CELL_LEN; r++) {
        const size_t d = i * CELL_LEN + r;
        x[r] =
            d < head_dim ? load_cached(type, keys->part, keys->at + d * KV_GROUP, keys->scale) : vf_set1(0);
    }
    return cells_of_rows(x);
}

/* Elements d to d + VL of a row of values, zeros behind head_dim. */
static ALWAYS_INLINE vf load_value(const struct tile_attention_args *args, const struct kv_tile *tile,
                                   size_t row, size_t d)
{
    const vf scale = vf_set1(args->type == KV_INT8 ? tile->value_scales[row] : 0);
    const size_t at = row * args->head_dim + d, n = d < args->head_dim ? args->head_dim - d : 0;
    if (n >= VL)
        return load_cached(args->type, tile->values, at, scale);
    float rest[VL] = {0};
    if (n > 0)
        memcpy(rest, (const char *)tile->values + at * kv_size(args->type), n * kv_size(args->type));
    return load_cached(args->type, rest, 0, scale);
}

enum { LINE_KV = 64 }; /* bytes of a cache line */

/* What a span of KEYS_TILE later lies there is asked for: a tile of a head is a few kilobytes, behind which the processor's own
 * guess of what comes next is wrong. Without it 8,192 tokens were read at 17 GB/s, of 42 that a core of Zen 5 can. */
static ALWAYS_INLINE void fetch_ahead(const char *p, size_t size)
{
    for (size_t i = 0; i < size; i += LINE_KV)
        __builtin_prefetch(p + i, 0, 2);
}

/* A group of at most CACHED_ROWS rows, and positions begin to end, whose scores it has from the first on. */
struct cached {
    const struct tile_attention_args *args;
    const struct queries *g;
    size_t begin, end;
};

static ALWAYS_INLINE void meet_keys_as(const struct cached *t, const size_t rows, enum kv_type type)
{
    const struct tile_attention_args *args = t->args;
    const size_t depth = t->g->depth, last = (t->end - 1) / VL * VL;
    for (size_t p = t->begin; p < t->end; p += CACHED_VECTORS * VL) {
        struct keys_at keys[CACHED_VECTORS];
        const char *ahead[CACHED_VECTORS];
        vf sum[CACHED_ROWS][CACHED_VECTORS];
        for (size_t v = 0; v < CACHED_VECTORS; v++) {
            const size_t key = p + v * VL < last ? p + v * VL : last;
            keys[v] = keys_of(args, &args->tiles[key / args->tile_len], key % args->tile_len);
            const size_t later = key + KEYS_TILE <= args->first ? key + KEYS_TILE : key;
            const struct keys_at next =
                keys_of(args, &args->tiles[later / args->tile_len], later % args->tile_len);
            ahead[v] = (const char *)next.part + next.at * kv_size(type);
        }
        UNROLL
        for (size_t r = 0; r < rows; r++)
            UNROLL
        for (size_t v = 0; v < CACHED_VECTORS; v++)
            sum[r][v] = vf_set1(0);
        for (size_t i = 0; i < depth; i++) {
            vb_cells y[CACHED_VECTORS];
            UNROLL
            for (size_t v = 0; v < CACHED_VECTORS; v++) {
                y[v] = (vb_cells)load_key_cells(type, &keys[v], i, depth * CELL_LEN);
                fetch_ahead(ahead[v] + i * CELL_LEN * KV_GROUP * kv_size(type),
                            CELL_LEN * KV_GROUP * kv_size(type));
            }
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const va_cell x = va_cell_load(t->g->q + r * depth + i);
                UNROLL
                for (size_t v = 0; v < CACHED_VECTORS; v++)
                    sum[r][v] = vf_dot_cells(sum[r][v], x, y[v]);
            }
        }
        UNROLL
        for (size_t r = 0; r < rows; r++)
            for (size_t v = 0; v < CACHED_VECTORS && p + v * VL < t->end; v++)
                vf_store(t->g->scores + r * KEYS_TILE + p - t->begin + v * VL, sum[r][v]);
    }
}

/* Of positions p to p + CELL_LEN, zeros behind the last. */
static ALWAYS_INLINE void load_values(const struct cached *t, enum kv_type type, size_t p, size_t d,
                                      vb_cells y[CACHED_VECTORS])
{
    const struct kv_tile *tile = &t->args->tiles[p / t->args->tile_len];
    const size_t row = p % t->args->tile_len;
    UNROLL
    for (size_t v = 0; v < CACHED_VECTORS; v++) {
        vf x[CELL_LEN];
        UNROLL
        for (size_t r = 0; r < CELL_LEN; r++) {
            const vf scale = vf_set1(type == KV_INT8 ? tile->value_scales[row + r] : 0);
            const size_t at = (row + r) * t->args->head_dim + d + v * VL;
            x[r] = p + r < t->end ? load_cached(type, tile->values, at, scale) : vf_set1(0);
        }
        y[v] = (vb_cells)cells_of_rows(x);
    }
    const size_t later = p + KEYS_TILE <= t->args->first ? p + KEYS_TILE : p;
    const char *next = t->args->tiles[later / t->args->tile_len].values;
    for (size_t r = 0; r < CELL_LEN; r++)
        fetch_ahead(next + ((later % t->args->tile_len + r) * t->args->head_dim + d) * kv_size(type),
                    CACHED_VECTORS * VL * kv_size(type));
}

static ALWAYS_INLINE void meet_values_as(const struct cached *t, const size_t rows, enum kv_type type)
{
    const size_t head_dim = t->args->head_dim, dim = t->g->dim;
    for (size_t d = 0; d < head_dim; d += CACHED_VECTORS * VL) {
        vf sum[CACHED_ROWS][CACHED_VECTORS];
        UNROLL
        for (size_t r = 0; r < rows; r++)
            UNROLL
        for (size_t v = 0; v < CACHED_VECTORS; v++)
            sum[r][v] = vf_load(t->g->sums + r * dim + d + v * VL);
        for (size_t p = t->begin; p < t->end; p += CELL_LEN) {
            vb_cells y[CACHED_VECTORS];
            load_values(t, type, p, d, y);
            UNROLL
            for (size_t r = 0; r < rows; r++) {
                const va_cell x = va_cell_load(t->g->scores + r * KEYS_TILE + (p - t->begin) / CELL_LEN);
                UNROLL
                for (size_t v = 0; v < CACHED_VECTORS; v++)
                    sum[r][v] = vf_dot_cells(sum[r][v], x, y[v]);
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

/* Whether all rows of a call are met so. Of binary16 8 rows take 0.4 of the time that unpacking takes, 16 two thirds and 32
 * nearly the same; bytes, which take longer to become numbers, 0.8 to 0.94 with 8 rows and 0.93 to 1.2 with 12 (8,192 tokens, Zen
 * 5). */
static bool meets_cached(const struct tile_attention_args *args)
{
    static const size_t most[] = {[KV_F32] = 0, [KV_F16] = 16, [KV_INT8] = 8};
    return args->n_q * args->n_heads <= most[args->type] && args->head_dim % (CACHED_VECTORS * VL) == 0;
}
