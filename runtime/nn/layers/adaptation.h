/* Adapters of low rank that a model has for tasks (jina-embeddings-v3): what they learned is added to each product as it is
 * computed, since a text may be for one task and its neighbour in the batch for another. Merging each into weights of its own
 * would cost a model's memory a task; this costs some rank numbers more for each row. */
#ifndef RUNTIME_NN_LAYERS_ADAPTATION_H
#define RUNTIME_NN_LAYERS_ADAPTATION_H

#include "runtime/nn/encoder.h"

/* Of a layer's product of x, [n_tokens, n_in] without gaps: out = base plus what each row's task adds, [n_tokens, n_out]; base
 * NULL: zeros. Returns out, or base where no text of the batch is for a task. out must not be base or x. */
const float *adaptation_beside(const struct encoder *e, const struct adaptation *a, const float *x,
                               size_t n_in, const float *base, size_t n_out, float *out);

/* Adds to x what a task, a number from 1 on, changes about a row of an embedding table of n_rows rows. */
void adaptation_add_row(const struct net *m, const struct adaptation *a, uint32_t task, size_t row,
                        size_t n_rows, float *x, size_t n);

#endif
