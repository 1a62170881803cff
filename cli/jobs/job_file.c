#include "cli/jobs/job_file.h"
#include "cli/io/report.h"
#include "cli/jobs/job.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

static bool add_mark(struct job_file *j, struct job_mark mark, off_t end)
{
    if ((j->n_marks & (j->n_marks - 1)) == 0) {
        size_t room = j->n_marks ? 2 * j->n_marks : 1;
        struct job_mark *marks = reallocarray(j->marks, room, sizeof *marks);
        j->marks = marks ? marks : j->marks;
        off_t *ends = marks ? reallocarray(j->ends, room, sizeof *ends) : NULL;
        j->ends = ends ? ends : j->ends;
        if (!ends)
            return false;
    }
    j->marks[j->n_marks] = mark;
    j->ends[j->n_marks++] = end;
    return true;
}

/* A line that was cut off, and what is behind it, counts for nothing. */
static void read_marks(struct job_file *j, FILE *f)
{
    char *line = NULL;
    size_t room = 0;
    unsigned long long n, input, end = 0, output = 0, n_refused = 0;
    while (getline(&line, &room, f) > 0) {
        int n_read = sscanf(line, "%llu %llx %llu %llx %llu", &n, &input, &end, &output, &n_refused);
        struct job_mark mark = {(size_t)n, input, end, output, (size_t)n_refused};
        if (n_read != 5 || line[strlen(line) - 1] != '\n' || !add_mark(j, mark, ftello(f)))
            break;
    }
    free(line);
}

/* What the earlier run says of itself; NULL: nothing. */
static json_t *read_job(struct job_file *j, const char *path)
{
    char *line = NULL;
    size_t room = 0;
    FILE *f = fopen(path, "re");
    json_t *job = NULL;
    if (f && getline(&line, &room, f) > 0)
        job = json_loads(line, 0, NULL);
    if (job)
        read_marks(j, f);
    if (f)
        (void)fclose(f);
    free(line);
    return job;
}

enum hone_status job_file_read(struct job_file *j, const char *path, const char *output,
                               const struct options *options)
{
    char words[512];
    json_t *was = read_job(j, path), *is = job_describe(options);
    enum hone_status status = HONE_OK;
    if (!is)
        status = report_error(HONE_FAILED, "out of memory");
    else if (!was)
        status = report_error(HONE_USAGE,
                              "%s has results, but %s, which says what they were made from, cannot be read",
                              output, path);
    else if (job_differs(was, is, words, sizeof words))
        status = report_error(HONE_USAGE,
                              "%s has results that were made otherwise: %s; take it away to begin anew",
                              output, words);
    json_decref(was);
    json_decref(is);
    return status;
}

/* What is behind the marks that count is cut off: a line of which a full disk had room for a part would spoil the next one. */
enum hone_status job_file_open(struct job_file *j, const char *path, size_t n, const struct options *options)
{
    json_t *job = n == 0 ? job_describe(options) : NULL;
    char *text = job ? json_dumps(job, JSON_COMPACT) : NULL;
    json_decref(job);
    j->path = strdup(path);
    j->fd = j->path ? open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666) : -1;
    j->n_marks = n;
    bool ok = j->fd >= 0 && (n > 0 || text) && ftruncate(j->fd, n > 0 ? j->ends[n - 1] : 0) == 0;
    ok = ok && (n > 0 || dprintf(j->fd, "%s\n", text) > 0);
    free(text);
    return ok ? HONE_OK : report_error(HONE_FAILED, "%s: %s", path, strerror(errno));
}

void job_file_close(struct job_file *j)
{
    if (j->fd >= 0)
        close(j->fd);
    free(j->path);
    free(j->marks);
    free(j->ends);
    *j = (struct job_file){.fd = -1};
}

/* Whether results were made of the records that the next mark ends: of those behind what is done none were, and an input that
 * was cut off in the middle of one may go on otherwise. */
static bool has_results(const struct job_file *j, size_t n_done)
{
    return (j->next > 0 ? j->marks[j->next - 1].n : 0) < n_done;
}

enum hone_status job_file_check(struct job_file *j, const char *output, const struct lines *l, size_t n_done)
{
    for (size_t i = 0; i < l->n; i++) {
        j->hash = XXH64(l->texts[i].data, l->texts[i].size, j->hash ^ l->texts[i].size);
        j->n_seen++;
        while (j->next < j->n_marks && j->marks[j->next].n < j->n_seen)
            j->next++;
        if (j->next < j->n_marks && j->marks[j->next].n == j->n_seen && j->marks[j->next].input != j->hash &&
            has_results(j, n_done))
            return report_error(HONE_USAGE,
                                "%s has results of another input: it differs at or before its record %zu",
                                output, j->n_seen);
    }
    return HONE_OK;
}

bool job_file_mark(struct job_file *j, struct job_mark mark)
{
    if (j->fd < 0 || j->n_seen <= (j->n_marks ? j->marks[j->n_marks - 1].n : 0))
        return true;
    return dprintf(j->fd, "%zu %llx %llu %llx %zu\n", j->n_seen, (unsigned long long)j->hash,
                   (unsigned long long)mark.end, (unsigned long long)mark.output, mark.n_refused) > 0;
}
