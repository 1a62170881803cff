#include "runtime/load/pack_cache.h"

#include "runtime/base/checked_blocks.h"
#include "runtime/base/files.h"
#include "runtime/base/poison.h"
#include "runtime/base/thread_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define PAGE       4096              /* the weights begin at one */
#define BLOCK      ((size_t)1 << 20) /* that has a checksum of its own */
#define SAMPLE     ((size_t)32)      /* bytes of each tensor that are looked at in any case */
#define LEAST_SIZE ((size_t)4 << 20) /* of weights that are worth a file */
#define SETTLED    1                 /* seconds after which a file's time of change tells two writes apart */

/* Float32 weights too, which are copied as fast as they are mapped: what is mapped is one copy for all processes. */
static bool is_wanted(const struct net *m)
{
    const char *switched = getenv("HONE_CACHE");
    if (switched && (strcmp(switched, "0") == 0 || strcmp(switched, "1") == 0))
        return *switched == '1';
    return m->weights.packed_size >= LEAST_SIZE;
}

/* ---- hashes ---- */

struct hashed_block {
    const char *data;
    size_t size;
};

struct hashing {
    const struct hash_secret *secret;
    const struct hashed_block *blocks;
    struct hash128 *hashes;
    const struct gguf *gguf; /* whose data they are, which is not needed again soon; or NULL */
};

static void hash_blocks(const void *arg, struct work_range piece)
{
    const struct hashing *h = arg;
    for (size_t i = piece.first; i < piece.end; i++) {
        h->hashes[i] = keyed_hash(h->secret, h->blocks[i].data, h->blocks[i].size);
        if (h->gguf) /* else a model would take its weights twice: as they came and as they are packed */
            gguf_forget(h->gguf, h->blocks[i].data, h->blocks[i].size);
    }
}

static size_t n_blocks_of(size_t size)
{
    return (size + BLOCK - 1) / BLOCK;
}

static size_t cut(struct hashed_block *blocks, const char *data, size_t size)
{
    size_t n = n_blocks_of(size);
    for (size_t i = 0; i < n; i++)
        blocks[i] =
            (struct hashed_block){data + i * BLOCK, size - i * BLOCK < BLOCK ? size - i * BLOCK : BLOCK};
    return n;
}

static const struct gguf_tensor *next_tensor(const struct net *m, size_t *i_dense, unsigned *part)
{
    while (*i_dense < m->weights.n_dense && *part == m->weights.dense[*i_dense]->n_parts) {
        (*i_dense)++;
        *part = 0;
    }
    return *i_dense < m->weights.n_dense ? m->weights.dense[*i_dense]->parts[(*part)++].weight : NULL;
}

/* What a pack depends on beside the tensors' bytes. */
static struct hash128 layout_of(const struct hash_secret *secret, const struct net *m)
{
    struct {
        struct hash128 before;
        uint64_t kind, n_in, n_out, type[DENSE_MAX_PARTS], rows[DENSE_MAX_PARTS];
    } row = {.before = keyed_hash(secret, m->kernels->name, strlen(m->kernels->name))};
    for (size_t i = 0; i < m->weights.n_dense; i++) {
        const struct dense *d = m->weights.dense[i];
        row.kind = d->kind;
        row.n_in = d->n_in;
        row.n_out = d->n_out;
        for (unsigned part = 0; part < DENSE_MAX_PARTS; part++) {
            row.type[part] = part < d->n_parts ? (uint64_t)d->parts[part].weight->type->id : UINT64_MAX;
            row.rows[part] = part < d->n_parts ? d->parts[part].n_out : 0;
        }
        row.before = keyed_hash(secret, &row, sizeof row);
    }
    return row.before;
}

