#include "runtime/tools/imatrix.h"
#include "runtime/base/files.h"
#include "runtime/base/tables/name_list.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct imatrix_entry {
    const char *name;
    size_t n;
    float *values; /* in the same block, as the name */
};

struct imatrix {
    struct name_list entries;
    char *path;
};

static enum hone_status damaged(const struct imatrix *im, const char *what, struct hone_error *err)
{
    return hone_fail(err, HONE_BAD_MODEL, "%s: not an importance matrix: %s", im->path, what);
}

/* Adds an entry of n means: sums [n_counts][n / n_counts], each row over its count (1 for what is never counted). */
static enum hone_status add(struct imatrix *im, struct hone_text name, const void *sums, size_t n,
                            const float *counts, size_t n_counts, struct hone_error *err)
{
    struct imatrix_entry *e = malloc(sizeof *e + n * sizeof *e->values + name.size + 1);
    if (!e)
        return hone_no_memory(err, im->path, n * sizeof *e->values);
    e->n = n;
    e->values = (float *)(e + 1);
    char *copy = (char *)(e->values + n);
    memcpy(e->values, sums, n * sizeof *e->values);
    memcpy(copy, name.data, name.size);
    copy[name.size] = '\0';
    e->name = copy;
    for (size_t i = 0; i < n; i++) {
        float count = counts[i / (n / n_counts)];
        e->values[i] = count > 0 ? e->values[i] / count : 1;
        if (!isfinite(e->values[i]) || e->values[i] < 0) {
            free(e);
            return damaged(im, "a value is negative or not finite", err);
        }
    }
    return name_list_add(&im->entries, e) ? HONE_OK : damaged(im, "a name is there twice", err);
}

/* ---- GGUF ---- */

static enum hone_status add_sums(struct imatrix *im, const struct gguf *g, const struct gguf_tensor *sums,
                                 size_t name_size, struct hone_error *err)
{
    char name[GGUF_MAX_NAME + 16];
    snprintf(name, sizeof name, "%.*s.counts", (int)name_size, sums->name);
    const struct gguf_tensor *counts = gguf_find_tensor(g, name);
    if (!counts || counts->type->id != QUANT_F32 || sums->type->id != QUANT_F32)
        return damaged(im, "sums without float32 counts", err);
    size_t n = sums->size / sizeof(float), n_counts = counts->size / sizeof(float);
    if (n % n_counts != 0)
        return damaged(im, "sums and counts of different shapes", err);
    return add(im, (struct hone_text){sums->name, name_size}, sums->data, n, counts->data, n_counts, err);
}

static enum hone_status read_gguf(struct imatrix *im, const char *path, struct hone_error *err)
{
    static const char suffix[] = ".in_sum2";
    struct gguf *g;
    enum hone_status status = gguf_open(&g, path, err);
    if (status)
        return status;
    for (size_t i = 0; !status && i < gguf_n_tensors(g); i++) {
        const struct gguf_tensor *t = gguf_tensor_at(g, i);
        size_t size = strlen(t->name), n = sizeof suffix - 1;
        if (size > n && strcmp(t->name + size - n, suffix) == 0)
            status = add_sums(im, g, t, size - n, err);
    }
    gguf_close(&g);
    return status;
}

/* ---- the older form ---- */

struct imatrix_reader {
    const char *at;
    size_t left;
};

/* NULL: the file ends before. */
static const void *take(struct imatrix_reader *r, size_t size)
{
    const void *p = r->at;
    if (size > r->left)
        return NULL;
    r->at += size;
    r->left -= size;
    return p;
}

/* -1: the file ends before, or the number is negative. */
static int64_t take_count(struct imatrix_reader *r)
{
    int32_t n = -1;
    const void *p = take(r, sizeof n);
    if (p)
        memcpy(&n, p, sizeof n);
    return n < 0 ? -1 : n;
}

static enum hone_status read_entry(struct imatrix *im, struct imatrix_reader *r, struct hone_error *err)
{
    int64_t length = take_count(r);
    const char *name = length > 0 ? take(r, (size_t)length) : NULL;
    int64_t n_calls = name ? take_count(r) : -1, n = n_calls >= 0 ? take_count(r) : -1;
    const void *sums = n > 0 ? take(r, (size_t)n * sizeof(float)) : NULL;
    if (!sums || memchr(name, '\0', (size_t)length))
        return damaged(im, "it ends early, or a length in it makes no sense", err);
    float count = n_calls > 0 ? (float)n_calls : 1;
    return add(im, (struct hone_text){name, (size_t)length}, sums, (size_t)n, &count, 1, err);
}

static enum hone_status read_old(struct imatrix *im, const void *data, size_t size, struct hone_error *err)
{
    struct imatrix_reader r = {data, size};
    int64_t n = take_count(&r);
    enum hone_status status = n > 0 ? HONE_OK : damaged(im, "it begins with no number of entries", err);
    for (int64_t i = 0; !status && i < n; i++)
        status = read_entry(im, &r, err);
    return status;
}

enum hone_status imatrix_open(struct imatrix **out, const char *path, struct hone_error *err)
{
    void *data = NULL;
    size_t size = 0;
    struct imatrix *im = calloc(1, sizeof *im);
    *out = NULL;
    if (!im || !(im->path = strdup(path))) {
        imatrix_close(&im);
        return hone_no_memory(err, path, sizeof *im);
    }
    enum hone_status status = map_file(path, &data, &size, err);
    if (!status && size >= 4 && memcmp(data, "GGUF", 4) == 0)
        status = read_gguf(im, path, err);
    else if (!status)
        status = read_old(im, data, size, err);
    if (!status && !map_file_is_whole(data))
        status = hone_fail(err, HONE_FAILED, "%s: was shortened while it was read", path);
    unmap_file(data, size);
    if (!status && im->entries.n == 0)
        status = damaged(im, "it is empty", err);
    if (status)
        imatrix_close(&im);
    *out = im;
    return status;
}

void imatrix_close(struct imatrix **im)
{
    if (!im || !*im)
        return;
    name_list_clear(&(*im)->entries);
    free((*im)->path);
    free(*im);
    *im = NULL;
}

enum hone_status imatrix_find(const struct imatrix *im, const struct gguf_tensor *t, const float **values,
                              struct hone_error *err)
{
    const struct imatrix_entry *e = name_list_find(&im->entries, t->name);
    *values = NULL;
    if (!e)
        return HONE_OK;
    const uint64_t expected = t->dims[0] * t->dims[2];
    if (e->n != expected)
        return hone_fail(err, HONE_BAD_MODEL, "%s: %s has %zu values, expected %llu: made for another model?",
                         im->path, t->name, e->n, (unsigned long long)expected);
    *values = e->values;
    return HONE_OK;
}
