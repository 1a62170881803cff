#include "runtime/nn/encoder.h"

#include "runtime/base/assert.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/disentangled.h"
#include "runtime/nn/layers/adaptation.h"
#include "runtime/nn/positions.h"
#include "runtime/nn/rope.h"

#include <math.h>

/* ---- embeddings and norms ---- */

void encoder_read_embedding(const struct gguf_tensor *table, size_t row, size_t first, float *out, size_t n)
{
    const struct quant_type *type = table->type;
    const char *data = table->data;
    const size_t at = row * (size_t)table->dims[0] + first;
    type->dequantize(out, data + at / type->block_len * type->block_size, n);
}

struct rows_call {
    const struct net *m;
    const struct batch *b;
    const struct norm *norm;
    const float *x;
    float *out;
    bool places; /* positions are added */
};

/* Positions of one token after the other. */
struct token_places {
    const struct net *m;
    const struct batch *b;
    size_t seq, n_padding; /* padding tokens of that sequence so far */
};

static struct token_places places_from(const struct net *m, const struct batch *b, size_t token)
{
    struct token_places p = {m, b, batch_sequence_of(b, token), 0};
    for (size_t t = b->seq_start[p.seq]; t < token && m->hp.skips_padding; t++)
        p.n_padding += b->ids[t] == m->hp.padding;
    return p;
}

/* NULL: zeros. */
static const float *position_at(struct token_places *p, size_t token, size_t n)
{
    while (token >= p->b->seq_start[p->seq + 1]) {
        p->seq++;
        p->n_padding = 0;
    }
    if (p->m->hp.skips_padding && p->b->ids[token] == p->m->hp.padding) {
        p->n_padding++;
        return p->m->weights.position_pad;
    }
    return p->m->weights.position_embd + (token - p->b->seq_start[p->seq] - p->n_padding) * n;
}

static void embed_piece(const void *arg, struct work_range tokens)
{
    const struct rows_call *c = arg;
    const struct net *m = c->m;
    const struct batch *b = c->b;
    const struct weights *w = &m->weights;
    size_t n = m->hp.n_token ? m->hp.n_token : m->hp.n_embd;
    struct token_places places = places_from(m, b, tokens.first);
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *x = c->out + t * n;
        encoder_read_embedding(w->token_embd.table, (size_t)b->ids[t], 0, x, n);
        if (m->hp.embd_scale != 1)
            m->kernels->scale(x, m->hp.embd_scale, n);
        if (w->type_embd)
            m->kernels->add(x, w->type_embd + b->type_ids[t] * n, n);
        if (b->tasks) {
            const uint32_t task = b->tasks[batch_sequence_of(b, t)];
            adaptation_add_row(m, &w->token_adapted, task, (size_t)b->ids[t], m->hp.n_vocab, x, n);
            adaptation_add_row(m, &w->type_adapted, task, b->type_ids[t], m->hp.n_types, x, n);
        }
        const float *position = w->position_embd && c->places ? position_at(&places, t, n) : NULL;
        if (position)
            m->kernels->add(x, position, n);
    }
}

static void embed(const struct rows_call *call, int n_threads)
{
    size_t n = call->b->n_tokens;
    thread_pool_run(threads_for(n_threads, n * call->m->hp.n_embd), n, 0, embed_piece, call);
}

void encoder_embed(const struct net *m, const struct batch *b, float *out, int n_threads)
{
    embed(&(struct rows_call){.m = m, .b = b, .out = out, .places = true}, n_threads);
}

void encoder_embed_tokens(const struct net *m, const struct batch *b, float *out, int n_threads)
{
    embed(&(struct rows_call){.m = m, .b = b, .out = out}, n_threads);
}

static void norm_piece(const void *arg, struct work_range rows)
{
    const struct rows_call *c = arg;
    const struct net *m = c->m;
    const struct norm *norm = c->norm;
    size_t n = norm->n;
    for (size_t i = rows.first; i < rows.end; i++)
        if (m->arch->rms)
            m->kernels->rms_norm(c->out + i * n, c->x + i * n, norm->gamma, n, m->hp.norm_eps);
        else
            m->kernels->layer_norm(c->out + i * n, c->x + i * n, norm->gamma, norm->beta, n, m->hp.norm_eps);
}

