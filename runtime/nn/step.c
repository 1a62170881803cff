#include "runtime/nn/step.h"

#include "runtime/nn/cross_attention.h"
#include "runtime/nn/recurrent/recurrent.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_LEN    32 /* tokens a block of the cache */
#define SPARE_BLOCKS 64 /* that a new cache has more than its first call needs */

struct kv_shape step_kv_shape(const struct net *net, enum kv_type type)
{
    const struct hparams *hp = &net_decoder(net)->hp;
    size_t n_layers = 0;
    for (size_t i = 0; i < hp->n_decoder_layers; i++)
        n_layers += net->weights.decoder_layers[i].attends && !net->weights.decoder_layers[i].borrows;
    return (struct kv_shape){.n_layers = n_layers,
                             .n_kv_heads = hp->n_kv_heads,
                             .head_dim = hp->head_dim,
                             .block_len = BLOCK_LEN,
                             .type = type,
                             .state_size = recurrent_state_size(net),
                             .layers = net->weights.kv_layers};
}

void stepper_init(struct stepper *s, const struct net *net, int n_threads, enum kv_type type,
                  size_t kv_tokens)
{
    *s = (struct stepper){.net = net,
                          .n_threads = n_threads,
                          .shape = step_kv_shape(net, type),
                          .n_limit = kv_tokens / BLOCK_LEN + (kv_tokens % BLOCK_LEN != 0)};
}

static void release_room(struct stepper *s)
{
    workspace_release(&s->ws);
    free(s->batch.ids);
    free(s->batch.type_ids);
    free(s->batch.seq_start);
    free(s->kvs);
    free(s->sources);
    free(s->rows);
    s->batch = (struct batch){0};
    s->kvs = NULL;
    s->sources = NULL;
    s->rows = NULL;
    s->max_tokens = s->max_seqs = 0;
}

void stepper_release(struct stepper *s)
{
    release_room(s);
    kv_free(s->kv);
    *s = (struct stepper){0};
}

static enum hone_status reserve(struct stepper *s, const struct net *m, size_t n_tokens, size_t n_seqs,
                                struct hone_error *err)
{
    if (n_tokens <= s->max_tokens && n_seqs <= s->max_seqs)
        return HONE_OK;
    size_t tokens = n_tokens > s->max_tokens ? n_tokens : s->max_tokens;
    size_t seqs = n_seqs > s->max_seqs ? n_seqs : s->max_seqs;
    release_room(s);
    s->batch.ids = malloc(tokens * sizeof *s->batch.ids);
    s->batch.type_ids = calloc(tokens, 1);
    s->batch.seq_start = malloc((seqs + 1) * sizeof *s->batch.seq_start);
    s->kvs = malloc(seqs * sizeof *s->kvs);
    s->sources = malloc(seqs * sizeof *s->sources);
    s->rows = malloc(tokens * decoder_head_floats(m) * sizeof *s->rows);
    if (!s->batch.ids || !s->batch.type_ids || !s->batch.seq_start || !s->kvs || !s->sources || !s->rows)
        return hone_no_memory(err, "a step", tokens * m->hp.n_embd * sizeof *s->rows);
    s->max_tokens = tokens;
    s->max_seqs = seqs;
    return HONE_OK;
}

/* Fills the batch; *n_keys: the most that a sequence has afterwards. */
static enum hone_status gather(struct stepper *s, struct kv_cache *cache, const struct step_seq *seqs,
                               size_t n_seqs, size_t *n_keys, struct hone_error *err)
{
    struct batch *b = &s->batch;
    b->n_seqs = n_seqs;
    b->n_tokens = *n_keys = 0;
    b->seq_start[0] = 0;
    for (size_t i = 0; i < n_seqs; i++) {
        size_t end = kv_seq_length(seqs[i].kv) + seqs[i].n;
        if (!kv_seq_reserve(cache, seqs[i].kv, seqs[i].n))
            return hone_fail(err, HONE_FAILED, "the KV cache has no room for %zu more tokens", seqs[i].n);
        memcpy(b->ids + b->n_tokens, seqs[i].ids, seqs[i].n * sizeof *b->ids);
        b->n_tokens += seqs[i].n;
        b->seq_start[i + 1] = (uint32_t)b->n_tokens;
        s->kvs[i] = seqs[i].kv;
        s->sources[i] = seqs[i].source;
        *n_keys = end > *n_keys ? end : *n_keys;
    }
    return HONE_OK;
}

