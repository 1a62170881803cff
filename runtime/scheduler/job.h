/* A request on its way: what it needs computed, and what came of it. */
#ifndef RUNTIME_SCHEDULER_JOB_H
#define RUNTIME_SCHEDULER_JOB_H

#include "runtime/scheduler/policy.h"
#include "runtime/tasks.h"

struct job {
    struct entry entry; /* first, so that the policy's entries are jobs */
    struct hone_request request;
    struct request compute;        /* without its inputs: those of a whole batch are computed at once */
    size_t width;                  /* numbers a text */
    uint64_t id, arrived, started; /* ns; 0: not yet */
    size_t n_done;                 /* texts */
    uint64_t n_tokens;
    enum hone_status status; /* not HONE_OK: it has failed, and `message` says why */
    char message[256];
    bool cancelled;
};

/* Checks a request against the model. To be freed with job_free. */
enum hone_status job_new(struct job **out, const struct hone_model *model, const struct hone_request *request,
                         struct hone_error *err);
void job_free(struct job *job);

/* Computes the texts of slices, which are all of one kind. What fails is told by each job's status; one request's
 * failure is none of the others'. */
void jobs_compute(struct hone_model *model, const struct slice *slices, size_t n, struct hone_stats *stats);

#endif
