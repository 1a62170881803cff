#include "runtime/nn/layers/altup.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/encoder.h"

#include <math.h>
#include <string.h>

void altup_list(const struct net *m, struct workspace_list *list, struct altup_room *room)
{
    const struct hparams *hp = &m->hp;
    if (!m->arch->altup)
        return;
    workspace_add(list, &room->streams, hp->n_streams * hp->n_embd);
    workspace_add(list, &room->predicted, hp->n_streams * hp->n_embd);
    workspace_add(list, &room->modes, hp->n_streams);
    workspace_add(list, &room->mix, hp->n_streams * hp->n_streams);
    workspace_add(list, &room->narrow, hp->n_laurel);
    workspace_add(list, &room->laurel, hp->n_embd);
}

struct altup_call {
    const struct net *m;
    const struct layer *l;
    const struct altup_room *room;
    float *x; /* [n_tokens, n_embd] */
    float *inner;
};

static void run(const struct altup_call *c, size_t n_tokens, thread_pool_work work, struct workspace *ws)
{
    const size_t n = n_tokens * c->m->hp.n_streams * c->m->hp.n_embd;
    thread_pool_run(threads_for(ws->n_threads, n), n_tokens, 0, work, c);
}

/* ---- from one row to several, and back ---- */

/* In four sums, which do not wait for each other; in an order that n alone fixes. */
static float mean_square(const float *x, size_t n)
{
    double sums[4] = {0};
    for (size_t i = 0; i < n; i++)
        sums[i % 4] += (double)x[i] * (double)x[i];
    return (float)((sums[0] + sums[1] + sums[2] + sums[3]) / (double)n);
}

/* All streams but the first become as large as that is. */
static void even_tokens(const void *arg, struct work_range tokens)
{
    const struct altup_call *c = arg;
    const size_t n = c->m->hp.n_embd, n_streams = c->m->hp.n_streams;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *first = c->room->streams + t * n_streams * n;
        const float size = sqrtf(mean_square(first, n));
        for (size_t i = 1; i < n_streams; i++) {
            const float own = mean_square(first + i * n, n);
            c->m->kernels->scale(first + i * n, size / sqrtf(own > 1e-5F ? own : 1e-5F), n);
        }
    }
}

static void copy_first(const void *arg, struct work_range tokens)
{
    const struct altup_call *c = arg;
    const size_t n = c->m->hp.n_embd, width = c->m->hp.n_streams * n;
    for (size_t t = tokens.first; t < tokens.end; t++)
        memcpy(c->room->streams + t * width, c->x + t * n, n * sizeof *c->x);
}

void altup_start(const struct net *m, const struct altup_room *room, size_t n_tokens, const float *x,
                 struct workspace *ws)
{
    const size_t n = m->hp.n_embd, width = m->hp.n_streams * n;
    const struct altup_call call = {m, NULL, room, (float *)x, NULL};
    run(&call, n_tokens, copy_first, ws);
    for (size_t i = 1; i < m->hp.n_streams; i++) {
        struct dense_call product = {
            .in = x, .ld_in = n, .out = room->streams + i * n, .ld_out = width, .n_rows = n_tokens};
        dense_forward(&m->weights.stream_proj[i - 1], &product, ws);
    }
    run(&call, n_tokens, even_tokens, ws);
}

static void mean_tokens(const void *arg, struct work_range tokens)
{
    const struct altup_call *c = arg;
    const size_t n = c->m->hp.n_embd, n_streams = c->m->hp.n_streams;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *x = c->x + t * n;
        memcpy(x, c->room->streams + t * n_streams * n, n * sizeof *x);
        for (size_t i = 1; i < n_streams; i++)
            c->m->kernels->add(x, c->room->streams + (t * n_streams + i) * n, n);
        c->m->kernels->scale(x, 1 / (float)n_streams, n);
    }
}

