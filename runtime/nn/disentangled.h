/* Disentangled attention (He et al., DeBERTa, 2020, arXiv:2006.03654): what a token is and where it is meet separately. The
 * score of a query and a key is (q k + q K[c] + k Q[c]) / sqrt(3 head_dim), where c is the bucket of how far the query
 * stands behind the key, and the rows of K and Q are a layer's keys and queries of an embedding of each bucket. */
#ifndef RUNTIME_NN_DISENTANGLED_H
#define RUNTIME_NN_DISENTANGLED_H

#include "runtime/nn/encoder.h"

/* Rows of the embedding of buckets: those of both directions. */
size_t disentangled_rows(const struct hparams *hp);

/* struct arch's functions of a family that has it. K and Q depend on weights alone: they are made when a model opens. */
enum hone_status disentangled_prepare(struct net *m, int n_threads, struct hone_error *err);
size_t disentangled_scratch(const struct net *m, size_t longest);

/* out: [2 longest - 1], of distances -(longest - 1) on, a query's place less a key's: the bucket. */
void disentangled_buckets(int32_t *out, const struct hparams *hp, size_t longest);

/* Attention of every sequence over itself, as attend_both_sides; e->buckets is what disentangled_buckets gives. */
void attend_disentangled(const struct encoder *e, const struct layer *l);

#endif
