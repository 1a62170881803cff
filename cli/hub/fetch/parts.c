#include "cli/hub/fetch/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_LIST (64u << 20) /* bytes; a line a part of some MB, so that a real one is far smaller */

uint64_t parts_start(const struct parts *p, size_t part)
{
    return part * p->part_size;
}

uint64_t parts_end(const struct parts *p, size_t part)
{
    uint64_t end = (part + 1) * p->part_size;
    return end < p->size ? end : p->size;
}

uint64_t parts_bytes(const struct parts *p)
{
    uint64_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->done[i] ? parts_end(p, i) - parts_start(p, i) : 0;
    return n;
}

static enum hone_status failed(const struct parts *p, struct hone_error *err)
{
    return hub_fail(err, HONE_FAILED, "%s: %s", p->list_path, strerror(errno));
}

/* A line that is a number alone, since strtoul would take a blank one for what stands in the next. */
static bool read_part(const char *line, const char *end, size_t n, size_t *part)
{
    char *behind;
    if (*line < '0' || *line > '9')
        return false;
    *part = strtoul(line, &behind, 10);
    return behind == end && *part < n;
}

/* What an earlier run wrote down. Its last line has no line feed where it was cut off: then it is no number, and goes. */
static bool read_list(struct parts *p)
{
    struct stat info;
    const size_t size = fstat(p->list, &info) == 0 && info.st_size <= MAX_LIST ? (size_t)info.st_size : 0;
    char head[64], *text = calloc(1, size + 1), *line = text;
    ssize_t n = text ? pread(p->list, text, size, 0) : 0;
    int used = snprintf(head, sizeof head, "%llu %llu\n", (unsigned long long)p->size,
                        (unsigned long long)p->part_size);
    bool same = n >= used && memcmp(text, head, (size_t)used) == 0;
    for (char *end; same && (end = strchr(line, '\n')); line = end + 1) {
        size_t part;
        if (line == text || !read_part(line, end, p->n, &part) || p->done[part])
            continue;
        p->done[part] = true;
        p->n_done++;
    }
    same = same && ftruncate(p->list, line - text) == 0;
    free(text);
    return same;
}

static enum hone_status start_list(struct parts *p, struct hone_error *err)
{
    char head[64];
    int n = snprintf(head, sizeof head, "%llu %llu\n", (unsigned long long)p->size,
                     (unsigned long long)p->part_size);
    memset(p->done, 0, p->n * sizeof *p->done);
    p->n_done = p->next = 0;
    return ftruncate(p->list, 0) == 0 && pwrite(p->list, head, (size_t)n, 0) == n ? HONE_OK : failed(p, err);
}

enum hone_status parts_open(struct parts *p, const char *path, uint64_t size, uint64_t part_size,
                            struct hone_error *err)
{
    *p = (struct parts){.fd = -1, .list = -1, .size = size, .part_size = part_size};
    p->n = (size_t)((size + part_size - 1) / part_size);
    p->done = calloc(p->n + 1, sizeof *p->done);
    if (!p->done || asprintf(&p->list_path, "%s.parts", path) < 0) {
        p->list_path = NULL;
        parts_close(p, false);
        return hub_no_memory(err);
    }
    p->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    p->list = open(p->list_path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (p->fd < 0 || p->list < 0 || ftruncate(p->fd, (off_t)size) != 0) {
        enum hone_status status = hub_fail(err, HONE_FAILED, "%s: %s", path, strerror(errno));
        parts_close(p, false);
        return status;
    }
    if (read_list(p))
        return HONE_OK;
    enum hone_status status = start_list(p, err);
    if (status != HONE_OK)
        parts_close(p, false);
    return status;
}

void parts_close(struct parts *p, bool remove)
{
    if (remove && p->list_path)
        unlink(p->list_path);
    if (p->fd >= 0)
        close(p->fd);
    if (p->list >= 0)
        close(p->list);
    free(p->list_path);
    free(p->done);
}

bool parts_take(struct parts *p, size_t *part)
{
    while (p->next < p->n && p->done[p->next])
        p->next++;
    *part = p->next;
    return p->next < p->n ? p->next++, true : false;
}

/* The list is appended to with one write, behind the content: what it names is there. */
enum hone_status parts_finish(struct parts *p, size_t part, struct hone_error *err)
{
    char line[32];
    int n = snprintf(line, sizeof line, "%zu\n", part);
    if (lseek(p->list, 0, SEEK_END) < 0 || write(p->list, line, (size_t)n) != n)
        return failed(p, err);
    p->done[part] = true;
    p->n_done++;
    return HONE_OK;
}

enum hone_status parts_join(struct parts *p, struct hone_error *err)
{
    p->part_size = p->size;
    memset(p->done, 0, p->n * sizeof *p->done);
    p->n = 1;
    return start_list(p, err);
}