static size_t scratch_size(const struct stepper *s, const struct net *m, size_t n_keys)
{
    size_t own = decoder_scratch(m, n_keys), cross = 0;
    if (m->arch->has_decoder)
        cross = cross_scratch(m, s->sources, s->batch.n_seqs);
    return own > cross ? own : cross;
}

enum hone_status step_run(struct stepper *s, const struct step_seq *seqs, size_t n_seqs, float *logits,
                          struct hone_error *err)
{
    const struct net *m = net_decoder(s->net);
    struct kv_cache *cache = s->kv;
    size_t n_tokens = 0, n_rows = 0, n_keys, n_embd = m->hp.n_embd;
    for (size_t i = 0; i < n_seqs; i++)
        n_tokens += seqs[i].n;
    enum hone_status status = reserve(s, m, n_tokens, n_seqs, err);
    if (status == HONE_OK)
        status = gather(s, cache, seqs, n_seqs, &n_keys, err);
    if (status == HONE_OK)
        status = workspace_reserve(&s->ws, n_tokens, m->arch->workspace(m), m->weights.row_bytes,
                                   s->n_threads, scratch_size(s, m, n_keys), err);
    if (status != HONE_OK)
        return status;
    const struct decoder_call call = {.batch = &s->batch,
                                      .cache = cache,
                                      .seqs = s->kvs,
                                      .sources = m->arch->has_decoder ? s->sources : NULL};
    const float *hidden = decoder_hidden(m, &call, &s->ws);
    for (size_t i = 0; i < n_seqs; i++) {
        size_t first = s->batch.seq_start[i + 1] - seqs[i].n_logits;
        kv_seq_commit(cache, seqs[i].kv, seqs[i].ids, seqs[i].n);
        memcpy(s->rows + n_rows * n_embd, hidden + first * n_embd,
               seqs[i].n_logits * n_embd * sizeof *s->rows);
        n_rows += seqs[i].n_logits;
    }
    if (n_rows > 0)
        decoder_logits(m, s->rows, n_rows, logits, &s->ws);
    return net_check_whole(m, err);
}

/* ---- the cache ---- */

size_t step_cache_limit(const struct stepper *s)
{
    return s->n_limit > 0 ? s->n_limit * BLOCK_LEN : SIZE_MAX;
}

enum hone_status step_cache(struct stepper *s, size_t n_tokens, size_t n_seqs, struct hone_error *err)
{
    size_t limit = s->n_limit, n_blocks = n_tokens / BLOCK_LEN + n_seqs;
    if (limit > 0 && n_blocks > limit)
        return hone_fail(err, HONE_USAGE, "%zu tokens need %zu blocks of the KV cache, which has %zu",
                         n_tokens, n_blocks, limit);
    if (!s->kv)
        return kv_new(&s->kv, &s->shape, limit > 0 ? limit : n_blocks + SPARE_BLOCKS, err);
    size_t n_available = kv_n_available(s->kv);
    if (limit > 0 || n_blocks <= n_available)
        return HONE_OK;
    return kv_grow(s->kv, kv_stats(s->kv).n_blocks + n_blocks - n_available, err);
}

uint64_t step_salt(const struct net *net, size_t n)
{
    size_t limit = net->hp.rope_scaling.short_length;
    return limit > 0 && n > limit ? LONG_SALT : 0;
}

enum hone_status step_check_ids(size_t n_vocab, const int32_t *ids, size_t n, struct hone_error *err)
{
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= n_vocab)
            return hone_fail(err, HONE_USAGE, "the id %d is not in the vocabulary, which has %zu tokens",
                             (int)ids[i], n_vocab);
    return HONE_OK;
}
