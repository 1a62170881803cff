#include "runtime/source.h"

#include "runtime/encoder.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_TOKENS 2048 /* that are encoded at once, or a longer source alone */

static size_t width_of(const struct model *m)
{
    return m->hp.n_heads * m->hp.head_dim;
}

/* ---- encoding ---- */

static enum hone_status allocate(const struct model *m, struct source *s, struct hone_error *err)
{
    static atomic_uint_fast64_t serial;
    size_t row = 2 * width_of(m) * m->hp.n_decoder_layers * sizeof *s->kv, size;
    if (__builtin_mul_overflow(s->n, row, &size) || !(s->kv = malloc(size)))
        return hone_no_memory(err, "keys and values", s->n * row);
    s->serial = ++serial;
    return HONE_OK;
}

void source_release(struct source *s)
{
    free(s->kv);
    s->kv = NULL;
}

/* The keys and values of all layers, from the encoder's last hidden states. */
static void project(const struct model *m, const struct source *s, const float *hidden, struct workspace *ws)
{
    size_t width = 2 * width_of(m);
    for (size_t i = 0; i < m->hp.n_decoder_layers; i++) {
        struct dense_call call = {.in = hidden,
                                  .ld_in = m->hp.n_embd,
                                  .out = s->kv + i * s->n * width,
                                  .ld_out = width,
                                  .n_rows = s->n};
        dense_forward(&m->weights.decoder_layers[i].cross_kv, &call, ws);
    }
}

/* b has room for the tokens of all. */
static enum hone_status encode(const struct hone_model *model, struct source *const *sources, size_t n,
                               struct batch *b, struct workspace *ws, struct hone_error *err)
{
    const struct model *m = &model->model;
    enum hone_status status = HONE_OK;
    size_t longest = 0;
    b->n_seqs = n;
    b->seq_start[0] = 0;
    b->n_tokens = 0;
    for (size_t i = 0; i < n && status == HONE_OK; i++) {
        memcpy(b->ids + b->n_tokens, sources[i]->ids, sources[i]->n * sizeof *b->ids);
        b->n_tokens += sources[i]->n;
        b->seq_start[i + 1] = (uint32_t)b->n_tokens;
        longest = sources[i]->n > longest ? sources[i]->n : longest;
        status = allocate(m, sources[i], err);
    }
    if (status == HONE_OK)
        status = workspace_reserve(ws, b->n_tokens, m->arch->workspace(m), m->weights.row_bytes,
                                   model->options.n_threads,
                                   m->kernels->attention_scratch(longest, m->hp.head_dim), err);
    if (status != HONE_OK)
        return status;
    const float *hidden = m->arch->forward(m, b, ws);
    for (size_t i = 0; i < n; i++)
        project(m, sources[i], hidden + b->seq_start[i] * m->hp.n_embd, ws);
    return HONE_OK;
}

enum hone_status sources_encode(const struct hone_model *model, struct source *const *sources, size_t n,
                                struct workspace *ws, struct hone_error *err)
{
    size_t n_tokens = 0, n_seqs = 0;
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < n; i++)
        n_tokens += sources[i]->n;
    struct batch b = {.ids = malloc((n_tokens + 1) * sizeof *b.ids),
                      .type_ids = calloc(n_tokens + 1, 1),
                      .seq_start = malloc((n + 1) * sizeof *b.seq_start)};
    if (!b.ids || !b.type_ids || !b.seq_start)
        status = hone_no_memory(err, "a batch", n_tokens * sizeof *b.ids);
    for (size_t i = 0; i < n && status == HONE_OK; i += n_seqs) {
        n_tokens = sources[i]->n;
        for (n_seqs = 1; i + n_seqs < n && n_tokens + sources[i + n_seqs]->n <= BATCH_TOKENS; n_seqs++)
            n_tokens += sources[i + n_seqs]->n;
        status = encode(model, sources + i, n_seqs, &b, ws, err);
    }
    free(b.ids);
    free(b.type_ids);
    free(b.seq_start);
    return status;
}

/* ---- attention ---- */

size_t cross_scratch(const struct model *m, struct source *const *sources, size_t n)
{
    size_t longest = 1;
    for (size_t i = 0; i < n; i++)
        longest = sources[i]->n > longest ? sources[i]->n : longest;
    return m->kernels->attention_scratch(longest, m->hp.head_dim);
}

void cross_attend(const struct model *m, const struct batch *b, struct source *const *sources, size_t i_layer,
                  const float *q, float *out, struct workspace *ws)
{
    size_t n_heads = m->hp.n_heads, head_dim = m->hp.head_dim, width = width_of(m);
#pragma omp parallel for schedule(dynamic) num_threads(ws->n_threads) if (ws->n_threads > 1)
    for (size_t task = 0; task < b->n_seqs * n_heads; task++) {
        size_t seq = task / n_heads, head = task % n_heads, start = b->seq_start[seq];
        const struct source *s = sources[seq];
        const float *keys = s->kv + i_layer * s->n * 2 * width + head * head_dim;
        size_t thread = ws->n_threads > 1 ? (size_t)omp_get_thread_num() : 0;
        struct attention_args args = {
            .out = out + start * width + head * head_dim,
            .q = q + start * width + head * head_dim,
            .k = keys,
            .v = keys + width,
            .ld_out = width,
            .ld_q = width,
            .ld_kv = 2 * width,
            .n_q = b->seq_start[seq + 1] - start,
            .n_k = s->n,
            .head_dim = head_dim,
            .scale = attention_scale(m),
            .scratch = ws->scratch + thread * ws->scratch_size,
        };
        m->kernels->attention(&args);
    }
}
