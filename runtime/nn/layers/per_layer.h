/* What each layer knows of a token by a table of its own (Gemma 3n and 4): a row of the table and a product of the token's
 * embedding together, which a gate made of the layer's result lets through and adds to it. */
#ifndef RUNTIME_NN_LAYERS_PER_LAYER_H
#define RUNTIME_NN_LAYERS_PER_LAYER_H

#include "runtime/nn/net.h"

/* In the workspace. */
struct per_layer_room {
    float *inputs; /* [n_tokens, n_layers * n_per_layer] */
    float *gate;   /* [n_tokens, n_per_layer] */
};

/* Adds what is needed to the list; nothing where the net has no such table. */
void per_layer_list(const struct net *m, struct workspace_list *list, struct per_layer_room *room);
/* Fills room->inputs. x: [n_tokens, n_embd] the scaled embeddings of the batch's tokens. */
void per_layer_start(const struct net *m, const struct batch *b, const struct per_layer_room *room,
                     const float *x, struct workspace *ws);
/* out = what layer i_layer adds to x, its result; both [n_tokens, n_embd]. out may be x. */
void per_layer_forward(const struct net *m, const struct layer *l, size_t i_layer,
                       const struct per_layer_room *room, size_t n_tokens, const float *x, float *out,
                       struct workspace *ws);

#endif
