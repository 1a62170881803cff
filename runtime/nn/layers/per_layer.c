#include "runtime/nn/layers/per_layer.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/encoder.h"

#include <math.h>

void per_layer_list(const struct net *m, struct workspace_list *list, struct per_layer_room *room)
{
    const struct hparams *hp = &m->hp;
    if (hp->n_per_layer == 0)
        return;
    workspace_add(list, &room->inputs, hp->n_layers * hp->n_per_layer);
    workspace_add(list, &room->gate, hp->n_per_layer);
}

struct per_layer_call {
    const struct net *m;
    const struct batch *b;
    const struct per_layer_room *room;
    size_t i_layer;
};

/* inputs = (norm(inputs / root(n_embd)) + root(n_per_layer) row of the table) / root(2) */
static void start_tokens(const void *arg, struct work_range tokens)
{
    const struct per_layer_call *c = arg;
    const struct net *m = c->m;
    const struct kernels *k = m->kernels;
    const struct norm *norm = &m->weights.per_layer_proj_norm;
    const struct gguf_tensor *table = m->weights.per_layer_embd.table;
    const size_t n = m->hp.n_per_layer, width = m->hp.n_layers * n;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = c->room->inputs + t * width, *part = c->room->gate + t * n;
        const size_t id = (size_t)c->b->ids[t];
        k->scale(row, 1 / sqrtf((float)m->hp.n_embd), width);
        for (size_t i = 0; i < width; i += n) {
            /* Tokens behind the table's end, those of images, have the row of the first. */
            encoder_read_embedding(table, id < table->dims[1] ? id : 0, i, part, n);
            k->rms_norm(row + i, row + i, norm->gamma, n, m->hp.norm_eps);
            k->scale(part, sqrtf((float)n), n);
            k->add(row + i, part, n);
        }
        k->scale(row, 1 / sqrtf(2), width);
    }
}

void per_layer_start(const struct net *m, const struct batch *b, const struct per_layer_room *room,
                     const float *x, struct workspace *ws)
{
    const struct per_layer_call call = {m, b, room, 0};
    const size_t n = b->n_tokens, width = m->hp.n_layers * m->hp.n_per_layer;
    if (width == 0)
        return;
    struct dense_call product = {
        .in = x, .ld_in = m->hp.n_embd, .out = room->inputs, .ld_out = width, .n_rows = n};
    dense_forward(&m->weights.per_layer_proj, &product, ws);
    thread_pool_run(threads_for(ws->n_threads, n * width), n, 0, start_tokens, &call);
}

static void gate_tokens(const void *arg, struct work_range tokens)
{
    const struct per_layer_call *c = arg;
    const size_t n = c->m->hp.n_per_layer, width = c->m->hp.n_layers * n;
    for (size_t t = tokens.first; t < tokens.end; t++)
        c->m->kernels->mul(c->room->gate + t * n, c->room->inputs + t * width + c->i_layer * n, n);
}

void per_layer_forward(const struct net *m, const struct layer *l, size_t i_layer,
                       const struct per_layer_room *room, size_t n_tokens, const float *x, float *out,
                       struct workspace *ws)
{
    const struct per_layer_call call = {m, NULL, room, i_layer};
    const size_t n = m->hp.n_per_layer, n_embd = m->hp.n_embd;
    struct dense_call gate = {.in = x,
                              .ld_in = n_embd,
                              .out = room->gate,
                              .ld_out = n,
                              .n_rows = n_tokens,
                              .act = m->hp.activation};
    dense_forward(&l->per_layer_gate, &gate, ws);
    thread_pool_run(threads_for(ws->n_threads, n_tokens * n), n_tokens, 0, gate_tokens, &call);
    struct dense_call product = {
        .in = room->gate, .ld_in = n, .out = out, .ld_out = n_embd, .n_rows = n_tokens};
    dense_forward(&l->per_layer_out, &product, ws);
    encoder_norm(m, &l->per_layer_norm, out, out, n_tokens, ws->n_threads);
}
