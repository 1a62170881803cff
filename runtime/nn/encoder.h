/* The parts that encoder families share. All run over a whole ragged batch, on ws->n_threads threads. */
#ifndef RUNTIME_NN_ENCODER_H
#define RUNTIME_NN_ENCODER_H

#include "runtime/nn/experts/experts.h"
#include "runtime/nn/net.h"

/* out: [n_tokens, n_embd] = scaled token + position + segment embedding; a table that the model lacks adds nothing. The other
 * adds no positions, for those who know them better. */
void encoder_embed(const struct net *m, const struct batch *b, float *out, int n_threads);
void encoder_embed_tokens(const struct net *m, const struct batch *b, float *out, int n_threads);

/* Elements first to first + n of a table's row; of a quantised one whole blocks. */
void encoder_read_embedding(const struct gguf_tensor *table, size_t row, size_t first, float *out, size_t n);

/* Layer norm or RMS norm of each row; out may be x. Where there is no such norm nothing is done. */
void encoder_norm(const struct net *m, const struct norm *norm, const float *x, float *out, size_t n_rows,
                  int n_threads);

/* What the layers of one forward pass share: memory for what goes on inside them, and the tables of positions. */
struct encoder {
    const struct net *m;
    const struct batch *b;
    struct workspace *ws;
    float *x, *y;                  /* [n_tokens, n_embd]: the family's own, to go from layer to layer */
    float *qkv, *attended, *inner; /* [n_tokens, ...] */
    size_t longest;                /* tokens of a sequence */
    /* Rotary embedding: [longest, head_dim], a position's cosines, then its sines; for global layers and local ones.
     * NULL: there is none. */
    float *turns, *local_turns;
    /* [n_heads, 2 * longest - 1]: what a score gets for its key's place less its query's, from -(longest - 1) on; or
     * NULL. */
    float *distance_bias;
    const float *distances_of; /* the table that is made of */
    const int32_t *buckets;    /* [2 * longest - 1] of disentangled attention; or NULL */
    float *adapted; /* [n_tokens, the widest product] what tasks add to it; where the net has adaptations */
    float *tokens, *bucket_block; /* [n_tokens, n_token] where there is n_token; what buckets lie in */
    struct experts_room experts;
};
struct encoder encoder_start(const struct net *m, const struct batch *b, struct workspace *ws);

/* What the kernel is told of an item of attention, which is a head of a sequence: number `seq * n_heads + head`. Several
 * heads may share their keys and values. */
struct attention_args attention_of(const struct encoder *e, size_t item, float *scratch);

/* Attention of every sequence over itself, from e->qkv to e->attended; rows of qkv are as wide as queries, keys and
 * values are together. Local layers see hparams.window / 2 tokens on either side. */
void attend_both_sides(const struct encoder *e, const struct layer *l);

/* What products of queries and keys are multiplied by. */
float encoder_attention_scale(const struct net *m);

/* out = norm(x's attention + residual), every sequence attending to itself alone; and the feed-forward layer likewise.
 * norm NULL: none. x, residual, out: [n_tokens, n_embd]; out may be x, but not residual. */
void encoder_attention(const struct encoder *e, const struct layer *l, const float *x, const float *residual,
                       const struct norm *norm, float *out);
void encoder_feed_forward(const struct encoder *e, const struct layer *l, const float *x,
                          const float *residual, const struct norm *norm, float *out);

/* struct arch's functions of the families that follow BERT: each layer's two halves are followed by residual and norm, or
 * begin with a norm (arch->pre_norm), and then one follows all layers.
 * The workspace is enough for any family built from the parts above. */
size_t encoder_workspace(const struct net *m);
float *encoder_forward(const struct net *m, const struct batch *b, struct workspace *ws);

#endif
