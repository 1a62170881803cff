/* The recurrent states of sequences: where they are written, kept and found again. */
#include "runtime/base/assert.h"
#include "runtime/nn/kv/cache.h"

#include <stdlib.h>
#include <string.h>

/* Blocks between two states that are kept, at most: a prompt that is asked for again is read anew from the last one on. */
#define MAX_INTERVAL 32
/* States that are kept in any case, however large they are. */
#define MIN_KEPT 4

static bool has_states(const struct kv_cache *cache)
{
    return cache->shape.state_size > 0;
}

/* As many blocks as take the memory of a state. */
static size_t interval(const struct kv_cache *cache)
{
    size_t n = cache->shape.state_size * sizeof(float) / cache->block_size;
    return n < 1 ? 1 : n < MAX_INTERVAL ? n : MAX_INTERVAL;
}

/* Those that take as much memory as the blocks. */
static size_t max_kept(const struct kv_cache *cache)
{
    size_t n = cache->blocks.n * cache->block_size / (cache->shape.state_size * sizeof(float));
    return n < MIN_KEPT ? MIN_KEPT : n;
}

void kv_forget_state(struct kv_cache *cache, uint32_t block)
{
    states_drop(&cache->states, cache->blocks.list[block].state);
    cache->blocks.list[block].state = STATE_NONE;
}

bool seq_state_keep(struct kv_cache *cache, struct kv_seq *seq, size_t n_tokens, uint32_t state)
{
    size_t block_len = cache->shape.block_len;
    if (state == STATE_NONE || n_tokens == 0 || n_tokens % block_len != 0)
        return false;
    uint32_t block = seq->blocks[n_tokens / block_len - 1];
    if (cache->blocks.list[block].serial == 0 || cache->blocks.list[block].state != STATE_NONE ||
        cache->states.list[state].block != BLOCK_NONE)
        return false;
    if (cache->states.n_kept >= max_kept(cache))
        kv_forget_state(cache, cache->states.list[states_oldest(&cache->states)].block);
    states_keep(&cache->states, state, block);
    cache->blocks.list[block].state = state;
    return true;
}

/* ---- a sequence's beginning and end ---- */

void seq_state_begin(struct kv_cache *cache, struct kv_seq *seq, size_t n_same)
{
    seq->state = seq->held = STATE_NONE;
    if (!has_states(cache))
        return;
    if (seq->n_blocks > 0) {
        seq->state = cache->blocks.list[seq->blocks[seq->n_blocks - 1]].state;
        states_ref(&cache->states, seq->state);
        states_use(&cache->states, seq->state);
    }
    if (n_same > seq->n_tokens) /* others began so, too */
        kv_seq_mark(cache, seq, n_same);
}

void seq_state_fork(struct kv_cache *cache, const struct kv_seq *seq, struct kv_seq *copy)
{
    copy->state = seq->state;
    copy->held = STATE_NONE;
    states_ref(&cache->states, copy->state);
}

void seq_state_free(struct kv_cache *cache, struct kv_seq *seq)
{
    seq_state_cancel(cache, seq);
    states_unref(&cache->states, seq->state);
    states_unref(&cache->states, seq->held);
    free(seq->stops);
    free(seq->stop_states);
}

/* ---- a step ---- */

static bool is_marked(const struct kv_seq *seq, size_t n)
{
    for (size_t i = 0; i < MAX_MARKS; i++)
        if (seq->marks[i] == n)
            return true;
    return false;
}

/* Whether the state at the end of a block is kept for long, not only until the sequence passes the next one. */
static bool is_lasting(const struct kv_cache *cache, const struct kv_seq *seq, size_t n)
{
    return n / cache->shape.block_len % interval(cache) == 0 || is_marked(seq, n);
}

static bool stops_grow(struct kv_seq *seq)
{
    size_t capacity = 2 * seq->stop_capacity + 4;
    struct kv_stop *stops = realloc(seq->stops, capacity * sizeof *stops);
    seq->stops = stops ? stops : seq->stops;
    uint32_t *states = stops ? realloc(seq->stop_states, capacity * sizeof *states) : NULL;
    seq->stop_states = states ? states : seq->stop_states;
    if (!states)
        return false;
    seq->stop_capacity = capacity;
    return true;
}

/* The state is the caller's no more. */
static bool add_stop(struct kv_cache *cache, struct kv_seq *seq, size_t end, uint32_t state)
{
    if (state == STATE_NONE || (seq->n_stops == seq->stop_capacity && !stops_grow(seq))) {
        states_unref(&cache->states, state);
        return false;
    }
    seq->stops[seq->n_stops] = (struct kv_stop){end - seq->n_tokens, states_data(&cache->states, state)};
    seq->stop_states[seq->n_stops++] = state;
    return true;
}

