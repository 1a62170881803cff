#include "runtime/nn/decoder.h"

#include "runtime/base/assert.h"
#include "runtime/base/sizes.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/cross_attention.h"
#include "runtime/nn/encoder.h"
#include "runtime/nn/experts/experts.h"
#include "runtime/nn/layers/altup.h"
#include "runtime/nn/layers/latent.h"
#include "runtime/nn/layers/per_layer.h"
#include "runtime/nn/positions.h"
#include "runtime/nn/recurrent/recurrent.h"
#include "runtime/nn/rope.h"

#include <math.h>
#include <string.h>

/* Queries that one task of attention takes: they share the unpacking of keys and values. */
#define TASK_QUERIES 64
#define TILE_LEN     256 /* without a cache */

struct decoder_pass {
    const struct net *m;
    const struct decoder_call *call;
    const struct batch *b;
    struct workspace *ws;
    struct encoder parts;       /* the buffers, for what encoders do in the same way */
    size_t width, qkv_width;    /* of a row's queries, and all of it, where most heads are */
    float *turns, *local_turns; /* [n_tokens, n_rot or n_rot_local]; NULL: nothing is rotated */
    /* Without a cache: keys and values [n_tokens, lent_width] that later layers read, those that see all tokens, and local ones. */
    float *lent[2];
    size_t lent_width;
    struct per_layer_room per_layer;
    struct experts_room experts;
    struct latent_room latent;
    struct altup_room altup;
    struct recurrent_room recurrent;
    float *gates;      /* [n_tokens, width] of attention's output */
    float *expert_out; /* [n_tokens, n_embd] */
    float *normed;     /* [n_tokens, n_embd] what both halves of a parallel layer read */
};

/* ---- sizes ---- */

static void set_widths(struct decoder_pass *d)
{
    const struct hparams *hp = &d->m->hp;
    d->width = hp->n_heads * hp->head_dim;
    d->lent_width = 2 * hp->n_kv_heads * hp->head_dim;
    d->qkv_width = (d->m->arch->gated_attention ? 2 : 1) * d->width + d->lent_width;
}

static struct workspace_list list_blocks(struct decoder_pass *d)
{
    const struct hparams *hp = &d->m->hp;
    struct workspace_list list = {.n = 0};
    workspace_add(&list, &d->parts.x, hp->n_embd);
    workspace_add(&list, &d->parts.y, hp->n_embd);
    workspace_add(&list, &d->parts.qkv, d->qkv_width);
    workspace_add(&list, &d->parts.attended, d->width);
    workspace_add(&list, &d->parts.inner, 2 * hp->n_ff);
    if (hp->rope_base > 0)
        workspace_add(&list, &d->turns, hp->n_rot);
    if (hp->rope_base > 0 && hp->rope_base_local > 0)
        workspace_add(&list, &d->local_turns, hp->n_rot_local);
    for (size_t i = 0; i < 2 && hp->n_borrowing > 0; i++)
        workspace_add(&list, &d->lent[i], d->lent_width);
    latent_list(d->m, &list, &d->latent);
    altup_list(d->m, &list, &d->altup);
    per_layer_list(d->m, &list, &d->per_layer);
    if (d->m->arch->parallel || d->m->arch->recurs_beside || d->m->arch->altup || hp->n_experts > 0)
        workspace_add(&list, &d->normed, hp->n_embd);
    if (d->m->arch->gated_attention)
        workspace_add(&list, &d->gates, d->width);
    recurrent_list(d->m, &list, &d->recurrent);
    experts_list(d->m, &list, &d->experts);
    if (hp->n_experts > 0)
        workspace_add(&list, &d->expert_out, hp->n_embd);
    return list;
}

size_t decoder_workspace(const struct net *m)
{
    struct decoder_pass none = {.m = m};
    set_widths(&none);
    struct workspace_list list = list_blocks(&none);
    return workspace_floats(&list);
}

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

/* ---- where tokens stand ---- */

