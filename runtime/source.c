#include "runtime/source.h"

#include "runtime/cross_attention.h"
#include "runtime/pass.h"
#include "runtime/step.h"
#include "runtime/threads.h"

#include <omp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_TOKENS 256 /* that are encoded at once, or a longer source alone */

static enum hone_status allocate(const struct hone_model *model, struct source *s, struct hone_error *err)
{
    static atomic_uint_fast64_t serial;
    const struct model *m = &model->model;
    s->type = step_kv_type(model) == KV_F32 ? KV_F32 : KV_F16;
    size_t size = m->hp.n_decoder_layers * cross_size(m, s->type, s->n);
    s->kv = aligned_alloc(64, size);
    if (!s->kv)
        return hone_no_memory(err, "keys and values", size);
    s->serial = ++serial;
    return HONE_OK;
}

void source_release(struct source *s)
{
    free(s->kv);
    s->kv = NULL;
}

/* kv: [b->n_tokens, 2 * width], one layer's. */
static void pack(const struct model *m, struct source *const *sources, const struct batch *b, size_t i_layer,
                 const float *kv, struct workspace *ws)
{
    const size_t n_heads = m->hp.n_heads, width = n_heads * m->hp.head_dim;
    const int n_threads = threads_for(ws->n_threads, b->n_tokens * 2 * width);
#pragma omp parallel for schedule(static) num_threads(n_threads) if (n_threads > 1)
    for (size_t i = 0; i < b->n_seqs * n_heads; i++) {
        const struct source *s = sources[i / n_heads];
        const size_t thread = n_threads > 1 ? (size_t)omp_get_thread_num() : 0;
        cross_pack(m, s->type, kv + b->seq_start[i / n_heads] * 2 * width, s->n, i % n_heads,
                   (char *)s->kv + i_layer * cross_size(m, s->type, s->n),
                   ws->scratch + thread * ws->scratch_size);
    }
}

/* The keys and values of all layers, from the encoder's last hidden states [b->n_tokens, n_embd]. */
static void project(const struct model *m, struct source *const *sources, const struct batch *b,
                    const float *hidden, struct workspace *ws)
{
    const size_t width = 2 * m->hp.n_heads * m->hp.head_dim;
    float *kv = workspace_take(ws, b->n_tokens, width);
    for (size_t i = 0; i < m->hp.n_decoder_layers; i++) {
        struct dense_call call = {
            .in = hidden, .ld_in = m->hp.n_embd, .out = kv, .ld_out = width, .n_rows = b->n_tokens};
        dense_forward(&m->weights.decoder_layers[i].cross_kv, &call, ws);
        pack(m, sources, b, i, kv, ws);
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
        status = allocate(model, sources[i], err);
    }
    size_t scratch = m->kernels->attention_scratch(longest, m->hp.head_dim),
           room = cross_pack_room(m, longest);
    if (status == HONE_OK)
        status = workspace_reserve(ws, b->n_tokens, m->arch->workspace(m), m->weights.row_bytes,
                                   model->options.n_threads, scratch > room ? scratch : room, err);
    if (status != HONE_OK)
        return status;
    const struct pass pass = pass_begin(model->options.n_threads);
    ws->n_threads = pass.n_threads;
    project(m, sources, b, m->arch->forward(m, b, ws), ws);
    pass_end(&pass);
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
