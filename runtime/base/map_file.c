#include "runtime/base/map_file.h"

#include "runtime/base/lost_pages.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool map_file_is_whole(const void *data)
{
    return !lost_pages_in(data);
}

bool map_file_any_lost(void)
{
    return lost_pages_any();
}
