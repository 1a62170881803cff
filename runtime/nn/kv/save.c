/* A sequence as a file, in the machine's own byte order:
 *     struct kv_file_header, int32 ids [n_tokens], whole blocks as they lie in memory, float [state_size] where there are
 *     recurrent states (zeros where there are no tokens), XXH3 of all that (8 bytes)
 * Slots of the last block that hold no token are written as zeros: they may hold somebody else's. */
#include "runtime/base/files.h"
#include "runtime/nn/kv/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define MAGIC 0x33564b656e6f68u /* "honeKV3" */

struct kv_file_header {
    uint64_t magic, model, salt;
    uint64_t n_layers, n_kv_heads, head_dim, block_len, type, state_size;
    uint64_t n_tokens;
};

static struct kv_file_header header_of(const struct kv_cache *cache, uint64_t model, uint64_t salt,
                                       uint64_t n_tokens)
{
    const struct kv_shape *s = &cache->shape;
    return (struct kv_file_header){.magic = MAGIC,
                                   .model = model,
                                   .salt = salt,
                                   .n_layers = s->n_layers,
                                   .n_kv_heads = s->n_kv_heads,
                                   .head_dim = s->head_dim,
                                   .block_len = s->block_len,
                                   .type = (uint64_t)s->type,
                                   .state_size = s->state_size,
                                   .n_tokens = n_tokens};
}

static size_t n_blocks_of(const struct kv_cache *cache, size_t n_tokens)
{
    size_t block_len = cache->shape.block_len;
    return n_tokens / block_len + (n_tokens % block_len != 0);
}

/* ---- writing ---- */

static void clear_keys(const struct kv_shape *s, size_t head_dim, char *keys, size_t n_filled)
{
    size_t size = kv_element_size(s->type), row = head_dim * size;
    size_t whole = s->type == KV_F32 ? n_filled : n_filled / KV_GROUP * KV_GROUP, used = n_filled - whole;
    char *group = keys + whole * row;
    for (size_t d = 0; d < head_dim && used > 0; d++)
        memset(group + (d * KV_GROUP + used) * size, 0, (KV_GROUP - used) * size);
    size_t next = used > 0 ? whole + KV_GROUP : whole;
    memset(keys + next * row, 0, (s->block_len - next) * row);
}

static void clear_layer(const struct kv_shape *s, const struct kv_place *place, char *block, size_t n_filled)
{
    size_t row = place->head_dim * kv_element_size(s->type), first = n_filled * row;
    size_t scales_size = (s->block_len + 15) / 16 * 16;
    for (size_t i = 0; i < place->n_kv_heads; i++) {
        char *tile = block + place->at + i * place->tile_size;
        float *scales = (float *)(tile + 2 * place->part_size);
        clear_keys(s, place->head_dim, tile, n_filled);
        memset(tile + place->part_size + first, 0, s->block_len * row - first);
        for (int part = 0; part < 2; part++)
            for (size_t slot = n_filled; s->type == KV_INT8 && slot < s->block_len; slot++)
                scales[(size_t)part * scales_size + slot] = 0;
    }
}

static void clear_slots(const struct kv_cache *cache, char *block, size_t n_filled)
{
    if (cache->shape.n_layers == 0)
        memset(block, 0, cache->block_size);
    for (size_t i = 0; i < cache->shape.n_layers; i++)
        clear_layer(&cache->shape, &cache->places[i], block, n_filled);
}

static bool put(FILE *stream, XXH3_state_t *hash, const void *data, size_t size)
{
    XXH3_64bits_update(hash, data, size);
    return fwrite(data, 1, size, stream) == size;
}

static bool put_state(FILE *stream, XXH3_state_t *hash, const struct kv_cache *cache,
                      const struct kv_seq *seq)
{
    const float zero = 0, *state = kv_seq_state(cache, seq);
    bool ok = true;
    if (state)
        return put(stream, hash, state, cache->shape.state_size * sizeof *state);
    for (size_t i = 0; i < cache->shape.state_size && ok; i++)
        ok = put(stream, hash, &zero, sizeof zero);
    return ok;
}

static bool put_all(FILE *stream, XXH3_state_t *hash, const struct kv_cache *cache, const struct kv_seq *seq,
                    uint64_t model, char *block)
{
    struct kv_file_header header = header_of(cache, model, seq->salt, seq->n_tokens);
    if (!put(stream, hash, &header, sizeof header))
        return false;
    for (size_t i = 0; i < seq->n_tokens; i++) {
        int32_t id = kv_seq_token(cache, seq, i);
        if (!put(stream, hash, &id, sizeof id))
            return false;
    }
    for (size_t i = 0; i < n_blocks_of(cache, seq->n_tokens); i++) {
        size_t n_filled = seq->n_tokens - i * cache->shape.block_len;
        memcpy(block, block_data(cache, seq->blocks[i]), cache->block_size);
        if (n_filled < cache->shape.block_len || cache->shape.n_layers == 0)
            clear_slots(cache, block, n_filled);
        if (!put(stream, hash, block, cache->block_size))
            return false;
    }
    if (!put_state(stream, hash, cache, seq))
        return false;
    uint64_t digest = XXH3_64bits_digest(hash);
    return fwrite(&digest, 1, sizeof digest, stream) == sizeof digest;
}

