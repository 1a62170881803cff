#include "runtime/nn/batch.h"

#include "runtime/base/assert.h"
#include "runtime/base/pages.h"
#include "runtime/base/poison.h"
#include "runtime/base/sizes.h"

#define ALIGN_FLOATS (64 / sizeof(float))
#define ZONE_FLOATS  (POISON_ZONE / sizeof(float))
/* Every workspace_take may round up once, and leave a zone. */
#define MAX_TAKES (2 * WORKSPACE_BLOCKS)

size_t batch_longest(const struct batch *b)
{
    size_t longest = 0;
    for (size_t s = 0; s < b->n_seqs; s++) {
        size_t n = b->seq_start[s + 1] - b->seq_start[s];
        longest = n > longest ? n : longest;
    }
    return longest;
}

/* held, n: bytes. All of it is poisoned. */
static enum hone_status reserve(void **block, size_t *held, size_t n, const char *what,
                                struct hone_error *err)
{
    if (n > *held) {
        pages_free(*block, *held);
        *held = 0;
        *block = pages_alloc(n);
        if (!*block)
            return hone_no_memory(err, what, n);
        *held = n;
    }
    poison(*block, *held);
    return HONE_OK;
}

enum hone_status workspace_reserve(struct workspace *ws, size_t n_tokens, size_t row_floats, size_t row_bytes,
                                   int n_threads, size_t scratch_floats, struct hone_error *err)
{
    size_t rows, bytes, scratch, row_size, unit = sizeof(float);
    ws->used = ws->n_taken = ws->n_reserved = 0;
    ws->n_threads = n_threads;
    ws->scratch_size = round_up(scratch_floats, ALIGN_FLOATS) + ZONE_FLOATS;
    if (__builtin_mul_overflow(row_floats, unit, &row_size) ||
        __builtin_mul_overflow(n_tokens, row_size, &rows) ||
        __builtin_mul_overflow(n_tokens, row_bytes, &bytes) ||
        __builtin_mul_overflow(ws->scratch_size, (size_t)n_threads * unit, &scratch) || rows > SIZE_MAX / 8)
        return hone_no_memory(err, "a batch", SIZE_MAX);
    enum hone_status status = reserve((void **)&ws->rows, &ws->rows_held,
                                      rows + MAX_TAKES * (ALIGN_FLOATS * unit + POISON_ZONE), "a batch", err);
    if (status == HONE_OK)
        status = reserve(&ws->bytes, &ws->bytes_held, bytes, "a batch", err);
    if (status == HONE_OK)
        status = reserve((void **)&ws->scratch, &ws->scratch_held, scratch, "attention", err);
    if (status != HONE_OK)
        return status;
    ws->n_reserved = n_tokens * row_floats;
    unpoison(ws->bytes, bytes);
    for (int i = 0; i < n_threads; i++)
        unpoison(ws->scratch + (size_t)i * ws->scratch_size, scratch_floats * unit);
    return HONE_OK;
}

float *workspace_take(struct workspace *ws, size_t n_tokens, size_t n_floats)
{
    float *block = ws->rows + ws->used;
    size_t n = n_tokens * n_floats;
    ws->used += round_up(n, ALIGN_FLOATS) + ZONE_FLOATS;
    ws->n_taken += n;
    ASSERT(ws->n_taken <= ws->n_reserved);
    ASSERT(ws->used * sizeof *block <= ws->rows_held);
    unpoison(block, n * sizeof *block);
    return block;
}

void workspace_add(struct workspace_list *list, float **at, size_t width)
{
    ASSERT(list->n < WORKSPACE_BLOCKS);
    list->blocks[list->n++] = (struct workspace_block){at, width};
}

size_t workspace_floats(const struct workspace_list *list)
{
    size_t n = 0;
    for (size_t i = 0; i < list->n; i++)
        n += list->blocks[i].width;
    return n;
}

void batch_check(const struct batch *b)
{
    ASSERT(b->n_seqs > 0 && b->seq_start[0] == 0 && b->seq_start[b->n_seqs] == b->n_tokens);
    for (size_t s = 0; s < b->n_seqs; s++)
        ASSERT(b->seq_start[s] < b->seq_start[s + 1]);
}

void workspace_take_all(struct workspace *ws, size_t n_tokens, const struct workspace_list *list)
{
    for (size_t i = 0; i < list->n; i++)
        *list->blocks[i].at = workspace_take(ws, n_tokens, list->blocks[i].width);
}

void workspace_release(struct workspace *ws)
{
    pages_free(ws->rows, ws->rows_held);
    pages_free(ws->bytes, ws->bytes_held);
    pages_free(ws->scratch, ws->scratch_held);
    *ws = (struct workspace){0};
}
