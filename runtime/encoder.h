/* The parts that encoder families share. All run over a whole ragged batch, on ws->n_threads threads. */
#ifndef RUNTIME_ENCODER_H
#define RUNTIME_ENCODER_H

#include "runtime/model.h"

/* out: [n_tokens, n_embd] = token + position + segment embedding; a table that the family lacks adds nothing.
 * Positions count from position_offset in each sequence. */
void embed_tokens(const struct model *m, const struct batch *b, size_t position_offset, float *out,
                  int n_threads);

/* Layer norm of each row, in place. */
void norm_rows(const struct model *m, const struct norm *norm, float *x, size_t n_rows, int n_threads);

/* Every sequence attends to itself alone. qkv: [n_tokens, 3 * n_heads * head_dim], queries, keys, values side by
 * side; out: [n_tokens, n_heads * head_dim]. */
void attend(const struct model *m, const struct batch *b, const float *qkv, float *out, struct workspace *ws);

/* out: [n_embd], from the hidden states [n_rows, n_embd] of one sequence. */
void pool(const struct model *m, enum pooling pooling, const float *hidden, size_t n_rows, float *out);

/* x / max(|x|, 1e-12) */
void normalize(const struct kernels *k, float *x, size_t n);

#endif