void encoder_norm(const struct net *m, const struct norm *norm, const float *x, float *out, size_t n_rows,
                  int n_threads)
{
    const struct rows_call call = {.m = m, .norm = norm, .x = x, .out = out};
    if (norm->gamma)
        thread_pool_run(threads_for(n_threads, n_rows * norm->n), n_rows, 0, norm_piece, &call);
}

/* ---- what the layers share ---- */

static size_t width_of(const struct net *m)
{
    return m->hp.n_heads * m->hp.head_dim;
}

static size_t qkv_width(const struct net *m)
{
    return width_of(m) + 2 * m->hp.n_kv_heads * m->hp.head_dim;
}

static size_t inner_width(const struct net *m)
{
    return m->hp.gated ? 2 * m->hp.n_ff : m->hp.n_ff;
}

/* The tables of positions have a row for each token of the longest sequence, which are no more than the batch's. */
static struct workspace_list list_blocks(const struct net *m, struct encoder *e)
{
    const struct hparams *hp = &m->hp;
    struct workspace_list list = {.n = 0};
    workspace_add(&list, &e->x, hp->n_embd);
    workspace_add(&list, &e->y, hp->n_embd);
    workspace_add(&list, &e->qkv, qkv_width(m));
    workspace_add(&list, &e->attended, width_of(m));
    workspace_add(&list, &e->inner, inner_width(m));
    if (hp->rope_base > 0)
        workspace_add(&list, &e->turns, hp->head_dim);
    if (hp->rope_base_local > 0)
        workspace_add(&list, &e->local_turns, hp->head_dim);
    if (m->arch->distance == DISTANCE_BUCKETS || m->arch->distance == DISTANCE_ALIBI)
        workspace_add(&list, &e->distance_bias, 2 * hp->n_heads);
    if (m->weights.distance_embd && (hp->meets_key || hp->meets_query))
        workspace_add(&list, &e->bucket_block, 2);
    if (hp->n_token)
        workspace_add(&list, &e->tokens, hp->n_token);
    if (hp->n_adaptations > 0) {
        const size_t widest = qkv_width(m) > inner_width(m) ? qkv_width(m) : inner_width(m);
        workspace_add(&list, &e->adapted, widest > hp->n_embd ? widest : hp->n_embd);
    }
    experts_list(m, &list, &e->experts);
    return list;
}

size_t encoder_workspace(const struct net *m)
{
    struct encoder none;
    struct workspace_list list = list_blocks(m, &none);
    return workspace_floats(&list);
}

static void fill_turns(const struct encoder *e, float *table, float base)
{
    if (table)
        rope_turns(table, e->longest, e->m->hp.head_dim, base, e->m->hp.rope_factor, e->ws->n_threads);
}

static void fill_buckets(struct encoder *e, const float *table)
{
    if (!table || table == e->distances_of)
        return;
    distance_buckets(e->distance_bias, table, e->m->hp.n_heads, e->longest);
    e->distances_of = table;
}

static void fill_distances(struct encoder *e)
{
    const struct net *m = e->m;
    if (m->arch->distance == DISTANCE_BUCKETS)
        fill_buckets(e, m->weights.distance_bias);
    else if (m->arch->distance == DISTANCE_ALIBI)
        distance_alibi(e->distance_bias, m->hp.n_heads, e->longest);
    if (!e->bucket_block)
        return;
    e->buckets = (int32_t *)e->bucket_block;
    disentangled_buckets((int32_t *)e->bucket_block, &m->hp, e->longest);
}

struct encoder encoder_start(const struct net *m, const struct batch *b, struct workspace *ws)
{
    struct encoder e = {.m = m, .b = b, .ws = ws, .longest = batch_longest(b)};
    struct workspace_list list = list_blocks(m, &e);
    batch_check(b);
    workspace_take_all(ws, b->n_tokens, &list);
    fill_turns(&e, e.turns, m->hp.rope_base);
    fill_turns(&e, e.local_turns, m->hp.rope_base_local);
    fill_distances(&e);
    return e;
}

