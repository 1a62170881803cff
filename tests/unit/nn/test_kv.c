/* The KV cache against a plain model of it: random sequences that grow, fork, shrink and end, each token's values
 * known from its history. */
#include "runtime/base/poison.h"
#include "runtime/nn/kv/kv.h"
#include "tests/files.h"
#include "tests/guard.h"
#include "tests/mutate.h"
#include "tests/support.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_LAYERS = 2, N_HEADS = 3, HEAD_DIM = 5, BLOCK_LEN = 4, MAX_SEQS = 12, MAX_LEN = 60 };

static const struct kv_shape shape_f32 = {.n_layers = N_LAYERS,
                                          .n_kv_heads = N_HEADS,
                                          .head_dim = HEAD_DIM,
                                          .block_len = BLOCK_LEN,
                                          .type = KV_F32};

static struct kv_cache *new_cache(const struct kv_shape *shape, size_t n_blocks)
{
    struct kv_cache *cache;
    struct hone_error err;
    assert_ok(kv_new(&cache, shape, n_blocks, &err), &err);
    return cache;
}

/* What a model computes for a token depends on all tokens up to it. */
static uint64_t history(uint64_t salt, const int32_t *ids, size_t n)
{
    uint64_t h = salt + 1;
    for (size_t i = 0; i < n; i++)
        h = (h ^ (uint64_t)ids[i]) * 0x100000001b3u + 12345;
    return h;
}

static float value_of(uint64_t h, size_t layer, size_t i, int which)
{
    h = (h + layer * 1000 + i * 10 + (size_t)which) * 0x9e3779b97f4a7c15u;
    return (float)(h >> 44) / 65536 - 8;
}

static void write_token(struct kv_cache *cache, struct kv_seq *seq, uint64_t h, size_t position)
{
    float keys[N_HEADS * HEAD_DIM], values[N_HEADS * HEAD_DIM];
    for (size_t layer = 0; layer < N_LAYERS; layer++) {
        for (size_t i = 0; i < N_HEADS * HEAD_DIM; i++) {
            keys[i] = value_of(h, layer, i, 0);
            values[i] = value_of(h, layer, i, 1);
        }
        kv_write(cache, seq, layer, position, keys, values);
    }
}

static void check_token(struct kv_cache *cache, struct kv_seq *seq, uint64_t h, size_t position)
{
    float key[HEAD_DIM], value[HEAD_DIM];
    size_t layer = random_below(N_LAYERS), head = random_below(N_HEADS);
    kv_read(cache, seq, layer, head, position, key, value);
    for (size_t i = 0; i < HEAD_DIM; i++) {
        assert_true(key[i] == value_of(h, layer, head * HEAD_DIM + i, 0));
        assert_true(value[i] == value_of(h, layer, head * HEAD_DIM + i, 1));
    }
}

/* ---- recurrent states ---- */

/* Its first and last number; the others do not matter. */
static void write_state(const struct kv_cache *cache, float *state, uint64_t h)
{
    state[0] = value_of(h, 0, 0, 2);
    state[kv_shape_of(cache)->state_size - 1] = value_of(h, 0, 0, 3);
}

static void check_state(const struct kv_cache *cache, const struct kv_seq *seq, uint64_t h)
{
    const float *state = kv_seq_state(cache, seq);
    assert_int_equal(state != NULL, kv_seq_length(seq) > 0 && kv_shape_of(cache)->state_size > 0);
    if (!state)
        return;
    assert_true(state[0] == value_of(h, 0, 0, 2));
    assert_true(state[kv_shape_of(cache)->state_size - 1] == value_of(h, 0, 0, 3));
}

/* As a step does: each from the one before it. */
static void write_stops(struct kv_cache *cache, struct kv_seq *seq, uint64_t salt, const int32_t *ids)
{
    size_t n, length = kv_seq_length(seq), last = 0;
    const struct kv_stop *stops = kv_seq_stops(seq, &n);
    for (size_t i = 0; i < n; i++) {
        assert_true(stops[i].n > last && (i + 1 == n || (length + stops[i].n) % BLOCK_LEN == 0));
        last = stops[i].n;
        write_state(cache, stops[i].state, history(salt, ids, length + last));
    }
}

/* ---- the plain model ---- */

struct plain {
    struct kv_seq *seq;
    uint64_t salt;
    int32_t ids[MAX_LEN];
    size_t n;
};

