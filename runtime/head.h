/* What turns the last hidden states into what a request asked for: pooling and projections, or a classification head.
 */
#ifndef RUNTIME_HEAD_H
#define RUNTIME_HEAD_H

#include "runtime/model.h"

/* By name ("mean", "cls", "last", "max"); N_POOLINGS where it is not known. */
enum pooling pooling_by_name(struct hone_text name);
const char *pooling_name(enum pooling pooling);

/* out: [n_embd], from the hidden states [n_rows, n_embd] of one sequence. */
void pool(const struct model *m, enum pooling pooling, const float *hidden, size_t n_rows, float *out);

/* x / max(|x|, 1e-12) */
void normalize(const struct kernels *k, float *x, size_t n);

/* Floats of scratch a sequence that the two functions below need. */
size_t head_floats(const struct model *m);

/* Embeddings of all sequences: [n_seqs, hp.n_out], in the scratch; not normalized. hidden: [n_tokens, n_embd]. */
float *head_embed(const struct model *m, const struct batch *b, enum pooling pooling, const float *hidden,
                  float *scratch, struct workspace *ws);

/* Logits of all sequences: [n_seqs, hp.n_labels], in the scratch. Needs a classification head. */
float *head_classify(const struct model *m, const struct batch *b, const float *hidden, float *scratch,
                     struct workspace *ws);

#endif
