#include "runtime/nn/experts/experts.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/encoder.h"
#include "runtime/nn/experts/router.h"

#include <math.h>
#include <string.h>

static size_t widest(const struct net *m)
{
    const struct hparams *hp = &m->hp;
    return hp->n_ff_expert > hp->n_ff_shared ? hp->n_ff_expert : hp->n_ff_shared;
}

void experts_list(const struct net *m, struct workspace_list *list, struct experts_room *room)
{
    const struct hparams *hp = &m->hp;
    if (hp->n_experts == 0)
        return;
    workspace_add(list, &room->scores, hp->n_experts);
    workspace_add(list, &room->ranks, experts_choice_room(m));
    workspace_add(list, &room->chosen, hp->n_experts_used);
    workspace_add(list, &room->weights, hp->n_experts_used);
    workspace_add(list, &room->order, hp->n_experts_used);
    workspace_add(list, &room->starts, hp->n_experts + 1);
    workspace_add(list, &room->rows, hp->n_embd);
    workspace_add(list, &room->inner, 2 * widest(m));
    workspace_add(list, &room->out, hp->n_embd);
}

struct expert_rows {
    const struct net *m;
    const struct experts_room *room;
    const struct layer *l;
    const float *x;
    float *out;
    size_t expert, first; /* its rows begin at that place of `order` */
};

/* ---- routing ---- */

static void route(const void *arg, struct work_range tokens)
{
    const struct expert_rows *c = arg;
    const struct hparams *hp = &c->m->hp;
    for (size_t t = tokens.first; t < tokens.end; t++)
        experts_choose(c->m, c->l, c->room->scores + t * hp->n_experts,
                       c->room->ranks + t * experts_choice_room(c->m),
                       c->room->chosen + t * hp->n_experts_used, c->room->weights + t * hp->n_experts_used);
}

/* Counts each expert's rows, and notes their places, token after token. */
static void sort_rows(const struct net *m, const struct experts_room *room, size_t n_tokens)
{
    const size_t n = n_tokens * m->hp.n_experts_used, n_experts = m->hp.n_experts;
    uint32_t *starts = (uint32_t *)room->starts, *order = (uint32_t *)room->order;
    memset(starts, 0, (n_experts + 1) * sizeof *starts);
    for (size_t i = 0; i < n; i++)
        starts[(size_t)room->chosen[i] + 1]++;
    for (size_t e = 0; e < n_experts; e++)
        starts[e + 1] += starts[e];
    for (size_t i = 0; i < n; i++)
        order[starts[(size_t)room->chosen[i]]++] = (uint32_t)i;
    memmove(starts + 1, starts, n_experts * sizeof *starts);
    starts[0] = 0;
}

/* ---- one expert ---- */

static void gather(const void *arg, struct work_range rows)
{
    const struct expert_rows *c = arg;
    const size_t n_embd = c->m->hp.n_embd, n_used = c->m->hp.n_experts_used;
    const uint32_t *order = (const uint32_t *)c->room->order + c->first;
    for (size_t i = rows.first; i < rows.end; i++) {
        memcpy(c->room->rows + i * n_embd, c->x + order[i] / n_used * n_embd, n_embd * sizeof(float));
        if (c->m->arch->weighs_inputs)
            c->m->kernels->scale(c->room->rows + i * n_embd, c->room->weights[order[i]], n_embd);
    }
}

/* A token is in an expert's rows once, so threads write to rows of their own. */
static void scatter(const void *arg, struct work_range rows)
{
    const struct expert_rows *c = arg;
    const size_t n_embd = c->m->hp.n_embd, n_used = c->m->hp.n_experts_used;
    const uint32_t *order = (const uint32_t *)c->room->order + c->first;
    for (size_t i = rows.first; i < rows.end; i++) {
        float *row = c->room->out + i * n_embd;
        if (!c->m->arch->weighs_inputs)
            c->m->kernels->scale(row, c->room->weights[order[i]], n_embd);
        c->m->kernels->add(c->out + order[i] / n_used * n_embd, row, n_embd);
    }
}

/* out = down(activation(gate x) * up x), or down(activation(up x)) */
static void feed_forward(const struct net *m, const struct dense *up, const struct dense *down,
                         const float *x, size_t n_rows, float *inner, float *out, struct workspace *ws)
{
    struct dense_input left = {0};
    struct dense_call first = {.in = x,
                               .ld_in = m->hp.n_embd,
                               .out = inner,
                               .ld_out = up->n_out,
                               .n_rows = n_rows,
                               .act = m->hp.activation,
                               .clamp = m->hp.clamp,
                               .gate = m->hp.gated ? GATE_FIRST : GATE_NONE,
                               .next = down,
                               .left = &left};
    dense_forward(up, &first, ws);
    struct dense_call second = {.in = inner,
                                .ld_in = up->n_out,
                                .out = out,
                                .ld_out = m->hp.n_embd,
                                .n_rows = n_rows,
                                .given = &left};
    dense_forward(down, &second, ws);
}

