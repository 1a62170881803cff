/* Multi-head latent attention (DeepSeek-AI, 2024, arXiv:2405.04434): keys and values of all heads are made of one short row a
 * token, its latent, beside which there is one rotated key that all heads share.
 *
 * What lies in the cache is that row alone, not what is made of it: a query takes the matrix that makes its head's keys upon
 * itself, and the one that makes the values comes after the weighted sum. So attention is that of many heads over one head of
 * keys and values, [rotated key | latent] and [zeros | latent], with the same kernels as any other. For DeepSeek-V2-Lite that
 * is 1,152 numbers a token and layer in the place of 5,120. */
#ifndef RUNTIME_NN_LAYERS_LATENT_H
#define RUNTIME_NN_LAYERS_LATENT_H

#include "runtime/nn/net.h"

/* In the workspace. */
struct latent_room {
    float *in;      /* [n_tokens, ...] the queries or their latent, then the latent and the rotated key */
    float *queries; /* [n_tokens, n_heads * (n_key + n_rot)] where they have a latent */
    float *values;  /* [n_tokens, n_heads * n_value] */
};

/* Adds what is needed to the list; nothing where the net has no latents. */
void latent_list(const struct net *m, struct workspace_list *list, struct latent_room *room);
/* Bytes of workspace a row that the products of all heads at once need. */
size_t latent_row_bytes(const struct net *m);

/* x: [n_tokens, n_embd]. rows: [n_tokens, ld] queries of all heads, a key and a value, each of hp.head_dim, nothing rotated. */
void latent_project(const struct net *m, const struct layer *l, const struct latent_room *room,
                    size_t n_tokens, const float *x, float *rows, size_t ld, struct workspace *ws);
/* room->values = what attention's sums [n_tokens, n_heads * head_dim] become. */
void latent_values(const struct net *m, const struct layer *l, const struct latent_room *room,
                   size_t n_tokens, const float *attended, struct workspace *ws);

#endif
