#include "cli/jobs/resume.h"
#include "cli/io/codec.h"
#include "cli/io/report.h"
#include "cli/io/text.h"
#include "cli/jobs/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#define BEGIN_MAX 32

struct resume_mark {
    size_t n; /* records, and */
    uint64_t hash;
};

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

static void read_marks(struct resume *r, FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    unsigned long long n, hash;
    int used;
    while (getline(&line, &room, f) > 0) {
        used = 0;
        if (sscanf(line, "%llu %llx\n%n", &n, &hash, &used) != 2 || line[strlen(line) - 1] != '\n')
            break;
        if ((r->n_marks & (r->n_marks - 1)) == 0) {
            struct resume_mark *marks =
                reallocarray(r->marks, r->n_marks ? 2 * r->n_marks : 1, sizeof *marks);
            if (!marks)
                break;
            r->marks = marks;
        }
        r->marks[r->n_marks++] = (struct resume_mark){(size_t)n, hash};
    }
    free(line);
}

/* What the earlier run says of itself; NULL: nothing. */
static json_t *read_job(struct resume *r)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(r->job_path, "re");
    json_t *job = NULL;
    if (f && getline(&line, &room, f) > 0)
        job = json_loads(line, 0, NULL);
    if (job)
        read_marks(r, f);
    if (f)
        (void)fclose(f);
    free(line);
    return job;
}

static enum hone_status compare(struct resume *r, const struct options *options, const json_t *is)
{
    char words[512];
    json_t *was = read_job(r);
    enum hone_status status = HONE_OK;
    if (!was)
        status = report_error(HONE_USAGE,
                              "%s has results, but %s, which says what they were made from, cannot be read",
                              options->output, r->job_path);
    else if (job_differs(was, is, words, sizeof words))
        status = report_error(HONE_USAGE,
                              "%s has results that were made otherwise: %s; take it away to begin anew",
                              options->output, words);
    json_decref(was);
    return status;
}

static enum hone_status start_job(struct resume *r, const json_t *job)
{
    char *text = json_dumps(job, JSON_COMPACT);
    r->job = open(r->job_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (r->n_done ? 0 : O_TRUNC), 0666);
    bool ok = r->job >= 0 && text;
    if (ok && r->n_done == 0)
        ok = dprintf(r->job, "%s\n", text) > 0;
    free(text);
    return ok ? HONE_OK : report_error(HONE_FAILED, "%s: %s", r->job_path, strerror(errno));
}

static enum hone_status open_job(struct resume *r, const struct options *options, const char *command)
{
    json_t *job = job_describe(options, command);
    if (!job || asprintf(&r->job_path, "%s.job", options->output) < 0) {
        r->job_path = NULL;
        json_decref(job);
        return report_error(HONE_FAILED, "out of memory");
    }
    enum hone_status status = r->n_done > 0 ? compare(r, options, job) : HONE_OK;
    if (status == HONE_OK)
        status = start_job(r, job);
    json_decref(job);
    return status;
}

/* ---- both ---- */

static enum hone_status go_on(struct resume *r, struct output *o, const struct options *options,
                              const char *command)
{
    off_t end = 0;
    if (flock(o->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return report_error(HONE_USAGE, "%s: another run is writing it", o->name);
    enum hone_status status = find_end(r, o->fd, o->name, command, &end);
    if (status == HONE_OK)
        status = open_job(r, options, command);
    if (status == HONE_OK && (ftruncate(o->fd, end) != 0 || lseek(o->fd, end, SEEK_SET) != end))
        status = report_error(HONE_FAILED, "cannot go on with %s: %s", o->name, strerror(errno));
    return status;
}

enum hone_status resume_open(struct resume *r, struct output *o, const struct options *options,
                             const char *command, const char *begin)
{
    struct stat info;
    const char *path = options->output;
    *r = (struct resume){.job = -1, .begin = begin};
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
    enum hone_status status = go_on(r, o, options, command);
    if (status != HONE_OK) {
        close(o->fd);
        resume_close(r);
    }
    return status;
}

void resume_close(struct resume *r)
{
    if (r->job >= 0)
        close(r->job);
    free(r->job_path);
    free(r->marks);
    *r = (struct resume){.job = -1};
}

/* ---- the input ---- */

/* Whether results were made of the records that the next mark ends: of those behind what is done none were, and an input that
 * was cut off in the middle of one may go on otherwise. */
static bool has_results(const struct resume *r)
{
    return (r->next > 0 ? r->marks[r->next - 1].n : 0) < r->n_done;
}

enum hone_status resume_check(struct resume *r, const struct output *o, const struct lines *l)
{
    for (size_t i = 0; i < l->n && r->job >= 0; i++) {
        r->hash = XXH64(l->texts[i].data, l->texts[i].size, r->hash ^ l->texts[i].size);
        r->n_seen++;
        while (r->next < r->n_marks && r->marks[r->next].n < r->n_seen)
            r->next++;
        if (r->next < r->n_marks && r->marks[r->next].n == r->n_seen && r->marks[r->next].hash != r->hash &&
            has_results(r))
            return report_error(HONE_USAGE,
                                "%s has results of another input: it differs at or before its record %zu",
                                o->name, r->n_seen);
        r->n_blank += resume_has(r, l, i) && text_is_blank(l->texts[i]);
    }
    return HONE_OK;
}

void resume_mark(struct resume *r, const struct lines *l)
{
    if (r->job >= 0 && l->first + l->n > (r->n_marks ? r->marks[r->n_marks - 1].n : 0))
        (void)dprintf(r->job, "%zu %llx\n", r->n_seen, (unsigned long long)r->hash);
}

bool resume_has(const struct resume *r, const struct lines *l, size_t i)
{
    return l->first + i < r->n_done;
}

size_t resume_n_refused(const struct resume *r)
{
    return r->n_done - r->n_rows - r->n_blank;
}