static void check_plain(struct kv_cache *cache, const struct plain *p)
{
    assert_int_equal(kv_seq_length(p->seq), p->n);
    for (size_t i = 0; i < p->n; i++) {
        assert_int_equal(kv_seq_token(cache, p->seq, i), p->ids[i]);
        check_token(cache, p->seq, history(p->salt, p->ids, i + 1), i);
    }
    check_state(cache, p->seq, history(p->salt, p->ids, p->n));
}

/* A few prompts again and again, so that beginnings are shared. */
static size_t make_prompt(int32_t *ids)
{
    size_t n = 1 + random_below(30), kind = random_below(3), own = random_below(n + 1);
    for (size_t i = 0; i < n; i++)
        ids[i] = (int32_t)(i < own ? kind * 7 + i : random_below(3));
    return n;
}

static bool grow(struct kv_cache *cache, struct plain *p, const int32_t *ids, size_t n)
{
    /* drafted in vain; states cannot be given up in part */
    size_t n_extra = kv_shape_of(cache)->state_size > 0 ? 0 : random_below(4), length = p->n;
    if (length + n > MAX_LEN)
        return true;
    size_t needed = kv_n_needed(cache, p->seq, n + n_extra), available = kv_n_available(cache);
    bool ok = kv_seq_reserve(cache, p->seq, n + n_extra);
    assert_int_equal(ok, needed <= available);
    if (!ok) {
        assert_int_equal(kv_n_available(cache), available);
        check_plain(cache, p);
        return false;
    }
    assert_int_equal(kv_n_available(cache), available - needed);
    memcpy(p->ids + length, ids, n * sizeof *ids);
    p->n += n;
    for (size_t i = length; i < p->n; i++)
        write_token(cache, p->seq, history(p->salt, p->ids, i + 1), i);
    for (size_t i = 0; i < n_extra; i++)
        write_token(cache, p->seq, 0, p->n + i);
    write_stops(cache, p->seq, p->salt, p->ids);
    kv_seq_commit(cache, p->seq, ids, n);
    return true;
}

static void begin(struct kv_cache *cache, struct plain *p)
{
    struct hone_error err;
    int32_t ids[MAX_LEN];
    size_t n = make_prompt(ids);
    p->salt = random_below(2);
    size_t known = kv_known(cache, p->salt, ids, n);
    assert_ok(kv_seq_new(cache, &p->seq, p->salt, ids, n, &err), &err);
    p->n = kv_seq_length(p->seq);
    assert_int_equal(p->n, known);
    assert_true(p->n < n && p->n % BLOCK_LEN == 0);
    memcpy(p->ids, ids, p->n * sizeof *ids);
    check_plain(cache, p);
    if (!grow(cache, p, ids + p->n, n - p->n) || random_below(8) == 0) {
        kv_seq_free(cache, p->seq);
        p->seq = NULL;
    }
}

/* With states it may have to go back farther, never behind the last one that is there. */
static void truncate_to(struct kv_cache *cache, struct plain *p, size_t n)
{
    kv_seq_truncate(cache, p->seq, n);
    size_t length = kv_seq_length(p->seq);
    assert_true(kv_shape_of(cache)->state_size > 0 ? length <= n : length == n);
    p->n = length;
    check_plain(cache, p);
}

static void change(struct kv_cache *cache, struct plain *p, struct plain *other)
{
    struct hone_error err;
    size_t n;
    int32_t ids[4] = {(int32_t)random_below(3), (int32_t)random_below(3), (int32_t)random_below(3), 1};
    switch (random_below(10)) {
    case 0:
        kv_seq_free(cache, p->seq);
        p->seq = NULL;
        break;
    case 1:
        truncate_to(cache, p, random_below(p->n + 1));
        break;
    case 8: /* what is drafted, and then given up */
        kv_seq_hold(cache, p->seq);
        n = p->n;
        if (grow(cache, p, ids, 1 + random_below(4)) && random_below(2))
            truncate_to(cache, p, n + random_below(p->n - n + 1));
        assert_true(p->n >= n);
        break;
    case 9:
        kv_seq_mark(cache, p->seq, random_below(MAX_LEN / BLOCK_LEN) * BLOCK_LEN);
        break;
    case 2:
    case 3:
        if (other->seq)
            break;
        *other = *p;
        assert_ok(kv_seq_fork(cache, p->seq, &other->seq, &err), &err);
        check_plain(cache, other);
        break;
    default:
        grow(cache, p, ids, random_below(5));
        check_plain(cache, p);
    }
}

