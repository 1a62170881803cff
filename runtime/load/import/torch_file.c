#include "runtime/load/import/torch_file.h"

#include "runtime/base/text.h"
#include "runtime/load/import/zip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Tensors may share a storage, as tied embeddings do (T5's have four names); each is then packed by itself. All of them have at
 * most so many times the bytes of the file, since a small file with many names of one storage would be as many models. */
#define MAX_SHARED 8

struct reading {
    const char *path;
    torch_file_tensor add;
    void *arg;
    struct hone_error *err;
    uint64_t left; /* bytes that further tensors may have */
};

static enum hone_status refuse(const struct reading *r, const struct pickle_tensor *t, const char *what)
{
    return hone_fail(r->err, HONE_BAD_MODEL, "%s: tensor '%.*s' %s", r->path,
                     (int)(t->name.size < 100 ? t->name.size : 100), t->name.data, what);
}

/* Row by row, without gaps; a dimension of 1 may have any stride. */
static bool lies_in_rows(const struct pickle_tensor *t)
{
    uint64_t step = 1;
    for (unsigned i = t->n_dims; i-- > 0;) {
        if (t->dims[i] != 1 && t->strides[i] != step)
            return false;
        if (__builtin_mul_overflow(step, t->dims[i], &step))
            return false;
    }
    return true;
}

static enum hone_status add(struct reading *r, const struct pickle_tensor *t, const char *storage,
                            size_t size)
{
    uint64_t bytes = t->item_size, start;
    for (unsigned i = 0; i < t->n_dims; i++)
        if (__builtin_mul_overflow(bytes, t->dims[i], &bytes))
            return refuse(r, t, "is larger than any storage");
    if (bytes > 0 && !lies_in_rows(t))
        return refuse(r, t, "does not lie in rows one behind the other");
    if (__builtin_mul_overflow(t->offset, (uint64_t)t->item_size, &start) || start > size ||
        bytes > size - start)
        return refuse(r, t, "leaves its storage");
    if (bytes > r->left)
        return refuse(r, t, "and those before it share storages so often that they are many times the file");
    r->left -= bytes;
    return r->add(r->arg, t, storage + start, bytes, r->err);
}

/* ---- archives ---- */

static enum hone_status check_order(const struct zip *zip, const struct reading *r)
{
    const char *order;
    size_t size;
    enum hone_status status = zip_find(zip, "byteorder", &order, &size, r->path, r->err);
    if (status != HONE_OK || !order || text_is((struct hone_text){order, size}, "little"))
        return status;
    return hone_fail(r->err, HONE_BAD_MODEL, "%s: its numbers are big-endian, which is not supported",
                     r->path);
}

static enum hone_status add_stored(const struct zip *zip, struct reading *r, const struct pickle_tensor *t)
{
    char name[64];
    const char *storage;
    size_t size;
    snprintf(name, sizeof name, "data/%.*s", (int)(t->storage.size < 40 ? t->storage.size : 40),
             t->storage.data);
    enum hone_status status = zip_find(zip, name, &storage, &size, r->path, r->err);
    if (status == HONE_OK && !storage)
        return refuse(r, t, "has no storage in the archive");
    return status == HONE_OK ? add(r, t, storage, size) : status;
}

static enum hone_status add_pickled(const struct zip *zip, const char *text, size_t n, struct reading *r)
{
    struct pickle pickle;
    enum hone_status status = pickle_read(&pickle, text, n, r->path, r->err);
    if (status != HONE_OK)
        return status;
    for (size_t i = 0; i < pickle.n && status == HONE_OK; i++)
        status = add_stored(zip, r, &pickle.tensors[i]);
    pickle_release(&pickle);
    return status;
}

static enum hone_status read_archive(const void *data, size_t size, struct reading *r)
{
    struct zip zip;
    const char *text;
    size_t n;
    enum hone_status status = zip_read(&zip, data, size, r->path, r->err);
    if (status != HONE_OK)
        return status;
    status = check_order(&zip, r);
    if (status == HONE_OK)
        status = zip_find(&zip, "data.pkl", &text, &n, r->path, r->err);
    if (status == HONE_OK && !text)
        status = hone_fail(r->err, HONE_BAD_MODEL, "%s: the archive holds no data.pkl", r->path);
    if (status == HONE_OK)
        status = add_pickled(&zip, text, n, r);
    zip_release(&zip);
    return status;
}