static size_t n_past(const struct decoder_pass *d, size_t seq)
{
    return d->call->cache ? kv_seq_length(d->call->seqs[seq]) : 0;
}

static size_t position_of(const struct decoder_pass *d, size_t token, size_t *seq)
{
    *seq = batch_sequence_of(d->b, token);
    return n_past(d, *seq) + token - d->b->seq_start[*seq];
}

/* Whether tokens are rotated as those of a long sequence, in whatever pieces they come: in a cache its salt says so. */
static bool is_long(const struct decoder_pass *d, size_t seq)
{
    if (d->call->cache)
        return kv_seq_salt(d->call->seqs[seq]) == LONG_SALT;
    return d->b->seq_start[seq + 1] - d->b->seq_start[seq] > d->m->hp.rope_scaling.short_length;
}

static void make_turns(const struct decoder_pass *d, float *out, size_t n_rot, float base,
                       const float *divisors, const struct rope_scaling *scaling)
{
    size_t seq;
    const struct weights *w = &d->m->weights;
    float magnitude = scaling ? scaling->magnitude : 1;
    float frequencies[1 << 12], longer[1 << 12];
    bool by_length = scaling && scaling->short_length > 0;
    rope_frequencies(frequencies, n_rot, base, by_length ? w->rope_short : divisors, scaling);
    if (by_length)
        rope_frequencies(longer, n_rot, base, w->rope_long, scaling);
    for (size_t t = 0; t < d->b->n_tokens; t++) {
        size_t position = position_of(d, t, &seq);
        bool is_longer = by_length && is_long(d, seq);
        rope_turn(out + t * n_rot, position, is_longer ? longer : frequencies, n_rot, magnitude);
    }
}

static struct decoder_pass start(const struct net *m, const struct decoder_call *call, struct workspace *ws)
{
    const struct hparams *hp = &m->hp;
    const struct batch *b = call->batch;
    struct decoder_pass d = {.m = m, .call = call, .b = b, .ws = ws};
    d.parts = (struct encoder){.m = m, .b = b, .ws = ws, .longest = batch_longest(b)};
    batch_check(b);
    ASSERT(m->arch->recurs_alone || hp->n_kv_heads > 0);
    ASSERT(!call->cache || call->seqs);
    set_widths(&d);
    struct workspace_list list = list_blocks(&d);
    workspace_take_all(ws, b->n_tokens, &list);
    if (d.turns)
        make_turns(&d, d.turns, hp->n_rot, hp->rope_base, m->weights.rope_freqs, &hp->rope_scaling);
    if (d.local_turns)
        make_turns(&d, d.local_turns, hp->n_rot_local, hp->rope_base_local, NULL, NULL);
    else
        d.local_turns = d.turns;
    return d;
}

/* ---- attention ---- */

static void norm_heads(const struct decoder_pass *d, const struct norm *norm, float *x, size_t width)
{
    for (size_t i = 0; i < width && norm->gamma; i += norm->n)
        d->m->kernels->rms_norm(x + i, x + i, norm->gamma, norm->n, d->m->hp.norm_eps);
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
    const size_t width = l->n_heads * l->head_dim, at = d->m->arch->gated_attention ? 2 * width : width;
    struct attention a = {d, l, l->n_kv_heads * l->head_dim, at, d->parts.qkv + at, d->qkv_width};
    if (l->borrows) {
        a.keys = d->lent[l->local];
        a.ld_keys = d->lent_width;
    }
    return a;
}

/* Each head's queries are followed by its gate: all queries come first, then keys and values. */
static void part_gates(const struct decoder_pass *d, float *row, float *gates)
{
    const size_t n = d->m->hp.head_dim;
    for (size_t head = 0; head < d->m->hp.n_heads; head++) {
        memcpy(gates + head * n, row + (2 * head + 1) * n, n * sizeof *row);
        memmove(row + head * n, row + 2 * head * n, n * sizeof *row);
    }
    d->m->kernels->sigmoid(gates, d->width);
}

