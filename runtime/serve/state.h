/* What the functions of a scheduler and its threads share.
 *
 * A job is in the list of all jobs until its reply. It has holders: threads that prepare some of its texts, and the
 * batch it is in. Whoever ends it (with its last text, a failure, its deadline, a cancellation) takes it out of its
 * queues; the reply is given when nobody holds it. */
#ifndef RUNTIME_SERVE_STATE_H
#define RUNTIME_SERVE_STATE_H

#include "runtime/base/clock.h"
#include "runtime/generate/generator.h"
#include "runtime/nn/kv/kv.h"
#include "runtime/serve/counters.h"
#include "runtime/serve/ticket_lock.h"
#include "runtime/serve/tuner.h"

/* Threads, each of which has memory for an encoding. */
#define SCHEDULER_MAX_TOKENIZERS 64
#define SCHEDULER_MAX_WRITING    256 /* texts of a step, each of which has memory of its own */

struct hone_scheduler {
    struct hone_model *model;
    const struct clock *clock;
    struct ticket_lock *compute_lock; /* whose turn it is to compute */
    struct caches caches;
    struct counters counters;
    pthread_t thread;
    bool has_thread;                /* else scheduler_work is called by whoever made it */
    struct tok_encoding *encodings; /* [model's n_threads] of that thread */
    pthread_t tokenizers[SCHEDULER_MAX_TOKENIZERS];
    int n_tokenizers;
    pthread_t compiler; /* has_compiler: since the first text that must follow a grammar */
    bool has_compiler;
    pthread_t expirer;
    bool has_expirer;

    pthread_mutex_t lock;     /* of all below */
    pthread_cond_t work;      /* for the scheduler's thread */
    pthread_cond_t texts;     /* for the tokenizers */
    pthread_cond_t grammars;  /* for the thread that compiles them */
    pthread_cond_t deadlines; /* for the one that looks after them */
    pthread_cond_t idle;      /* the last reply has been given */
    struct policy policy;
    struct tuner tuner;
    bool tunes;
    struct slice slices[POLICY_SLICES]; /* of the batch that is being computed */
    size_t n_slices;
    struct job *jobs;            /* all that have no reply yet */
    struct job_line to_tokenize; /* with texts that nobody has begun with */
    struct job_line to_compile;  /* with a grammar, likewise */
    size_t n_jobs;
    uint64_t last_id;
    uint64_t watched;  /* the deadline that is looked after */
    double ns_a_token; /* what batches took lately */

    /* Texts that are being generated. */
    struct generator *generator; /* the thread's own; NULL: none yet */
    struct job *writing[SCHEDULER_MAX_WRITING];
    size_t n_writing, max_writing;
    double ns_a_step, tokens_a_ns; /* lately */
    struct kv_stats kv;            /* after the last step */
    size_t n_preempted;
    uint64_t spent_steps, spent_batches; /* ns, since both have had something to do */

    bool waiting; /* the scheduler's thread has nothing to do */
    bool draining, closing;
};

/* ---- scheduler.c ---- */

/* hone_scheduler_open without threads, by a clock, which must outlive it: nothing is done but by scheduler_work and
 * tokenizers_work. hone_scheduler_close closes it. */
enum hone_status scheduler_new(struct hone_scheduler **out, struct hone_model *model,
                               const struct hone_scheduler_options *options, const struct clock *clock,
                               struct hone_error *err);

/* ---- jobs.c; with the lock ---- */
void jobs_add(struct hone_scheduler *s, struct job *job);
struct job *jobs_find(struct hone_scheduler *s, uint64_t id);

/* Puts it at the end of a line. */
void jobs_line_up(struct job_line *line, struct job *job);
/* Takes it out of the one that it waits in, if any. */
void jobs_leave_line(struct job *job);
/* The next texts to prepare: *n of them from *first on. Holds the job; NULL: there are none. */
struct job *jobs_next_texts(struct hone_scheduler *s, size_t *first, size_t *n);

/* Its reply will be this one, unless another has been decided on. */
void jobs_end(struct hone_scheduler *s, struct job *job, enum hone_status status, const char *why);
/* One holder less. Gives up the lock while it gives the reply, if that is due. */
void jobs_release(struct hone_scheduler *s, struct job *job);
/* The same where there is no holder. */
void jobs_reply_if_due(struct hone_scheduler *s, struct job *job);

/* ---- tokenizers.c ---- */

/* Prepares some texts with n_threads threads; with the lock, which is given up meanwhile. false: there are none. */
bool tokenizers_work(struct hone_scheduler *s, struct tok_encoding *encodings, int n_threads);
enum hone_status tokenizers_start(struct hone_scheduler *s, int n, struct hone_error *err);
void tokenizers_stop(struct hone_scheduler *s); /* closing is set */
/* There are new texts: wakes who prepares them. With the lock. */
void tokenizers_wake(struct hone_scheduler *s);

/* ---- compile.c; with the lock ---- */

/* What a job that is otherwise prepared still waits for: its grammar's turn to be compiled, or to be computed. */
void compile_or_ready(struct hone_scheduler *s, struct job *job);
/* closing is set; without the lock. */
void compile_stop(struct hone_scheduler *s);

/* ---- expire.c; with the lock ---- */

#define LATE_RUNNING "the request's time was over before all of it was computed"

/* Ends what waits and whose time is over. Gives up the lock while it gives replies. */
void expire_now(struct hone_scheduler *s);
/* A job has come, whose deadline may be the next one. */
void expire_sooner(struct hone_scheduler *s);
enum hone_status expire_start(struct hone_scheduler *s, struct hone_error *err); /* without the lock */
void expire_stop(struct hone_scheduler *s); /* closing is set; without it */

/* ---- writing.c; with the lock ---- */

/* Whether there are texts to be generated. */
bool decode_waits(const struct hone_scheduler *s);
/* One step of those that are; the lock is given up meanwhile. */
void decode_step(struct hone_scheduler *s);
/* Leaves a call on the model that needs keys and values of its own the room for them. Without the lock. */
void decode_pause(struct hone_scheduler *s);
/* Gives up all of them, when their replies have been decided on. */
void decode_close(struct hone_scheduler *s);

/* ---- run.c ---- */

/* Does what is the next thing to do. false: there is nothing, until policy_wake's moment or something else comes. With
 * the lock, which is given up meanwhile. */
bool scheduler_work(struct hone_scheduler *s);
/* Computes until s->closing. */
void *scheduler_thread(void *scheduler);

#endif