static void run_expert(struct expert_rows *c, size_t e, struct workspace *ws)
{
    const uint32_t *starts = (const uint32_t *)c->room->starts;
    const size_t n = starts[e + 1] - starts[e], n_embd = c->m->hp.n_embd;
    const int n_threads = threads_for(ws->n_threads, n * n_embd);
    if (n == 0)
        return;
    c->expert = e;
    c->first = starts[e];
    thread_pool_run(n_threads, n, 0, gather, c);
    feed_forward(c->m, &c->l->experts_up[e], &c->l->experts_down[e], c->room->rows, n, c->room->inner,
                 c->room->out, ws);
    thread_pool_run(n_threads, n, 0, scatter, c);
}

/* ---- the expert that all tokens go through ---- */

static void weigh_shared(const void *arg, struct work_range tokens)
{
    const struct expert_rows *c = arg;
    const size_t n_embd = c->m->hp.n_embd;
    for (size_t t = tokens.first; t < tokens.end; t++) {
        float *row = c->room->out + t * n_embd, weight = c->room->scores[t];
        if (c->l->shared_gate.n_out > 0)
            c->m->kernels->scale(row, 1 / (1 + expf(-weight)), n_embd);
        if (c->m->hp.shared_scale != 1)
            c->m->kernels->scale(row, c->m->hp.shared_scale, n_embd);
        c->m->kernels->add(c->out + t * n_embd, row, n_embd);
    }
}

static void run_shared(struct expert_rows *c, size_t n_tokens, struct workspace *ws)
{
    const struct layer *l = c->l;
    if (l->shared_up.n_out == 0)
        return;
    feed_forward(c->m, &l->shared_up, &l->shared_down, c->x, n_tokens, c->room->inner, c->room->out, ws);
    struct dense_call gate = {
        .in = c->x, .ld_in = c->m->hp.n_embd, .out = c->room->scores, .ld_out = 1, .n_rows = n_tokens};
    if (l->shared_gate.n_out > 0)
        dense_forward(&l->shared_gate, &gate, ws);
    thread_pool_run(threads_for(ws->n_threads, n_tokens * c->m->hp.n_embd), n_tokens, 0, weigh_shared, c);
}

/* The router's scores, of what it reads or of that normed. */
static void score(struct expert_rows *c, const float *x, size_t n_tokens, struct workspace *ws)
{
    const size_t n_embd = c->m->hp.n_embd, n_experts = c->m->hp.n_experts;
    if (c->l->router_norm.gamma) {
        encoder_norm(c->m, &c->l->router_norm, x, c->room->rows, n_tokens, ws->n_threads);
        c->m->kernels->scale(c->room->rows, 1 / sqrtf((float)n_embd), n_tokens * n_embd);
        x = c->room->rows;
    }
    struct dense_call router = {
        .in = x, .ld_in = n_embd, .out = c->room->scores, .ld_out = n_experts, .n_rows = n_tokens};
    dense_forward(&c->l->router, &router, ws);
    thread_pool_run(threads_for(ws->n_threads, n_tokens * n_experts * c->m->hp.n_experts_used), n_tokens, 0,
                    route, c);
}

void experts_forward(const struct net *m, const struct layer *l, const struct experts_room *room,
                     const struct experts_call *call, struct workspace *ws)
{
    const size_t n = call->n_tokens * m->hp.n_embd;
    struct expert_rows rows = {.m = m, .room = room, .l = l, .x = call->x, .out = call->out};
    score(&rows, call->routed, call->n_tokens, ws);
    sort_rows(m, room, call->n_tokens);
    if (call->residual)
        memcpy(call->out, call->residual, n * sizeof *call->out);
    else
        memset(call->out, 0, n * sizeof *call->out);
    for (size_t t = 0; t < call->n_tokens && l->experts_bias; t++)
        m->kernels->add(call->out + t * m->hp.n_embd, l->experts_bias, m->hp.n_embd);
    for (size_t e = 0; e < m->hp.n_experts; e++)
        run_expert(&rows, e, ws);
    run_shared(&rows, call->n_tokens, ws);
}
