/* Mamba's scan of channels: what it reads is made of what its convolution gives, so two small products come between them. */
#include "runtime/nn/recurrent/pass.h"

#include "runtime/base/sizes.h"

#include <math.h>

size_t selective_panels(const struct net *m)
{
    return round_up(m->hp.recurrent.n_inner, STATE_PANEL) / STATE_PANEL;
}

size_t selective_panel_size(const struct net *m)
{
    return m->hp.recurrent.n_state * STATE_PANEL;
}

size_t selective_width(const struct net *m)
{
    return m->hp.recurrent.time_rank + 2 * m->hp.recurrent.n_state;
}

/* gamma NULL: a norm without weights. */
static void norm(const struct kernels *k, float *x, const float *gamma, size_t n, float eps)
{
    if (gamma)
        k->rms_norm(x, x, gamma, n, eps);
    else
        k->scale(x, 1 / sqrtf(k->dot(x, x, n) / (float)n + eps), n);
}

static void norm_tokens(const void *arg, struct work_range tokens)
{
    const struct recurrent_pass *p = arg;
    const struct recurrent_shape *r = &p->m->hp.recurrent;
    const struct recurrent_weights *w = &p->l->recurrent;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = p->room->gates + t * selective_width(p->m);
        norm(p->m->kernels, row, w->times_norm, r->time_rank, r->inputs_eps);
        norm(p->m->kernels, row + r->time_rank, w->k_norm, r->n_state, r->inputs_eps);
        norm(p->m->kernels, row + r->time_rank + r->n_state, w->q_norm, r->n_state, r->inputs_eps);
    }
}

void selective_prepare(const struct recurrent_pass *p, struct workspace *ws)
{
    const size_t n = p->call->batch->n_tokens, width = selective_width(p->m);
    recurrent_multiply(&p->l->recurrent.select, p->room->mixed, p->n_channels, p->room->gates, n, ws);
    if (p->m->hp.recurrent.norms_inputs || p->l->recurrent.times_norm)
        thread_pool_run(threads_for(ws->n_threads, n * width), n, 0, norm_tokens, p);
    recurrent_multiply(&p->l->recurrent.times, p->room->gates, width, p->room->inner, n, ws);
}

void selective_run(const struct recurrent_pass *p, size_t first, size_t n_tokens, size_t panel, float *state)
{
    const struct recurrent_shape *r = &p->m->hp.recurrent;
    const size_t value = panel * STATE_PANEL, left = r->n_inner - value, width = selective_width(p->m);
    const float *k = p->room->gates + first * width + r->time_rank;
    const struct selective_scan_args args = {
        .state = state,
        .decay = p->l->recurrent.decay + value * r->n_state,
        .q = k + r->n_state,
        .k = k,
        .x = p->room->mixed + first * r->n_inner + value,
        .times = p->room->inner + first * r->n_inner + value,
        .skip = p->l->recurrent.skip + value,
        .out = p->room->inner + first * r->n_inner + value,
        .ld_keys = width,
        .ld_values = r->n_inner,
        .n_tokens = n_tokens,
        .n_keys = r->n_state,
        .n_values = left < STATE_PANEL ? left : STATE_PANEL,
    };
    p->m->kernels->selective_scan(&args);
}
