/* Attention in decoders: over a cache or the batch's own rows, and over what an encoder made. */
#include "runtime/base/assert.h"
#include "runtime/base/sizes.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/cross_attention.h"
#include "runtime/nn/decoder/pass.h"

#include <math.h>
#include <string.h>

/* Queries that one task of attention takes: they share the unpacking of keys and values. */
#define TASK_QUERIES 64
#define TILE_LEN     256 /* without a cache */

static size_t max_tiles(size_t n_keys)
{
    return n_keys / 32 + 1;
}

/* The kernel's, and the tiles. */
size_t decoder_scratch(const struct net *m, size_t n_keys)
{
    size_t tiles = max_tiles(n_keys) * sizeof(struct kv_tile) / sizeof(float);
    size_t own = round_up(m->kernels->tile_attention_scratch(m->hp.head_dim), 16) + round_up(tiles, 16),
           recurrent = recurrent_scratch(m);
    return own > recurrent ? own : recurrent;
}

/* A head's keys and values, too. */
size_t decoder_batch_scratch(const struct net *m, size_t longest)
{
    if (m->hp.two_sided)
        return m->kernels->attention_scratch(longest, m->hp.head_dim);
    return decoder_scratch(m, longest) + 2 * round_up(longest, TILE_LEN) * m->hp.head_dim;
}
static void norm_heads(const struct decoder_pass *d, const struct norm *norm, float *x, size_t width)
{
    const struct kernels *k = d->m->kernels;
    const float eps = d->m->hp.norm_eps;
    for (size_t i = 0; i < width && norm->gamma; i += norm->n) {
        const float *gamma = norm->gamma + (norm->each ? i : 0);
        if (d->m->arch->rms)
            k->rms_norm(x + i, x + i, gamma, norm->n, eps);
        else
            k->layer_norm(x + i, x + i, gamma, norm->beta, norm->n, eps);
    }
}

static void clip(float *x, float most, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > most ? most : x[i] < -most ? -most : x[i];
}

/* A layer's attention. */
struct attention {
    const struct decoder_pass *d;
    const struct layer *l;
    size_t kv_width, keys_at; /* of the layer's own rows */
    const float *keys; /* of the first token, with its values behind them; the next token's are ld_keys on */
    size_t ld_keys;
};

static struct attention attention_of_layer(const struct decoder_pass *d, const struct layer *l)
{
    const bool beside = d->m->arch->gated_attention && d->m->arch->gates == GATES_BESIDE;
    const size_t width = l->n_heads * l->head_dim, at = beside ? 2 * width : width;
    struct attention a = {d, l, l->n_kv_heads * l->head_dim, at, d->parts.qkv + at, d->qkv_width};
    if (l->borrows) {
        a.keys = d->lent[l->local];
        a.ld_keys = d->lent_width;
    }
    return a;
}

/* Where each head's queries are followed by its gate, all queries come first, then keys and values. */
static void part_gates(const struct attention *a, float *row, float *gates)
{
    const struct decoder_pass *d = a->d;
    const size_t n = d->m->hp.head_dim;
    if (d->m->arch->gates != GATES_BESIDE)
        memcpy(gates, row + a->keys_at + 2 * a->kv_width, d->gates_width * sizeof *row);
    for (size_t head = 0; head < d->m->hp.n_heads && d->m->arch->gates == GATES_BESIDE; head++) {
        memcpy(gates + head * n, row + (2 * head + 1) * n, n * sizeof *row);
        memmove(row + head * n, row + 2 * head * n, n * sizeof *row);
    }
    d->m->kernels->sigmoid(gates, d->gates_width);
}

typedef void (*rotate_fn)(float *, const float *, size_t, size_t, size_t);

/* Norms and rotates a token's keys, and stores keys and values. turn NULL: nothing is rotated. */
static void place_keys(const struct attention *a, size_t token, rotate_fn rotate, const float *turn,
                       size_t n_rot)
{
    const struct decoder_pass *d = a->d;
    const struct layer *l = a->l;
    const struct norm ones = {.gamma = d->m->weights.ones, .n = l->head_dim};
    float *keys = d->parts.qkv + token * d->qkv_width + a->keys_at, *values = keys + a->kv_width;
    size_t seq, position = decoder_position(d, token, &seq);
    if (l->values_are_keys)
        memcpy(values, keys, a->kv_width * sizeof *keys);
    if (!d->m->arch->norms_rotated)
        norm_heads(d, &l->k_norm, keys, a->kv_width);
    norm_heads(d, &ones, values, a->kv_width);
    if (turn)
        rotate(keys, turn, l->n_kv_heads, l->head_dim, n_rot / 2);
    if (d->m->arch->norms_rotated)
        norm_heads(d, &l->k_norm, keys, a->kv_width);
    if (d->call->cache)
        kv_write(d->call->cache, d->call->seqs[seq], l->kv_layer, position, keys, values);
    else if (l->lends)
        memcpy(d->lent[l->local] + token * d->lent_width, keys, 2 * a->kv_width * sizeof *keys);
}