/* least: of how many tokens that are asked for at least one is found. */
static void check_random(const struct kv_shape *shape, size_t least)
{
    struct plain plain[MAX_SEQS] = {0};
    struct hone_error err;
    struct kv_cache *cache = new_cache(shape, 20);
    for (int step = 0; step < 60000; step++) {
        struct plain *p = &plain[random_below(MAX_SEQS)];
        if (step == 1000)
            assert_ok(kv_grow(cache, 21, &err), &err);
        if (p->seq)
            change(cache, p, &plain[random_below(MAX_SEQS)]);
        else
            begin(cache, p);
        if (step % 50 == 0)
            for (size_t i = 0; i < MAX_SEQS; i++)
                if (plain[i].seq)
                    check_plain(cache, &plain[i]);
    }
    struct kv_stats stats = kv_stats(cache);
    print_message("%zu of %zu tokens found, %zu evictions\n", stats.n_hits, stats.n_lookups,
                  stats.n_evictions);
    assert_true(stats.n_hits > stats.n_lookups / least && stats.n_evictions > 1000);
    for (size_t i = 0; i < MAX_SEQS; i++)
        kv_seq_free(cache, plain[i].seq);
    assert_int_equal(kv_n_available(cache), 40);
    assert_int_equal(kv_stats(cache).n_used, 0);
    kv_free(cache);
}

static void test_random(void **state)
{
    (void)state;
    check_random(&shape_f32, 20);
}

/* States that are small beside their blocks, and such that there is room for a few alone. */
static void test_random_states(void **state)
{
    (void)state;
    struct kv_shape shape = shape_f32;
    for (shape.state_size = 3; shape.state_size < 10000; shape.state_size = 40 * shape.state_size)
        check_random(&shape, shape.state_size < 1000 ? 20 : 200);
}

/* ---- what a reader of the header expects ---- */

static struct kv_seq *sequence(struct kv_cache *cache, uint64_t salt, const int32_t *ids, size_t n)
{
    struct kv_seq *seq;
    struct hone_error err;
    assert_ok(kv_seq_new(cache, &seq, salt, ids, n, &err), &err);
    size_t known = kv_seq_length(seq);
    assert_true(kv_seq_reserve(cache, seq, n - known));
    for (size_t i = known; i < n; i++)
        write_token(cache, seq, history(salt, ids, i + 1), i);
    write_stops(cache, seq, salt, ids);
    kv_seq_commit(cache, seq, ids + known, n - known);
    return seq;
}

static void test_sharing(void **state)
{
    (void)state;
    int32_t ids[32];
    struct kv_cache *cache = new_cache(&shape_f32, 20);
    struct hone_error err;
    for (int32_t i = 0; i < 32; i++)
        ids[i] = i;
    struct kv_seq *a = sequence(cache, 0, ids, 18), *b = sequence(cache, 0, ids, 18), *c, *d;
    assert_int_equal(kv_stats(cache).n_used, 6); /* 4 shared, 2 open */
    assert_int_equal(kv_stats(cache).n_hits, 16);
    assert_int_equal(kv_known(cache, 0, ids, 17), 16);
    assert_int_equal(kv_known(cache, 0, ids, 16), 12); /* one token at least is left to compute */
    assert_int_equal(kv_known(cache, 1, ids, 17), 0);
    assert_ok(kv_seq_fork(cache, a, &c, &err), &err);
    assert_int_equal(kv_stats(cache).n_used, 6);
    assert_int_equal(kv_n_needed(cache, c, 1), 1); /* the copy of the open block */
    assert_true(kv_seq_reserve(cache, c, 1));
    assert_int_equal(kv_stats(cache).n_used, 7);
    kv_seq_free(cache, a);
    kv_seq_free(cache, b);
    kv_seq_free(cache, c);
    assert_int_equal(kv_stats(cache).n_used, 0);
    assert_int_equal(kv_stats(cache).n_known, 4);
    /* Two that were computed side by side become one when their blocks are full. */
    assert_ok(kv_seq_new(cache, &c, 5, NULL, 0, &err), &err);
    assert_ok(kv_seq_new(cache, &d, 5, NULL, 0, &err), &err);
    assert_true(kv_seq_reserve(cache, c, 8) && kv_seq_reserve(cache, d, 8));
    kv_seq_commit(cache, c, ids, 8);
    kv_seq_commit(cache, d, ids, 8);
    assert_int_equal(kv_stats(cache).n_used, 2);
    assert_false(kv_seq_reserve(cache, c, 20 * BLOCK_LEN));
    kv_seq_free(cache, c);
    kv_seq_free(cache, d);
    /* The end of a sequence is given up before its beginning. */
    assert_true(kv_known(cache, 0, ids, 18) == 16);
    for (int32_t i = 0; i < 32; i++)
        ids[i] = 100 + i;
    kv_seq_free(cache, sequence(cache, 9, ids, 32));
    c = sequence(cache, 8, ids, 32);
    for (int32_t i = 0; i < 32; i++)
        ids[i] = i;
    assert_int_equal(kv_known(cache, 0, ids, 18), 8);
    kv_seq_free(cache, c);
    kv_free(cache);
}

