/* What turns the last hidden states into what a request asked for: pooling and the steps around it, or a classification
 * head. */
#ifndef RUNTIME_NN_HEAD_H
#define RUNTIME_NN_HEAD_H

#include "runtime/nn/net.h"

/* By name ("mean", "cls", "last", "max", "weighted-mean", "root-mean"); N_POOLINGS where it is not known. Those that make no
 * vector of a text have names too, but cannot be asked for. */
enum pooling pooling_by_name(struct hone_text name);
const char *pooling_name(enum pooling pooling);

/* The hidden states of one sequence. The first n_skipped are a prompt's, which some models leave out: without the others
 * there is nothing to pool. */
struct pooled {
    const float *rows; /* [n_rows, width] */
    size_t n_rows, n_skipped, width;
};

/* out: [width] */
void head_pool(const struct kernels *k, enum pooling pooling, const struct pooled *in, float *out);

/* x / max(|x|, 1e-12) */
void head_normalize(const struct kernels *k, float *x, size_t n);

/* Of the vector that the steps of a net end with, by how wide each is; 0: a step does not fit what comes before it. */
size_t head_width(const struct net *m);

/* ---- all sequences of a batch ---- hidden: [n_tokens, n_embd]. Results are in the scratch. */

/* Floats of scratch for sequences of n_tokens together. */
size_t head_floats(const struct net *m, size_t n_seqs, size_t n_tokens);

/* Embeddings: [n_seqs, hp.n_out], not normalized. `pooling`: POOL_NONE for the model's own, which may be several. */
float *head_embed(const struct net *m, const struct batch *b, enum pooling pooling, const float *hidden,
                  float *scratch, struct workspace *ws);

/* Logits: [n_seqs, hp.n_labels]. Needs a classification head. */
float *head_classify(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                     struct workspace *ws);

/* Logits of each token: [n_tokens, hp.n_labels]. Needs a head of tokens' labels. */
float *head_classify_tokens(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                            struct workspace *ws);

/* All that a model with heads of tokens makes, none of it normalized: embeddings [n_seqs, hp.n_out], weights [n_tokens] and
 * vectors [n_tokens, multi_vector.n_out]; NULL for what it has no head for. */
struct head_hybrid {
    float *dense, *weights, *vectors;
};
struct head_hybrid head_hybrid(const struct net *m, const struct batch *b, enum pooling pooling,
                               const float *hidden, float *scratch, struct workspace *ws);

/* A vector a token: [n_tokens, n_embd], or [n_tokens, hp.n_out] in a model of such vectors; not normalized. */
float *head_tokens(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                   struct workspace *ws);

/* words.c: a weight for each word of the vocabulary, the largest (or the sum) of log(1 + max(0, logit)) over the tokens
 * (Formal et al., SPLADE v2, 2021, arXiv:2109.10086), or the logarithm once more: row [n_vocab] of each sequence goes to
 * `done`. Needs the head that tells words. */
/* Logits of words [n_vocab] for each token `mask`, in the batch's order; done may change them. Needs that head. */
typedef void (*head_filled)(void *arg, size_t seq, float *logits);
void head_fill(const struct net *m, const struct batch *b, const float *hidden, int32_t mask, float *scratch,
               struct workspace *ws, head_filled done, void *arg);

typedef void (*head_done)(void *arg, size_t seq, const float *row);
size_t head_words_floats(const struct net *m);
void head_words(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                struct workspace *ws, head_done done, void *arg);

#endif
