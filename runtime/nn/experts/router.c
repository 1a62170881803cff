#include "runtime/nn/experts/router.h"

#include <float.h>
#include <math.h>
#include <string.h>

size_t experts_choice_room(const struct net *m)
{
    return m->hp.n_experts + m->hp.n_expert_groups;
}

static size_t best_of(const float *x, size_t n)
{
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        best = x[i] > x[best] ? i : best;
    return best;
}

/* What is no number, and whoever is left out, comes last but can be chosen: only the one that was chosen becomes -infinity, so that
 * none is chosen twice. An expert's rows have room for each token once. */
static void make_comparable(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = x[i] > -FLT_MAX ? x[i] : -FLT_MAX;
}

/* ---- groups ---- */

/* What a group is worth: its best expert, or where a bias moves them its two best together, as those who trained with either
 * have it. */
static float worth_of(const float *ranks, size_t n, bool biased)
{
    size_t best = best_of(ranks, n);
    float second = -INFINITY;
    for (size_t i = 0; i < n && biased; i++)
        second = i != best && ranks[i] > second ? ranks[i] : second;
    return biased && n > 1 ? ranks[best] + second : ranks[best];
}

/* Experts of other groups than the best are never chosen. */
static void leave_groups(const struct hparams *hp, float *ranks, float *worth, bool biased)
{
    const size_t n = hp->n_experts / hp->n_expert_groups;
    for (size_t g = 0; g < hp->n_expert_groups; g++)
        worth[g] = worth_of(ranks + g * n, n, biased);
    for (size_t k = 0; k < hp->n_groups_used; k++)
        worth[best_of(worth, hp->n_expert_groups)] = -INFINITY; /* kept, and not looked at again */
    for (size_t g = 0; g < hp->n_expert_groups; g++)
        for (size_t i = 0; i < n && worth[g] > -INFINITY; i++)
            ranks[g * n + i] = -INFINITY;
}

/* ---- Phi-3.5-MoE ---- */

/* The weight of the best among those that are no more than 2 jitter of its size below it; then it is left out. */
static void sparse_mix(float *scores, size_t n, float *chosen, float *weight)
{
    static const float limit = 2 * 0.01F; /* of training; no model of the kind has another */
    const size_t best = best_of(scores, n);
    const float most = scores[best];
    float sum = 0;
    for (size_t i = 0; i < n; i++) {
        float far = (most - scores[i]) / fmaxf(fabsf(scores[i]), most);
        sum += scores[i] == -INFINITY || far > limit ? 0 : expf(scores[i] - most);
    }
    *chosen = (float)best;
    *weight = 1 / sum;
    scores[best] = -INFINITY;
}

/* ---- all of them ---- */

void experts_choose(const struct net *m, const struct layer *l, float *scores, float *room, float *chosen,
                    float *weights)
{
    const struct hparams *hp = &m->hp;
    const size_t n = hp->n_experts, n_used = hp->n_experts_used;
    float *ranks = room, sum = 0;
    if (hp->routing == ROUTE_SPARSE) {
        make_comparable(scores, n);
        for (size_t k = 0; k < n_used; k++)
            sparse_mix(scores, n, &chosen[k], &weights[k]);
        return;
    }
    if (hp->routing == ROUTE_SIGMOID)
        m->kernels->sigmoid(scores, n);
    else
        m->kernels->softmax(scores, n);
    memcpy(ranks, scores, n * sizeof *ranks);
    if (l->router_bias)
        m->kernels->add(ranks, l->router_bias, n);
    if (hp->n_expert_groups > 1)
        leave_groups(hp, ranks, room + n, l->router_bias);
    make_comparable(ranks, n);
    for (size_t k = 0; k < n_used; k++) {
        const size_t best = best_of(ranks, n);
        chosen[k] = (float)best;
        weights[k] = scores[best];
        sum += scores[best];
        ranks[best] = -INFINITY;
    }
    for (size_t k = 0; k < n_used; k++) {
        weights[k] = (hp->experts_sum_to_one ? weights[k] / sum : weights[k]) * hp->experts_scale;
        if (l->expert_scales)
            weights[k] *= l->expert_scales[(size_t)chosen[k]];
    }
}