typedef void (*rotate_fn)(float *, const float *, size_t, size_t, size_t);

/* Norms and rotates a token's keys, and stores keys and values. turn NULL: nothing is rotated. */
static void place_keys(const struct attention *a, size_t token, rotate_fn rotate, const float *turn,
                       size_t n_rot)
{
    const struct decoder_pass *d = a->d;
    const struct layer *l = a->l;
    const struct norm ones = {d->m->weights.ones, NULL, l->head_dim};
    float *keys = d->parts.qkv + token * d->qkv_width + a->keys_at, *values = keys + a->kv_width;
    size_t seq, position = position_of(d, token, &seq);
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

/* As Llama 4 has it: queries behind the length of the training become larger, so that attention stays as sharp. */
static void grow_queries(const struct attention *a, size_t token, float *queries)
{
    size_t seq, position = position_of(a->d, token, &seq);
    const struct hparams *hp = &a->d->m->hp;
    const float lengths = floorf((float)position / hp->rope_scaling.length);
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
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = d->parts.qkv + t * d->qkv_width;
        const float *turn = turns ? turns + t * n_rot : NULL;
        if (d->gates)
            part_gates(d, row, d->gates + t * d->width);
        if (!d->m->arch->norms_rotated)
            norm_heads(d, &l->q_norm, row, l->n_heads * l->head_dim);
        if (turn)
            rotate(row, turn, l->n_heads, l->head_dim, n_rot / 2);
        if (d->m->arch->norms_rotated)
            norm_heads(d, &l->q_norm, row, l->n_heads * l->head_dim);
        if (hp->query_growth > 0)
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

static void attend(const struct attention *a, const struct task *t, float *scratch)
{
    const struct decoder_pass *d = a->d;
    const struct hparams *hp = &d->m->hp;
    size_t token = d->b->seq_start[t->seq] + t->first, group = a->l->n_heads / a->l->n_kv_heads;
    const size_t head_dim = a->l->head_dim;
    size_t head = t->kv_head * group * head_dim, past = n_past(d, t->seq), n_keys = past + t->first + t->n;
    float *own = scratch + round_up(d->m->kernels->tile_attention_scratch(head_dim), 16);
    struct kv_tile *tiles = (struct kv_tile *)own;
    const float *distances = a->l->past_distances;
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
        .bias = distances ? distances + (t->kv_head * group + 1) * d->m->weights.n_past - 1 : NULL,
        .ld_bias = d->m->weights.n_past,
        .sinks = a->l->sinks ? a->l->sinks + t->kv_head * group : NULL,
        .scratch = scratch,
    };
    ASSERT(t->n > 0 && t->first + t->n <= d->b->seq_start[t->seq + 1] - d->b->seq_start[t->seq]);
    ASSERT(decoder_scratch(d->m, n_keys) <= d->ws->scratch_size);
    if (d->call->cache)
        find_tiles(d, t, a->l->kv_layer, n_keys, tiles, &args);
    else
        make_tiles(a, t, n_keys, own + round_up(max_tiles(n_keys) * sizeof *tiles / sizeof(float), 16), tiles,
                   &args);
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
        n_products += n * (n_past(d, s) + n);
    }
    thread_pool_run(threads_for(d->ws->n_threads, n_products * d->width), n_tasks, n_tasks, attend_tasks, a);
}

/* ---- layers ---- */

static void add_rows(const struct decoder_pass *d, float *x, const float *y)
{
    size_t n = d->m->hp.n_embd;
    for (size_t t = 0; t < d->b->n_tokens; t++)
        d->m->kernels->add(x + t * n, y + t * n, n);
}

static void swap(float **x, float **y)
{
    float *old = *x;
    *x = *y;
    *y = old;
}

/* What a product adds at once: nothing where something comes between it and the residual. */
static const float *residual_of(const struct decoder_pass *d, const struct norm *post, const float *x)
{
    return post->gamma || d->m->hp.residual_scale != 1 ? NULL : x;
}

