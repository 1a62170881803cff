#include "runtime/nn/recurrent/pass.h"

#include "runtime/base/assert.h"
#include "runtime/base/sizes.h"
#include "runtime/nn/positions.h"

#include <math.h>
#include <string.h>

#define ALIGN    16    /* floats */
#define L2_FLOOR 1e-6f /* below the squares of a key's length; transformers' */

/* ---- sizes ---- */

static bool has_heads(const struct net *m)
{
    return m->arch->recurrent == RECURRENT_SSM || m->arch->recurrent == RECURRENT_DELTA;
}

static bool is_selective(const struct net *m)
{
    return m->arch->recurrent == RECURRENT_SELECTIVE;
}

size_t recurrent_channels(const struct net *m)
{
    const struct recurrent_shape *r = &m->hp.recurrent;
    if (is_selective(m))
        return r->n_inner;
    return has_heads(m) ? r->n_inner + 2 * r->n_groups * r->n_state : m->hp.n_embd;
}

size_t recurrent_in_width(const struct net *m)
{
    const struct recurrent_shape *r = &m->hp.recurrent;
    switch (m->arch->recurrent) {
    case RECURRENT_CONV:
        return 3 * m->hp.n_embd;
    case RECURRENT_SSM:
        return r->n_inner + recurrent_channels(m) + r->n_heads;
    case RECURRENT_DELTA:
    case RECURRENT_SELECTIVE:
        return recurrent_channels(m) + r->n_inner;
    case RECURRENT_NONE:
        break;
    }
    return 0;
}

static size_t n_values(const struct net *m)
{
    return m->hp.recurrent.n_inner / m->hp.recurrent.n_heads;
}

static size_t conv_size(const struct net *m)
{
    return round_up((m->hp.recurrent.conv_len - 1) * recurrent_channels(m), ALIGN);
}

/* What a state has behind its convolution, each of which goes on alone: heads, or panels of channels. */
static size_t n_parts(const struct net *m)
{
    if (is_selective(m))
        return selective_panels(m);
    return has_heads(m) ? m->hp.recurrent.n_heads : 0;
}

static size_t part_size(const struct net *m)
{
    if (is_selective(m))
        return selective_panel_size(m);
    return has_heads(m) ? m->hp.recurrent.n_state * round_up(n_values(m), STATE_PANEL) : 0;
}

size_t recurrent_layer_size(const struct net *m)
{
    return conv_size(m) + n_parts(m) * part_size(m);
}

size_t recurrent_state_size(const struct net *m)
{
    size_t n = 0;
    for (size_t i = 0; i < m->hp.n_layers && m->arch->recurrent != RECURRENT_NONE; i++)
        n += m->weights.layers[i].recurs ? recurrent_layer_size(m) : 0;
    return n;
}

size_t recurrent_scratch(const struct net *m)
{
    return m->arch->recurrent == RECURRENT_NONE ? 0 : part_size(m);
}

void recurrent_list(const struct net *m, struct workspace_list *list, struct recurrent_room *room)
{
    const struct recurrent_shape *r = &m->hp.recurrent;
    if (m->arch->recurrent == RECURRENT_NONE)
        return;
    workspace_add(list, &room->in, recurrent_in_width(m));
    workspace_add(list, &room->mixed, recurrent_channels(m));
    if (n_parts(m) == 0)
        return;
    workspace_add(list, &room->inner, r->n_inner);
    workspace_add(list, &room->gates, is_selective(m) ? selective_width(m) : 2 * r->n_heads);
}

/* ---- one layer's pass ---- */

static const float *state_before(const struct recurrent_pass *p, size_t seq)
{
    const float *state = p->call->cache ? kv_seq_state(p->call->cache, p->call->seqs[seq]) : NULL;
    return state ? state + p->l->state_at : NULL;
}

/* ---- tokens: the convolution and what goes into the recurrence ---- */

/* Row `i` of what a sequence's convolution sees, counted from its first new token; NULL: zeros, before the text. */
static const float *conv_row_at(const struct recurrent_pass *p, size_t seq, ptrdiff_t i, const float *state)
{
    if (i >= 0)
        return p->room->in + (p->call->batch->seq_start[seq] + (size_t)i) * p->in_width + p->conv_at;
    return state ? state + ((ptrdiff_t)p->m->hp.recurrent.conv_len - 1 + i) * (ptrdiff_t)p->n_channels : NULL;
}