/* Largest difference of what is read from what was written, as a share of each head's largest value. */
static double worst_error(enum kv_type type)
{
    const struct kv_shape shape = {1, 2, 64, 32, type, 0, NULL};
    struct kv_cache *cache = new_cache(&shape, 3);
    struct hone_error err;
    struct kv_seq *seq;
    float keys[128], values[128], key[64], value[64];
    double worst = 0;
    assert_ok(kv_seq_new(cache, &seq, 0, NULL, 0, &err), &err);
    assert_true(kv_seq_reserve(cache, seq, 70));
    for (size_t position = 0; position < 70; position++) {
        random_floats(keys, 128, DATA_NORMAL);
        random_floats(values, 128, position % 2 ? DATA_NORMAL : DATA_EQUAL);
        kv_write(cache, seq, 0, position, keys, values);
        for (size_t head = 0; head < 2; head++) {
            float max = 0, off = 0;
            kv_read(cache, seq, 0, head, position, key, value);
            for (size_t i = 0; i < 64; i++) {
                max = fmaxf(max, fabsf(keys[head * 64 + i]));
                off = fmaxf(off, fabsf(key[i] - keys[head * 64 + i]));
            }
            worst = fmax(worst, (double)(off / max));
        }
    }
    kv_seq_free(cache, seq);
    kv_free(cache);
    return worst;
}

static void test_types(void **state)
{
    (void)state;
    assert_true(worst_error(KV_F32) == 0);
    assert_true(worst_error(KV_F16) <= 0x1p-11);
    assert_true(worst_error(KV_INT8) <= 0.5001 / 127);
}

/* Tiles and their parts lie where kv.h says, and do not overlap. */
static void test_layout(void **state)
{
    (void)state;
    for (int type = KV_F32; type <= KV_INT8; type++) {
        const struct kv_shape shape = {2, 3, 20, 48, (enum kv_type)type, 0, NULL};
        struct kv_cache *cache = new_cache(&shape, 2);
        size_t element = type == KV_F32   ? 4
                         : type == KV_F16 ? 2
                                          : 1,
               part = (48 * 20 * element + 63) / 64 * 64;
        size_t tile_size = 2 * part + (type == KV_INT8 ? 2 * 192 : 0);
        assert_int_equal(kv_bytes(&shape, 48), 6 * tile_size);
        assert_int_equal(kv_bytes(&shape, 49), 12 * tile_size);
        for (uint32_t i = 0; i < 12; i++) {
            struct kv_tile tile = kv_tile(cache, i / 6, i / 3 % 2, i % 3);
            char *block = kv_tile(cache, i / 6, 0, 0).keys;
            assert_ptr_equal(tile.keys, block + i % 6 * tile_size);
            assert_ptr_equal(tile.values, block + i % 6 * tile_size + part);
            if (type == KV_INT8) {
                assert_ptr_equal(tile.key_scales, block + i % 6 * tile_size + 2 * part);
                assert_ptr_equal(tile.value_scales, block + i % 6 * tile_size + 2 * part + 192);
            } else {
                assert_null(tile.key_scales);
            }
        }
        char *blocks[] = {kv_tile(cache, 0, 0, 0).keys, kv_tile(cache, 1, 0, 0).keys};
        assert_int_equal(blocks[1] - blocks[0], 6 * tile_size + POISON_ZONE);
        kv_free(cache);
    }
}