enum hone_status kv_seq_save(const struct kv_cache *cache, const struct kv_seq *seq, uint64_t model,
                             const char *path, struct hone_error *err)
{
    struct new_file file;
    enum hone_status status;
    char *block = malloc(cache->block_size);
    XXH3_state_t *hash = XXH3_createState();
    if (!block || !hash || XXH3_64bits_reset(hash) == XXH_ERROR) {
        status = hone_no_memory(err, "saving a sequence", cache->block_size);
        goto done;
    }
    status = new_file_open(&file, path, err);
    if (status)
        goto done;
    errno = 0;
    bool ok = put_all(file.stream, hash, cache, seq, model, block);
    status = new_file_close(&file, ok ? 0 : errno ? errno : EIO, err);
done:
    XXH3_freeState(hash);
    free(block);
    return status;
}

/* ---- reading ---- */

/* What is wrong with a mapped file; NULL: nothing. */
static const char *check(const struct kv_cache *cache, uint64_t model, size_t n_vocab, const char *data,
                         size_t size)
{
    struct kv_file_header header, expected;
    uint64_t digest;
    if (size < sizeof header + sizeof digest)
        return "it is too short";
    memcpy(&header, data, sizeof header);
    if (header.magic != MAGIC)
        return "it is no saved sequence";
    expected = header_of(cache, model, header.salt, header.n_tokens);
    if (header.model != expected.model)
        return "it was made by another model";
    if (memcmp(&header, &expected, sizeof header) != 0)
        return "its KV cache has another shape or type";
    size_t rest = size - sizeof header - sizeof digest;
    if (header.n_tokens > rest / sizeof(int32_t))
        return "it is too short for its tokens";
    rest -= header.n_tokens * sizeof(int32_t);
    if (cache->shape.state_size > rest / sizeof(float))
        return "it is too short for its state";
    rest -= cache->shape.state_size * sizeof(float);
    if (rest % cache->block_size != 0 || rest / cache->block_size != n_blocks_of(cache, header.n_tokens))
        return "its size does not fit its tokens";
    memcpy(&digest, data + size - sizeof digest, sizeof digest);
    if (digest != XXH3_64bits(data, size - sizeof digest))
        return "it is damaged";
    for (size_t i = 0; i < header.n_tokens; i++) {
        int32_t id;
        memcpy(&id, data + sizeof header + i * sizeof id, sizeof id);
        if (id < 0 || (size_t)id >= n_vocab)
            return "it holds token ids that the vocabulary has not";
    }
    return NULL;
}

/* A file has the state of all tokens alone. */
static float *only_stop(struct kv_cache *cache, struct kv_seq *seq)
{
    size_t last = seq->n_stops - 1;
    for (size_t i = 0; i < last; i++)
        states_unref(&cache->states, seq->stop_states[i]);
    seq->stops[0] = seq->stops[last];
    seq->stop_states[0] = seq->stop_states[last];
    seq->n_stops = 1;
    return seq->stops[0].state;
}

/* From a file that is right. */
static enum hone_status restore(struct kv_cache *cache, struct kv_seq **out, const char *data,
                                const char *path, struct hone_error *err)
{
    struct kv_file_header header;
    memcpy(&header, data, sizeof header);
    size_t n = header.n_tokens;
    enum hone_status status = kv_seq_new(cache, out, header.salt, NULL, 0, err);
    if (status)
        return status;
    if (!kv_seq_reserve(cache, *out, n)) {
        kv_seq_free(cache, *out);
        *out = NULL;
        return hone_fail(err, HONE_FAILED, "%s: its %zu tokens need %zu blocks of the KV cache; %zu are free",
                         path, n, kv_n_needed(cache, NULL, n), kv_n_available(cache));
    }
    const char *ids = data + sizeof header, *from = ids + n * sizeof(int32_t);
    for (size_t i = 0; i < (*out)->n_blocks; i++)
        memcpy(block_data(cache, (*out)->blocks[i]), from + i * cache->block_size, cache->block_size);
    if (n > 0 && cache->shape.state_size > 0)
        memcpy(only_stop(cache, *out), from + (*out)->n_blocks * cache->block_size,
               cache->shape.state_size * sizeof(float));
    if (!map_file_is_whole(data)) {
        kv_seq_free(cache, *out);
        *out = NULL;
        return hone_fail(err, HONE_FAILED, "%s: was shortened while it was read", path);
    }
    kv_seq_commit(cache, *out, (const int32_t *)(const void *)ids, n); /* at 80: aligned */
    return HONE_OK;
}

enum hone_status kv_seq_load(struct kv_cache *cache, struct kv_seq **out, uint64_t model, size_t n_vocab,
                             const char *path, struct hone_error *err)
{
    void *data;
    size_t size;
    *out = NULL;
    enum hone_status status = map_file(path, &data, &size, err);
    if (status)
        return status;
    const char *problem = check(cache, model, n_vocab, data, size);
    status = problem ? hone_fail(err, HONE_BAD_MODEL, "%s: cannot be continued: %s", path, problem)
                     : restore(cache, out, data, path, err);
    unmap_file(data, size);
    return status;
}