static void convolve(const struct recurrent_pass *p, size_t token, float *out)
{
    const float *rows[MAX_CONV];
    const size_t n = p->m->hp.recurrent.conv_len, seq = batch_sequence_of(p->call->batch, token);
    const float *state = state_before(p, seq);
    const ptrdiff_t first = (ptrdiff_t)(token - p->call->batch->seq_start[seq]) - (ptrdiff_t)n + 1;
    for (size_t i = 0; i < n; i++)
        rows[i] = conv_row_at(p, seq, first + (ptrdiff_t)i, state);
    p->m->kernels->convolution(out, rows, n, p->l->recurrent.conv, p->l->recurrent.conv_bias, p->n_channels);
}

/* LFM2's: what is convolved is b * x, in its place. */
static void multiply_tokens(const void *arg, struct work_range tokens)
{
    const struct recurrent_pass *p = arg;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = p->room->in + t * p->in_width;
        p->m->kernels->mul(row + p->conv_at, row, p->n_channels);
    }
}

static void convolve_tokens(const void *arg, struct work_range tokens)
{
    const struct recurrent_pass *p = arg;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *out = p->room->mixed + t * p->n_channels;
        convolve(p, t, out);
        p->m->kernels->mul(out, p->room->in + t * p->in_width + p->gate_at, p->n_channels);
    }
}

static float softplus(float x)
{
    return x > 20 ? x : log1pf(expf(x));
}

/* gates [2 * heads]: what of the state is kept, and by what values are multiplied. */
static void make_times(const struct recurrent_pass *p, const float *in, float *gates)
{
    const size_t n = p->m->hp.recurrent.n_heads;
    for (size_t h = 0; h < n; h++) {
        const float x = softplus(in[h] + p->l->recurrent.time_bias[h]), floor = p->m->hp.recurrent.time_floor;
        const float time = x < floor ? floor : x;
        gates[h] = expf(p->l->recurrent.decay[h] * time);
        gates[n + h] = time;
    }
}

/* In place: of [2 * heads] products, those of writing first, or group by group. */
static void make_gates(const struct recurrent_pass *p, float *gates)
{
    const size_t n = p->m->hp.recurrent.n_heads, n_groups = p->m->hp.recurrent.n_groups, each = n / n_groups;
    const size_t width = p->l->recurrent.gates_mix.n_out > 0 ? each : n;
    float in[2 * MAX_STATE_HEADS];
    ASSERT(n <= MAX_STATE_HEADS);
    memcpy(in, gates, 2 * n * sizeof *in);
    for (size_t first = 0; first < n; first += width)
        for (size_t h = first; h < first + width; h++) {
            const float write = in[first + h], keep = in[first + width + h];
            const float time = softplus(keep + p->l->recurrent.time_bias[h]);
            gates[h] = expf(p->l->recurrent.decay[h] * time);
            gates[n + h] = p->m->hp.recurrent.write_scale / (1 + expf(-write));
        }
}

/* Queries and keys get the length 1, and queries what scores are divided by. */
static void norm_keys(const struct recurrent_pass *p, float *row)
{
    const struct kernels *k = p->m->kernels;
    const size_t n = p->m->hp.recurrent.n_state, n_groups = p->m->hp.recurrent.n_groups;
    for (size_t g = 0; g < 2 * n_groups; g++, row += n) {
        const float inverse = 1 / sqrtf(k->dot(row, row, n) + L2_FLOOR);
        k->scale(row, g < n_groups ? inverse / sqrtf((float)n) : inverse, n);
    }
}

static void prepare_tokens(const void *arg, struct work_range tokens)
{
    const struct recurrent_pass *p = arg;
    const size_t n_heads = p->m->hp.recurrent.n_heads;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = p->room->mixed + t * p->n_channels, *gates = p->room->gates + t * 2 * n_heads;
        convolve(p, t, row);
        p->m->kernels->silu(row, p->n_channels);
        if (p->m->arch->recurrent == RECURRENT_DELTA) {
            norm_keys(p, row);
            make_gates(p, gates);
        } else if (p->m->arch->recurrent == RECURRENT_SSM) {
            make_times(p, p->room->in + t * p->in_width + p->conv_at + p->n_channels, gates);
        }
    }
}

/* ---- sequences: the recurrence ---- */