/* Layers that have heads of their own lie one behind the other, each with tiles of its size. */
static void test_layers_of_their_own(void **state)
{
    (void)state;
    static const struct kv_layer layers[] = {{2, 24}, {1, 40}, {3, 8}};
    for (int type = KV_F32; type <= KV_INT8; type++) {
        const struct kv_shape shape = {3, 3, 40, 32, (enum kv_type)type, 0, layers};
        struct kv_cache *cache = new_cache(&shape, 3);
        float keys[3][48], values[3][48], key[40], value[40];
        struct hone_error err;
        struct kv_seq *seq;
        assert_ok(kv_seq_new(cache, &seq, 0, NULL, 0, &err), &err);
        assert_true(kv_seq_reserve(cache, seq, 40));
        for (size_t layer = 0; layer < 3; layer++) {
            random_floats(keys[layer], 48, DATA_NORMAL);
            random_floats(values[layer], 48, DATA_NORMAL);
            for (size_t position = 0; position < 40; position++)
                kv_write(cache, seq, layer, position, keys[layer], values[layer]);
        }
        size_t size = 0, element = type == KV_F32 ? 4 : type == KV_F16 ? 2 : 1;
        for (size_t layer = 0; layer < 3; layer++) {
            const size_t n = layers[layer].head_dim, tile = 2 * ((32 * n * element + 63) / 64 * 64);
            for (size_t head = 0; head < layers[layer].n_kv_heads; head++) {
                kv_read(cache, seq, layer, head, 33, key, value);
                for (size_t i = 0; i < n; i++) {
                    assert_true(fabsf(key[i] - keys[layer][head * n + i]) < 0.03F);
                    assert_true(fabsf(value[i] - values[layer][head * n + i]) < 0.03F);
                }
            }
            size += layers[layer].n_kv_heads * (tile + (type == KV_INT8 ? 2 * 128 : 0));
        }
        assert_int_equal(kv_bytes(&shape, 32), size);
        kv_seq_free(cache, seq);
        kv_free(cache);
    }
}

static void test_refused(void **state)
{
    (void)state;
    struct hone_error err;
    struct kv_cache *cache;
    struct kv_shape shapes[] = {{0, 1, 1, 1, KV_F32, 0, NULL},
                                {1, 0, 1, 1, KV_F32, 0, NULL},
                                {1, 1, 0, 1, KV_F16, 0, NULL},
                                {1, 1, 1, 0, KV_INT8, 0, NULL},
                                {SIZE_MAX / 4, 8, 64, 32, KV_F16, 0, NULL},
                                {8, SIZE_MAX / 2, 64, 32, KV_F16, 0, NULL},
                                {1, 1, SIZE_MAX / 2, 4, KV_INT8, 0, NULL},
                                {1, 1, 1, SIZE_MAX, KV_INT8, 0, NULL},
                                {1, 1, 1, KV_GROUP + 1, KV_F16, 0, NULL},
                                {1, 1, KV_MAX_HEAD_DIM + 1, 32, KV_F16, 0, NULL},
                                {1, 1, 1, 32, KV_F16, SIZE_MAX / 8, NULL},
                                {0, 1, 1, 32, KV_F16, SIZE_MAX / 8, NULL}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        assert_int_equal(kv_new(&cache, &shapes[i], 2, &err), HONE_USAGE);
        assert_null(cache);
        assert_int_equal(kv_bytes(&shapes[i], 10), SIZE_MAX);
    }
    assert_int_equal(kv_new(&cache, &shape_f32, 0, &err), HONE_USAGE);
    assert_int_equal(kv_new(&cache, &shape_f32, UINT32_MAX, &err), HONE_USAGE);
    const struct kv_shape large = {1000, 1000, 1000, 1000, KV_F32, 0, NULL};
    assert_int_equal(kv_new(&cache, &large, 1000000, &err), HONE_FAILED);
    assert_int_equal(kv_bytes(&shape_f32, SIZE_MAX), SIZE_MAX);
}

/* ---- files ---- */

