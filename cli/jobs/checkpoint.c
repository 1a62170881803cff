#include "cli/jobs/checkpoint.h"
#include "cli/io/codec.h"
#include "cli/io/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* Where things are, by the output's real name, so that a symbolic link stays one. */
struct checkpoint_places {
    char *file, *part, *job;
};

static enum hone_status failed(const char *path)
{
    return report_error(HONE_FAILED, "%s: %s", path, strerror(errno));
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void free_places(struct checkpoint_places *p)
{
    free(p->file);
    free(p->part);
    free(p->job);
}

static char *with_end(const char *name, const char *end)
{
    size_t size = strlen(name) + strlen(end) + 1;
    char *text = malloc(size);
    if (text)
        snprintf(text, size, "%s%s", name, end);
    return text;
}

static bool find_places(struct checkpoint_places *p, const char *name)
{
    *p = (struct checkpoint_places){.file = realpath(name, NULL)};
    if (!p->file)
        p->file = strdup(name);
    if (!p->file)
        return false;
    p->part = with_end(p->file, ".part");
    p->job = with_end(p->file, ".job");
    return p->part && p->job;
}

/* ---- bytes ---- */

/* The hash of the bytes before `end`, given that of those before `from`. False: there are fewer, or they can't be read. */
static bool hash_to(int fd, uint64_t from, uint64_t end, uint64_t *hash)
{
    static char block[1 << 16];
    while (from < end) {
        size_t n = end - from < sizeof block ? (size_t)(end - from) : sizeof block;
        ssize_t n_read = pread(fd, block, n, (off_t)from);
        if (n_read != (ssize_t)n)
            return false;
        *hash = XXH64(block, n, *hash);
        from += n;
    }
    return true;
}

/* How many marks in a row say what is there. After a machine was lost the last ones may speak of what never reached the disk. */
static size_t count_right(const struct job_file *j, int fd, size_t head)
{
    uint64_t at = head, hash = 0;
    for (size_t i = 0; i < j->n_marks; i++) {
        const struct job_mark *m = &j->marks[i];
        if (m->end < at || !hash_to(fd, at, m->end, &hash) || hash != m->output)
            return i;
        at = m->end;
    }
    return j->n_marks;
}

/* ---- opening ---- */

static void take_marks(struct checkpoint *c, size_t n)
{
    if (n > 0)
        c->done = c->job.marks[n - 1];
    c->n_had = c->done.n;
}

/* What is complete is compared with its input, and not written. */
static enum hone_status open_complete(struct checkpoint *c, struct output *o,
                                      const struct checkpoint_places *p, const struct stat *info, size_t head)
{
    size_t n = count_right(&c->job, o->fd, head);
    if (n < c->job.n_marks || (n > 0 && c->job.marks[n - 1].end != (uint64_t)info->st_size))
        return report_error(HONE_USAGE, "%s is not as hone left it; take it and %s away to begin anew",
                            c->name, p->job);
    int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    if (nowhere < 0)
        return failed("/dev/null");
    close(o->fd);
    o->fd = nowhere;
    o->size = (uint64_t)info->st_size;
    c->is_complete = true;
    take_marks(c, n);
    return HONE_OK;
}

static enum hone_status open_part(struct checkpoint *c, struct output *o, struct checkpoint_places *p,
                                  const struct options *options, size_t head)
{
    size_t n = count_right(&c->job, o->fd, head);
    take_marks(c, n);
    enum hone_status status = job_file_open(&c->job, p->job, n, options);
    if (status != HONE_OK)
        return status;
    if (n == 0)
        c->done.end = 0;
    if (ftruncate(o->fd, (off_t)c->done.end) != 0 || lseek(o->fd, (off_t)c->done.end, SEEK_SET) < 0)
        return failed(p->part);
    o->size = c->done.end;
    c->done.end = n > 0 ? c->done.end : head;
    o->path = p->file;
    o->temporary = p->part;
    o->kept = true;
    p->file = p->part = NULL;
    return HONE_OK;
}

static enum hone_status open_at(struct checkpoint *c, struct output *o, struct checkpoint_places *p,
                                const struct options *options, size_t head)
{
    struct stat info = {0}, named;
    bool complete = !is_there(p->part) && is_there(p->file) && is_there(p->job);
    const char *path = complete ? p->file : p->part;
    o->fd = open(path, (complete ? O_RDONLY : O_RDWR | O_CREAT) | O_CLOEXEC, 0666);
    if (o->fd < 0)
        return failed(path);
    enum hone_status status = HONE_OK;
    if (flock(o->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        status = report_error(HONE_USAGE, "%s: another run is writing it", c->name);
    else if (fstat(o->fd, &info) != 0)
        status = failed(path);
    else if (stat(path, &named) != 0 || named.st_ino != info.st_ino) /* it was completed meanwhile */
        status = report_error(HONE_USAGE, "%s: another run was writing it", c->name);
    if (status == HONE_OK && (complete || info.st_size > 0))
        status = job_file_read(&c->job, p->job, c->name, options);
    if (status == HONE_OK)
        status = complete ? open_complete(c, o, p, &info, head) : open_part(c, o, p, options, head);
    if (status != HONE_OK)
        close(o->fd);
    return status;
}

enum hone_status checkpoint_open(struct checkpoint *c, struct output *o, const struct options *options,
                                 size_t head)
{
    struct checkpoint_places p;
    struct stat info;
    const char *name = options->output;
    *c = (struct checkpoint){.job.fd = -1, .name = name, .output = o};
    memset(o, 0, offsetof(struct output, buffer));
    o->name = name;
    if (!name || strcmp(name, "-") == 0 || (stat(name, &info) == 0 && !S_ISREG(info.st_mode)))
        return report_error(HONE_USAGE, "--resume goes on with a file: it needs -o FILE");
    if (codec_of_name(name, NULL) != CODEC_NONE)
        return report_error(HONE_USAGE,
                            "%s: what is compressed cannot be gone on with; compress it afterwards", name);
    enum hone_status status =
        find_places(&p, name) ? open_at(c, o, &p, options, head) : report_error(HONE_FAILED, "out of memory");
    free_places(&p);
    c->on = status == HONE_OK;
    if (!c->on)
        job_file_close(&c->job);
    else if (c->is_complete)
        report_note("%s is complete: its input is compared with what it was made from", name);
    else if (c->n_had > 0)
        report_note("going on behind record %zu", c->n_had);
    return status;
}

void checkpoint_close(struct checkpoint *c)
{
    if (c->on)
        job_file_close(&c->job);
    c->on = false;
}

/* ---- while it runs ---- */

bool checkpoint_has(struct checkpoint *c, struct lines *l, enum hone_status *status)
{
    *status = c->on ? job_file_check(&c->job, c->name, l, c->n_had) : HONE_OK;
    bool has = c->on && l->first + l->n <= c->n_had;
    if (*status == HONE_OK && c->is_complete && !has)
        *status = report_error(HONE_USAGE,
                               "%s was made of %zu records, and there are more; take it away to begin anew",
                               c->name, c->n_had);
    return has;
}

enum hone_status checkpoint_mark(struct checkpoint *c, size_t n_refused)
{
    struct job_mark *m = &c->done;
    const struct output *o = c->output;
    if (!c->on || c->job.n_seen <= m->n)
        return HONE_OK;
    uint64_t hash = m->output;
    /* The bytes are on the disk before the mark is: it speaks of nothing that is not there. */
    if (fdatasync(o->fd) != 0 || !hash_to(o->fd, m->end, o->size, &hash))
        return failed(c->name);
    *m = (struct job_mark){.n = c->job.n_seen, .end = o->size, .output = hash, .n_refused = n_refused};
    return job_file_mark(&c->job, *m) ? HONE_OK : failed(c->job.path);
}

enum hone_status checkpoint_end(const struct checkpoint *c, const struct lines *l)
{
    if (!c->on || c->job.n_seen >= c->n_had)
        return HONE_OK;
    return report_error(HONE_USAGE, "%s has results of %zu records, but there are %zu", c->name, c->n_had,
                        l->first + l->n);
}
