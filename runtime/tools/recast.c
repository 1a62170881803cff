#include "runtime/tools/recast.h"
#include "runtime/base/threads.h"

#include <omp.h>
#include <stdlib.h>

/* PIECE_LEN is whole blocks of every type. */
enum { PIECE_LEN = 1 << 14, PIECES_A_THREAD = 8 };

enum hone_status recaster_init(struct recaster *r, int n_threads, struct hone_error *err)
{
    const int most = threads_available();
    *r = (struct recaster){.n_threads = n_threads > 0 && n_threads < most ? n_threads : most};
    size_t n = (size_t)r->n_threads;
    r->floats = reallocarray(NULL, n, 2 * PIECE_LEN * sizeof *r->floats);
    r->blocks = reallocarray(NULL, n, (size_t)PIECES_A_THREAD * PIECE_LEN * sizeof(float));
    r->sums = reallocarray(NULL, n, 2 * PIECES_A_THREAD * sizeof *r->sums);
    if (r->floats && r->blocks && r->sums)
        return HONE_OK;
    recaster_free(r);
    return hone_no_memory(err, "converting tensors", n * PIECES_A_THREAD * PIECE_LEN * sizeof(float));
}

void recaster_free(struct recaster *r)
{
    free(r->floats);
    free(r->blocks);
    free(r->sums);
    *r = (struct recaster){0};
}

/* Elements from `start` on to blocks, row by row where the importance of columns counts. */
static void quantize(const struct recast *job, char *blocks, const float *x, uint64_t start, size_t n)
{
    const struct quant_type *to = job->to;
    const uint64_t *dims = job->tensor->dims;
    if (!job->importance) {
        to->quantize(blocks, x, n, NULL);
        return;
    }
    for (size_t i = 0, len; i < n; i += len) {
        uint64_t at = start + i, column = at % dims[0], matrix = at / dims[0] / dims[1] % dims[2];
        len = n - i < dims[0] - column ? n - i : (size_t)(dims[0] - column);
        to->quantize(blocks + i / to->block_len * to->block_size, x + i, len,
                     job->importance + matrix * dims[0] + column);
    }
}

static void convert_piece(struct recaster *r, const struct recast *job, uint64_t start, size_t n,
                          char *blocks, double sums[2])
{
    const struct quant_type *from = job->tensor->type;
    float *x = r->floats + (size_t)omp_get_thread_num() * 2 * PIECE_LEN, *y = x + PIECE_LEN;
    const char *src = job->tensor->data;
    from->dequantize(x, src + start / from->block_len * from->block_size, n);
    quantize(job, blocks, x, start, n);
    job->to->dequantize(y, blocks, n);
    sums[0] = sums[1] = 0;
    for (size_t i = 0; i < n; i++) {
        double change = (double)x[i] - (double)y[i];
        sums[0] += (double)x[i] * (double)x[i];
        sums[1] += change * change;
    }
}

size_t recast_next(struct recaster *r, struct recast *job)
{
    const struct gguf_tensor *tensor = job->tensor;
    const struct quant_type *to = job->to;
    const uint64_t n = tensor->size / tensor->type->block_size * tensor->type->block_len - job->n_done;
    const size_t window = (size_t)r->n_threads * PIECES_A_THREAD * PIECE_LEN;
    const size_t len = n < window ? (size_t)n : window, n_pieces = (len + PIECE_LEN - 1) / PIECE_LEN;
#pragma omp parallel for num_threads(r->n_threads) schedule(dynamic) if (n_pieces > 1)
    for (size_t i = 0; i < n_pieces; i++) {
        size_t at = i * PIECE_LEN;
        convert_piece(r, job, job->n_done + at, len - at < PIECE_LEN ? len - at : PIECE_LEN,
                      r->blocks + at / to->block_len * to->block_size, r->sums + 2 * i);
    }
    for (size_t i = 0; i < n_pieces; i++) {
        job->squares += r->sums[2 * i];
        job->changes += r->sums[2 * i + 1];
    }
    job->n_done += len;
    return len / to->block_len * to->block_size;
}
