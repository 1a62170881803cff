/* An output of jsonl that a later run goes on with where an earlier one was ended, which its rows tell. FILE.job beside it says
 * what it was made from (job_file.h): a run with another model, other options or another input is refused, however much of the
 * output is there. */
#ifndef CLI_JOBS_RESUME_H
#define CLI_JOBS_RESUME_H

#include "cli/io/output.h"
#include "cli/jobs/job_file.h"

struct resume {
    size_t
        n_done; /* records of the input that need not be computed again: one more than the last row's "index" */
    size_t n_rows;         /* rows that are there already */
    size_t n_had, n_blank; /* records before n_done that were seen, and blank ones of them */
    struct job_file job;
    const char *begin; /* of rows, up to their index */
};

/* What rows begin with, up to their index. */
#define RESUME_INDEX "{\"index\": "
#define RESUME_BATCH "{\"id\": \"batch_req_"

/* Opens options->output behind its last complete line; what is behind that is cut off. Rows appear in the file as they are
 * flushed. HONE_USAGE: it holds something else, or was made from something else. On failure, which is reported, there is
 * nothing to close. */
enum hone_status resume_open(struct resume *r, struct output *o, const struct options *options,
                             const char *begin);
void resume_close(struct resume *r);

/* Compares the records of a window with what the earlier run has read; HONE_USAGE: they are others, which is reported. To be
 * called before anything becomes of them. */
enum hone_status resume_check(struct resume *r, const struct output *o, const struct lines *l);
/* Notes that all rows of the window are in the file. */
void resume_mark(struct resume *r);

/* Whether record i of the window has its row already. */
bool resume_has(const struct resume *r, const struct lines *l, size_t i);
/* Records that the earlier run has refused. */
size_t resume_n_refused(const struct resume *r);

#endif