/* Of all bytes that are packed. False: out of memory. */
static bool content_of(const struct hash_secret *secret, const struct net *m, int n_threads,
                       struct hash128 *out)
{
    size_t i_dense = 0, n = 0;
    unsigned part = 0;
    for (const struct gguf_tensor *t; (t = next_tensor(m, &i_dense, &part));)
        n += n_blocks_of(t->size);
    struct hashed_block *blocks = calloc(n + 1, sizeof *blocks);
    struct hash128 *hashes = calloc(n + 1, sizeof *hashes);
    bool ok = blocks && hashes;
    i_dense = n = part = 0;
    for (const struct gguf_tensor *t; ok && (t = next_tensor(m, &i_dense, &part));)
        n += cut(blocks + n, t->data, t->size);
    if (ok) {
        thread_pool_run(n_threads, n, 0, hash_blocks, &(struct hashing){secret, blocks, hashes, m->gguf});
        hashes[n] = layout_of(secret, m);
        *out = keyed_hash(secret, hashes, (n + 1) * sizeof *hashes);
    }
    free(blocks);
    free(hashes);
    return ok;
}

/* Which ones they are. */
static struct hash128 files_of(const struct hash_secret *secret, const struct gguf *g)
{
    struct {
        struct hash128 before;
        struct file_identity file;
    } row = {.before = {0}};
    for (size_t i = 0; i < gguf_n_files(g); i++) {
        row.file = gguf_file_at(g, i)->identity;
        row.before = keyed_hash(secret, &row, sizeof row);
    }
    return row.before;
}

/* A folder's tensors may come of several of its files, turned or merged as the others say: which content it has is found by
 * reading it. */
static bool has_files(const struct net *m)
{
    return gguf_n_files(m->gguf) > 0;
}

/* Which files it is of, and a few bytes from somewhere in every tensor: a file system may be wrong about times. */
static struct hash128 file_of(const struct hash_secret *secret, const struct net *m)
{
    struct {
        struct hash128 before, files;
        uint64_t index;
        char sample[SAMPLE];
    } row = {.before = layout_of(secret, m), .files = files_of(secret, m->gguf)};
    size_t i_dense = 0;
    unsigned part = 0;
    for (const struct gguf_tensor *t; (t = next_tensor(m, &i_dense, &part)); row.index++) {
        size_t n = t->size < SAMPLE ? t->size : SAMPLE;
        size_t at = keyed_checksum(secret, &row.index, sizeof row.index) % (t->size - n + 1);
        memcpy(row.sample, (const char *)t->data + at, n);
        row.before = keyed_hash(secret, &row, sizeof row);
    }
    return row.before;
}

/* ---- which content a file has ---- */

struct record {
    struct hash128 content, checksum;
};

static bool known_content(const struct pack_folder *f, struct hash128 file, struct hash128 *content)
{
    char path[CACHE_PATH];
    void *data;
    size_t size;
    struct record record = {.content = {0}};
    if (!pack_folder_path(f, file, PACK_OF, path) ||
        map_file_as(path, true, &data, &size, NULL, NULL) != HONE_OK)
        return false;
    bool ok = size == sizeof record;
    if (ok)
        memcpy(&record, data, sizeof record);
    ok = ok && map_file_is_whole(data) &&
         hash_same(record.checksum, keyed_hash(&f->secret, &record.content, sizeof record.content));
    unmap_file(data, size);
    if (ok)
        *content = record.content;
    return ok;
}

/* A file that was written a moment ago may be written again within the same tick of the clock, so it is read once more the
 * next time; nor is it remembered if it is another one by now. */
static bool is_settled(const struct gguf *g)
{
    bool settled = true;
    for (size_t i = 0; i < gguf_n_files(g) && settled; i++) {
        const struct file_identity *id = &gguf_file_at(g, i)->identity;
        struct stat st;
        settled = time(NULL) - id->changed_s > SETTLED && stat(gguf_file_at(g, i)->path, &st) == 0 &&
                  st.st_dev == id->device && st.st_ino == id->inode && (uint64_t)st.st_size == id->size &&
                  st.st_ctim.tv_sec == id->changed_s && st.st_ctim.tv_nsec == id->changed_ns;
    }
    return settled;
}

static void write_record(const char *path, const struct record *record)
{
    struct new_file file;
    if (new_file_open(&file, path, NULL) != HONE_OK)
        return;
    bool ok = fchmod(fileno(file.stream), 0600) == 0 && fwrite(record, sizeof *record, 1, file.stream) == 1;
    new_file_close(&file, ok ? 0 : EIO, NULL);
}