/* As Llama 4 has it: queries behind the length of the training become larger, so that attention stays as sharp; its own are
 * counted from 1. */
static void grow_queries(const struct attention *a, size_t token, float *queries)
{
    size_t seq, position = decoder_position(a->d, token, &seq);
    const struct hparams *hp = &a->d->m->hp;
    const float length = hp->growth_length > 0 ? (float)hp->growth_length : hp->rope_scaling.length;
    const float lengths = floorf((float)(position + a->d->m->arch->grows_unrotated) / length);
    a->d->m->kernels->scale(queries, 1 + hp->query_growth * logf(1 + lengths),
                            a->l->n_heads * a->l->head_dim);
}

/* Norms and rotates queries, and places keys and values. */
static void place_tokens(const void *arg, struct work_range tokens)
{
    const struct attention *a = arg;
    const struct decoder_pass *d = a->d;
    const struct layer *l = a->l;
    const struct hparams *hp = &d->m->hp;
    const rotate_fn rotate = d->m->arch->rope_pairs ? d->m->kernels->rope_pairs : d->m->kernels->rope_halves;
    const bool own_turns = l->local && d->local_turns != d->turns;
    const float *turns = l->unrotated ? NULL : own_turns ? d->local_turns : d->turns;
    const size_t n_rot = own_turns ? hp->n_rot_local : hp->n_rot;
    const bool grows = hp->query_growth > 0 && (l->unrotated || !d->m->arch->grows_unrotated);
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = d->parts.qkv + t * d->qkv_width;
        const float *turn = turns ? turns + t * n_rot : NULL;
        if (d->gates)
            part_gates(a, row, d->gates + t * d->gates_width);
        if (hp->qkv_clip > 0)
            clip(row, hp->qkv_clip, a->keys_at + 2 * a->kv_width);
        if (!d->m->arch->norms_rotated)
            norm_heads(d, &l->q_norm, row, l->n_heads * l->head_dim);
        if (turn)
            rotate(row, turn, l->n_heads, l->head_dim, n_rot / 2);
        if (d->m->arch->norms_rotated)
            norm_heads(d, &l->q_norm, row, l->n_heads * l->head_dim);
        if (grows)
            grow_queries(a, t, row);
        if (!l->borrows)
            place_keys(a, t, rotate, turn, n_rot);
    }
}

/* Queries from `first` on of a sequence, and the heads that share one of keys and values. */
struct task {
    size_t seq, kv_head, first, n;
};

/* The tiles of a cache. */
static void find_tiles(const struct decoder_pass *d, const struct task *t, size_t i_layer, size_t n_keys,
                       struct kv_tile *tiles, struct tile_attention_args *args)
{
    const struct kv_shape *shape = kv_shape_of(d->call->cache);
    const uint32_t *blocks = kv_seq_blocks(d->call->seqs[t->seq]);
    args->tile_len = shape->block_len;
    args->type = shape->type;
    for (size_t i = 0; i * shape->block_len < n_keys; i++)
        tiles[i] = kv_tile(d->call->cache, blocks[i], i_layer, t->kv_head);
}

/* Without one: tiles made of the batch's own rows. */
static void make_tiles(const struct attention *a, const struct task *t, size_t n_keys, float *rows,
                       struct kv_tile *tiles, struct tile_attention_args *args)
{
    const struct decoder_pass *d = a->d;
    size_t head_dim = a->l->head_dim;
    const float *keys = a->keys + d->b->seq_start[t->seq] * a->ld_keys + t->kv_head * head_dim;
    float *values = rows + round_up(n_keys, TILE_LEN) * head_dim;
    args->tile_len = TILE_LEN;
    args->type = KV_F32;
    for (size_t i = 0; i < n_keys; i++, keys += a->ld_keys) {
        memcpy(rows + i * head_dim, keys, head_dim * sizeof *rows);
        memcpy(values + i * head_dim, keys + a->kv_width, head_dim * sizeof *rows);
    }
    for (size_t i = 0; i < n_keys; i += TILE_LEN)
        tiles[i / TILE_LEN] = (struct kv_tile){.keys = rows + i * head_dim, .values = values + i * head_dim};
}

/* Of local layers that see their own chunk of so many tokens alone. A chunk that begins with a tile is a text of its own; others'
 * queries have different keys before them each, so they go one by one. Which way does not depend on the tiles' length, so that a
 * row's bits do not. */