void altup_end(const struct net *m, const struct altup_room *room, size_t n_tokens, float *x,
               struct workspace *ws)
{
    const size_t n = m->hp.n_embd, width = m->hp.n_streams * n;
    struct altup_room made = *room;
    made.streams = room->predicted;
    const struct altup_call call = {m, NULL, &made, x, NULL};
    for (size_t t = 0; t < n_tokens; t++)
        memcpy(room->predicted + t * width, room->streams + t * width, n * sizeof *x);
    for (size_t i = 1; i < m->hp.n_streams; i++) {
        struct dense_call product = {.in = room->streams + i * n,
                                     .ld_in = width,
                                     .out = room->predicted + i * n,
                                     .ld_out = width,
                                     .n_rows = n_tokens};
        dense_forward(&m->weights.stream_unproj[i - 1], &product, ws);
    }
    run(&call, n_tokens, even_tokens, ws);
    run(&call, n_tokens, mean_tokens, ws);
}

/* ---- a layer's ---- */

/* room->modes = tanh(router(norm(x) / n_embd)); y: room. */
static void find_modes(const struct altup_call *c, size_t n_tokens, const float *x, float *y,
                       struct workspace *ws)
{
    const struct net *m = c->m;
    const size_t n = m->hp.n_embd, n_streams = m->hp.n_streams;
    encoder_norm(m, &c->l->stream_norm, x, y, n_tokens, ws->n_threads);
    m->kernels->scale(y, 1 / (float)n, n_tokens * n);
    struct dense_call router = {
        .in = y, .ld_in = n, .out = c->room->modes, .ld_out = n_streams, .n_rows = n_tokens, .act = ACT_TANH};
    dense_forward(&c->l->stream_router, &router, ws);
}

/* out[n_rows] = matrix [n_rows, n] times x */
static void multiply(float *out, const float *matrix, const float *x, size_t n_rows, size_t n)
{
    for (size_t i = 0; i < n_rows; i++) {
        out[i] = 0;
        for (size_t k = 0; k < n; k++)
            out[i] += matrix[i * n + k] * x[k];
    }
}

/* predicted[j] = streams[j] + sum of mix[j][i] streams[i] */
static void predict_tokens(const void *arg, struct work_range tokens)
{
    const struct altup_call *c = arg;
    const size_t n = c->m->hp.n_embd, n_streams = c->m->hp.n_streams, width = n_streams * n;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *mix = c->room->mix + t * n_streams * n_streams, *to = c->room->predicted + t * width;
        const float *from = c->room->streams + t * width;
        multiply(mix, c->l->stream_predict, c->room->modes + t * n_streams, n_streams * n_streams, n_streams);
        for (size_t j = 0; j < n_streams; j++)
            for (size_t k = 0; k < n; k++) {
                float sum = from[j * n + k];
                for (size_t i = 0; i < n_streams; i++)
                    sum += mix[j * n_streams + i] * from[i * n + k];
                to[j * n + k] = sum;
            }
        memcpy(c->x + t * n, to + c->m->hp.active_stream * n, n * sizeof *to);
    }
}

static void copy_active(const struct altup_call *c, size_t n_tokens)
{
    const size_t n = c->m->hp.n_embd, width = c->m->hp.n_streams * n;
    for (size_t t = 0; t < n_tokens; t++)
        memcpy(c->x + t * n, c->room->streams + t * width + c->m->hp.active_stream * n, n * sizeof *c->x);
}

void altup_predict(const struct net *m, const struct layer *l, const struct altup_room *room, size_t n_tokens,
                   float *x, float *y, struct workspace *ws)
{
    const struct altup_call call = {m, l, room, x, NULL};
    copy_active(&call, n_tokens);
    find_modes(&call, n_tokens, x, y, ws);
    run(&call, n_tokens, predict_tokens, ws);
}

void altup_residual(const struct net *m, const struct layer *l, const struct altup_room *room,
                    size_t n_tokens, const float *in, struct workspace *ws)
{
    const size_t n = m->hp.n_embd;
    struct dense_call left = {
        .in = in, .ld_in = n, .out = room->narrow, .ld_out = m->hp.n_laurel, .n_rows = n_tokens};
    struct dense_call right = {
        .in = room->narrow, .ld_in = m->hp.n_laurel, .out = room->laurel, .ld_out = n, .n_rows = n_tokens};
    dense_forward(&l->laurel_left, &left, ws);
    dense_forward(&l->laurel_right, &right, ws);
    encoder_norm(m, &l->laurel_norm, room->laurel, room->laurel, n_tokens, ws->n_threads);
    m->kernels->add(room->laurel, in, n_tokens * n);
}