/* What the tokens from `first` on do to the state of a head. */
static void run_head(const struct recurrent_pass *p, size_t first, size_t n_tokens, size_t head, float *state)
{
    const struct recurrent_shape *r = &p->m->hp.recurrent;
    const size_t each = r->n_heads / r->n_groups, keys = r->n_groups * r->n_state;
    const size_t group = p->m->arch->tiled_heads ? head % r->n_groups : head / each;
    const bool delta = p->m->arch->recurrent == RECURRENT_DELTA;
    const float *row = p->room->mixed + first * p->n_channels,
                *gates = p->room->gates + first * 2 * r->n_heads;
    const float *one = row + (delta ? 0 : r->n_inner) + group * r->n_state, *other = one + keys;
    const struct recurrence_args args = {
        .state = state,
        .q = delta ? one : other,
        .k = delta ? other : one,
        .v = row + (delta ? 2 * keys : 0) + head * n_values(p->m),
        .out = p->room->inner + first * r->n_inner + head * n_values(p->m),
        .decay = gates + head,
        .weight = gates + r->n_heads + head,
        .ld_in = p->n_channels,
        .ld_out = r->n_inner,
        .ld_gates = 2 * r->n_heads,
        .n_tokens = n_tokens,
        .n_keys = r->n_state,
        .n_values = n_values(p->m),
        .delta = delta,
    };
    p->m->kernels->recurrence(&args);
}

/* The rows that the convolution of what follows the first n new tokens will see. to may be `before`. */
static void save_rows(const struct recurrent_pass *p, size_t seq, size_t n, const float *before, float *to)
{
    const ptrdiff_t n_rows = (ptrdiff_t)p->m->hp.recurrent.conv_len - 1;
    for (ptrdiff_t i = 0; i < n_rows; i++) {
        const float *row = conv_row_at(p, seq, (ptrdiff_t)n - n_rows + i, before);
        float *out = to + i * (ptrdiff_t)p->n_channels;
        if (row)
            memmove(out, row, p->n_channels * sizeof *out);
        else
            memset(out, 0, p->n_channels * sizeof *out);
    }
}

/* A part of a sequence's state, or, as the last item of it, its convolution: through all of its new tokens. */
static void run_item(const struct recurrent_pass *p, size_t seq, size_t item, float *scratch)
{
    const size_t start = p->call->batch->seq_start[seq], size = part_size(p->m);
    const size_t at = p->l->state_at + conv_size(p->m) + item * size;
    const struct kv_stop all = {.n = p->call->batch->seq_start[seq + 1] - start};
    const struct kv_stop *stops = &all;
    size_t n_stops = 1, first = 0;
    const float *before = state_before(p, seq), *from = before ? before - p->l->state_at + at : NULL;
    if (p->call->cache)
        stops = kv_seq_stops(p->call->seqs[seq], &n_stops);
    for (size_t i = 0; i < n_stops; i++) {
        float *to = stops[i].state ? stops[i].state + at : scratch;
        if (item == n_parts(p->m)) {
            if (stops[i].state)
                save_rows(p, seq, stops[i].n, before, stops[i].state + p->l->state_at);
            continue;
        }
        if (!from)
            memset(to, 0, size * sizeof *to);
        else if (from != to)
            memcpy(to, from, size * sizeof *to);
        (is_selective(p->m) ? selective_run : run_head)(p, start + first, stops[i].n - first, item, to);
        first = stops[i].n;
        from = to;
    }
}

static void run_items(const void *arg, struct work_range items)
{
    const struct recurrent_pass *p = arg;
    const size_t n_items = n_parts(p->m) + 1;
    for (size_t i = items.first; i < items.end; i++)
        run_item(p, i / n_items, i % n_items, p->ws->scratch + items.thread * p->ws->scratch_size);
}

/* ---- tokens: what comes behind the recurrence ---- */

static void norm_groups(const struct recurrent_pass *p, float *row)
{
    const struct recurrent_shape *r = &p->m->hp.recurrent;
    const float *gamma = p->l->recurrent.norm;
    if (!gamma)
        return;
    const bool delta = p->m->arch->recurrent == RECURRENT_DELTA;
    const size_t n = delta ? n_values(p->m) : r->n_inner / r->n_groups;
    for (size_t i = 0; i < r->n_inner; i += n)
        p->m->kernels->rms_norm(row + i, row + i, delta ? gamma : gamma + i, n, p->m->hp.recurrent.norm_eps);
}

