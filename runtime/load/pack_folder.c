#include "runtime/load/pack_folder.h"

#include <hone/files.h>

#include "runtime/base/clock.h"
#include "runtime/base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#define SECRET        "secret"
#define LIMIT         "limit"
#define LOCK_PAUSE    0.005 /* seconds */
#define LOCK_PATIENCE 3.0   /* a disk writes some gigabytes meanwhile */
#define DEFAULT_SHARE 4     /* the caches may have one part in so many of what is free */

/* ---- the folder and its secret ---- */

static bool join(const struct pack_folder *f, const char *name, char path[CACHE_PATH])
{
    int n = snprintf(path, CACHE_PATH, "%s/%s", f->path, name);
    return n >= 0 && n < CACHE_PATH;
}

/* A folder that its owner alone writes. */
static bool is_own_folder(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid() &&
           !(st.st_mode & (S_IWGRP | S_IWOTH));
}

/* A regular file of one's own that nobody else writes, as a descriptor; -1: there is none. */
static int open_own(const struct pack_folder *f, const char *name)
{
    struct stat st;
    char path[CACHE_PATH];
    int fd = join(f, name, path) ? open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK) : -1;
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
        !(st.st_mode & (S_IWGRP | S_IWOTH)))
        return fd;
    close(fd);
    return -1;
}

static bool read_secret(struct pack_folder *f)
{
    struct stat st;
    int fd = open_own(f, SECRET);
    if (fd < 0)
        return false;
    bool ok = fstat(fd, &st) == 0 && !(st.st_mode & (S_IRGRP | S_IROTH)) &&
              st.st_size == (off_t)sizeof f->secret &&
              read(fd, &f->secret, sizeof f->secret) == (ssize_t)sizeof f->secret;
    close(fd);
    return ok;
}

/* Of two processes that make one at once, the first one's counts. */
static bool make_secret(struct pack_folder *f)
{
    char path[CACHE_PATH], temporary[CACHE_PATH + 32];
    if (!join(f, SECRET, path) || !hash_secret_make(&f->secret))
        return false;
    snprintf(temporary, sizeof temporary, "%s.%d-0.tmp", path, (int)getpid());
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool ok = write(fd, &f->secret, sizeof f->secret) == (ssize_t)sizeof f->secret && fsync(fd) == 0;
    ok = close(fd) == 0 && ok;
    ok = ok && (link(temporary, path) == 0 || errno == EEXIST);
    unlink(temporary);
    return ok && read_secret(f);
}

bool pack_folder_open(struct pack_folder *f, bool make)
{
    char inside[CACHE_PATH];
    if (!cache_path(f->path, "weights") || !cache_path(inside, "weights/" SECRET))
        return false;
    if (make)
        cache_make_folders(inside);
    if (!is_own_folder(f->path))
        return false;
    return read_secret(f) || (make && make_secret(f));
}

bool pack_folder_path(const struct pack_folder *f, struct hash128 id, const char *suffix,
                      char path[CACHE_PATH])
{
    char name[64];
    snprintf(name, sizeof name, "%016" PRIx64 "%016" PRIx64 "%s", id.high, id.low, suffix);
    return join(f, name, path);
}

int pack_folder_lock(const struct pack_folder *f)
{
    const struct timespec pause = {.tv_nsec = (long)(LOCK_PAUSE * 1e9)};
    int fd = open_own(f, SECRET);
    double end = clock_seconds(&clock_monotonic) + LOCK_PATIENCE;
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && clock_seconds(&clock_monotonic) < end)
        nanosleep(&pause, NULL);
    return fd;
}

void pack_folder_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}

/* ---- what is in it ---- */

struct entry {
    char name[NAME_MAX + 1];
    uint64_t size;
    struct timespec used;
};

struct entries {
    struct entry *items; /* [n], what was used longest ago first */
    size_t n;
    uint64_t size; /* of all */
};

static bool ends_with(const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);
    return n >= k && strcmp(name + n - k, suffix) == 0;
}

