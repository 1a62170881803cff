#include "cli/io/resume.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char begin[] = "{\"index\": ";

/* The offset behind the last line feed before `end`, and 0 where there is none; -1: it can't be read. */
static off_t line_before(int fd, off_t end)
{
    char block[4096];
    while (end > 0) {
        off_t start = end > (off_t)sizeof block ? end - (off_t)sizeof block : 0;
        if (pread(fd, block, (size_t)(end - start), start) != end - start)
            return -1;
        const char *stop = memrchr(block, '\n', (size_t)(end - start));
        if (stop)
            return start + (stop - block) + 1;
        end = start;
    }
    return 0;
}

/* *n_done from the line that starts there. */
static bool read_index(int fd, off_t start, size_t *n_done)
{
    char text[sizeof begin + 32] = "", *end;
    if (pread(fd, text, sizeof text - 1, start) < 0 || strncmp(text, begin, strlen(begin)) != 0)
        return false;
    const char *number = text + strlen(begin);
    *n_done = strtoull(number, &end, 10) + 1;
    return *number >= '0' && *number <= '9' && (*end == ',' || *end == '}');
}

/* Whether a file without a complete line begins as one of results does. */
static bool begins_well(int fd, off_t size)
{
    char text[sizeof begin] = "";
    size_t n = size < (off_t)strlen(begin) ? (size_t)size : strlen(begin);
    return pread(fd, text, n, 0) == (ssize_t)n && memcmp(text, begin, n) == 0;
}

static enum hone_status find_end(int fd, const char *path, size_t *n_done)
{
    struct stat info;
    off_t end = -1, start = -1;
    if (fstat(fd, &info) == 0)
        end = line_before(fd, info.st_size);
    if (end >= 0)
        start = end > 0 ? line_before(fd, end - 1) : 0;
    if (start < 0)
        goto error;
    /* Nothing is cut off what somebody else has written. */
    if (end > 0 ? !read_index(fd, start, n_done) : !begins_well(fd, info.st_size))
        return report_error(HONE_USAGE, "%s holds something else than results of hone score", path);
    if (ftruncate(fd, end) == 0 && lseek(fd, end, SEEK_SET) == end)
        return HONE_OK;
error:
    return report_error(HONE_FAILED, "cannot go on with %s: %s", path, strerror(errno));
}

enum hone_status resume_open(struct output *o, const char *path, size_t *n_done)
{
    struct stat info;
    *n_done = 0;
    if (!path || strcmp(path, "-") == 0 || (stat(path, &info) == 0 && !S_ISREG(info.st_mode)))
        return output_open(o, path, false);
    memset(o, 0, offsetof(struct output, buffer));
    o->name = path;
    o->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return report_error(HONE_FAILED, "cannot write to %s: %s", path, strerror(errno));
    enum hone_status status = find_end(o->fd, path, n_done);
    if (status != HONE_OK)
        close(o->fd);
    return status;
}