static void attend_chunks(const struct net *m, const struct tile_attention_args *args, size_t chunk)
{
    const size_t end = args->first + args->n_q;
    struct tile_attention_args part = *args;
    for (size_t at = args->first; at < end; at += part.n_q) {
        const size_t start = at - at % chunk, rest = start + chunk - at, n = at - args->first;
        const bool whole = start % TILE_LEN == 0;
        part.n_q = !whole ? 1 : rest < end - at ? rest : end - at;
        part.q = args->q + n * args->ld_q;
        part.out = args->out + n * args->ld_out;
        part.first = whole ? at - start : at;
        part.left = whole ? SIZE_MAX : at - start;
        part.tiles = args->tiles + (whole ? start / args->tile_len : 0);
        m->tile_attention(&part);
    }
}

static void attend(const struct attention *a, const struct task *t, float *scratch)
{
    const struct decoder_pass *d = a->d;
    const struct hparams *hp = &d->m->hp;
    size_t token = d->b->seq_start[t->seq] + t->first, group = a->l->n_heads / a->l->n_kv_heads;
    const size_t head_dim = a->l->head_dim;
    size_t head = t->kv_head * group * head_dim, past = decoder_past(d, t->seq),
           n_keys = past + t->first + t->n;
    float *own = scratch + round_up(d->m->kernels->tile_attention_scratch(head_dim), 16);
    struct kv_tile *tiles = (struct kv_tile *)own;
    const float *distances = a->l->past_distances;
    const size_t n_past = d->m->weights.n_past, first_head = t->kv_head * group;
    const bool of_keys = d->m->arch->alibi_of_keys;
    struct tile_attention_args args = {
        .out = d->parts.attended + token * d->width + head,
        .q = d->parts.qkv + token * d->qkv_width + head,
        .ld_out = d->width,
        .ld_q = d->qkv_width,
        .n_q = t->n,
        .n_heads = group,
        .head_dim = head_dim,
        .first = past + t->first,
        .left = a->l->local ? hp->window - 1 : SIZE_MAX,
        .tiles = tiles,
        .scale = encoder_attention_scale(d->m),
        .cap = hp->attn_cap,
        .bias = distances ? distances + first_head * n_past + (of_keys ? 0 : n_past - 1) : NULL,
        .ld_bias = n_past,
        .bias_of_keys = of_keys,
        .sinks = a->l->sinks ? a->l->sinks + first_head : NULL,
        .scratch = scratch,
    };
    ASSERT(t->n > 0 && t->first + t->n <= d->b->seq_start[t->seq + 1] - d->b->seq_start[t->seq]);
    ASSERT(decoder_scratch(d->m, n_keys) <= d->ws->scratch_size);
    if (d->call->cache)
        find_tiles(d, t, a->l->kv_layer, n_keys, tiles, &args);
    else
        make_tiles(a, t, n_keys, own + round_up(max_tiles(n_keys) * sizeof *tiles / sizeof(float), 16), tiles,
                   &args);
    if (a->l->local && d->m->arch->local_chunks)
        attend_chunks(d->m, &args, hp->window);
    else
        d->m->tile_attention(&args);
}

static size_t n_chunks(const struct decoder_pass *d, size_t seq)
{
    return (d->b->seq_start[seq + 1] - d->b->seq_start[seq] + TASK_QUERIES - 1) / TASK_QUERIES;
}

/* The task of that number: late chunks, which see more, first. */
static struct task task_of(const struct attention *a, size_t i)
{
    const struct decoder_pass *d = a->d;
    struct task t = {.kv_head = i % a->l->n_kv_heads};
    size_t chunk = i / a->l->n_kv_heads;
    while (chunk >= n_chunks(d, t.seq))
        chunk -= n_chunks(d, t.seq++);
    size_t n = d->b->seq_start[t.seq + 1] - d->b->seq_start[t.seq];
    t.first = (n_chunks(d, t.seq) - 1 - chunk) * TASK_QUERIES;
    t.n = n - t.first < TASK_QUERIES ? n - t.first : TASK_QUERIES;
    return t;
}

static void attend_tasks(const void *arg, struct work_range tasks)
{
    const struct attention *a = arg;
    struct workspace *ws = a->d->ws;
    for (size_t i = tasks.first; i < tasks.end; i++) {
        struct task t = task_of(a, i);
        attend(a, &t, ws->scratch + tasks.thread * ws->scratch_size);
    }
}

