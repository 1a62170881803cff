#include "runtime/base/files.h"

#include "runtime/base/lost_pages.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- mapped files ---- */

static enum hone_status check_kind(const char *path, const struct stat *st, bool no_follow,
                                   struct hone_error *err)
{
    if (!S_ISREG(st->st_mode))
        return hone_fail(err, HONE_FAILED, "%s: not a regular file", path);
    if (no_follow && (st->st_uid != geteuid() || (st->st_mode & (S_IWGRP | S_IWOTH))))
        return hone_fail(err, HONE_FAILED, "%s: belongs to somebody else, or others may write it", path);
    return HONE_OK;
}

/* Takes fd where there is something to map: *fd is -1 then. */
static enum hone_status map_open(const char *path, int *fd, const struct stat *st, void **data,
                                 struct hone_error *err)
{
    *data = NULL;
    if (st->st_size == 0)
        return HONE_OK;
    void *map = mmap(NULL, (size_t)st->st_size, PROT_READ, MAP_PRIVATE, *fd, 0);
    if (map == MAP_FAILED)
        return hone_fail(err, HONE_FAILED, "%s: cannot be mapped: %s", path, strerror(errno));
    if (!lost_pages_watch(map, (size_t)st->st_size, *fd)) {
        munmap(map, (size_t)st->st_size);
        return hone_no_memory(err, path, sizeof(void *));
    }
    *fd = -1;
    *data = map;
    return HONE_OK;
}

enum hone_status map_file_as(const char *path, bool no_follow, void **data, size_t *size,
                             struct file_identity *identity, struct hone_error *err)
{
    struct stat st;
    /* O_NONBLOCK: opening a named pipe must not wait for somebody who writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | (no_follow ? O_NOFOLLOW : 0));
    if (fd < 0 || fstat(fd, &st) < 0) {
        enum hone_status status = hone_fail(err, HONE_FAILED, "%s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return status;
    }
    enum hone_status status = check_kind(path, &st, no_follow, err);
    if (status == HONE_OK)
        status = map_open(path, &fd, &st, data, err);
    if (status == HONE_OK)
        *size = (size_t)st.st_size;
    if (status == HONE_OK && identity)
        *identity = (struct file_identity){st.st_dev, st.st_ino, (uint64_t)st.st_size, st.st_ctim.tv_sec,
                                           st.st_ctim.tv_nsec};
    if (fd >= 0)
        close(fd);
    return status;
}

enum hone_status map_file(const char *path, void **data, size_t *size, struct hone_error *err)
{
    return map_file_as(path, false, data, size, NULL, err);
}

void unmap_file(void *data, size_t size)
{
    if (!data)
        return;
    lost_pages_forget(data);
    munmap(data, size);
}

void map_file_mark_lost(const void *data)
{
    lost_pages_mark(data);
}

bool map_file_is_whole(const void *data)
{
    return !lost_pages_in(data);
}

bool map_file_any_lost(void)
{
    return lost_pages_any();
}

/* ---- new files ---- */

#define TRIES 1000 /* of names */

/* The folder of a path: "." where it names none. To be freed. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return !slash ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static char *temp_name(const char *path, unsigned i)
{
    char *name = NULL;
    return asprintf(&name, "%s.%d-%u.tmp", path, (int)getpid(), i) < 0 ? NULL : name;
}

/* ---- what was left behind ---- */

/* A file that nobody holds: its writer would have it locked. */
static void remove_if_stale(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        unlinkat(folder, name, 0);
    if (fd >= 0)
        close(fd);
}

/* Whether it is that of a temporary file of `path`: "BASE.DIGITS-DIGITS.tmp". */
static bool is_temp_of(const char *name, const char *base)
{
    size_t n = strlen(base);
    if (strncmp(name, base, n) != 0 || name[n] != '.')
        return false;
    name += n + 1;
    size_t pid = strspn(name, "0123456789");
    if (pid == 0 || name[pid] != '-')
        return false;
    name += pid + 1;
    size_t number = strspn(name, "0123456789");
    return number > 0 && strcmp(name + number, ".tmp") == 0;
}

void new_file_remove_stale(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = folder_of(path);
    DIR *dir = folder ? opendir(folder) : NULL;
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (is_temp_of(entry->d_name, slash ? slash + 1 : path))
            remove_if_stale(dirfd(dir), entry->d_name);
    if (dir)
        closedir(dir);
    free(folder);
}

/* ---- writing ---- */

/* -1 where the file system has no nameless files. */
static int open_nameless(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder ? open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666) : -1;
    free(folder);
    return fd;
}

static int open_named(struct new_file *f)
{
    int fd = -1;
    for (unsigned i = 0; fd < 0 && i < TRIES; i++) {
        free(f->temp_path);
        f->temp_path = temp_name(f->path, i);
        if (!f->temp_path)
            break;
        fd = open(f->temp_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (fd < 0 && errno != EEXIST)
            break;
    }
    return fd;
}

enum hone_status new_file_open(struct new_file *f, const char *path, struct hone_error *err)
{
    struct stat st;
    *f = (struct new_file){.path = path};
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return hone_fail(err, HONE_FAILED, "%s: not a regular file", path);
    new_file_remove_stale(path);
    int fd = open_nameless(path);
    if (fd < 0)
        fd = open_named(f);
    if (fd >= 0)
        flock(fd, LOCK_EX | LOCK_NB);
    if (fd >= 0 && (f->stream = fdopen(fd, "wb")))
        return HONE_OK;
    hone_fail(err, HONE_FAILED, "%s: cannot be written: %s", path, strerror(errno));
    if (fd >= 0) {
        close(fd);
        if (f->temp_path)
            unlink(f->temp_path);
    }
    free(f->temp_path);
    return HONE_FAILED;
}

/* The name, or one beside it where that is taken; then *temp_path. 0 or an errno. */
static int link_nameless(int fd, const char *path, char **temp_path)
{
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return 0;
    for (unsigned i = 0; errno == EEXIST && i < TRIES; i++) {
        free(*temp_path);
        *temp_path = temp_name(path, i);
        if (!*temp_path)
            return ENOMEM;
        if (linkat(AT_FDCWD, self, AT_FDCWD, *temp_path, AT_SYMLINK_FOLLOW) == 0)
            return 0;
    }
    int error = errno;
    free(*temp_path);
    *temp_path = NULL;
    return error;
}

int new_file_name(int fd, const char *path)
{
    sigset_t all, before;
    char *temp_path = NULL;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = link_nameless(fd, path, &temp_path);
    if (temp_path && rename(temp_path, path) < 0) {
        error = errno;
        unlink(temp_path);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    free(temp_path);
    return error;
}

/* The new name is on the disk once the folder is. Where that fails the file is there all the same. */
static void sync_folder(const char *path)
{
    char *folder = folder_of(path);
    int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        (void)!fsync(fd);
        close(fd);
    }
    free(folder);
}

enum hone_status new_file_close(struct new_file *f, int error, struct hone_error *err)
{
    if (!error && (fflush(f->stream) != 0 || fsync(fileno(f->stream)) < 0))
        error = errno;
    if (!error)
        error = !f->temp_path                        ? new_file_name(fileno(f->stream), f->path)
                : rename(f->temp_path, f->path) == 0 ? 0
                                                     : errno;
    if (error && f->temp_path)
        unlink(f->temp_path);
    fclose(f->stream); /* all is on the disk; until it has its name it is locked */
    free(f->temp_path);
    if (error)
        return hone_fail(err, HONE_FAILED, "%s: cannot be written: %s", f->path, strerror(error));
    sync_folder(f->path);
    return HONE_OK;
}