/* All but what this folder needs itself and what is being written: packs, of earlier versions too. */
static bool is_pack(const char *name)
{
    return name[0] != '.' && strcmp(name, SECRET) != 0 && strcmp(name, LIMIT) != 0 &&
           !ends_with(name, PACK_OF) && !ends_with(name, ".tmp");
}

static int by_use(const void *a, const void *b)
{
    const struct timespec *x = &((const struct entry *)a)->used, *y = &((const struct entry *)b)->used;
    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? -1 : 1;
    return (x->tv_nsec > y->tv_nsec) - (x->tv_nsec < y->tv_nsec);
}

static bool add_entry(struct entries *list, const char *name, const struct stat *st)
{
    struct entry *more = reallocarray(list->items, list->n + 1, sizeof *more);
    if (!more)
        return false;
    list->items = more;
    struct entry *e = &more[list->n++];
    snprintf(e->name, sizeof e->name, "%s", name);
    e->size = (uint64_t)st->st_blocks * 512;
    e->used = st->st_mtim;
    list->size += e->size;
    return true;
}

/* To be freed: items. False: out of memory. */
static bool list_packs(const struct pack_folder *f, struct entries *list)
{
    bool ok = true;
    DIR *dir = opendir(f->path);
    *list = (struct entries){0};
    for (struct dirent *d; dir && ok && (d = readdir(dir));) {
        struct stat st;
        if (is_pack(d->d_name) && fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode))
            ok = add_entry(list, d->d_name, &st);
    }
    if (dir)
        closedir(dir);
    if (list->n > 0)
        qsort(list->items, list->n, sizeof *list->items, by_use);
    return ok;
}

static void remove_name(const struct pack_folder *f, const char *name)
{
    char path[CACHE_PATH];
    if (join(f, name, path))
        unlink(path);
}