static void attend_all(const struct attention *a)
{
    const struct decoder_pass *d = a->d;
    size_t n_tasks = 0, n_products = 0; /* of queries and keys */
    for (size_t s = 0; s < d->b->n_seqs; s++) {
        size_t n = d->b->seq_start[s + 1] - d->b->seq_start[s];
        n_tasks += n_chunks(d, s) * a->l->n_kv_heads;
        n_products += n * (decoder_past(d, s) + n);
    }
    thread_pool_run(threads_for(d->ws->n_threads, n_products * d->width), n_tasks, n_tasks, attend_tasks, a);
}
static void add_tail(struct dense_call *call, const struct decoder_pass *d, struct tail tail)
{
    call->residual = tail.residual;
    call->gamma = tail.norm ? tail.norm->gamma : NULL;
    call->beta = tail.norm ? tail.norm->beta : NULL;
    call->eps = d->m->hp.norm_eps;
}

static void gate_tokens(const void *arg, struct work_range tokens)
{
    const struct decoder_pass *d = arg;
    const size_t n = d->width, n_heads = d->m->hp.n_heads, head_dim = d->m->hp.head_dim;
    if (d->m->arch->gates == GATES_OF_HEADS) {
        for (size_t i = tokens.first * n_heads; i < tokens.end * n_heads; i++)
            d->m->kernels->scale(d->parts.attended + i * head_dim, d->gates[i], head_dim);
        return;
    }
    d->m->kernels->mul(d->parts.attended + tokens.first * n, d->gates + tokens.first * n,
                       (tokens.end - tokens.first) * n);
}

void decoder_attention(const struct decoder_pass *d, const struct layer *l, const float *in, struct tail tail,
                       float *y)
{
    size_t n = d->b->n_tokens, n_embd = d->m->hp.n_embd;
    struct dense_call qkv = {
        .in = in, .ld_in = l->qkv.n_in, .out = d->parts.qkv, .ld_out = d->qkv_width, .n_rows = n};
    const struct attention attention = attention_of_layer(d, l);
    if (d->m->arch->latent)
        latent_project(d->m, l, &d->latent, n, in, d->parts.qkv, d->qkv_width, d->ws);
    else
        dense_forward(&l->qkv, &qkv, d->ws);
    thread_pool_run(threads_for(d->ws->n_threads, n * d->qkv_width), n, 0, place_tokens, &attention);
    if (d->m->hp.two_sided)
        attend_both_sides(&d->parts, l);
    else
        attend_all(&attention);
    if (d->gates)
        thread_pool_run(threads_for(d->ws->n_threads, n * d->width), n, 0, gate_tokens, d);
    struct dense_call out = {
        .in = d->parts.attended, .ld_in = d->width, .out = y, .ld_out = n_embd, .n_rows = n};
    if (d->m->arch->latent) {
        latent_values(d->m, l, &d->latent, n, d->parts.attended, d->ws);
        out.in = d->latent.values;
        out.ld_in = d->m->hp.n_heads * d->m->hp.n_value;
    }
    add_tail(&out, d, tail);
    dense_forward(&l->attn_out, &out, d->ws);
}

/* Queries of the decoder's rows meet keys and values of the encoder's, which no cache keeps: they lie side by side, as those of
 * attention to both sides do. */
static void cross_attend_batch(const struct decoder_pass *d, const struct layer *l, const float *in)
{
    const size_t n = d->b->n_tokens, n_embd = d->m->hp.n_embd, ld = d->qkv_width;
    struct dense_call q = {.in = in, .ld_in = n_embd, .out = d->parts.qkv, .ld_out = ld, .n_rows = n};
    struct dense_call kv = {
        .in = d->call->encoded, .ld_in = n_embd, .out = d->parts.qkv + d->width, .ld_out = ld, .n_rows = n};
    dense_forward(&l->cross_q, &q, d->ws);
    dense_forward(&l->cross_kv, &kv, d->ws);
    attend_both_sides(&d->parts, l);
}

static void cross_attend_sources(const struct decoder_pass *d, const struct layer *l, size_t i_layer,
                                 const float *in)
{
    struct dense_call q = {.in = in,
                           .ld_in = d->m->hp.n_embd,
                           .out = d->parts.qkv,
                           .ld_out = d->width,
                           .n_rows = d->b->n_tokens};
    dense_forward(&l->cross_q, &q, d->ws);
    cross_attend(d->m, d->b, d->call->sources, i_layer, d->parts.qkv, d->parts.attended, d->ws);
}

void decoder_cross_attention(const struct decoder_pass *d, const struct layer *l, size_t i_layer,
                             const float *in, struct tail tail, float *y)
{
    size_t n = d->b->n_tokens, n_embd = d->m->hp.n_embd;
    if (d->call->encoded)
        cross_attend_batch(d, l, in);
    else
        cross_attend_sources(d, l, i_layer, in);
    struct dense_call out = {
        .in = d->parts.attended, .ld_in = d->width, .out = y, .ld_out = n_embd, .n_rows = n};
    add_tail(&out, d, tail);
    dense_forward(&l->cross_out, &out, d->ws);
}
