#include "runtime/nn/encoder_output.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/cross_attention.h"
#include "runtime/nn/encoder.h"
#include "runtime/nn/reread.h"
#include "runtime/nn/step.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_TOKENS 256   /* that are encoded at once, or a longer source alone */
#define MAX_SOURCE   65535 /* tokens, where nothing else says */

size_t encoder_output_workspace(const struct net *m)
{
    if (m->hp.n_labels > 0)
        return reread_workspace(m);
    size_t encoding = encoder_workspace(m) + encoder_output_floats(net_decoder(m));
    size_t decoding = decoder_workspace(net_decoder(m));
    return encoding > decoding ? encoding : decoding;
}

size_t encoder_output_longest(const struct net *m)
{
    return m->weights.position_embd ? m->hp.max_length : MAX_SOURCE;
}

static enum hone_status allocate(const struct stepper *stepper, struct encoder_output *s,
                                 struct hone_error *err)
{
    static atomic_uint_fast64_t serial;
    const struct net *m = net_decoder(stepper->net);
    s->type = stepper->shape.type == KV_F32 ? KV_F32 : KV_F16;
    size_t size = m->hp.n_decoder_layers * cross_size(m, s->type, s->n);
    s->kv = aligned_alloc(64, size);
    if (!s->kv)
        return hone_no_memory(err, "keys and values", size);
    s->serial = ++serial;
    return HONE_OK;
}

void encoder_output_release(struct encoder_output *s)
{
    free(s->kv);
    s->kv = NULL;
}

struct cross_packing {
    const struct net *m;
    struct encoder_output *const *sources;
    const struct batch *b;
    size_t i_layer;
    const float *kv; /* [b->n_tokens, 2 * width], the layer's */
    struct workspace *ws;
};

/* An item is a head of a sequence. */
static void pack_heads(const void *arg, struct work_range items)
{
    const struct cross_packing *p = arg;
    const struct net *m = p->m;
    const size_t n_heads = m->hp.n_heads, width = n_heads * m->hp.head_dim;
    for (size_t i = items.first; i < items.end; i++) {
        const struct encoder_output *s = p->sources[i / n_heads];
        cross_pack(m, s->type, p->kv + p->b->seq_start[i / n_heads] * 2 * width, s->n, i % n_heads,
                   (char *)s->kv + p->i_layer * cross_size(m, s->type, s->n),
                   p->ws->scratch + items.thread * p->ws->scratch_size);
    }
}

/* The keys and values of all layers, from the encoder's last hidden states [b->n_tokens, n_embd]. */
static void project(const struct net *m, struct encoder_output *const *sources, const struct batch *b,
                    const float *hidden, struct workspace *ws)
{
    const size_t width = encoder_output_floats(m);
    float *kv = workspace_take(ws, b->n_tokens, width);
    for (size_t i = 0; i < m->hp.n_decoder_layers; i++) {
        struct dense_call call = {
            .in = hidden, .ld_in = m->hp.n_embd, .out = kv, .ld_out = width, .n_rows = b->n_tokens};
        dense_forward(&m->weights.decoder_layers[i].cross_kv, &call, ws);
        const struct cross_packing packing = {m, sources, b, i, kv, ws};
        thread_pool_run(threads_for(ws->n_threads, b->n_tokens * width), b->n_seqs * m->hp.n_heads, 0,
                        pack_heads, &packing);
    }
}

/* b has room for the tokens of all. */
static enum hone_status encode(struct stepper *stepper, struct encoder_output *const *sources, size_t n,
                               struct batch *b, struct hone_error *err)
{
    const struct net *m = stepper->net;
    struct workspace *ws = &stepper->ws;
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
        status = allocate(stepper, sources[i], err);
    }
    size_t scratch = m->kernels->attention_scratch(longest, m->hp.head_dim),
           room = cross_pack_room(net_decoder(m), longest);
    if (status == HONE_OK)
        status = workspace_reserve(ws, b->n_tokens, m->arch->workspace(m), m->weights.row_bytes,
                                   stepper->n_threads, scratch > room ? scratch : room, err);
    if (status != HONE_OK)
        return status;
    project(net_decoder(m), sources, b, m->arch->forward(m, b, ws), ws);
    return net_check_whole(m, err);
}

enum hone_status encoder_outputs_compute(struct stepper *stepper, struct encoder_output *const *sources,
                                         size_t n, struct hone_error *err)
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
        status = encode(stepper, sources + i, n_seqs, &b, err);
    }
    free(b.ids);
    free(b.type_ids);
    free(b.seq_start);
    return status;
}
