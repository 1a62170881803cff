/* A pass through a decoder, for its parts: what is computed, where it lies, and where tokens stand. */
#ifndef RUNTIME_NN_DECODER_PASS_H
#define RUNTIME_NN_DECODER_PASS_H

#include "runtime/nn/decoder/decoder.h"
#include "runtime/nn/encoder.h"
#include "runtime/nn/experts/experts.h"
#include "runtime/nn/layers/altup.h"
#include "runtime/nn/layers/latent.h"
#include "runtime/nn/layers/per_layer.h"
#include "runtime/nn/recurrent/recurrent.h"

struct decoder_pass {
    const struct net *m;
    const struct decoder_call *call;
    const struct batch *b;
    struct workspace *ws;
    struct encoder parts;       /* the buffers, for what encoders do in the same way */
    size_t width, qkv_width;    /* of a row's queries, and all of it, where most heads are */
    float *turns, *local_turns; /* [n_tokens, n_rot or n_rot_local]; NULL: nothing is rotated */
    /* Without a cache: keys and values [n_tokens, lent_width] that later layers read, those that see all tokens, and local ones. */
    float *lent[2];
    size_t lent_width;
    struct per_layer_room per_layer;
    struct experts_room experts;
    struct latent_room latent;
    struct altup_room altup;
    struct recurrent_room recurrent;
    size_t gates_width;
    float *gates;      /* [n_tokens, gates_width] of attention's output */
    float *expert_out; /* [n_tokens, n_embd] */
    float *normed;     /* [n_tokens, n_embd] what both halves of a parallel layer read */
    float *embedded,
        *joined; /* of arch.joined_blocks: the tokens' embeddings, and [n_tokens, 2 * n_embd] what blocks read */
};

/* Tokens of a sequence that are in the cache already. */
size_t decoder_past(const struct decoder_pass *d, size_t seq);
/* Where a token of the batch stands in its sequence, whose number is *seq. */
size_t decoder_position(const struct decoder_pass *d, size_t token, size_t *seq);

/* ---- attention.c ---- */

/* What follows a product: the residual where it is not NULL, and then a norm. */
struct tail {
    const float *residual;
    const struct norm *norm; /* or NULL */
};

/* y: attention's output and what follows it. `in` may be y. */
void decoder_attention(const struct decoder_pass *d, const struct layer *l, const float *in, struct tail tail,
                       float *y);
/* y: attention over what the encoder made of the sequence's input, and what follows it. */
void decoder_cross_attention(const struct decoder_pass *d, const struct layer *l, size_t i_layer,
                             const float *in, struct tail tail, float *y);

/* ---- joined.c ---- */

void joined_list(struct decoder_pass *d, struct workspace_list *list);
/* Keeps the tokens' embeddings x, which all blocks read. */
void joined_start(const struct decoder_pass *d, const float *x);
/* y = x + a layer: a recurrence, which reads what a block adds, where the layer has one. */
void joined_layer(struct decoder_pass *d, const struct layer *l, const float *x, float *y);

#endif