/* Files that nobody writes any more, and records of packs that are gone. */
static void sweep(const struct pack_folder *f)
{
    DIR *dir = opendir(f->path);
    for (struct dirent *d; dir && (d = readdir(dir));) {
        struct hash128 content;
        char path[CACHE_PATH];
        int fd = -1;
        if (ends_with(d->d_name, ".tmp")) {
            fd = openat(dirfd(dir), d->d_name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
            if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
                unlinkat(dirfd(dir), d->d_name, 0);
        } else if (ends_with(d->d_name, PACK_OF)) {
            fd = open_own(f, d->d_name);
            bool known = fd >= 0 && read(fd, &content, sizeof content) == (ssize_t)sizeof content &&
                         pack_folder_path(f, content, PACK_SUFFIX, path) && access(path, F_OK) == 0;
            if (!known)
                unlinkat(dirfd(dir), d->d_name, 0);
        }
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
}

/* ---- the limit ---- */

/* 0: none was set. */
static uint64_t set_limit(const struct pack_folder *f)
{
    char text[32] = "";
    int fd = open_own(f, LIMIT);
    if (fd < 0)
        return 0;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    return n > 0 ? strtoull(text, NULL, 10) : 0;
}

/* A share of what would be free if there were no caches. */
static uint64_t default_limit(const struct pack_folder *f, uint64_t used)
{
    struct statvfs v;
    if (statvfs(f->path, &v) < 0)
        return 0;
    return ((uint64_t)v.f_bavail * v.f_frsize + used) / DEFAULT_SHARE;
}

static uint64_t limit_of(const struct pack_folder *f, uint64_t used)
{
    uint64_t limit = set_limit(f);
    return limit ? limit : default_limit(f, used);
}

/* Down to `most` bytes. */
static void evict(const struct pack_folder *f, struct entries *list, uint64_t most)
{
    for (size_t i = 0; i < list->n && list->size > most; i++) {
        remove_name(f, list->items[i].name);
        list->size -= list->items[i].size;
    }
}

bool pack_folder_make_room(const struct pack_folder *f, uint64_t size)
{
    struct entries list;
    bool ok = list_packs(f, &list);
    uint64_t limit = limit_of(f, list.size);
    ok = ok && size <= limit;
    if (ok)
        evict(f, &list, limit - size);
    free(list.items);
    sweep(f);
    return ok;
}

/* ---- hone_packs_... ---- */

static enum hone_status open_or_fail(struct pack_folder *f, bool make, bool *there, struct hone_error *err)
{
    *there = pack_folder_open(f, make);
    if (*there || (!make && access(f->path, F_OK) != 0))
        return HONE_OK;
    return hone_fail(
        err, HONE_FAILED,
        "%s: no folder of this user's own, which nobody else writes and which is no symbolic link", f->path);
}

static void tell(const struct pack_folder *f, const struct entry *e, hone_pack_sink sink, void *arg)
{
    char path[CACHE_PATH];
    struct pack_header h = {0};
    int fd = open_own(f, e->name);
    bool known = fd >= 0 && read(fd, &h, sizeof h) == (ssize_t)sizeof h &&
                 memcmp(h.format, PACK_FORMAT, sizeof PACK_FORMAT) == 0;
    if (fd >= 0)
        close(fd);
    h.how[PACK_HOW - 1] = h.model[PACK_MODEL - 1] = 0;
    struct hone_pack pack = {.path = join(f, e->name, path) ? path : e->name,
                             .model = known ? h.model : "",
                             .how = known ? h.how : "",
                             .size = e->size,
                             .last_used = e->used.tv_sec};
    sink(arg, &pack);
}

static void fill(struct hone_packs *out, const struct pack_folder *f, const struct entries *list)
{
    *out = (struct hone_packs){.n = list->n, .size = list->size, .limit = limit_of(f, list->size)};
    out->is_default = set_limit(f) == 0;
    memcpy(out->folder, f->path, sizeof out->folder);
}

enum hone_status hone_packs_list(hone_pack_sink sink, void *arg, struct hone_packs *out,
                                 struct hone_error *err)
{
    struct pack_folder f = {.path = ""};
    struct entries list = {0};
    bool there;
    enum hone_status status = open_or_fail(&f, false, &there, err);
    if (status != HONE_OK)
        return status;
    if (there && !list_packs(&f, &list))
        status = hone_no_memory(err, f.path, list.n * sizeof *list.items);
    for (size_t i = list.n; i-- > 0 && status == HONE_OK && sink;)
        tell(&f, &list.items[i], sink, arg);
    if (status == HONE_OK && out)
        fill(out, &f, &list);
    free(list.items);
    return status;
}

enum hone_status hone_packs_clear(struct hone_packs *removed, struct hone_error *err)
{
    struct pack_folder f = {.path = ""};
    struct entries list = {0};
    bool there;
    enum hone_status status = open_or_fail(&f, false, &there, err);
    if (status == HONE_OK && there && !list_packs(&f, &list))
        status = hone_no_memory(err, f.path, list.n * sizeof *list.items);
    if (status == HONE_OK && removed)
        fill(removed, &f, &list);
    if (status == HONE_OK && there) {
        evict(&f, &list, 0);
        sweep(&f);
    }
    free(list.items);
    return status;
}

enum hone_status hone_packs_limit(uint64_t bytes, struct hone_error *err)
{
    struct pack_folder f = {.path = ""};
    struct new_file file;
    char path[CACHE_PATH];
    bool there;
    enum hone_status status = open_or_fail(&f, true, &there, err);
    if (status == HONE_OK && !join(&f, LIMIT, path))
        status = hone_fail(err, HONE_FAILED, "%s: too long a path", f.path);
    if (status == HONE_OK && bytes == 0 && unlink(path) < 0 && errno != ENOENT)
        status = hone_fail(err, HONE_FAILED, "%s: %s", path, strerror(errno));
    if (status == HONE_OK && bytes > 0) {
        status = new_file_open(&file, path, err);
        bool ok = status == HONE_OK && fprintf(file.stream, "%" PRIu64 "\n", bytes) > 0;
        if (status == HONE_OK)
            status = new_file_close(&file, ok ? 0 : EIO, err);
    }
    if (status == HONE_OK)
        pack_folder_make_room(&f, 0);
    return status;
}
