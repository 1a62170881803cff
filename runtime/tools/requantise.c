#include "runtime/tools/requantise.h"

#include "runtime/base/thread_pool.h"
#include "runtime/base/threads.h"

#include <math.h>
#include <stdlib.h>

/* PART_LEN is whole blocks of every type. */
enum { PART_LEN = 1 << 14, PARTS_A_THREAD = 8 };

struct requantiser {
    const struct gguf *g;
    const struct requantisation *how;
    int n_threads;
    float *floats;   /* two parts a thread */
    char *blocks;    /* a window in the new type */
    double *sums;    /* two a part */
    uint64_t n_read; /* bytes of the tensors before the present one */
    bool stopped;    /* on_progress said so */
};

/* A tensor on its way. */
struct requantise_window {
    const struct requantiser *r;
    const struct gguf_tensor *tensor;
    const struct quant_type *to;
    const float *importance; /* [dims[2]][dims[0]], or NULL */
    uint64_t start;          /* elements before the window */
    size_t len;
};

static enum hone_status allocate(struct requantiser *r, struct hone_error *err)
{
    size_t n = (size_t)r->n_threads;
    r->floats = reallocarray(NULL, n, 2 * PART_LEN * sizeof *r->floats);
    r->blocks = reallocarray(NULL, n, (size_t)PARTS_A_THREAD * PART_LEN * sizeof(float));
    r->sums = reallocarray(NULL, n, 2 * PARTS_A_THREAD * sizeof *r->sums);
    if (r->floats && r->blocks && r->sums)
        return HONE_OK;
    return hone_no_memory(err, "converting tensors", n * PARTS_A_THREAD * PART_LEN * sizeof(float));
}

/* Elements from `start` on to blocks, row by row where the importance of columns counts. */
static void quantise(const struct requantise_window *w, char *blocks, const float *x, uint64_t start,
                     size_t n)
{
    const struct quant_type *to = w->to;
    const uint64_t *dims = w->tensor->dims;
    if (!w->importance) {
        to->quantize(blocks, x, n, NULL);
        return;
    }
    for (size_t i = 0, len; i < n; i += len) {
        uint64_t at = start + i, column = at % dims[0], matrix = at / dims[0] / dims[1] % dims[2];
        len = n - i < dims[0] - column ? n - i : (size_t)(dims[0] - column);
        to->quantize(blocks + i / to->block_len * to->block_size, x + i, len,
                     w->importance + matrix * dims[0] + column);
    }
}

static void convert_part(const struct requantise_window *w, size_t i, size_t thread)
{
    const struct requantiser *r = w->r;
    const struct quant_type *from = w->tensor->type, *to = w->to;
    const size_t at = i * PART_LEN, n = w->len - at < PART_LEN ? w->len - at : PART_LEN;
    const char *src = w->tensor->data;
    float *x = r->floats + thread * 2 * PART_LEN, *y = x + PART_LEN;
    char *blocks = r->blocks + at / to->block_len * to->block_size;
    double *sums = r->sums + 2 * i;
    from->dequantize(x, src + (w->start + at) / from->block_len * from->block_size, n);
    quantise(w, blocks, x, w->start + at, n);
    to->dequantize(y, blocks, n);
    sums[0] = sums[1] = 0;
    for (size_t j = 0; j < n; j++) {
        double change = (double)x[j] - (double)y[j];
        sums[0] += (double)x[j] * (double)x[j];
        sums[1] += change * change;
    }
}

static void convert_parts(const void *arg, struct work_range parts)
{
    for (size_t i = parts.first; i < parts.end; i++)
        convert_part(arg, i, parts.thread);
}

/* What a block's scale cannot hold would be lost without a word. */
static enum hone_status check(const struct requantiser *r, const struct gguf_tensor *t,
                              const struct quant_type *to, double squares, double changes,
                              struct hone_error *err)
{
    if (isfinite(changes) || (!isfinite(squares) && to->block_len == 1))
        return HONE_OK;
    return hone_fail(err, HONE_BAD_MODEL, "%s: tensor %s has %s, which %s cannot hold", gguf_path(r->g),
                     t->name, isfinite(squares) ? "too large numbers" : "infinities or NaN", to->name);
}

static void tell_progress(struct requantiser *r, uint64_t n_done)
{
    if (r->how->on_progress && !r->how->on_progress(r->how->arg, r->n_read + n_done))
        r->stopped = true;
}

static enum hone_status check_stopped(const struct requantiser *r, struct hone_error *err)
{
    return r->stopped ? hone_fail(err, HONE_CANCELLED, "the call was cancelled by on_progress") : HONE_OK;
}

/* Whose sums are the same whatever the number of threads. false: the file takes no more, or it is enough. */
static bool put_windows(struct requantiser *r, struct requantise_window *w, gguf_put put, void *file,
                        double *squares, double *changes)
{
    const struct quant_type *from = w->tensor->type, *to = w->to;
    const uint64_t n = w->tensor->size / from->block_size * from->block_len;
    const size_t most = (size_t)r->n_threads * PARTS_A_THREAD * PART_LEN;
    for (; w->start < n; w->start += w->len) {
        w->len = n - w->start < most ? (size_t)(n - w->start) : most;
        const size_t n_parts = (w->len + PART_LEN - 1) / PART_LEN;
        thread_pool_run(r->n_threads, n_parts, n_parts, convert_parts, w);
        for (size_t i = 0; i < n_parts; i++) {
            *squares += r->sums[2 * i];
            *changes += r->sums[2 * i + 1];
        }
        if (!put(file, r->blocks, w->len / to->block_len * to->block_size))
            return false;
        tell_progress(r, (w->start + w->len) / from->block_len * from->block_size);
        if (r->stopped)
            return false;
    }
    return true;
}

static enum hone_status encode(const struct gguf_tensor *t, const struct gguf_tensor *target, gguf_put put,
                               void *file, void *arg, struct hone_error *err)
{
    struct requantiser *r = arg;
    const struct requantisation *how = r->how;
    double squares = 0, changes = 0;
    if (target->type == t->type) {
        put(file, t->data, t->size);
    } else {
        struct requantise_window w = {
            r, t, target->type, how->importance_of ? how->importance_of(t, how->arg) : NULL, 0, 0};
        if (!put_windows(r, &w, put, file, &squares, &changes))
            return check_stopped(r, err);
        enum hone_status status = check(r, t, target->type, squares, changes, err);
        if (status != HONE_OK)
            return status;
    }
    r->n_read += t->size;
    tell_progress(r, 0);
    if (how->on_tensor)
        how->on_tensor(t, target, squares > 0 ? sqrt(changes / squares) : 0, how->arg);
    return check_stopped(r, err);
}

static const struct quant_type *type_of(const struct gguf_tensor *t, void *arg)
{
    const struct requantiser *r = arg;
    return r->how->type_of(t, r->how->arg);
}

enum hone_status requantise(const struct gguf *g, const char *path, const struct requantisation *how,
                            struct hone_error *err)
{
    const int most = threads_available();
    struct requantiser r = {
        .g = g, .how = how, .n_threads = how->n_threads > 0 && how->n_threads < most ? how->n_threads : most};
    enum hone_status status = allocate(&r, err);
    if (status == HONE_OK)
        status = gguf_write(g, path, &(struct gguf_encoder){type_of, encode, &r}, err);
    free(r.floats);
    free(r.blocks);
    free(r.sums);
    return status;
}