static void remember(const struct pack_cache *c, const struct net *m)
{
    char path[CACHE_PATH];
    const struct pack_folder *f = &c->folder;
    struct record record = {c->content, keyed_hash(&f->secret, &c->content, sizeof c->content)};
    if (has_files(m) && is_settled(m->gguf) && pack_folder_path(f, file_of(&f->secret, m), PACK_OF, path))
        write_record(path, &record);
}

/* ---- packs ---- */

static const char *kind_name(enum dense_kind kind)
{
    static const char *const names[] = {[DENSE_F32] = "f32",   [DENSE_BLAS] = "blas", [DENSE_I4] = "4 bits",
                                        [DENSE_BF16] = "bf16", [DENSE_I8] = "int8",   [DENSE_K] = "k-quants"};
    return names[kind];
}

static size_t data_offset(size_t n_blocks)
{
    size_t n = sizeof(struct pack_header) + n_blocks * sizeof(struct hash128);
    return (n + PAGE - 1) / PAGE * PAGE;
}

/* rest: what lies between the header and the weights, the blocks' checksums and zeros. */
static struct hash128 checksum_of(const struct hash_secret *secret, const struct pack_header *h,
                                  const void *rest)
{
    struct hash128 both[] = {keyed_hash(secret, h, offsetof(struct pack_header, checksum)),
                             keyed_hash(secret, rest, data_offset(h->n_blocks) - sizeof *h)};
    return keyed_hash(secret, both, sizeof both);
}

/* Of every block of `packed`; to be freed. NULL: out of memory. */
static struct hash128 *hash_packed(const struct hash_secret *secret, const char *packed, size_t size,
                                   int n_threads)
{
    size_t n = n_blocks_of(size);
    struct hashed_block *blocks = calloc(n + 1, sizeof *blocks);
    struct hash128 *hashes = calloc(n + 1, sizeof *hashes);
    if (blocks && hashes) {
        cut(blocks, packed, size);
        thread_pool_run(n_threads, n, 0, hash_blocks, &(struct hashing){secret, blocks, hashes, NULL});
    } else {
        free(hashes);
        hashes = NULL;
    }
    free(blocks);
    return hashes;
}

/* Whether the first panel of the first matrix and the last of the last are as packing makes them now: another version may
 * pack in another order. */
static bool is_current(const struct net *m, const char *packed)
{
    const struct weights *w = &m->weights;
    const struct dense *first = w->dense[0], *last = w->dense[w->n_dense - 1];
    return dense_panel_is(first, 0, packed) &&
           dense_panel_is(last, dense_n_panels(last) - 1,
                          packed + w->packed_size - POISON_ZONE - dense_packed_size(last));
}

/* Packs that this process has looked at, and that nobody has written since: those need not be read whole once more when a
 * model comes back, which is most of what its coming costs. */
#define N_VERIFIED 64
static struct verified {
    struct hash128 content;
    struct file_identity file;
} verified[N_VERIFIED];
static size_t next_verified;
static pthread_mutex_t verified_lock = PTHREAD_MUTEX_INITIALIZER;

static bool same_identity(const struct file_identity *a, const struct file_identity *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_s == b->changed_s && a->changed_ns == b->changed_ns;
}

static bool was_verified(struct hash128 content, const struct file_identity *file)
{
    bool found = false;
    pthread_mutex_lock(&verified_lock);
    for (size_t i = 0; i < N_VERIFIED && !found; i++)
        found = hash_same(verified[i].content, content) && same_identity(&verified[i].file, file);
    pthread_mutex_unlock(&verified_lock);
    return found;
}

