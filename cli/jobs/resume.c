#include "cli/jobs/resume.h"
#include "cli/io/codec.h"
#include "cli/io/report.h"
#include "cli/io/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN_MAX 32 /* bytes of what each line begins with: "{\"index\":" and its kind */

/* ---- the rows ---- */

/* *end: behind the last complete line; *last: where that begins; *n_lines. False: it can't be read. */
static bool look_through(int fd, off_t *end, off_t *last, size_t *n_lines)
{
    static char block[1 << 16];
    off_t at = 0;
    ssize_t n;
    *end = *last = 0;
    *n_lines = 0;
    while ((n = pread(fd, block, sizeof block, at)) > 0) {
        for (char *p = block; (p = memchr(p, '\n', (size_t)(block + n - p))); p++) {
            *last = *end;
            *end = at + (p - block) + 1;
            ++*n_lines;
        }
        at += n;
    }
    return n == 0;
}

/* *n_done from the line that starts there. */
static bool read_index(int fd, const char *begin, off_t start, size_t *n_done)
{
    char text[BEGIN_MAX + 32] = "", *end;
    if (pread(fd, text, sizeof text - 1, start) < 0 || strncmp(text, begin, strlen(begin)) != 0)
        return false;
    const char *number = text + strlen(begin);
    *n_done = strtoull(number, &end, 10) + 1;
    return *number >= '0' && *number <= '9' && *n_done > 0 && *end && strchr(",}\"", *end);
}

/* Whether a file without a complete line begins as one of results does. */
static bool begins_well(int fd, const char *begin, off_t size)
{
    char text[BEGIN_MAX] = "";
    size_t n = size < (off_t)strlen(begin) ? (size_t)size : strlen(begin);
    return pread(fd, text, n, 0) == (ssize_t)n && memcmp(text, begin, n) == 0;
}

static enum hone_status find_end(struct resume *r, int fd, const char *path, const char *command, off_t *end)
{
    struct stat info;
    off_t last;
    if (fstat(fd, &info) != 0 || !look_through(fd, end, &last, &r->n_rows))
        return report_error(HONE_FAILED, "cannot go on with %s: %s", path, strerror(errno));
    /* Nothing is cut off what somebody else has written: rows whose last one is not behind all others are not ours. */
    if (*end > 0 ? !read_index(fd, r->begin, last, &r->n_done) || r->n_done < r->n_rows
                 : !begins_well(fd, r->begin, info.st_size))
        return report_error(HONE_USAGE, "%s holds something else than results of hone %s", path, command);
    return HONE_OK;
}

/* ---- the file beside ---- */

static enum hone_status open_job(struct resume *r, const struct options *options)
{
    char *path;
    if (asprintf(&path, "%s.job", options->output) < 0)
        return report_error(HONE_FAILED, "out of memory");
    enum hone_status status =
        r->n_done > 0 ? job_file_read(&r->job, path, options->output, options) : HONE_OK;
    if (status == HONE_OK)
        status = job_file_open(&r->job, path, r->job.n_marks, options);
    free(path);
    return status;
}

/* ---- both ---- */

enum { LOCK_TRIES = 100, LOCK_PAUSE_US = 20000 }; /* two seconds */

/* False: another run has it. The server of a run that was killed holds the file, too, until it has seen that and has ended:
 * some milliseconds, of which the next run need not speak. */
static bool take_file(int fd)
{
    for (int tries = 0; flock(fd, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK && errno != EINTR)
            return true; /* a file system without locks */
        if (tries == LOCK_TRIES)
            return false;
        usleep(LOCK_PAUSE_US);
    }
    return true;
}

static enum hone_status go_on(struct resume *r, struct output *o, const struct options *options)
{
    off_t end = 0;
    if (!take_file(o->fd))
        return report_error(HONE_USAGE, "%s: another run is writing it", o->name);
    enum hone_status status = find_end(r, o->fd, o->name, options->command->name, &end);
    if (status == HONE_OK)
        status = open_job(r, options);
    if (status == HONE_OK && (ftruncate(o->fd, end) != 0 || lseek(o->fd, end, SEEK_SET) != end))
        status = report_error(HONE_FAILED, "cannot go on with %s: %s", o->name, strerror(errno));
    return status;
}

enum hone_status resume_open(struct resume *r, struct output *o, const struct options *options,
                             const char *begin)
{
    struct stat info;
    const char *path = options->output;
    *r = (struct resume){.job.fd = -1, .begin = begin};
    if (!path || strcmp(path, "-") == 0 || (stat(path, &info) == 0 && !S_ISREG(info.st_mode)))
        return output_open(o, path, false);
    if (codec_of_name(path, NULL) != CODEC_NONE)
        return report_error(HONE_USAGE,
                            "%s: what is compressed cannot be gone on with; compress it afterwards", path);
    memset(o, 0, offsetof(struct output, buffer));
    o->name = path;
    o->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return report_error(HONE_FAILED, "cannot write to %s: %s", path, strerror(errno));
    enum hone_status status = go_on(r, o, options);
    if (status != HONE_OK) {
        close(o->fd);
        resume_close(r);
    }
    return status;
}

void resume_close(struct resume *r)
{
    job_file_close(&r->job);
    *r = (struct resume){.job.fd = -1};
}

/* ---- the input ---- */

enum hone_status resume_check(struct resume *r, const struct output *o, const struct lines *l)
{
    if (r->job.fd < 0)
        return HONE_OK;
    for (size_t i = 0; i < l->n; i++) {
        r->n_had += resume_has(r, l, i);
        r->n_blank += resume_has(r, l, i) && text_is_blank(l->texts[i]);
    }
    return job_file_check(&r->job, o->name, l, r->n_done);
}

void resume_mark(struct resume *r)
{
    (void)job_file_mark(&r->job, (struct job_mark){0});
}

bool resume_has(const struct resume *r, const struct lines *l, size_t i)
{
    return l->index[i] < r->n_done;
}

size_t resume_n_refused(const struct resume *r)
{
    return r->n_had - r->n_rows - r->n_blank;
}
