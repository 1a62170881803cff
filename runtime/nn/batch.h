/* A ragged batch: one flat run of tokens with sequence starts, never padded, and the memory a forward pass needs. */
#ifndef RUNTIME_NN_BATCH_H
#define RUNTIME_NN_BATCH_H

#include "runtime/base/error.h"

struct batch {
    size_t n_seqs, n_tokens;
    uint32_t *seq_start; /* [n_seqs + 1]; sequence s is tokens seq_start[s] up to seq_start[s + 1] */
    int32_t *ids;        /* [n_tokens] */
    uint8_t *type_ids;   /* [n_tokens] segment: 0 or 1 */
    uint32_t *n_unseen;  /* [n_seqs], or NULL: of each sequence, its last tokens that none attends to */
    uint32_t
        *tasks; /* [n_seqs], or NULL: of each sequence the adaptation that it is for, from 1 on; 0: none */
    size_t n_skipped; /* of each sequence, its first tokens that pooling leaves out: those of a prompt */
};

size_t batch_longest(const struct batch *b); /* tokens of the longest sequence */
/* Asserts that it is what is said above, without a sequence that has no tokens. */
void batch_check(const struct batch *b);

/* One forward pass at a time uses a workspace. */
struct workspace {
    int n_threads;  /* that this forward pass may use */
    float *rows;    /* n_tokens times the architecture's floats a token; 64-byte aligned */
    float *scratch; /* [n_threads][scratch_size]: attention's; 64-byte aligned */
    size_t scratch_size;
    void *bytes; /* n_tokens times the row bytes: quantised rows; 64-byte aligned */
    size_t rows_held, bytes_held, scratch_held; /* bytes of each */
    size_t used,
        n_taken; /* floats of `rows` handed out in this pass, with what lies between them and without, */
    size_t n_reserved; /* of so many */
};

/* What a forward pass takes of a workspace: a block of [n_tokens, width] each. Who says what a token needs and who takes
 * it ask the same list, so that none can forget what the other has. */
#define WORKSPACE_BLOCKS 24 /* at most, and as many more takes one by one */
struct workspace_list {
    struct workspace_block {
        float **at;
        size_t width;
    } blocks[WORKSPACE_BLOCKS];
    size_t n;
};
void workspace_add(struct workspace_list *list, float **at, size_t width);
size_t workspace_floats(const struct workspace_list *list); /* a token */

/* Makes room for n_tokens with row_floats and row_bytes each, and n_threads scratches. What is held is kept for the
 * next pass. */
enum hone_status workspace_reserve(struct workspace *ws, size_t n_tokens, size_t row_floats, size_t row_bytes,
                                   int n_threads, size_t scratch_floats, struct hone_error *err);
/* Hands out [n_tokens, n_floats] of the reserved rows, 64-byte aligned; all passes together no more than was reserved. */
float *workspace_take(struct workspace *ws, size_t n_tokens, size_t n_floats);
/* The same for all blocks of a list: fills their pointers. */
void workspace_take_all(struct workspace *ws, size_t n_tokens, const struct workspace_list *list);
void workspace_release(struct workspace *ws);

#endif
