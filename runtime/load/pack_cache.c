#include "runtime/load/pack_cache.h"

#include "runtime/base/cache_folder.h"
#include "runtime/base/map_file.h"
#include "runtime/base/new_file.h"
#include "runtime/base/poison.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <xxhash.h>

#define DATA_OFFSET 4096              /* of the weights in the file: a page, so that they are aligned */
#define LEAST_SIZE  ((size_t)4 << 20) /* of weights that are worth a file */

struct pack_header {
    char format[16];
    uint64_t model_size;
    int64_t model_time[2]; /* of the last change: seconds and nanoseconds */
    uint64_t packed_size;
    char layout[64];
};

/* Float32 weights are copied as fast as they would be mapped. */
static bool is_wanted(const struct net *m)
{
    const char *switched = getenv("HONE_CACHE");
    bool narrow = false;
    for (size_t i = 0; i < m->weights.n_dense; i++)
        narrow |= m->weights.dense[i]->kind != DENSE_F32 && m->weights.dense[i]->kind != DENSE_BLAS;
    if (switched && (strcmp(switched, "0") == 0 || strcmp(switched, "1") == 0))
        return narrow && *switched == '1';
    return narrow && m->weights.packed_size >= LEAST_SIZE;
}

/* What the cache file must begin with, and its path. False: the model is no file that can have one. */
static bool describe(const struct net *m, struct pack_header *h, char path[CACHE_PATH])
{
    struct stat st;
    char name[64], *real = realpath(gguf_path(m->gguf), NULL);
    if (!real)
        return false;
    uint64_t hash = XXH3_64bits(real, strlen(real));
    bool ok = stat(real, &st) == 0 && S_ISREG(st.st_mode);
    free(real);
    if (!ok)
        return false;
    *h = (struct pack_header){"hone weights 2",
                              (uint64_t)st.st_size,
                              {st.st_mtim.tv_sec, st.st_mtim.tv_nsec},
                              m->weights.packed_size,
                              ""};
    snprintf(h->layout, sizeof h->layout, "%s kind %d of %zu", m->kernels->name,
             (int)m->weights.dense[0]->kind, m->weights.n_dense);
    snprintf(name, sizeof name, "weights/%016" PRIx64 "-%s-%d", hash, m->kernels->name,
             (int)m->weights.dense[0]->kind);
    return cache_path(path, name);
}

/* Whether the first panel of the first matrix and the last of the last are as packing makes them now. */
static bool is_current(const struct net *m, const char *packed)
{
    const struct weights *w = &m->weights;
    const struct dense *first = w->dense[0], *last = w->dense[w->n_dense - 1];
    return dense_panel_is(first, 0, packed) &&
           dense_panel_is(last, dense_n_panels(last) - 1,
                          packed + w->packed_size - POISON_ZONE - dense_packed_size(last));
}

void *pack_cache_map(struct net *m)
{
    struct pack_header want;
    char path[CACHE_PATH];
    void *data;
    size_t size;
    if (!is_wanted(m) || !describe(m, &want, path) || map_file(path, &data, &size, NULL) != HONE_OK)
        return NULL;
    char *packed = (char *)data + DATA_OFFSET;
    if (size == DATA_OFFSET + m->weights.packed_size && memcmp(data, &want, sizeof want) == 0 &&
        is_current(m, packed)) {
        madvise(data, size, MADV_WILLNEED);
        m->weights.pack_map = data;
        m->weights.pack_map_size = size;
        return packed;
    }
    unmap_file(data, size);
    return NULL;
}

void pack_cache_store(const struct net *m)
{
    struct pack_header h;
    struct new_file file;
    char path[CACHE_PATH], page[DATA_OFFSET] = {0};
    if (!is_wanted(m) || !describe(m, &h, path))
        return;
    cache_make_folders(path);
    if (new_file_open(&file, path, NULL) != HONE_OK)
        return;
    memcpy(page, &h, sizeof h);
    bool ok = fwrite(page, sizeof page, 1, file.stream) == 1 &&
              fwrite(m->weights.packed, m->weights.packed_size, 1, file.stream) == 1;
    new_file_close(&file, ok ? 0 : errno ? errno : EIO, NULL);
}
