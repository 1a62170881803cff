/* What the functions of a scheduler and its thread share. */
#ifndef RUNTIME_SCHEDULER_STATE_H
#define RUNTIME_SCHEDULER_STATE_H

#include "runtime/scheduler/counters.h"

struct hone_scheduler {
    struct hone_model *model;
    pthread_t thread;
    pthread_mutex_t lock; /* of all up to `counters` */
    pthread_cond_t work;  /* something was put in a queue, or it closes */
    pthread_cond_t idle;  /* the last reply has been given */
    struct policy policy;
    struct slice slices[POLICY_SLICES]; /* of the batch that is being computed */
    size_t n_slices;
    size_t n_jobs; /* that have no reply yet */
    uint64_t last_id;
    double ns_a_token; /* what batches took lately */
    bool draining, closing;
    struct counters counters;
};

uint64_t scheduler_clock(void); /* ns */

/* Gives the reply of a job that is in no queue and in no batch any more, and frees it. Without the lock. */
void scheduler_reply(struct hone_scheduler *s, struct job *job, enum hone_status status, const char *message);

/* Computes until s->closing. */
void *scheduler_thread(void *scheduler);

#endif