/* ---- attention ---- */

static void norm_heads(const struct encoder *e, const struct norm *norm, float *x)
{
    size_t width = width_of(e->m);
    for (size_t i = 0; i < width && norm->gamma; i += norm->n)
        e->m->kernels->layer_norm(x + i, x + i, norm->gamma, norm->beta, norm->n, e->m->hp.norm_eps);
}

/* Work on a layer's rows that threads share. */
struct layer_call {
    const struct encoder *e;
    const struct layer *l;
};

static const float *turns_of(const struct layer_call *c)
{
    return c->l->local ? c->e->local_turns : c->e->turns;
}

/* Queries and keys lie side by side, with the values behind them. */
static void turn_piece(const void *arg, struct work_range tokens)
{
    const struct layer_call *c = arg;
    const struct encoder *e = c->e;
    const struct layer *l = c->l;
    const float *table = turns_of(c);
    const struct kernels *k = e->m->kernels;
    void (*rotate)(float *, const float *, size_t, size_t, size_t) =
        e->m->arch->rope_pairs ? k->rope_pairs : k->rope_halves;
    size_t n_heads = e->m->hp.n_heads, head_dim = e->m->hp.head_dim, width = n_heads * head_dim;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = e->qkv + t * qkv_width(e->m);
        norm_heads(e, &l->q_norm, row);
        norm_heads(e, &l->k_norm, row + width);
        if (table) {
            size_t position = t - e->b->seq_start[batch_sequence_of(e->b, t)];
            rotate(row, table + position * head_dim, n_heads + e->m->hp.n_kv_heads, head_dim, head_dim / 2);
        }
    }
}

static void turn_and_norm(const struct layer_call *c)
{
    const struct encoder *e = c->e;
    if (turns_of(c) || c->l->q_norm.gamma || c->l->k_norm.gamma)
        thread_pool_run(threads_for(e->ws->n_threads, e->b->n_tokens * width_of(e->m)), e->b->n_tokens, 0,
                        turn_piece, c);
}

float encoder_attention_scale(const struct net *m)
{
    return m->hp.attn_scale > 0 ? m->hp.attn_scale : 1 / sqrtf(m->hp.attn_divisor);
}

struct attention_args attention_of(const struct encoder *e, size_t item, float *scratch)
{
    const struct hparams *hp = &e->m->hp;
    size_t head_dim = hp->head_dim, width = hp->n_heads * head_dim, row = qkv_width(e->m);
    size_t seq = item / hp->n_heads, head = item % hp->n_heads, start = e->b->seq_start[seq];
    size_t n = e->b->seq_start[seq + 1] - start;
    const float *first = e->qkv + start * row;
    const float *keys = first + width + head / (hp->n_heads / hp->n_kv_heads) * head_dim;
    return (struct attention_args){
        .out = e->attended + start * width + head * head_dim,
        .q = first + head * head_dim,
        .k = keys,
        .v = keys + hp->n_kv_heads * head_dim,
        .ld_out = width,
        .ld_q = row,
        .ld_kv = row,
        .n_q = n,
        .n_k = n - (e->b->n_unseen ? e->b->n_unseen[seq] : 0),
        .head_dim = head_dim,
        .scale = encoder_attention_scale(e->m),
        .scratch = scratch,
    };
}

static void attend(const void *arg, struct work_range piece)
{
    const struct layer_call *c = arg;
    const struct encoder *e = c->e;
    const struct hparams *hp = &e->m->hp;
    struct attention_window window = {.left = hp->window / 2, .right = hp->window / 2};
    size_t here = e->longest - 1;
    for (size_t i = piece.first; i < piece.end; i++) {
        struct attention_args args = attention_of(e, i, e->ws->scratch + piece.thread * e->ws->scratch_size);
        if (e->distance_bias)
            args.bias = e->distance_bias + i % hp->n_heads * (2 * here + 1) + here;
        args.ld_bias = -1;
        args.window = c->l->local ? &window : NULL;
        e->m->attention(&args);
    }
}