/* x += post(half of a layer); y is what it gave, or, where nothing comes between, the sum already. */
static void close_half(const struct decoder_pass *d, const struct norm *post, float **x, float **y)
{
    if (!residual_of(d, post, *x)) {
        encoder_norm(d->m, post, *y, *y, d->b->n_tokens, d->ws->n_threads);
        if (d->m->hp.residual_scale != 1)
            d->m->kernels->scale(*y, d->m->hp.residual_scale, d->b->n_tokens * d->m->hp.n_embd);
        add_rows(d, *x, *y);
    } else {
        swap(x, y);
    }
}

/* Where there is a norm its result is in `out`, else it is x itself. */
static const float *normed(const struct decoder_pass *d, const struct norm *norm, const float *x, float *out)
{
    encoder_norm(d->m, norm, x, out, d->b->n_tokens, d->ws->n_threads);
    return norm->gamma ? out : x;
}

/* What follows a product: the residual where it is not NULL, and then a norm. */
struct tail {
    const float *residual;
    const struct norm *norm; /* or NULL */
};

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
    const size_t n = d->width;
    d->m->kernels->mul(d->parts.attended + tokens.first * n, d->gates + tokens.first * n,
                       (tokens.end - tokens.first) * n);
}

/* y: attention's output and what follows it. `in` may be y. */
static void attention(const struct decoder_pass *d, const struct layer *l, const float *in, struct tail tail,
                      float *y)
{
    size_t n = d->b->n_tokens, n_embd = d->m->hp.n_embd;
    struct dense_call qkv = {
        .in = in, .ld_in = n_embd, .out = d->parts.qkv, .ld_out = d->qkv_width, .n_rows = n};
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

/* y: attention over what the encoder made of the sequence's input, and what follows it. */
static void cross_attention(const struct decoder_pass *d, const struct layer *l, size_t i_layer,
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

/* Of `in`, which may be *y: the result is in *y, then in another block. */
static void run_experts(struct decoder_pass *d, const struct layer *l, const float *in, const float *residual,
                        float **y)
{
    const struct experts_call call = {d->b->n_tokens, in, in, residual, d->expert_out};
    experts_forward(d->m, l, &d->experts, &call, d->ws);
    swap(&d->expert_out, y);
}

/* A plain feed-forward layer and experts, each between norms of its own, side by side. */
static void run_experts_beside(struct decoder_pass *d, const struct layer *l, const float *x, float **y)
{
    const size_t n = d->b->n_tokens;
    encoder_feed_forward(&d->parts, l, normed(d, &l->ffn_norm, x, *y), NULL, NULL, *y);
    encoder_norm(d->m, &l->plain_post_norm, *y, *y, n, d->ws->n_threads);
    const struct experts_call call = {n, normed(d, &l->experts_norm, x, d->normed), x, NULL, d->expert_out};
    experts_forward(d->m, l, &d->experts, &call, d->ws);
    encoder_norm(d->m, &l->experts_post_norm, d->expert_out, d->expert_out, n, d->ws->n_threads);
    add_rows(d, *y, d->expert_out);
}

/* x += attention, a recurrence, or both, of the same input. */
static void mix_half(struct decoder_pass *d, const struct layer *l, float **x, float **y)
{
    const float *residual = residual_of(d, &l->attn_post_norm, *x);
    const float *in = normed(d, &l->attn_norm, *x, l->attends && l->recurs ? d->normed : *y);
    if (l->attends)
        attention(d, l, in, (struct tail){residual, NULL}, *y);
    if (l->recurs && !l->attends) {
        recurrent_forward(d->m, d->call, l, &d->recurrent, in, residual, *y, d->ws);
    } else if (l->recurs) {
        recurrent_forward(d->m, d->call, l, &d->recurrent, in, NULL, d->normed, d->ws);
        add_rows(d, *y, d->normed);
    }
    close_half(d, &l->attn_post_norm, x, y);
}

/* x += a feed-forward layer, or experts. */
static void feed_half(struct decoder_pass *d, const struct layer *l, float **x, float **y)
{
    const float *residual = residual_of(d, &l->ffn_post_norm, *x);
    if (l->routes && l->ffn_up.n_out > 0) {
        run_experts_beside(d, l, *x, y);
    } else {
        const float *in = normed(d, &l->ffn_norm, *x, *y);
        if (l->routes)
            run_experts(d, l, in, residual, y);
        else if (l->shuts)
            altup_feed_forward(d->m, l, d->b->n_tokens, in, d->parts.inner, *y, d->ws);
        else
            encoder_feed_forward(&d->parts, l, in, residual, NULL, *y);
    }
    close_half(d, &l->ffn_post_norm, x, y);
}

/* One half after the other. */
static void run_layer(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    if (l->attends || l->recurs)
        mix_half(d, l, x, y);
    if (d->call->sources || d->call->encoded) {
        const float *in = normed(d, &l->cross_norm, *x, *y);
        cross_attention(d, l, i_layer, in, (struct tail){*x, NULL}, *y);
        swap(x, y);
    }
    if (l->feeds)
        feed_half(d, l, x, y);
    if (l->per_layer_gate.n_out > 0) {
        per_layer_forward(d->m, l, i_layer, &d->per_layer, d->b->n_tokens, *x, *y, d->ws);
        add_rows(d, *x, *y);
    }
    if (l->out_scale)
        d->m->kernels->scale(*x, *l->out_scale, d->b->n_tokens * d->m->hp.n_embd);
}

/* Behind an encoder whose norms come last: each part's residual, and then its norm. */
static void run_post_norm(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    attention(d, l, *x, (struct tail){*x, &l->attn_norm}, *y);
    swap(x, y);
    cross_attention(d, l, i_layer, *x, (struct tail){*x, &l->cross_norm}, *y);
    swap(x, y);
    encoder_feed_forward(&d->parts, l, *x, *x, &l->ffn_norm, *y);
    swap(x, y);
}

/* Both halves of the same input; without a norm of its own the second reads what the first did. */
static void run_parallel(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    (void)i_layer;
    const float *in = normed(d, &l->attn_norm, *x, d->normed);
    attention(d, l, in, (struct tail){*x, NULL}, *y);
    if (l->ffn_norm.gamma)
        in = normed(d, &l->ffn_norm, *x, d->normed);
    encoder_feed_forward(&d->parts, l, in, *y, NULL, *x);
}

/* Gemma 3n's: the layer's own row of a token among several. */
static void run_altup(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    const struct net *m = d->m;
    const size_t n = d->b->n_tokens;
    altup_predict(m, l, &d->altup, n, *x, *y, d->ws);
    const float *in = normed(d, &l->attn_norm, *x, d->normed);
    altup_residual(m, l, &d->altup, n, in, d->ws);
    attention(d, l, in, (struct tail){NULL, NULL}, *y);
    encoder_norm(m, &l->attn_post_norm, *y, *y, n, d->ws->n_threads);
    add_rows(d, *x, *y);
    add_rows(d, *x, d->altup.laurel);
    m->kernels->scale(*x, 1 / sqrtf(2), n * m->hp.n_embd);
    feed_half(d, l, x, y);
    altup_correct(m, l, &d->altup, n, *x, *y, d->ws);
    per_layer_forward(m, l, i_layer, &d->per_layer, n, *x, *y, d->ws);
    altup_add(m, &d->altup, n, *y);
}

/* Learned ones; those of encoders are added where their tokens are looked up. */
static void add_positions(const struct decoder_pass *d, float *x)
{
    const struct hparams *hp = &d->m->hp;
    const float *table = d->m->weights.position_embd;
    size_t n = hp->n_embd, seq;
    for (size_t t = 0; t < d->b->n_tokens && table; t++)
        if (!hp->skips_padding || d->b->ids[t] != hp->padding)
            d->m->kernels->add(x + t * n, table + position_of(d, t, &seq) * n, n);
}

typedef void (*run_fn)(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y);

static run_fn layer_of(const struct net *m)
{
    if (m->arch->altup)
        return run_altup;
    if (m->arch->parallel)
        return run_parallel;
    return m->arch->has_decoder && !m->arch->pre_norm ? run_post_norm : run_layer;
}

float *decoder_hidden(const struct net *m, const struct decoder_call *call, struct workspace *ws)
{
    const struct batch *b = call->batch;
    size_t n = b->n_tokens, n_embd = m->hp.n_embd;
    struct decoder_pass d = start(m, call, ws);
    float *x = d.parts.x, *y = d.parts.y;
    encoder_embed_tokens(m, b, x, ws->n_threads);
    add_positions(&d, x);
    encoder_norm(m, &m->weights.embd_norm, x, x, n, ws->n_threads);
    per_layer_start(m, b, &d.per_layer, x, ws);
    if (m->arch->altup)
        altup_start(m, &d.altup, n, x, ws);
    for (size_t i = 0; i < m->hp.n_decoder_layers; i++)
        layer_of(m)(&d, &m->weights.decoder_layers[i], i, &x, &y);
    if (m->arch->altup)
        altup_end(m, &d.altup, n, x, ws);
    encoder_norm(m, &m->weights.output_norm, x, x, n, ws->n_threads);
    if (m->hp.output_scale != 1)
        m->kernels->scale(x, m->hp.output_scale, n * n_embd);
    return x;
}

float *decoder_forward(const struct net *m, const struct batch *b, struct workspace *ws)
{
    return decoder_hidden(m, &(struct decoder_call){.batch = b}, ws);
}

size_t decoder_head_floats(const struct net *m)
{
    return (m->weights.mlm.n_parts > 0 || m->weights.cls.n_parts > 0 ? 2 : 1) * m->hp.n_embd;
}

/* What comes before the last matrix, where something does: behind the rows. */
static const float *before_logits(const struct net *m, const float *rows, size_t n_rows, float *out,
                                  struct workspace *ws)
{
    const struct weights *w = &m->weights;
    const struct dense *first = m->hp.n_labels > 0 ? &w->cls : &w->mlm;
    if (first->n_parts == 0)
        return rows;
    struct dense_call call = {.in = rows,
                              .ld_in = m->hp.n_embd,
                              .out = out,
                              .ld_out = m->hp.n_embd,
                              .n_rows = n_rows,
                              .act = m->hp.head_activation};
    dense_forward(first, &call, ws);
    encoder_norm(m, m->hp.n_labels > 0 ? &w->cls_norm : &w->mlm_norm, out, out, n_rows, ws->n_threads);
    return out;
}

void decoder_logits(const struct net *m, float *rows, size_t n_rows, float *out, struct workspace *ws)
{
    const struct dense *head = m->hp.n_labels > 0 ? &m->weights.cls_out : &m->weights.output;
    const float *hidden = before_logits(m, rows, n_rows, rows + n_rows * m->hp.n_embd, ws);
    float cap = m->hp.logits_cap;
    struct dense_call call = {
        .in = hidden, .ld_in = m->hp.n_embd, .out = out, .ld_out = head->n_out, .n_rows = n_rows};
    dense_forward(head, &call, ws);
    if (m->hp.logits_scale != 1 && m->hp.n_labels == 0)
        m->kernels->scale(out, m->hp.logits_scale, n_rows * head->n_out);
    if (cap <= 0 || m->hp.n_labels > 0)
        return;
    m->kernels->scale(out, 1 / cap, n_rows * head->n_out);
    m->kernels->tanh(out, n_rows * head->n_out);
    m->kernels->scale(out, cap, n_rows * head->n_out);
}
