#include "runtime/nn/layers/latent.h"

#include "runtime/base/thread_pool.h"

#include <string.h>

/* Of the norms inside, whatever those of the layers add: those who train such models leave it at that. */
#define LATENT_EPS 1e-6F

static size_t query_width(const struct hparams *hp)
{
    return hp->n_heads * (hp->n_key + hp->n_rot);
}

/* Of what comes before the latent in a row of room->in. */
static size_t first_width(const struct hparams *hp)
{
    return hp->n_query_latent > 0 ? hp->n_query_latent : query_width(hp);
}

static size_t in_width(const struct hparams *hp)
{
    return first_width(hp) + hp->n_latent + hp->n_rot;
}

void latent_list(const struct net *m, struct workspace_list *list, struct latent_room *room)
{
    const struct hparams *hp = &m->hp;
    if (!m->arch->latent)
        return;
    workspace_add(list, &room->in, in_width(hp));
    if (hp->n_query_latent > 0)
        workspace_add(list, &room->queries, query_width(hp));
    workspace_add(list, &room->values, hp->n_heads * hp->n_value);
}

/* ---- a product a head ---- */

struct heads_call {
    const struct dense *heads;
    struct dense_call first;  /* of head 0; */
    size_t in_step, out_step; /* those of the next one are so many numbers on */
    struct workspace *ws;
};

/* Each head's bytes lie apart, so that heads may be computed at once. */
static void run_heads(const void *arg, struct work_range heads)
{
    const struct heads_call *c = arg;
    for (size_t h = heads.first; h < heads.end; h++) {
        const struct dense *d = &c->heads[h];
        const size_t room = c->first.n_rows * dense_row_bytes(d->kind, d->n_in);
        struct dense_call call = c->first;
        struct workspace own = *c->ws;
        call.in += h * c->in_step;
        call.out += h * c->out_step;
        own.n_threads = 1;
        own.bytes = (char *)own.bytes + h * room;
        own.bytes_held = room;
        dense_forward(d, &call, &own);
    }
}

static void forward_heads(const struct heads_call *c, size_t n_heads)
{
    const size_t n = c->first.n_rows * c->heads[0].n_in * c->heads[0].n_out;
    thread_pool_run(threads_for(c->ws->n_threads, n), n_heads, n_heads, run_heads, c);
}

size_t latent_row_bytes(const struct net *m)
{
    size_t most = 0;
    for (size_t i = 0; i < m->hp.n_layers && m->arch->latent; i++) {
        const struct layer *l = &m->weights.layers[i];
        const size_t keys = dense_row_bytes(l->key_up[0].kind, l->key_up[0].n_in),
                     values = dense_row_bytes(l->value_up[0].kind, l->value_up[0].n_in);
        most = keys > most ? keys : most;
        most = values > most ? values : most;
    }
    return m->hp.n_heads * most;
}

/* ---- before attention ---- */

struct latent_tokens {
    const struct net *m;
    const struct layer *l;
    const struct latent_room *room;
    const float *queries; /* [n_tokens, ld_queries] */
    size_t ld_queries;
    float *rows;
    size_t ld;
};

static void norm_tokens(const void *arg, struct work_range tokens)
{
    const struct latent_tokens *c = arg;
    const struct hparams *hp = &c->m->hp;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = c->room->in + t * in_width(hp), *latent = row + first_width(hp);
        if (hp->n_query_latent > 0)
            c->m->kernels->rms_norm(row, row, c->l->query_latent_norm.gamma, hp->n_query_latent, LATENT_EPS);
        c->m->kernels->rms_norm(latent, latent, c->l->latent_norm.gamma, hp->n_latent, LATENT_EPS);
    }
}

/* The rotated parts of queries, the key and the value. */
static void place_tokens(const void *arg, struct work_range tokens)
{
    const struct latent_tokens *c = arg;
    const struct hparams *hp = &c->m->hp;
    const size_t n = hp->n_rot, each = hp->n_key + n;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        const float *query = c->queries + t * c->ld_queries,
                    *latent = c->room->in + t * in_width(hp) + first_width(hp);
        float *row = c->rows + t * c->ld, *key = row + hp->n_heads * hp->head_dim,
              *value = key + hp->head_dim;
        for (size_t h = 0; h < hp->n_heads; h++)
            memcpy(row + h * hp->head_dim, query + h * each + hp->n_key, n * sizeof *row);
        memcpy(key, latent + hp->n_latent, n * sizeof *key);
        memcpy(key + n, latent, hp->n_latent * sizeof *key);
        memset(value, 0, n * sizeof *value);
        memcpy(value + n, latent, hp->n_latent * sizeof *value);
    }
}

void latent_project(const struct net *m, const struct layer *l, const struct latent_room *room,
                    size_t n_tokens, const float *x, float *rows, size_t ld, struct workspace *ws)
{
    const struct hparams *hp = &m->hp;
    const size_t width = in_width(hp);
    const bool whole = hp->n_query_latent == 0;
    const struct latent_tokens tokens = {
        m, l, room, whole ? room->in : room->queries, whole ? width : query_width(hp), rows, ld};
    struct dense_call in = {
        .in = x, .ld_in = hp->n_embd, .out = room->in, .ld_out = width, .n_rows = n_tokens};
    dense_forward(&l->latent_in, &in, ws);
    thread_pool_run(threads_for(ws->n_threads, n_tokens * width), n_tokens, 0, norm_tokens, &tokens);
    struct dense_call up = {
        .in = room->in, .ld_in = width, .out = room->queries, .ld_out = query_width(hp), .n_rows = n_tokens};
    if (!whole)
        dense_forward(&l->query_up, &up, ws);
    thread_pool_run(threads_for(ws->n_threads, n_tokens * ld), n_tokens, 0, place_tokens, &tokens);
    const struct heads_call heads = {.heads = l->key_up,
                                     .first = {.in = tokens.queries,
                                               .ld_in = tokens.ld_queries,
                                               .out = rows + hp->n_rot,
                                               .ld_out = ld,
                                               .n_rows = n_tokens},
                                     .in_step = hp->n_key + hp->n_rot,
                                     .out_step = hp->head_dim,
                                     .ws = ws};
    forward_heads(&heads, hp->n_heads);
}

/* ---- behind it ---- */

void latent_values(const struct net *m, const struct layer *l, const struct latent_room *room,
                   size_t n_tokens, const float *attended, struct workspace *ws)
{
    const struct hparams *hp = &m->hp;
    const struct heads_call heads = {.heads = l->value_up,
                                     .first = {.in = attended + hp->n_rot,
                                               .ld_in = hp->n_heads * hp->head_dim,
                                               .out = room->values,
                                               .ld_out = hp->n_heads * hp->n_value,
                                               .n_rows = n_tokens},
                                     .in_step = hp->head_dim,
                                     .out_step = hp->n_value,
                                     .ws = ws};
    forward_heads(&heads, hp->n_heads);
}