void attend_both_sides(const struct encoder *e, const struct layer *l)
{
    const struct layer_call call = {e, l};
    size_t n_tasks = e->b->n_seqs * e->m->hp.n_heads;
    thread_pool_run(e->ws->n_threads, n_tasks, n_tasks, attend, &call);
}

static void add_and_norm(struct dense_call *call, const struct encoder *e, const float *residual,
                         const struct norm *norm)
{
    call->residual = residual;
    call->gamma = norm ? norm->gamma : NULL;
    call->beta = norm ? norm->beta : NULL;
    call->eps = e->m->hp.norm_eps;
}

void encoder_attention(const struct encoder *e, const struct layer *l, const float *x, const float *residual,
                       const struct norm *norm, float *out)
{
    size_t n = e->b->n_tokens, n_embd = e->m->hp.n_embd, width = width_of(e->m);
    struct dense_call in = {.in = x, .ld_in = n_embd, .out = e->qkv, .ld_out = qkv_width(e->m), .n_rows = n};
    const struct layer_call call = {e, l};
    in.residual = adaptation_beside(e, &l->qkv_adapted, x, n_embd, NULL, qkv_width(e->m), e->adapted);
    dense_forward(&l->qkv, &in, e->ws);
    turn_and_norm(&call);
    if (e->buckets)
        attend_disentangled(e, l);
    else
        attend_both_sides(e, l);
    struct dense_call up = {.in = e->attended, .ld_in = width, .out = out, .ld_out = n_embd, .n_rows = n};
    residual = adaptation_beside(e, &l->out_adapted, e->attended, width, residual, n_embd, e->adapted);
    add_and_norm(&up, e, residual, norm);
    dense_forward(&l->attn_out, &up, e->ws);
}

/* ---- feed-forward ---- */

static void activate_rows(const void *arg, struct work_range rows)
{
    const struct encoder *e = ((const struct layer_call *)arg)->e;
    const size_t n = inner_width(e->m);
    for (size_t t = rows.first; t < rows.end;
         t++) /* each alone, so that its bits do not depend on the others */
        activation_apply(e->m->kernels, e->m->hp.activation, e->inner + t * n, n);
}

static void activate(const struct encoder *e, size_t inner)
{
    const struct layer_call call = {e, NULL};
    const size_t n = e->b->n_tokens;
    thread_pool_run(threads_for(e->ws->n_threads, n * inner), n, 0, activate_rows, &call);
}

void encoder_feed_forward(const struct encoder *e, const struct layer *l, const float *x,
                          const float *residual, const struct norm *norm, float *out)
{
    size_t n = e->b->n_tokens, n_embd = e->m->hp.n_embd, inner = inner_width(e->m);
    struct dense_call up = {.in = x, .ld_in = n_embd, .out = e->inner, .ld_out = inner, .n_rows = n};
    struct dense_input left = {0};
    /* Files of one converter keep the halves as they are in the folder, where the activation is for the second: those of
     * layers with a second norm and both halves in one matrix. */
    bool swapped = l->attn_norm_2.gamma && l->ffn_up.fused;
    up.act = e->m->hp.activation;
    up.bend = l->bend;
    up.gate = !e->m->hp.gated ? GATE_NONE : swapped ? GATE_SECOND : GATE_FIRST;
    up.residual = adaptation_beside(e, &l->up_adapted, x, n_embd, NULL, inner, e->adapted);
    if (up.residual) { /* it is added before the activation, and the next product's own reads floats */
        up.act = ACT_NONE;
    } else {
        up.next = &l->ffn_down;
        up.left = &left;
    }
    dense_forward(&l->ffn_up, &up, e->ws);
    if (up.residual)
        activate(e, inner);
    struct dense_call down = {.in = e->inner, .ld_in = inner, .out = out, .ld_out = n_embd, .n_rows = n};
    down.given = &left;
    residual = adaptation_beside(e, &l->down_adapted, e->inner, inner, residual, n_embd, e->adapted);
    add_and_norm(&down, e, residual, norm);
    dense_forward(&l->ffn_down, &down, e->ws);
}

