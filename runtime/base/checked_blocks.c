#include "runtime/base/checked_blocks.h"

#include "runtime/base/files.h"
#include "runtime/base/thread_pool.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct checked_blocks {
    const void *map;
    char *path;
    const char *data;
    size_t size, block_size;
    const struct hash128 *hashes;
    struct hash_secret secret;
    atomic_bool damaged;
    atomic_bool is_right[]; /* of each block; false: not known yet */
};

struct checked_blocks *checked_blocks_new(const void *map, const char *path, const char *data, size_t size,
                                          size_t block_size, const struct hash128 *hashes,
                                          const struct hash_secret *secret)
{
    size_t n = (size + block_size - 1) / block_size;
    struct checked_blocks *c = calloc(1, sizeof *c + n * sizeof *c->is_right);
    char *own = strdup(path);
    if (!c || !own) {
        free(c);
        free(own);
        return NULL;
    }
    c->map = map;
    c->path = own;
    c->data = data;
    c->size = size;
    c->block_size = block_size;
    c->hashes = hashes;
    c->secret = *secret;
    return c;
}

void checked_blocks_free(struct checked_blocks *c)
{
    if (c)
        free(c->path);
    free(c);
}

struct look {
    struct checked_blocks *blocks;
    size_t first;
};

static void look_at(const void *arg, struct work_range piece)
{
    const struct look *l = arg;
    struct checked_blocks *c = l->blocks;
    for (size_t i = l->first + piece.first; i < l->first + piece.end; i++) {
        const size_t at = i * c->block_size, left = c->size - at;
        if (atomic_load_explicit(&c->is_right[i], memory_order_acquire))
            continue;
        struct hash128 hash =
            keyed_hash(&c->secret, c->data + at, left < c->block_size ? left : c->block_size);
        if (hash_same(hash, c->hashes[i])) {
            atomic_store_explicit(&c->is_right[i], true, memory_order_release);
            continue;
        }
        map_file_mark_lost(c->map); /* before another thread that sees the damage goes on without looking */
        if (!atomic_exchange(&c->damaged, true))
            unlink(c->path);
    }
}

void checked_blocks_look(struct checked_blocks *c, const void *from, size_t size, int n_threads)
{
    size_t first = (size_t)((const char *)from - c->data) / c->block_size;
    size_t end = ((size_t)((const char *)from - c->data) + size + c->block_size - 1) / c->block_size;
    while (first < end && atomic_load_explicit(&c->is_right[first], memory_order_acquire))
        first++;
    if (first < end && !atomic_load(&c->damaged))
        thread_pool_run(n_threads, end - first, 0, look_at, &(struct look){c, first});
}
