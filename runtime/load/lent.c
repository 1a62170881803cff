/* Matrices that several routes of a router have alike: query and document encoders are often one checkpoint, or differ in what
 * follows it. They are packed once, by the route that is opened first. */
#include "runtime/load/load.h"
#include "runtime/nn/net.h"

#include <string.h>

/* What all routes have alike lies in the file once; what some of several have, once for each of them. */
static bool same_weight(const struct gguf_tensor *a, const struct gguf_tensor *b)
{
    return a->type == b->type && a->size == b->size && memcmp(a->dims, b->dims, sizeof a->dims) == 0 &&
           (a->data == b->data || memcmp(a->data, b->data, a->size) == 0);
}

/* Biases are no part of what is packed. */
static bool packs_alike(const struct dense *a, const struct dense *b)
{
    bool alike = a->kernels == b->kernels && a->kind == b->kind && a->n_in == b->n_in &&
                 a->n_out == b->n_out && a->n_parts == b->n_parts;
    for (unsigned i = 0; i < a->n_parts && alike; i++)
        alike = a->parts[i].n_out == b->parts[i].n_out && same_weight(a->parts[i].weight, b->parts[i].weight);
    return alike;
}

/* at: where it is looked for first, since most such nets have the same matrices in the same order. */
static const struct dense *find_alike(const struct net *elder, const struct dense *d, size_t at)
{
    const struct weights *w = &elder->weights;
    if (at < w->n_dense && packs_alike(w->dense[at], d))
        return w->dense[at];
    for (size_t i = 0; i < w->n_dense; i++)
        if (packs_alike(w->dense[i], d))
            return w->dense[i];
    return NULL;
}

void weights_borrow(struct net *m)
{
    struct weights *w = &m->weights;
    for (size_t i = w->n_dense; i-- > 0;) {
        struct dense *d = w->dense[i];
        const struct dense *found = NULL;
        for (const struct net *elder = m->elder; elder && !found; elder = elder->elder)
            found = find_alike(elder, d, i);
        if (!found)
            continue;
        d->packed = found->packed;
        d->unchecked = found->unchecked;
        w->dense[i] = w->dense[--w->n_dense]; /* behind those that are this net's own */
        w->dense[w->n_dense] = d;
        w->n_lent++;
    }
}
