/* Keys and values of past tokens, in fixed blocks with reference counts.
 *
 * A sequence is a table of blocks; block i holds its tokens from i * block_len on. Blocks are shared: by forks, and by
 * every sequence that begins with the same tokens. Full blocks are found again by what they hold (their own tokens and,
 * by a number that is never used twice, the block before them; Kwon et al., PagedAttention, 2023, with the tokens
 * compared and not only hashed), also after their sequence has ended, until somebody needs the room: the block that
 * was let go longest ago is used first, later blocks of a sequence before earlier ones.
 *
 * A step of a model:
 *     kv_seq_reserve(seq, n)            room for n more tokens that is the sequence's own (a shared block is copied)
 *     for each layer: kv_write(...)     and attention over kv_seq_blocks(seq), position p in block p / block_len
 *     kv_seq_commit(seq, ids, n)        n, or fewer of them where some were drafted and not accepted
 *
 * Recurrent states (shape.state_size): what a layer knows of all tokens before, in one piece that each token changes, so
 * that it cannot be shared by parts. A sequence has one; steps of n tokens read kv_seq_state and leave one at each of
 * kv_seq_stops. At some ends of full blocks a copy is kept beside the block (a snapshot): at every so many, as their memory
 * is worth, at the last one that a sequence passed, and where it was asked for (kv_seq_mark). A new sequence begins at the
 * last block of what is known that has one, and one that is cut off goes back to one. Snapshots take about as much
 * memory as the blocks at most, or four of them; the one that was used longest ago goes first.
 *
 * Bookkeeping is for one thread at a time. Between reserve and commit any threads may write different tokens or layers
 * and read what has been written.
 */
#ifndef RUNTIME_NN_KV_KV_H
#define RUNTIME_NN_KV_KV_H

#include "kernels/kernels.h"
#include "runtime/base/error.h"

#define KV_MAX_HEAD_DIM 1024 /* the widest heads are Gemma 4's of 512 */

/* Types and tiles are those of kernels.h; of KV_INT8 scale = max |x| / 127. Storage is [block][layer][kv_head] tiles. A tile is, each part from a multiple of 64 bytes on:
 *     keys   [block_len][head_dim], but of KV_F16 and KV_INT8 [block_len / KV_GROUP][head_dim][KV_GROUP]
 *     values [block_len][head_dim]
 *     KV_INT8: float scales of the keys [block_len], of the values [block_len] */
struct kv_layer {
    size_t n_kv_heads, head_dim; /* head_dim: at most KV_MAX_HEAD_DIM */
};

struct kv_shape {
    size_t n_layers, n_kv_heads,
        head_dim;     /* of a layer; where they are not the same in all of them, the most */
    size_t block_len; /* tokens a block: 32; a multiple of KV_GROUP */
    enum kv_type type;
    /* Floats of the recurrent state that a sequence has beside its keys and values; 0: none. Where there is one there may be
     * no layers with keys and values. */
    size_t state_size;
    /* [n_layers] where layers differ, to outlive the cache; NULL: all are alike. */
    const struct kv_layer *layers;
};

/* Bytes that n_tokens of one sequence take, whole blocks; SIZE_MAX: more than can be counted. */
size_t kv_bytes(const struct kv_shape *shape, size_t n_tokens);

struct kv_cache;
struct kv_seq;

/* The memory is set aside here and touched as it is used. Free every sequence before the cache. */
enum hone_status kv_new(struct kv_cache **out, const struct kv_shape *shape, size_t n_blocks,
                        struct hone_error *err);
void kv_free(struct kv_cache *cache); /* NULL is allowed */
/* Room for n_blocks in all, or some more; sequences and what is known stay. HONE_FAILED: no memory; nothing has changed. */
enum hone_status kv_grow(struct kv_cache *cache, size_t n_blocks, struct hone_error *err);
const struct kv_shape *kv_shape_of(const struct kv_cache *cache);

struct kv_stats {
    size_t n_blocks;
    size_t n_used;      /* blocks of at least one sequence */
    size_t n_known;     /* blocks of none whose tokens are still known; the others are empty */
    size_t n_lookups;   /* tokens asked for by kv_seq_new */
    size_t n_hits;      /* of these, found */
    size_t n_evictions; /* known blocks given up for room */
};
struct kv_stats kv_stats(const struct kv_cache *cache);

