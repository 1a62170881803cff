/* FILE.job, beside an output that a later run goes on with: a line of JSON that says what the output is made from (job.h), and
 * a line for each part of it that is finished. */
#ifndef CLI_JOBS_JOB_FILE_H
#define CLI_JOBS_JOB_FILE_H

#include "cli/io/lines.h"
#include "cli/options.h"

#include <sys/types.h>

/* What is known where a window of the input has its results. */
struct job_mark {
    size_t n;        /* records so far, and */
    uint64_t input;  /* a hash of them */
    uint64_t end;    /* bytes of the output so far, and */
    uint64_t output; /* a hash of them: 0 both where an output tells by itself how far it came */
    size_t n_refused;
};

struct job_file {
    char *path;
    int fd; /* -1: nothing is kept */
    struct job_mark *marks;
    off_t *ends; /* of their lines */
    size_t n_marks, next;
    size_t n_seen; /* records, of this run, and */
    uint64_t hash; /* of them */
};

/* Reads `path`. HONE_USAGE, reported: it cannot be read, or the output was made from something else. */
enum hone_status job_file_read(struct job_file *j, const char *path, const char *output,
                               const struct options *options);
/* Opens it to be written behind its first n marks; 0: anew. */
enum hone_status job_file_open(struct job_file *j, const char *path, size_t n, const struct options *options);
void job_file_close(struct job_file *j);

/* Compares the records of a window with those that the output's first n_done were made from. HONE_USAGE: they are others, which
 * is reported. To be called before anything becomes of them. */
enum hone_status job_file_check(struct job_file *j, const char *output, const struct lines *l, size_t n_done);
/* Notes that the records which were checked have their results, if that is not known yet: n and hash of the mark are filled
 * in. False: it cannot be written. */
bool job_file_mark(struct job_file *j, struct job_mark mark);

#endif