/* y += skip * x, of the values that went in */
static void add_skip(const struct recurrent_pass *p, const float *x, float *y)
{
    const size_t n = n_values(p->m);
    for (size_t h = 0; h < p->m->hp.recurrent.n_heads && p->l->recurrent.skip; h++)
        for (size_t i = h * n; i < (h + 1) * n; i++)
            y[i] += p->l->recurrent.skip[h] * x[i];
}

static void finish_tokens(const void *arg, struct work_range tokens)
{
    const struct recurrent_pass *p = arg;
    const size_t n = p->m->hp.recurrent.n_inner;
    const bool norm_first = p->m->arch->recurrent == RECURRENT_DELTA || p->m->hp.recurrent.norm_first;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *y = p->room->inner + t * n, *gate = p->room->in + t * p->in_width + p->gate_at;
        if (p->m->arch->recurrent == RECURRENT_SSM)
            add_skip(p, p->room->mixed + t * p->n_channels, y);
        if (norm_first)
            norm_groups(p, y);
        p->m->kernels->silu(gate, n);
        p->m->kernels->mul(y, gate, n);
        if (!norm_first)
            norm_groups(p, y);
    }
}

/* ---- all of it ---- */

static struct recurrent_pass begin(const struct net *m, const struct decoder_call *call,
                                   const struct layer *l, const struct recurrent_room *room,
                                   const struct workspace *ws)
{
    struct recurrent_pass p = {m, call, l, room, ws, recurrent_channels(m), recurrent_in_width(m), 0, 0};
    switch (m->arch->recurrent) {
    case RECURRENT_CONV: /* b, c, x */
        p.conv_at = 2 * m->hp.n_embd;
        p.gate_at = m->hp.n_embd;
        break;
    case RECURRENT_SSM: /* gate, x B C, times */
        p.conv_at = m->hp.recurrent.n_inner;
        break;
    case RECURRENT_DELTA:     /* q k v, gate */
    case RECURRENT_SELECTIVE: /* x, gate */
        p.gate_at = p.n_channels;
        break;
    case RECURRENT_NONE:
        break;
    }
    return p;
}

void recurrent_multiply(const struct dense *d, const float *in, size_t ld, float *out, size_t n_rows,
                        struct workspace *ws)
{
    struct dense_call call = {.in = in, .ld_in = ld, .out = out, .ld_out = d->n_out, .n_rows = n_rows};
    if (d->n_out > 0)
        dense_forward(d, &call, ws);
}

/* Heads are taken one by one, as long as their work is; panels of channels, each a few hundred instructions a token, in shares. */
static size_t n_pieces(const struct net *m, size_t n_items)
{
    return is_selective(m) ? 0 : n_items;
}

void recurrent_forward(const struct net *m, const struct decoder_call *call, const struct layer *l,
                       const struct recurrent_room *room, const float *x, const float *residual, float *y,
                       struct workspace *ws)
{
    const struct recurrent_pass p = begin(m, call, l, room, ws);
    const size_t n = call->batch->n_tokens, n_embd = m->hp.n_embd;
    const size_t n_items = call->batch->n_seqs * (n_parts(m) + 1);
    const bool scans = n_parts(m) > 0; /* behind the convolution */
    const int n_threads = threads_for(ws->n_threads, n * p.in_width);
    ASSERT(recurrent_scratch(m) <= ws->scratch_size);
    recurrent_multiply(&l->recurrent.in, x, n_embd, room->in, n, ws);
    recurrent_multiply(&l->recurrent.gates, x, n_embd, room->gates, n, ws);
    recurrent_multiply(&l->recurrent.gates_mix, x, n_embd, room->gates, n, ws);
    if (!scans)
        thread_pool_run(n_threads, n, 0, multiply_tokens, &p);
    thread_pool_run(n_threads, n, 0, scans ? prepare_tokens : convolve_tokens, &p);
    if (is_selective(m))
        selective_prepare(&p, ws);
    thread_pool_run(threads_for(ws->n_threads, n * n_parts(m) * part_size(m)), n_items, n_pieces(m, n_items),
                    run_items, &p);
    if (scans)
        thread_pool_run(n_threads, n, 0, finish_tokens, &p);
    const float *out = scans ? room->inner : room->mixed;
    struct dense_call last = {.in = out,
                              .ld_in = l->recurrent.out.n_in,
                              .out = y,
                              .ld_out = n_embd,
                              .n_rows = n,
                              .residual = residual};
    dense_forward(&l->recurrent.out, &last, ws);
}