/* In the state that it has now: using it changes it, too. */
static void note_verified(struct hash128 content, struct file_identity file, const char *path)
{
    struct stat now;
    if (stat(path, &now) != 0 || (uint64_t)now.st_ino != file.inode || (uint64_t)now.st_dev != file.device)
        return;
    file.changed_s = now.st_ctim.tv_sec;
    file.changed_ns = now.st_ctim.tv_nsec;
    pthread_mutex_lock(&verified_lock);
    size_t at = next_verified % N_VERIFIED;
    for (size_t i = 0; i < N_VERIFIED; i++)
        at = hash_same(verified[i].content, content) ? i : at;
    next_verified += at == next_verified % N_VERIFIED;
    verified[at] = (struct verified){content, file};
    pthread_mutex_unlock(&verified_lock);
}

size_t pack_cache_whole_at_once = (size_t)1 << 30;

/* known: what it holds need not be looked at now. Else every byte is: on all threads that is as fast as memory, and the
 * pages are there for the first pass. */
static bool is_right(const struct pack_cache *c, const struct net *m, const char *data, size_t size,
                     bool known, int n_threads)
{
    struct pack_header h;
    size_t n = n_blocks_of(m->weights.packed_size), offset = data_offset(n);
    if (size != offset + m->weights.packed_size)
        return false;
    memcpy(&h, data, sizeof h);
    const struct hash128 *table = (const struct hash128 *)(const void *)(data + sizeof h);
    if (memcmp(h.format, PACK_FORMAT, sizeof PACK_FORMAT) != 0 || h.packed_size != m->weights.packed_size ||
        h.n_blocks != n || !hash_same(h.content, c->content) ||
        !hash_same(h.checksum, checksum_of(&c->folder.secret, &h, table)))
        return false;
    struct hash128 *hashes =
        known ? NULL : hash_packed(&c->folder.secret, data + offset, m->weights.packed_size, n_threads);
    bool ok = known || (hashes && memcmp(hashes, table, n * sizeof *hashes) == 0);
    free(hashes);
    return ok && is_current(m, data + offset) && map_file_is_whole(data);
}

static void *map_pack(const struct pack_cache *c, struct net *m, int n_threads)
{
    char path[CACHE_PATH];
    void *data;
    size_t size;
    struct file_identity file;
    if (!pack_folder_path(&c->folder, c->content, PACK_SUFFIX, path) ||
        map_file_as(path, true, &data, &size, &file, NULL) != HONE_OK)
        return NULL;
    if (data) /* a token that reads all of it takes up to 15 % longer from small pages */
        madvise(data, size, MADV_HUGEPAGE);
    const size_t packed_size = m->weights.packed_size;
    const bool known = was_verified(c->content, &file), later = packed_size > pack_cache_whole_at_once;
    bool ok = data && is_right(c, m, data, size, known || later, n_threads);
    char *packed = ok ? (char *)data + data_offset(n_blocks_of(packed_size)) : NULL;
    struct checked_blocks *unchecked = NULL;
    if (ok && !known && later) {
        const void *hashes = (const char *)data + sizeof(struct pack_header);
        unchecked = checked_blocks_new(data, path, packed, packed_size, BLOCK, hashes, &c->folder.secret);
        ok = unchecked != NULL;
    }
    if (!ok) {
        unmap_file(data, size);
        return NULL;
    }
    utimensat(AT_FDCWD, path, NULL, AT_SYMLINK_NOFOLLOW); /* what was used last goes last */
    if (!unchecked)
        note_verified(c->content, file, path);
    m->weights.pack_map = data;
    m->weights.pack_map_size = size;
    m->weights.unchecked = unchecked;
    return packed;
}

void *pack_cache_map(struct pack_cache *c, struct net *m, int n_threads)
{
    void *packed = NULL;
    c->wanted = is_wanted(m) && pack_folder_open(&c->folder, true);
    if (!c->wanted)
        return NULL;
    if (has_files(m) && known_content(&c->folder, file_of(&c->folder.secret, m), &c->content))
        packed = map_pack(c, m, n_threads);
    if (packed)
        return packed;
    c->wanted = content_of(&c->folder.secret, m, n_threads, &c->content);
    if (c->wanted)
        packed = map_pack(c, m, n_threads);
    if (packed)
        remember(c, m);
    return packed;
}

