#include "runtime/nn/step.h"

#include "runtime/nn/cross_attention.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_LEN    32 /* tokens a block of the cache */
#define SPARE_BLOCKS 64 /* that a new cache has more than its first call needs */

void stepper_release(struct stepper *s)
{
    workspace_release(&s->ws);
    free(s->batch.ids);
    free(s->batch.type_ids);
    free(s->batch.seq_start);
    free(s->kvs);
    free(s->sources);
    free(s->rows);
    *s = (struct stepper){0};
}

static enum hone_status reserve(struct stepper *s, const struct model *m, size_t n_tokens, size_t n_seqs,
                                struct hone_error *err)
{
    if (n_tokens <= s->max_tokens && n_seqs <= s->max_seqs)
        return HONE_OK;
    size_t tokens = n_tokens > s->max_tokens ? n_tokens : s->max_tokens;
    size_t seqs = n_seqs > s->max_seqs ? n_seqs : s->max_seqs;
    stepper_release(s);
    s->batch.ids = malloc(tokens * sizeof *s->batch.ids);
    s->batch.type_ids = calloc(tokens, 1);
    s->batch.seq_start = malloc((seqs + 1) * sizeof *s->batch.seq_start);
    s->kvs = malloc(seqs * sizeof *s->kvs);
    s->sources = malloc(seqs * sizeof *s->sources);
    s->rows = malloc(tokens * m->hp.n_embd * sizeof *s->rows);
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

static size_t scratch_size(const struct stepper *s, const struct model *m, size_t n_keys)
{
    size_t own = decoder_scratch(m, n_keys), cross = 0;
    if (m->arch->has_decoder)
        cross = cross_scratch(m, s->sources, s->batch.n_seqs);
    return own > cross ? own : cross;
}

enum hone_status step_run(struct hone_model *model, const struct step_seq *seqs, size_t n_seqs, float *logits,
                          struct hone_error *err)
{
    const struct model *m = &model->model;
    struct stepper *s = &model->stepper;
    struct kv_cache *cache = model->kv;
    size_t n_tokens = 0, n_rows = 0, n_keys, n_embd = m->hp.n_embd;
    for (size_t i = 0; i < n_seqs; i++)
        n_tokens += seqs[i].n;
    enum hone_status status = reserve(s, m, n_tokens, n_seqs, err);
    if (status == HONE_OK)
        status = gather(s, cache, seqs, n_seqs, &n_keys, err);
    if (status == HONE_OK)
        status = workspace_reserve(&s->ws, n_tokens, m->arch->workspace(m), m->weights.row_bytes,
                                   model->options.n_threads, scratch_size(s, m, n_keys), err);
    if (status != HONE_OK)
        return status;
    struct decoder_call call = {&s->batch, cache, s->kvs, m->arch->has_decoder ? s->sources : NULL};
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
    return HONE_OK;
}

/* ---- the cache ---- */

static enum kv_type type_of(const struct hone_model *model, enum hone_kv kv)
{
    static const enum kv_type types[] = {
        [HONE_KV_F32] = KV_F32, [HONE_KV_F16] = KV_F16, [HONE_KV_INT8] = KV_INT8};
    bool exact = model->options.compute == HONE_COMPUTE_F32 || model->options.compute == HONE_COMPUTE_BLAS;
    if (kv == HONE_KV_AUTO)
        return exact ? KV_F32 : KV_F16;
    return types[kv];
}

enum kv_type step_kv_type(const struct hone_model *model)
{
    return type_of(model, model->options.kv);
}

static struct kv_shape shape_of(const struct hone_model *model, enum hone_kv kv)
{
    const struct hparams *hp = &model->model.hp;
    return (struct kv_shape){hp->n_decoder_layers, hp->n_kv_heads, hp->head_dim, BLOCK_LEN,
                             type_of(model, kv)};
}

size_t hone_kv_bytes(const struct hone_model *model, enum hone_kv kv, size_t n_tokens)
{
    struct kv_shape shape = shape_of(model, kv);
    const struct arch *arch = model->model.arch;
    return arch && (arch->causal || arch->has_decoder) ? kv_bytes(&shape, n_tokens) : 0;
}

/* In blocks; 0: there is none. */
static size_t limit_of(const struct hone_model *model)
{
    size_t n = model->options.kv_tokens;
    return n / BLOCK_LEN + (n % BLOCK_LEN != 0);
}

size_t step_cache_limit(const struct hone_model *model)
{
    size_t limit = limit_of(model);
    return limit > 0 ? limit * BLOCK_LEN : SIZE_MAX;
}

enum hone_status step_cache(struct hone_model *model, size_t n_tokens, size_t n_seqs, struct hone_error *err)
{
    struct kv_shape shape = shape_of(model, model->options.kv);
    size_t limit = limit_of(model), n_blocks = n_tokens / BLOCK_LEN + n_seqs;
    if (limit > 0 && n_blocks > limit)
        return hone_fail(err, HONE_USAGE, "%zu tokens need %zu blocks of the KV cache, which has %zu",
                         n_tokens, n_blocks, limit);
    if (!model->kv)
        return kv_new(&model->kv, &shape, limit > 0 ? limit : n_blocks + SPARE_BLOCKS, err);
    size_t n_available = kv_n_available(model->kv);
    if (limit > 0 || n_blocks <= n_available)
        return HONE_OK;
    return kv_grow(model->kv, kv_stats(model->kv).n_blocks + n_blocks - n_available, err);
}

/* ---- checks ---- */

enum hone_status step_check(const struct hone_model *model, struct hone_error *err)
{
    if (model->options.vocab_only)
        return hone_fail(err, HONE_USAGE, "%s was opened for its vocabulary alone", model->path);
    if (!model->model.arch->causal && !model->model.arch->has_decoder)
        return hone_fail(err, HONE_USAGE, "%s does not generate text: its architecture is '%s'", model->path,
                         model->model.arch->name);
    return HONE_OK;
}

enum hone_status step_check_ids(const struct hone_model *model, const int32_t *ids, size_t n,
                                struct hone_error *err)
{
    size_t n_vocab = model->model.hp.n_vocab;
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || (size_t)ids[i] >= n_vocab)
            return hone_fail(err, HONE_USAGE, "the id %d is not in the vocabulary, which has %zu tokens",
                             (int)ids[i], n_vocab);
    return HONE_OK;
}