static void check_file(const struct kv_shape *shape)
{
    struct hone_error err;
    int32_t ids[10] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3};
    struct kv_cache *cache = new_cache(shape, 8), *other = new_cache(shape, 8);
    struct kv_seq *seq = sequence(cache, 7, ids, 10), *back;
    const char *path = temp_path("sequence"), *damaged = temp_path("damaged");
    assert_ok(kv_seq_save(cache, seq, 99, path, &err), &err);
    assert_ok(kv_seq_load(other, &back, 99, 10, path, &err), &err);
    assert_int_equal(kv_seq_length(back), 10);
    for (size_t i = 0; i < 10; i++)
        check_token(other, back, history(7, ids, i + 1), i);
    check_state(other, back, history(7, ids, 10));
    kv_seq_free(other, back);
    /* The file has the state of all ten alone. */
    assert_int_equal(kv_known(other, 7, ids, 10), shape->state_size > 0 ? 0 : 8);
    assert_int_equal(kv_seq_load(other, &back, 98, 10, path, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "another model"));
    assert_int_equal(kv_seq_load(other, &back, 99, 9, path, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "vocabulary"));
    size_t available = kv_n_available(other), size;
    unsigned char *whole = load_file(path, &size), *data = malloc(size + 4096);
    for (size_t cut = 0; cut < size; cut += cut < 200 ? 1 : 97) {
        store_file(damaged, whole, cut);
        assert_int_equal(kv_seq_load(other, &back, 99, 10, damaged, &err), HONE_BAD_MODEL);
    }
    for (size_t i = 0; i < fuzz_runs(3000); i++) {
        memcpy(data, whole, size);
        size_t new_size = mutate(data, size, size + 4096);
        store_file(damaged, data, new_size);
        bool same = new_size == size && memcmp(data, whole, size) == 0;
        enum hone_status status = kv_seq_load(other, &back, 99, 10, damaged, &err);
        assert_int_equal(status, same ? HONE_OK : HONE_BAD_MODEL);
        if (status == HONE_OK)
            kv_seq_free(other, back);
    }
    assert_int_equal(kv_n_available(other), available);
    struct kv_cache *small = new_cache(shape, 2);
    assert_int_equal(kv_seq_load(small, &back, 99, 10, path, &err), HONE_FAILED);
    assert_null(back);
    kv_free(small);
    assert_int_equal(kv_seq_save(cache, seq, 99, "/nowhere/at/all", &err), HONE_FAILED);
    free(whole), free(data);
    kv_seq_free(cache, seq);
    kv_free(other);
    kv_free(cache);
}

static void test_file(void **state)
{
    (void)state;
    struct kv_shape shape = shape_f32, other = shape_f32;
    check_file(&shape);
    shape.state_size = 21;
    check_file(&shape);
    /* Whole blocks are found again; a file of another shape is not taken. */
    other.state_size = 22;
    struct hone_error err;
    int32_t ids[9] = {3, 1, 4, 1, 5, 9, 2, 6, 5};
    struct kv_cache *cache = new_cache(&shape, 8), *wrong = new_cache(&other, 8);
    struct kv_seq *seq = sequence(cache, 7, ids, 8), *back;
    const char *path = temp_path("whole");
    assert_ok(kv_seq_save(cache, seq, 99, path, &err), &err);
    kv_seq_free(cache, seq);
    kv_free(cache);
    cache = new_cache(&shape, 8);
    assert_ok(kv_seq_load(cache, &back, 99, 10, path, &err), &err);
    kv_seq_free(cache, back);
    assert_int_equal(kv_known(cache, 7, ids, 9), 8);
    assert_int_equal(kv_seq_load(wrong, &back, 99, 10, path, &err), HONE_BAD_MODEL);
    assert_non_null(strstr(err.message, "another shape"));
    kv_free(wrong);
    kv_free(cache);
}

/* Nothing of another sequence gets into a file. */
static void test_private(void **state)
{
    (void)state;
    for (int type = KV_F32; type <= KV_INT8; type++) {
        const struct kv_shape shape = {N_LAYERS,           N_HEADS, HEAD_DIM, 2 * KV_GROUP,
                                       (enum kv_type)type, 0,       NULL};
        int32_t ids[50];
        size_t sizes[2];
        unsigned char *files[2];
        for (int i = 0; i < 50; i++)
            ids[i] = i;
        for (int i = 0; i < 2; i++) {
            struct kv_cache *cache = new_cache(&shape, 2);
            struct hone_error err;
            const char *path = temp_path("private");
            if (i == 1)
                kv_seq_free(cache, sequence(cache, 1234, ids, 20)),
                    kv_seq_free(cache, sequence(cache, 77, ids, 32));
            struct kv_seq *seq = sequence(cache, 0, ids, 50);
            assert_ok(kv_seq_save(cache, seq, 0, path, &err), &err);
            files[i] = load_file(path, &sizes[i]);
            kv_seq_free(cache, seq);
            kv_free(cache);
        }
        assert_int_equal(sizes[0], sizes[1]);
        assert_memory_equal(files[0], files[1], sizes[0]);
        free(files[0]), free(files[1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),  cmocka_unit_test(test_random_states),
        cmocka_unit_test(test_sharing), cmocka_unit_test(test_types),
        cmocka_unit_test(test_layout),  cmocka_unit_test(test_layers_of_their_own),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_file),
        cmocka_unit_test(test_private)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