/* Whether the file still holds what was hashed before it was packed. Reading it once more costs little beside packing. */
static bool is_same_content(const struct pack_cache *c, const struct net *m, int n_threads)
{
    struct hash128 now;
    return content_of(&c->folder.secret, m, n_threads, &now) && hash_same(now, c->content);
}

/* Everything before `packed`; to be freed. NULL: out of memory. */
static char *make_head(const struct pack_cache *c, const struct net *m, const char *packed, int n_threads)
{
    const struct weights *w = &m->weights;
    struct pack_header h = {.format = PACK_FORMAT,
                            .packed_size = w->packed_size,
                            .n_blocks = n_blocks_of(w->packed_size),
                            .content = c->content};
    char *head = calloc(1, data_offset(h.n_blocks)), *real = realpath(gguf_path(m->gguf), NULL);
    struct hash128 *table = hash_packed(&c->folder.secret, packed, w->packed_size, n_threads);
    snprintf(h.how, sizeof h.how, "%s %s", m->kernels->name, kind_name(w->dense[0]->kind));
    snprintf(h.model, sizeof h.model, "%s", real ? real : gguf_path(m->gguf));
    free(real);
    if (head && table) {
        memcpy(head + sizeof h, table, h.n_blocks * sizeof *table);
        h.checksum = checksum_of(&c->folder.secret, &h, head + sizeof h);
        memcpy(head, &h, sizeof h);
    } else {
        free(head);
        head = NULL;
    }
    free(table);
    return head;
}

/* Of the weights that the file has behind the place for it. */
static bool write_head(const struct pack_cache *c, const struct net *m, FILE *out, int n_threads)
{
    const size_t offset = data_offset(n_blocks_of(m->weights.packed_size));
    char self[64], *head = NULL;
    void *data;
    size_t size;
    snprintf(self, sizeof self, "/proc/self/fd/%d", fileno(out));
    if (fflush(out) != 0 || map_file(self, &data, &size, NULL) != HONE_OK)
        return false;
    if (size == offset + m->weights.packed_size)
        head = make_head(c, m, (const char *)data + offset, n_threads);
    bool ok = head && map_file_is_whole(data) && fseeko(out, 0, SEEK_SET) == 0 &&
              fwrite(head, 1, offset, out) == offset;
    free(head);
    unmap_file(data, size);
    return ok;
}

/* Gives it its name, if no other process has packed the same meanwhile. */
static void *keep_pack(const struct pack_cache *c, struct net *m, struct new_file *file, size_t size,
                       int n_threads)
{
    int lock = pack_folder_lock(&c->folder);
    void *packed = map_pack(c, m, n_threads);
    if (packed)
        new_file_close(file, ECANCELED, NULL);
    else if (new_file_close(file, pack_folder_make_room(&c->folder, size) ? 0 : ENOSPC, NULL) == HONE_OK)
        packed = map_pack(c, m, n_threads);
    pack_folder_unlock(lock);
    if (packed)
        remember(c, m);
    return packed;
}

enum hone_status pack_cache_make(const struct pack_cache *c, struct net *m, pack_fill *fill, int n_threads,
                                 struct hone_error *err)
{
    char path[CACHE_PATH];
    struct new_file file;
    const size_t offset = data_offset(n_blocks_of(m->weights.packed_size));
    const size_t size = offset + m->weights.packed_size;
    if (!c->wanted || !pack_folder_path(&c->folder, c->content, PACK_SUFFIX, path) ||
        !pack_folder_make_room(&c->folder, size) || new_file_open(&file, path, NULL) != HONE_OK)
        return HONE_OK;
    FILE *out = file.stream;
    bool ok = fchmod(fileno(out), 0600) == 0 && fseeko(out, (off_t)offset, SEEK_SET) == 0;
    enum hone_status status = ok ? fill(m, out, n_threads, err) : HONE_OK;
    ok = ok && status == HONE_OK && !ferror(out) && is_same_content(c, m, n_threads) &&
         write_head(c, m, out, n_threads);
    if (ok)
        m->weights.packed = keep_pack(c, m, &file, size, n_threads);
    else
        new_file_close(&file, ECANCELED, NULL);
    return status;
}
