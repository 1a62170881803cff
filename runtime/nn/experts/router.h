/* Which experts a token goes through, and how much each counts: by softmax over all (Shazeer et al., 2017, arXiv:1701.06538),
 * by a sigmoid each, the best of which are looked for with a bias on top that training balances loads by (DeepSeek-AI, 2024,
 * arXiv:2412.19437), among the best groups of experts alone, or two, each weighed among those near it (Phi-3.5-MoE). */
#ifndef RUNTIME_NN_EXPERTS_ROUTER_H
#define RUNTIME_NN_EXPERTS_ROUTER_H

#include "runtime/nn/net.h"

/* Floats of room beside a token's scores. */
size_t experts_choice_room(const struct net *m);

/* scores: [n_experts] what the router's product gave; overwritten. room: [experts_choice_room]. chosen, weights: [n_experts_used], the
 * best first, of two that are alike the one with the lower number. */
void experts_choose(const struct net *m, const struct layer *l, float *scores, float *room, float *chosen,
                    float *weights);

#endif