/* The last one is written over the state before, where nobody else has that. */
static uint32_t take_last(struct kv_cache *cache, const struct kv_seq *seq)
{
    if (seq->state == STATE_NONE || cache->states.list[seq->state].n_refs > 1)
        return states_take(&cache->states);
    states_ref(&cache->states, seq->state);
    return seq->state;
}

bool seq_state_reserve(struct kv_cache *cache, struct kv_seq *seq, size_t end)
{
    size_t block_len = cache->shape.block_len, last = end / block_len * block_len;
    seq_state_cancel(cache, seq);
    if (!has_states(cache) || end == seq->n_tokens)
        return true;
    bool ok = true;
    for (size_t n = seq->n_tokens / block_len * block_len + block_len; n < end && ok; n += block_len)
        if (n == last || is_lasting(cache, seq, n))
            ok = add_stop(cache, seq, n, states_take(&cache->states));
    if (ok && add_stop(cache, seq, end, take_last(cache, seq)))
        return true;
    seq_state_cancel(cache, seq);
    return false;
}

void seq_state_cancel(struct kv_cache *cache, struct kv_seq *seq)
{
    while (seq->n_stops > 0)
        states_unref(&cache->states, seq->stop_states[--seq->n_stops]);
}

/* The state of the last block that it passed is kept, and not the one before that any more. Long steps read a prompt,
 * whose last state others may want that ask the same; so what is generated behind it has another one. */
static void keep_passing(struct kv_cache *cache, struct kv_seq *seq, size_t n, uint32_t state, bool is_long)
{
    bool lasts = is_lasting(cache, seq, n);
    size_t *passing = &seq->passing[is_long];
    if (!seq_state_keep(cache, seq, n, state) || lasts)
        return;
    if (*passing > 0)
        kv_forget_state(cache, seq->blocks[*passing / cache->shape.block_len - 1]);
    *passing = n;
}

void seq_state_commit(struct kv_cache *cache, struct kv_seq *seq)
{
    if (seq->n_stops == 0)
        return;
    size_t n = seq->stops[seq->n_stops - 1].n, start = seq->n_tokens - n;
    uint32_t last = seq->stop_states[seq->n_stops - 1];
    states_unref(&cache->states, seq->state);
    seq->state = last;
    states_ref(&cache->states, last);
    for (size_t i = 0; i < seq->n_stops; i++)
        keep_passing(cache, seq, start + seq->stops[i].n, seq->stop_states[i],
                     n > cache->shape.block_len / 2);
    for (size_t i = 0; i < MAX_MARKS; i++)
        if (seq->marks[i] <= seq->n_tokens)
            seq->marks[i] = 0;
    seq_state_cancel(cache, seq);
}

/* ---- going back ---- */

size_t seq_state_go_back(struct kv_cache *cache, struct kv_seq *seq, size_t n)
{
    if (!has_states(cache))
        return n;
    seq_state_cancel(cache, seq);
    size_t block_len = cache->shape.block_len, found = n / block_len * block_len;
    uint32_t state = STATE_NONE;
    for (; found > 0; found -= block_len)
        if ((state = cache->blocks.list[seq->blocks[found / block_len - 1]].state) != STATE_NONE)
            break;
    if (seq->held != STATE_NONE && seq->held_at <= n && seq->held_at >= found) {
        state = seq->held;
        found = seq->held_at;
    }
    states_ref(&cache->states, state);
    states_unref(&cache->states, seq->state);
    seq->state = state;
    if (seq->held_at > found) {
        states_unref(&cache->states, seq->held);
        seq->held = STATE_NONE;
    }
    for (size_t i = 0; i < 2; i++)
        seq->passing[i] = seq->passing[i] > found ? 0 : seq->passing[i];
    return found;
}

void kv_seq_hold(struct kv_cache *cache, struct kv_seq *seq)
{
    states_ref(&cache->states, seq->state);
    states_unref(&cache->states, seq->held);
    seq->held = seq->state;
    seq->held_at = seq->n_tokens;
}

void kv_seq_mark(struct kv_cache *cache, struct kv_seq *seq, size_t n)
{
    if (!has_states(cache) || n <= seq->n_tokens || n % cache->shape.block_len != 0 || is_marked(seq, n))
        return;
    size_t i = 0;
    while (i + 1 < MAX_MARKS && seq->marks[i] > 0)
        i++;
    seq->marks[i] = n;
}

const float *kv_seq_state(const struct kv_cache *cache, const struct kv_seq *seq)
{
    return states_data(&cache->states, seq->state);
}

const struct kv_stop *kv_seq_stops(const struct kv_seq *seq, size_t *n)
{
    *n = seq->n_stops;
    return seq->stops;
}
