#include "runtime/nn/layers/adaptation.h"

#include "runtime/base/thread_pool.h"
#include "runtime/nn/positions.h"

#include <string.h>

/* y += factor * x */
static void add_scaled(float *y, float factor, const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

struct adaptation_call {
    const struct encoder *e;
    const struct adaptation *a;
    const float *x, *base;
    float *out;
    size_t n_in, n_out;
};

static void adapt_rows(const void *arg, struct work_range rows)
{
    const struct adaptation_call *c = arg;
    const struct net *m = c->e->m;
    const struct batch *b = c->e->b;
    const size_t rank = m->hp.adaptation_rank;
    for (size_t t = rows.first; t < rows.end; t++) {
        const float *x = c->x + t * c->n_in;
        float *out = c->out + t * c->n_out;
        const uint32_t task = b->tasks[batch_sequence_of(b, t)];
        if (c->base)
            memcpy(out, c->base + t * c->n_out, c->n_out * sizeof *out);
        else
            memset(out, 0, c->n_out * sizeof *out);
        for (size_t r = (task - 1) * rank; task > 0 && r < task * rank; r++)
            add_scaled(out, m->hp.adaptation_scale * m->kernels->dot(c->a->down + r * c->n_in, x, c->n_in),
                       c->a->up + r * c->n_out, c->n_out);
    }
}

const float *adaptation_beside(const struct encoder *e, const struct adaptation *a, const float *x,
                               size_t n_in, const float *base, size_t n_out, float *out)
{
    const struct adaptation_call call = {e, a, x, base, out, n_in, n_out};
    const size_t n = e->b->n_tokens;
    if (!e->b->tasks || !a->up)
        return base;
    thread_pool_run(threads_for(e->ws->n_threads, n * (n_in + n_out) * e->m->hp.adaptation_rank), n, 0,
                    adapt_rows, &call);
    return out;
}

void adaptation_add_row(const struct net *m, const struct adaptation *a, uint32_t task, size_t row,
                        size_t n_rows, float *x, size_t n)
{
    const size_t rank = m->hp.adaptation_rank;
    if (task == 0 || !a->up)
        return;
    const float *factors = a->down + ((task - 1) * n_rows + row) * rank;
    for (size_t r = 0; r < rank; r++)
        add_scaled(x, m->hp.adaptation_scale * factors[r], a->up + ((task - 1) * rank + r) * n, n);
}