/* Gates become what they are above a limit, that many standard deviations over their mean; those below it 0. */
static void shut_gates(float *gates, size_t n, float deviations)
{
    double sums[4] = {0}, squares[4] = {0};
    for (size_t i = 0; i < n; i++)
        sums[i % 4] += (double)gates[i];
    const double mean = (sums[0] + sums[1] + sums[2] + sums[3]) / (double)n;
    for (size_t i = 0; i < n; i++)
        squares[i % 4] += ((double)gates[i] - mean) * ((double)gates[i] - mean);
    const double deviation = sqrt((squares[0] + squares[1] + squares[2] + squares[3]) / (double)n);
    const float limit = (float)(mean + deviation * (double)deviations);
    for (size_t i = 0; i < n; i++) {
        const float above = gates[i] - limit;
        gates[i] = above < 0 ? 0 : above; /* lets NaN through */
    }
}

static void gate_tokens(const void *arg, struct work_range tokens)
{
    const struct altup_call *c = arg;
    const size_t n = c->l->n_ff;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *gates = c->inner + t * 2 * n;
        shut_gates(gates, n, c->l->deviations);
        activation_apply(c->m->kernels, c->m->hp.activation, gates, n);
        c->m->kernels->mul(gates, gates + n, n);
    }
}

void altup_feed_forward(const struct net *m, const struct layer *l, size_t n_tokens, const float *x,
                        float *inner, float *out, struct workspace *ws)
{
    const struct altup_call call = {m, l, NULL, NULL, inner};
    struct dense_call up = {
        .in = x, .ld_in = m->hp.n_embd, .out = inner, .ld_out = 2 * l->n_ff, .n_rows = n_tokens};
    struct dense_call down = {
        .in = inner, .ld_in = 2 * l->n_ff, .out = out, .ld_out = m->hp.n_embd, .n_rows = n_tokens};
    dense_forward(&l->ffn_up, &up, ws);
    thread_pool_run(threads_for(ws->n_threads, n_tokens * l->n_ff), n_tokens, 0, gate_tokens, &call);
    dense_forward(&l->ffn_down, &down, ws);
}

/* streams[i] = predicted[i] + (1 + correct[i] modes) (x - predicted[active]) */
static void correct_tokens(const void *arg, struct work_range tokens)
{
    const struct altup_call *c = arg;
    const size_t n = c->m->hp.n_embd, n_streams = c->m->hp.n_streams, width = n_streams * n;
    const size_t active = c->m->hp.active_stream * n;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *x = c->x + t * n, *mix = c->room->mix + t * n_streams * n_streams;
        float *streams = c->room->streams + t * width;
        const float *predicted = c->room->predicted + t * width;
        multiply(mix, c->l->stream_correct, c->room->modes + t * n_streams, n_streams, n_streams);
        for (size_t k = 0; k < n; k++) {
            const float innovation = x[k] - predicted[active + k];
            for (size_t i = 0; i < n_streams; i++)
                streams[i * n + k] = predicted[i * n + k] + innovation * (mix[i] + 1);
        }
        for (size_t k = 0; k < n; k++)
            x[k] = streams[active + k] * c->l->stream_scale[k];
    }
}

void altup_correct(const struct net *m, const struct layer *l, const struct altup_room *room, size_t n_tokens,
                   float *x, float *y, struct workspace *ws)
{
    const struct altup_call call = {m, l, room, x, NULL};
    find_modes(&call, n_tokens, x, y, ws);
    run(&call, n_tokens, correct_tokens, ws);
}

void altup_add(const struct net *m, const struct altup_room *room, size_t n_tokens, const float *x)
{
    const size_t n = m->hp.n_embd, n_streams = m->hp.n_streams;
    for (size_t t = 0; t < n_tokens; t++)
        for (size_t i = 1; i < n_streams; i++)
            m->kernels->add(room->streams + (t * n_streams + i) * n, x + t * n, n);
}
