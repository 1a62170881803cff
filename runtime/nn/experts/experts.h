/* A feed-forward layer of several, the experts, of which each token goes through a few (Shazeer et al., 2017,
 * arXiv:1701.06538): a router gives each expert a weight, and the results of the best are added by theirs.
 *
 * The rows of a batch are gathered by expert, so that a prompt reads each expert's weights once, whatever tokens go there.
 * Results are added in the order of the experts' numbers, so that a token's do not depend on the batch. */
#ifndef RUNTIME_NN_EXPERTS_EXPERTS_H
#define RUNTIME_NN_EXPERTS_EXPERTS_H

#include "runtime/nn/net.h"

/* In the workspace, for the rows of a batch. */
struct experts_room {
    float *scores;           /* [n_tokens, n_experts] */
    float *ranks;            /* [n_tokens, ...] the router's */
    float *chosen, *weights; /* [n_tokens, n_experts_used] numbers of experts, which a float holds exactly */
    float *order, *starts;   /* places in `chosen` by expert: [n_tokens * n_experts_used], [n_experts + 1] */
    float *rows, *inner, *out; /* [n_tokens, ...] of one expert */
};

/* Adds what experts_forward needs to the list; nothing where the net has no experts. */
void experts_list(const struct net *m, struct workspace_list *list, struct experts_room *room);

/* out = experts of x + residual. x, residual (NULL: none), out: [n_tokens, n_embd]; out is neither of them. routed: what the
 * router reads, which may be x. */
struct experts_call {
    size_t n_tokens;
    const float *x, *routed, *residual;
    float *out;
};
void experts_forward(const struct net *m, const struct layer *l, const struct experts_room *room,
                     const struct experts_call *call, struct workspace *ws);

#endif