/* ---- older files: a number that marks them, a version, facts of the machine, the tensors, the storages' keys, and then each
 * storage behind the number of its elements ---- */

/* By storage, those of the same one in the order of the pickle. */
static int compare_tensors(const void *a, const void *b)
{
    const struct pickle_tensor *x = *(const struct pickle_tensor *const *)a,
                               *y = *(const struct pickle_tensor *const *)b;
    int order = text_compare(x->storage, y->storage);
    return order ? order : (x > y) - (x < y);
}

/* The tensors in that order, to be freed; NULL: out of memory. */
static const struct pickle_tensor **by_storage(const struct pickle *tensors)
{
    const struct pickle_tensor **sorted = malloc(tensors->n ? tensors->n * sizeof *sorted : 1);
    for (size_t i = 0; sorted && i < tensors->n; i++)
        sorted[i] = &tensors->tensors[i];
    if (sorted)
        qsort(sorted, tensors->n, sizeof *sorted, compare_tensors);
    return sorted;
}

/* The first tensor of the n that are sorted whose storage is not before this one. */
static size_t first_of(const struct pickle_tensor *const *sorted, size_t n, struct hone_text key)
{
    size_t low = 0;
    while (low < n) {
        size_t middle = low + (n - low) / 2;
        if (text_compare(sorted[middle]->storage, key) < 0)
            low = middle + 1;
        else
            n = middle;
    }
    return low;
}

static enum hone_status read_storages(const char *data, size_t size,
                                      const struct pickle_tensor *const *sorted, size_t n_tensors,
                                      const struct pickle *keys, struct reading *r)
{
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < keys->n_texts && status == HONE_OK; i++) {
        struct hone_text key = keys->texts[i];
        size_t t = first_of(sorted, n_tensors, key);
        uint64_t n, bytes;
        if (!key.data)
            return hone_fail(r->err, HONE_BAD_MODEL, "%s: key %zu of its storages is no text", r->path, i);
        if (size < 8 || t == n_tensors || text_compare(sorted[t]->storage, key) != 0)
            return hone_fail(r->err, HONE_BAD_MODEL, "%s: a storage is cut short, or nobody's", r->path);
        memcpy(&n, data, 8);
        if (__builtin_mul_overflow(n, sorted[t]->item_size, &bytes) || bytes > size - 8)
            return hone_fail(r->err, HONE_BAD_MODEL, "%s: a storage leaves the file", r->path);
        for (; t < n_tensors && text_compare(sorted[t]->storage, key) == 0 && status == HONE_OK; t++)
            status = add(r, sorted[t], data + 8, (size_t)bytes);
        data += 8 + bytes;
        size -= 8 + (size_t)bytes;
    }
    return status;
}

static enum hone_status read_old(const char *data, size_t size, struct reading *r)
{
    struct pickle parts[4] = {{0}}; /* version, machine, tensors, keys */
    enum hone_status status = HONE_OK;
    for (size_t i = 0; i < 4 && status == HONE_OK; i++) {
        status = pickle_read(&parts[i], data, size, r->path, r->err);
        data += parts[i].size;
        size -= parts[i].size;
    }
    const struct pickle_tensor **sorted = status == HONE_OK ? by_storage(&parts[2]) : NULL;
    if (status == HONE_OK)
        status = sorted ? read_storages(data, size, sorted, parts[2].n, &parts[3], r)
                        : hone_no_memory(r->err, r->path, parts[2].n * sizeof *sorted);
    free(sorted);
    for (size_t i = 0; i < 4; i++)
        pickle_release(&parts[i]);
    return status;
}

enum hone_status torch_file_read(const void *data, size_t size, const char *path, torch_file_tensor add_one,
                                 void *arg, struct hone_error *err)
{
    struct reading r = {path, add_one, arg, err,
                        .left = size < UINT64_MAX / MAX_SHARED ? MAX_SHARED * (uint64_t)size : UINT64_MAX};
    /* the number that marks older files, as a pickle writes it */
    static const char old[] = "\x80\x02\x8a\nl\xfc\x9c"
                              "F\xf9 j\xa8P\x19.";
    if (zip_is(data, size))
        return read_archive(data, size, &r);
    if (size > sizeof old - 1 && memcmp(data, old, sizeof old - 1) == 0) {
        const char *behind = (const char *)data + sizeof old - 1;
        return read_old(behind, size - (sizeof old - 1), &r);
    }
    return hone_fail(err, HONE_BAD_MODEL, "%s: not what torch.save writes", path);
}
