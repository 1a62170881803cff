/* Tables of what attention knows of positions, made anew for each forward pass. */
#ifndef RUNTIME_NN_POSITIONS_H
#define RUNTIME_NN_POSITIONS_H

#include "runtime/nn/net.h"

/* Which sequence a token of the batch is in. */
size_t batch_sequence_of(const struct batch *b, size_t token);

#define DISTANCE_N_BUCKETS 32 /* as T5 and MPNet have them; opening refuses another number */

/* out: [n_heads, 2 * longest - 1], by key's place less query's, from -(longest - 1) on. */
/* table: [DISTANCE_N_BUCKETS, n_heads] */
void distance_buckets(float *out, const float *table, size_t n_heads, size_t longest);
/* Where a token sees those before it alone: out: [n_heads, longest], for keys longest - 1 to 0 tokens back. */
void distance_past_buckets(float *out, const float *table, size_t n_heads, size_t longest);
void distance_alibi(float *out, size_t n_heads, size_t longest);
/* Slopes of hparams.alibi; the second: of keys 0 to longest - 1 as Falcon rounds them, and divided. */
void distance_past_alibi(float *out, size_t n_heads, size_t longest, float most);
void distance_alibi_keys(float *out, size_t n_heads, size_t longest, float most, float divisor);

/* out: [n, n_embd], what is added to tokens for their positions; `first` is the number of the first one. */
void positions_sines(float *out, size_t n, size_t n_embd);
void positions_fairseq(float *out, size_t n, size_t n_embd, size_t first);

#endif
