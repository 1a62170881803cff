#include "runtime/batch.h"

#include "runtime/pages.h"

#define ALIGN_FLOATS (64 / sizeof(float))
/* Every workspace_take may round up once; a forward pass takes fewer blocks than this. */
#define MAX_BLOCKS 16

static size_t round_up(size_t n)
{
    return (n + ALIGN_FLOATS - 1) / ALIGN_FLOATS * ALIGN_FLOATS;
}

static enum hone_status reserve(float **block, size_t *held, size_t n, const char *what,
                                struct hone_error *err)
{
    if (n <= *held)
        return HONE_OK;
    pages_free(*block, *held * sizeof **block);
    *held = 0;
    *block = pages_alloc(n * sizeof **block);
    if (!*block)
        return hone_no_memory(err, what, n * sizeof **block);
    *held = n;
    return HONE_OK;
}

enum hone_status workspace_reserve(struct workspace *ws, size_t n_tokens, size_t row_floats, int n_threads,
                                   size_t scratch_floats, struct hone_error *err)
{
    size_t rows, scratch;
    ws->used = 0;
    ws->n_threads = n_threads;
    ws->scratch_size = round_up(scratch_floats);
    if (__builtin_mul_overflow(n_tokens, row_floats, &rows) || rows > SIZE_MAX / 8 ||
        __builtin_mul_overflow(ws->scratch_size, (size_t)n_threads, &scratch) || scratch > SIZE_MAX / 8)
        return hone_no_memory(err, "a batch", SIZE_MAX);
    enum hone_status status =
        reserve(&ws->rows, &ws->rows_size, rows + MAX_BLOCKS * ALIGN_FLOATS, "a batch", err);
    if (status == HONE_OK)
        status = reserve(&ws->scratch, &ws->scratch_total, scratch, "attention", err);
    return status;
}

float *workspace_take(struct workspace *ws, size_t n_tokens, size_t n_floats)
{
    float *block = ws->rows + ws->used;
    ws->used += round_up(n_tokens * n_floats);
    return block;
}

void workspace_release(struct workspace *ws)
{
    pages_free(ws->rows, ws->rows_size * sizeof *ws->rows);
    pages_free(ws->scratch, ws->scratch_total * sizeof *ws->scratch);
    *ws = (struct workspace){0};
}
