#include "runtime/nn/batch.h"

#include "runtime/base/pages.h"
#include "runtime/base/sizes.h"

#define ALIGN_FLOATS (64 / sizeof(float))
/* Every workspace_take may round up once; a forward pass takes fewer blocks than this. */
#define MAX_BLOCKS 16

size_t batch_longest(const struct batch *b)
{
    size_t longest = 0;
    for (size_t s = 0; s < b->n_seqs; s++) {
        size_t n = b->seq_start[s + 1] - b->seq_start[s];
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* held, n: bytes */
static enum hone_status reserve(void **block, size_t *held, size_t n, const char *what,
                                struct hone_error *err)
{
    if (n <= *held)
        return HONE_OK;
    pages_free(*block, *held);
    *held = 0;
    *block = pages_alloc(n);
    if (!*block)
        return hone_no_memory(err, what, n);
    *held = n;
    return HONE_OK;
}

enum hone_status workspace_reserve(struct workspace *ws, size_t n_tokens, size_t row_floats, size_t row_bytes,
                                   int n_threads, size_t scratch_floats, struct hone_error *err)
{
    size_t rows, bytes, scratch, row_size, unit = sizeof(float);
    ws->used = 0;
    ws->n_threads = n_threads;
    ws->scratch_size = round_up(scratch_floats, ALIGN_FLOATS);
    if (__builtin_mul_overflow(row_floats, unit, &row_size) ||
        __builtin_mul_overflow(n_tokens, row_size, &rows) ||
        __builtin_mul_overflow(n_tokens, row_bytes, &bytes) ||
        __builtin_mul_overflow(ws->scratch_size, (size_t)n_threads * unit, &scratch) || rows > SIZE_MAX / 8)
        return hone_no_memory(err, "a batch", SIZE_MAX);
    enum hone_status status =
        reserve((void **)&ws->rows, &ws->rows_held, rows + MAX_BLOCKS * ALIGN_FLOATS * unit, "a batch", err);
    if (status == HONE_OK)
        status = reserve(&ws->bytes, &ws->bytes_held, bytes, "a batch", err);
    if (status == HONE_OK)
        status = reserve((void **)&ws->scratch, &ws->scratch_held, scratch, "attention", err);
    return status;
}

float *workspace_take(struct workspace *ws, size_t n_tokens, size_t n_floats)
{
    float *block = ws->rows + ws->used;
    ws->used += round_up(n_tokens * n_floats, ALIGN_FLOATS);
    return block;
}

void workspace_release(struct workspace *ws)
{
    pages_free(ws->rows, ws->rows_held);
    pages_free(ws->bytes, ws->bytes_held);
    pages_free(ws->scratch, ws->scratch_held);
    *ws = (struct workspace){0};
}
