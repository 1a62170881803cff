/* A ragged batch: one flat run of tokens with sequence starts, never padded, and the memory a forward pass needs. */
#ifndef RUNTIME_NN_BATCH_H
#define RUNTIME_NN_BATCH_H

#include "runtime/base/error.h"

struct batch {
    size_t n_seqs, n_tokens;
    uint32_t *seq_start; /* [n_seqs + 1]; sequence s is tokens seq_start[s] up to seq_start[s + 1] */
    int32_t *ids;        /* [n_tokens] */
    uint8_t *type_ids;   /* [n_tokens] segment: 0 or 1 */
};

size_t batch_longest(const struct batch *b); /* tokens of the longest sequence */

/* One forward pass at a time uses a workspace. */
struct workspace {
    int n_threads;  /* that this forward pass may use */
    float *rows;    /* n_tokens times the architecture's floats a token; 64-byte aligned */
    float *scratch; /* [n_threads][scratch_size]: attention's; 64-byte aligned */
    size_t scratch_size;
    void *bytes; /* n_tokens times the row bytes: quantised rows; 64-byte aligned */
    size_t rows_held, bytes_held, scratch_held; /* bytes of each */
    size_t used;                                /* floats of `rows` handed out in this pass */
};

/* Makes room for n_tokens with row_floats and row_bytes each, and n_threads scratches. What is held is kept for the
 * next pass. */
enum hone_status workspace_reserve(struct workspace *ws, size_t n_tokens, size_t row_floats, size_t row_bytes,
                                   int n_threads, size_t scratch_floats, struct hone_error *err);
/* Hands out [n_tokens, n_floats] of the reserved rows, 64-byte aligned. */
float *workspace_take(struct workspace *ws, size_t n_tokens, size_t n_floats);
void workspace_release(struct workspace *ws);

#endif