/* ---- families like BERT ---- */

/* out = norm(out + x) */
static void add_piece(const void *arg, struct work_range rows)
{
    const struct rows_call *c = arg;
    const struct norm *norm = c->norm;
    size_t n = norm->n;
    for (size_t t = rows.first; t < rows.end; t++) {
        float *row = c->out + t * n;
        c->m->kernels->add(row, c->x + t * n, n);
        c->m->kernels->layer_norm(row, row, norm->gamma, norm->beta, n, c->m->hp.norm_eps);
    }
}

static void add_input_again(const struct encoder *e, const struct norm *norm, const float *x, float *y)
{
    const struct rows_call call = {.m = e->m, .norm = norm, .x = x, .out = y};
    size_t n_tokens = e->b->n_tokens;
    thread_pool_run(threads_for(e->ws->n_threads, n_tokens * norm->n), n_tokens, 0, add_piece, &call);
}

/* The first layer's input. */
static void start_with_tokens(const struct encoder *e, float *x)
{
    const struct net *m = e->m;
    const struct norm *norm = &m->weights.embd_norm;
    size_t n = e->b->n_tokens;
    float *tokens = e->tokens ? e->tokens : x;
    encoder_embed(m, e->b, tokens, e->ws->n_threads);
    if (!e->tokens || !m->arch->proj_first)
        encoder_norm(m, norm, tokens, tokens, n, e->ws->n_threads);
    if (!e->tokens)
        return;
    struct dense_call call = {
        .in = tokens, .ld_in = m->hp.n_token, .out = x, .ld_out = m->hp.n_embd, .n_rows = n};
    dense_forward(&m->weights.embd_proj, &call, e->ws);
    if (m->arch->proj_first)
        encoder_norm(m, norm, x, x, n, e->ws->n_threads);
}

static const struct layer *layer_at(const struct net *m, size_t i)
{
    return &m->weights.layers[i * m->hp.n_groups / m->hp.n_layers];
}

/* x: in and out; y: room. */
static void run_post_norm(const struct encoder *e, const struct layer *l, float *x, float *y)
{
    encoder_attention(e, l, x, x, &l->attn_norm, y);
    if (l->attn_norm_2.gamma)
        add_input_again(e, &l->attn_norm_2, x, y);
    if (!l->routes) {
        encoder_feed_forward(e, l, y, y, &l->ffn_norm, x);
        return;
    }
    experts_forward(e->m, l, &e->experts, &(struct experts_call){e->b->n_tokens, y, y, y, x}, e->ws);
    encoder_norm(e->m, &l->ffn_norm, x, x, e->b->n_tokens, e->ws->n_threads);
}

static void run_pre_norm(const struct encoder *e, const struct layer *l, float *x, float *y)
{
    size_t n = e->b->n_tokens;
    encoder_norm(e->m, &l->attn_norm, x, y, n, e->ws->n_threads);
    encoder_attention(e, l, y, x, NULL, y);
    encoder_norm(e->m, &l->ffn_norm, y, x, n, e->ws->n_threads);
    encoder_feed_forward(e, l, x, y, NULL, x);
}

float *encoder_forward(const struct net *m, const struct batch *b, struct workspace *ws)
{
    struct encoder e = encoder_start(m, b, ws);
    float *x = e.x, *y = e.y;

    start_with_tokens(&e, x);
    for (size_t i = 0; i < m->hp.n_layers; i++) {
        fill_buckets(&e, layer_at(m, i)->distance_bias);
        (m->arch->pre_norm ? run_pre_norm : run_post_norm)(&e, layer_at(m, i), x, y);
    }
    encoder_norm(m, &m->weights.encoder_norm, x, x, b->n_tokens, ws->n_threads);
    return x;
}
