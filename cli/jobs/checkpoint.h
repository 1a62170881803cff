/* --resume: a run that is ended, by whatever, is gone on with by the next one. What is computed goes to FILE.part, whose bytes
 * FILE.job vouches for window by window, and FILE appears when it is complete, as it does without. So nothing has to be known
 * of an output's format, and what comes out has the bytes of a run that nobody disturbed. */
#ifndef CLI_JOBS_CHECKPOINT_H
#define CLI_JOBS_CHECKPOINT_H

#include "cli/io/output.h"
#include "cli/jobs/job_file.h"

struct checkpoint {
    bool on;
    bool is_complete; /* FILE is there, and its input is only compared */
    const char *name; /* for sentences */
    struct output *output;
    struct job_file job;
    struct job_mark done; /* by earlier runs, and by this one */
    size_t n_had;         /* records that earlier runs have done */
};

/* Opens options->output behind what is known to be right of it. head: bytes at its beginning that are written last. On failure,
 * which is reported, there is nothing to close. */
enum hone_status checkpoint_open(struct checkpoint *c, struct output *o, const struct options *options,
                                 size_t head);
void checkpoint_close(struct checkpoint *c);

/* Whether the window has its results already; *status: the input is another one, which is reported. */
bool checkpoint_has(struct checkpoint *c, struct lines *l, enum hone_status *status);
/* Notes that all of the windows before has been written. */
enum hone_status checkpoint_mark(struct checkpoint *c, size_t n_refused);
/* At the input's end: whether all that the output has results of was there. */
enum hone_status checkpoint_end(const struct checkpoint *c, const struct lines *l);

#endif