/* Blocks that can be had now without taking any from a sequence. */
size_t kv_n_available(const struct kv_cache *cache);
/* Blocks for n more tokens of a sequence, a copy of a shared one counted; seq NULL: of a new one that shares nothing. */
size_t kv_n_needed(const struct kv_cache *cache, const struct kv_seq *seq, size_t n);
/* How many of the first tokens a new sequence would find, at most n - 1; with their state, where there are such. */
size_t kv_known(const struct kv_cache *cache, uint64_t salt, const int32_t *ids, size_t n);

/* A sequence that begins with as many of ids[n] as are known (kv_seq_length tells; at most n - 1, whole blocks), with
 * nothing where n is 0. Sequences share only with those of the same salt (what else their values depend on: an
 * encoder's input, an adapter). */
enum hone_status kv_seq_new(struct kv_cache *cache, struct kv_seq **out, uint64_t salt, const int32_t *ids,
                            size_t n, struct hone_error *err);
/* Its blocks stay known. NULL is allowed. */
void kv_seq_free(struct kv_cache *cache, struct kv_seq *seq);

/* What it was made with. */
uint64_t kv_seq_salt(const struct kv_seq *seq);
size_t kv_seq_length(const struct kv_seq *seq);          /* tokens committed */
const uint32_t *kv_seq_blocks(const struct kv_seq *seq); /* until the next reserve, commit or truncate */
int32_t kv_seq_token(const struct kv_cache *cache, const struct kv_seq *seq, size_t position);

/* false, and nothing has changed: kv_n_available is less than kv_n_needed, or memory for the table. */
bool kv_seq_reserve(struct kv_cache *cache, struct kv_seq *seq, size_t n);
/* ids: of the first n reserved tokens, whose keys and values have been written. What else was reserved is given up.
 * The reservation must be as long, and with recurrent states no longer. */
void kv_seq_commit(struct kv_cache *cache, struct kv_seq *seq, const int32_t *ids, size_t n);
/* Another sequence with the same tokens, all blocks shared; reservations of `seq` are given up. */
enum hone_status kv_seq_fork(struct kv_cache *cache, struct kv_seq *seq, struct kv_seq **out,
                             struct hone_error *err);
/* Keeps the first n tokens (n <= its length), or, with recurrent states, those up to the last one that is there;
 * kv_seq_length tells. Reservations are given up. */
void kv_seq_truncate(struct kv_cache *cache, struct kv_seq *seq, size_t n);

/* Of a cache with recurrent states; in others nothing happens, and there are none. */

/* Between reserve and commit: the state before the reserved tokens, NULL where it is all zeros; and those to be written,
 * [*n], in order, the last behind all tokens. The last may be the same memory as the state before. */
struct kv_stop {
    size_t n; /* reserved tokens up to it */
    float *state;
};
const float *kv_seq_state(const struct kv_cache *cache, const struct kv_seq *seq);
const struct kv_stop *kv_seq_stops(const struct kv_seq *seq, size_t *n);
/* The state of now stays, until the next call, as one that kv_seq_truncate can go back to. */
void kv_seq_hold(struct kv_cache *cache, struct kv_seq *seq);
/* When the sequence passes its first n tokens, whole blocks, their state is kept for others that begin so. */
void kv_seq_mark(struct kv_cache *cache, struct kv_seq *seq, size_t n);

struct kv_tile kv_tile(const struct kv_cache *cache, uint32_t block, size_t layer, size_t head);

/* Stores keys and values [n_kv_heads, head_dim] of the token at `position`, which is reserved. */
void kv_write(struct kv_cache *cache, const struct kv_seq *seq, size_t layer, size_t position,
              const float *keys, const float *values);
/* Reads one head's key and value [head_dim] of a token back. */
void kv_read(const struct kv_cache *cache, const struct kv_seq *seq, size_t layer, size_t head,
             size_t position, float *key, float *value);

/* The sequence as a file. `model` names what made it: a number that differs where another model's values would. */
enum hone_status kv_seq_save(const struct kv_cache *cache, const struct kv_seq *seq, uint64_t model,
                             const char *path, struct hone_error *err);
/* Checks everything: HONE_BAD_MODEL where the file is damaged or of another model or shape, or holds ids that are not
 * below n_vocab; HONE_FAILED where it has no room. On success *out is the caller's. */
enum hone_status kv_seq_load(struct kv_cache *cache, struct kv_seq **out, uint64_t model, size_t n_vocab,
                             const char *path, struct hone_error *err);

#endif
