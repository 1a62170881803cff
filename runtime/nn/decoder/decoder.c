#include "runtime/nn/decoder/pass.h"

#include "runtime/base/assert.h"
#include "runtime/base/thread_pool.h"
#include "runtime/nn/positions.h"
#include "runtime/nn/rope.h"

#include <math.h>

/* ---- sizes ---- */

static void set_widths(struct decoder_pass *d)
{
    const struct hparams *hp = &d->m->hp;
    d->width = hp->n_heads * hp->head_dim;
    d->lent_width = 2 * hp->n_kv_heads * hp->head_dim;
    d->gates_width = !d->m->arch->gated_attention          ? 0
                     : d->m->arch->gates == GATES_OF_HEADS ? hp->n_heads
                                                           : d->width;
    d->qkv_width = d->width + d->lent_width + d->gates_width;
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
    if (hp->n_token > 0)
        workspace_add(&list, &d->parts.tokens, hp->n_token);
    if (hp->rope_base > 0)
        workspace_add(&list, &d->turns, hp->n_rot);
    if (hp->rope_base > 0 && hp->rope_base_local > 0)
        workspace_add(&list, &d->local_turns, hp->n_rot_local);
    for (size_t i = 0; i < 2 && hp->n_borrowing > 0; i++)
        workspace_add(&list, &d->lent[i], d->lent_width);
    latent_list(d->m, &list, &d->latent);
    altup_list(d->m, &list, &d->altup);
    per_layer_list(d->m, &list, &d->per_layer);
    if (hp->parallel || d->m->arch->recurs_beside || d->m->arch->altup || d->m->arch->joined_blocks ||
        hp->n_experts > 0)
        workspace_add(&list, &d->normed, hp->n_embd);
    if (d->m->arch->gated_attention)
        workspace_add(&list, &d->gates, d->gates_width);
    joined_list(d, &list);
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

/* ---- where tokens stand ---- */

size_t decoder_past(const struct decoder_pass *d, size_t seq)
{
    return d->call->cache ? kv_seq_length(d->call->seqs[seq]) : 0;
}

size_t decoder_position(const struct decoder_pass *d, size_t token, size_t *seq)
{
    *seq = batch_sequence_of(d->b, token);
    return decoder_past(d, *seq) + token - d->b->seq_start[*seq];
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
        size_t position = decoder_position(d, t, &seq);
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

/* Of `in`, which may be *out: the result is in *out, then in another block. */
static void run_experts(struct decoder_pass *d, const struct layer *l, const float *in, const float *residual,
                        float **out)
{
    const struct experts_call call = {d->b->n_tokens, in, in, residual, d->expert_out};
    experts_forward(d->m, l, &d->experts, &call, d->ws);
    swap(&d->expert_out, out);
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
        decoder_attention(d, l, in, (struct tail){residual, NULL}, *y);
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
        decoder_cross_attention(d, l, i_layer, in, (struct tail){*x, NULL}, *y);
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

/* Norms come last: each part's residual, and then its norm. */
static void run_post_norm(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    decoder_attention(d, l, *x, (struct tail){*x, &l->attn_norm}, *y);
    swap(x, y);
    if (d->call->sources || d->call->encoded) {
        decoder_cross_attention(d, l, i_layer, *x, (struct tail){*x, &l->cross_norm}, *y);
        swap(x, y);
    }
    encoder_feed_forward(&d->parts, l, *x, *x, &l->ffn_norm, *y);
    swap(x, y);
}

/* Both halves of the same input; without a norm of its own the second reads what the first did. (Where there are two, GGUF
 * files of Falcon call the first half's the second one, since the only norm of its smaller models is the second half's, too.) */
static void run_parallel(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    (void)i_layer;
    const bool apart = l->attn_norm_2.gamma;
    const struct norm *second = apart ? &l->attn_norm : &l->ffn_norm;
    const float *in = normed(d, apart ? &l->attn_norm_2 : &l->attn_norm, *x, d->normed);
    decoder_attention(d, l, in, (struct tail){*x, NULL}, *y);
    if (second->gamma)
        in = normed(d, second, *x, d->normed);
    if (l->routes)
        run_experts(d, l, in, *y, x);
    else
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
    decoder_attention(d, l, in, (struct tail){NULL, NULL}, *y);
    encoder_norm(m, &l->attn_post_norm, *y, *y, n, d->ws->n_threads);
    add_rows(d, *x, *y);
    add_rows(d, *x, d->altup.laurel);
    m->kernels->scale(*x, 1 / sqrtf(2), n * m->hp.n_embd);
    feed_half(d, l, x, y);
    altup_correct(m, l, &d->altup, n, *x, *y, d->ws);
    per_layer_forward(m, l, i_layer, &d->per_layer, n, *x, *y, d->ws);
    altup_add(m, &d->altup, n, *y);
}

static void run_joined(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y)
{
    (void)i_layer;
    joined_layer(d, l, *x, *y);
    swap(x, y);
}

/* Learned ones; those of encoders are added where their tokens are looked up. */
static void add_positions(const struct decoder_pass *d, float *x)
{
    const struct hparams *hp = &d->m->hp;
    const float *table = d->m->weights.position_embd;
    size_t n = hp->n_embd, seq;
    for (size_t t = 0; t < d->b->n_tokens && table; t++)
        if (!hp->skips_padding || d->b->ids[t] != hp->padding)
            d->m->kernels->add(x + t * n, table + decoder_position(d, t, &seq) * n, n);
}

typedef void (*run_fn)(struct decoder_pass *d, const struct layer *l, size_t i_layer, float **x, float **y);

static run_fn layer_of(const struct net *m)
{
    if (m->arch->altup)
        return run_altup;
    if (m->hp.parallel)
        return run_parallel;
    if (m->arch->joined_blocks)
        return run_joined;
    return m->hp.norms_last || (m->arch->has_decoder && !m->arch->pre_norm) ? run_post_norm : run_layer;
}

/* x: the tokens' embeddings, which a matrix makes as wide as the layers where they are not. */
static void embed_tokens(const struct decoder_pass *d, float *x)
{
    const struct net *m = d->m;
    float *tokens = d->parts.tokens ? d->parts.tokens : x;
    encoder_embed_tokens(m, d->b, tokens, d->ws->n_threads);
    if (tokens == x)
        return;
    struct dense_call call = {
        .in = tokens, .ld_in = m->hp.n_token, .out = x, .ld_out = m->hp.n_embd, .n_rows = d->b->n_tokens};
    dense_forward(&m->weights.embd_proj, &call, d->ws);
}

float *decoder_hidden(const struct net *m, const struct decoder_call *call, struct workspace *ws)
{
    const struct batch *b = call->batch;
    size_t n = b->n_tokens, n_embd = m->hp.n_embd;
    struct decoder_pass d = start(m, call, ws);
    float *x = d.parts.x, *y = d.parts.y;
    embed_tokens(&d, x);
    add_positions(&d, x);
    encoder_norm(m, &m->weights.embd_norm, x, x, n, ws->n_threads);
    per_layer_start(m, b, &d.per_layer, x, ws);
    joined_start(&d, x);
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
    const bool more = m->weights.mlm.n_parts > 0 || m->weights.cls.n_parts > 0;
    return (more ? 2 : 1) * m->hp.n_embd + m->weights.output_proj.n_out;
}

/* What comes before the last matrix, where something does: behind the rows. */
static const float *before_logits(const struct net *m, const float *rows, size_t n_rows, float *out,
                                  struct workspace *ws)
{
    const struct weights *w = &m->weights;
    const struct dense *first = m->hp.n_labels > 0 ? &w->cls : &w->mlm;
    if (w->output_proj.n_parts > 0) {
        const size_t n = w->output_proj.n_out;
        struct dense_call narrow = {
            .in = rows, .ld_in = m->hp.n_embd, .out = out, .ld_out = n, .n_rows = n_rows};
        dense_forward(&w->output_proj, &narrow, ws);
        return out;
    }
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
        .in = hidden, .ld_in = head->n_in, .out = out, .ld_out = head->n_out, .n_rows = n_rows};
    dense_forward(head, &call, ws);
    if (m->hp.logits_scale != 1 && m->hp.n_labels == 0)
        m->kernels->scale(out, m->hp.logits_scale, n_rows * head->n_out);
    if (cap <= 0 || m->hp.n_labels > 0)
        return;
    m->kernels->scale(out, 1 / cap, n_rows * head->n_out);
    m->kernels->tanh(out, n_rows * head->n_out);
    m->kernels->scale(out, cap, n_rows * head->n_out);
}
