/* What turns the last hidden states into what a request asked for: pooling and projections, or a classification head.
 */
#ifndef RUNTIME_NN_HEAD_H
#define RUNTIME_NN_HEAD_H

#include "runtime/nn/net.h"

/* By name ("mean", "cls", "last", "max"); N_POOLINGS where it is not known. Those that make no vector of a text have
 * names too, but cannot be asked for. */
enum pooling pooling_by_name(struct hone_text name);
const char *pooling_name(enum pooling pooling);

/* out: [n_embd], from the hidden states [n_rows, n_embd] of one sequence. */
void head_pool(const struct net *m, enum pooling pooling, const float *hidden, size_t n_rows, float *out);

/* x / max(|x|, 1e-12) */
void head_normalize(const struct kernels *k, float *x, size_t n);

/* ---- all sequences of a batch ---- hidden: [n_tokens, n_embd]. Results are in the scratch. */

/* Rows that a classification head has in hand at once. */
size_t head_rows(const struct net *m, size_t n_tokens, size_t n_seqs);

/* Floats of scratch for n_rows sequences (or, for head_tokens, tokens). */
size_t head_floats(const struct net *m, size_t n_rows);

/* Embeddings: [n_seqs, hp.n_out], not normalized. */
float *head_embed(const struct net *m, const struct batch *b, enum pooling pooling, const float *hidden,
                  float *scratch, struct workspace *ws);

/* Logits: [n_seqs, hp.n_labels]. Needs a classification head. */
float *head_classify(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                     struct workspace *ws);

/* A vector a token: [n_tokens, n_embd], or [n_tokens, hp.n_out] in a model of such vectors; not normalized. */
float *head_tokens(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                   struct workspace *ws);

/* A weight for each word of the vocabulary, log(1 + max(0, the largest of the tokens' logits)) (Formal et al., SPLADE
 * v2, 2021, arXiv:2109.10086): row [n_vocab] of each sequence goes to `done`. Needs the head that tells words. */
typedef void (*head_done)(void *arg, size_t seq, const float *row);
void head_words(const struct net *m, const struct batch *b, const float *hidden, float *scratch,
                struct workspace *ws, head_done done, void *arg);

#endif
