#include "runtime/base/map_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum hone_status map_file(const char *path, void **data, size_t *size, struct hone_error *err)
{
    enum hone_status status = HONE_OK;
    struct stat st;
    /* O_NONBLOCK: opening a named pipe must not wait for somebody who writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        status = hone_fail(err, HONE_FAILED, "%s: %s", path, strerror(errno));
        goto done;
    }
    if (!S_ISREG(st.st_mode)) {
        status = hone_fail(err, HONE_FAILED, "%s: not a regular file", path);
        goto done;
    }
    void *map = NULL;
    if (st.st_size) {
        map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map == MAP_FAILED) {
            status = hone_fail(err, HONE_FAILED, "%s: cannot be mapped: %s", path, strerror(errno));
            goto done;
        }
    }
    *data = map;
    *size = (size_t)st.st_size;
done:
    if (fd >= 0)
        close(fd);
    return status;
}

void unmap_file(void *data, size_t size)
{
    if (data)
        munmap(data, size);
}
