/* Gemma 3n's layers (Google, 2025). A token has several rows instead of one (alternating updates; Baykal et al., 2023,
 * arXiv:2301.13310): each layer first predicts all of them by a mix of what they were, computes one, and corrects all by what that
 * was less its prediction. Beside attention a product of low rank adds to the layer's input (learned augmented residual), and of
 * the gates of some feed-forward layers only those count that are far above the others. */
#ifndef RUNTIME_NN_LAYERS_ALTUP_H
#define RUNTIME_NN_LAYERS_ALTUP_H

#include "runtime/nn/net.h"

/* In the workspace. */
struct altup_room {
    float *streams, *predicted; /* [n_tokens, n_streams, n_embd] */
    float *modes;               /* [n_tokens, n_streams] */
    float *mix;                 /* [n_tokens, n_streams * n_streams] */
    float *narrow;              /* [n_tokens, n_laurel] */
    float *laurel;              /* [n_tokens, n_embd] */
};

/* Adds what is needed to the list; nothing where tokens have one row. */
void altup_list(const struct net *m, struct workspace_list *list, struct altup_room *room);
/* Fills the streams. x: [n_tokens, n_embd] the scaled embeddings. */
void altup_start(const struct net *m, const struct altup_room *room, size_t n_tokens, const float *x,
                 struct workspace *ws);
/* Predicts all streams; x becomes the one that the layer computes. y: room; both [n_tokens, n_embd]. */
void altup_predict(const struct net *m, const struct layer *l, const struct altup_room *room, size_t n_tokens,
                   float *x, float *y, struct workspace *ws);
/* room->laurel = in and what the product of low rank makes of it. */
void altup_residual(const struct net *m, const struct layer *l, const struct altup_room *room,
                    size_t n_tokens, const float *in, struct workspace *ws);
/* out = the feed-forward layer of x, of which most gates are shut; inner: [n_tokens, 2 * l->n_ff]. */
void altup_feed_forward(const struct net *m, const struct layer *l, size_t n_tokens, const float *x,
                        float *inner, float *out, struct workspace *ws);
/* Corrects all streams by x, what the layer gave; x becomes the corrected one that it computes, scaled. y: room. */
void altup_correct(const struct net *m, const struct layer *l, const struct altup_room *room, size_t n_tokens,
                   float *x, float *y, struct workspace *ws);
/* Adds x to all streams but the first. */
void altup_add(const struct net *m, const struct altup_room *room, size_t n_tokens, const float *x);
/* x = the mean of all streams, each but the first behind a product of its own. */
void altup_end(const struct net *m, const struct altup_room *room, size_t n_tokens, float *x,
               struct workspace *ws);

#endif
