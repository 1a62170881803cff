/* The thread of a scheduler. The lock is held but while a batch is computed and replies are given. */
#include "runtime/scheduler/state.h"

#include <time.h>

uint64_t scheduler_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- replies ---- */

void scheduler_reply(struct hone_scheduler *s, struct job *job, enum hone_status status, const char *message)
{
    uint64_t now = scheduler_clock(), started = job->started ? job->started : now;
    struct hone_reply r = {
        .id = job->id,
        .status = status,
        .message = message,
        .n_tokens = job->n_tokens,
        .queue_ms = 1e-6 * (double)(started - job->arrived),
        .infer_ms = 1e-6 * (double)(now - started),
        .total_ms = 1e-6 * (double)(now - job->arrived),
    };
    count_reply(&s->counters, job, status, now);
    if (job->request.on_reply)
        job->request.on_reply(job->request.arg, &r);
    job_free(job);
    pthread_mutex_lock(&s->lock);
    if (--s->n_jobs == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

static void reply_late(struct hone_scheduler *s, struct job *job)
{
    scheduler_reply(s, job, HONE_LATE,
                    job->started ? "the request's time was over before all of it was computed"
                                 : "the request's time was over while it waited");
}

/* ---- the thread; these hold the lock when called and when they return ---- */

static void reply_expired(struct hone_scheduler *s)
{
    struct entry *e;
    while ((e = policy_expire(&s->policy, scheduler_clock()))) {
        pthread_mutex_unlock(&s->lock);
        reply_late(s, (struct job *)e);
        pthread_mutex_lock(&s->lock);
    }
}

static bool is_done(const struct job *job)
{
    return job->cancelled || job->status != HONE_OK || job->n_done == job->entry.n_texts;
}

static void reply_done(struct hone_scheduler *s, struct job *job, uint64_t now)
{
    if (job->cancelled)
        scheduler_reply(s, job, HONE_CANCELLED, "the request was cancelled");
    else if (job->status == HONE_OK && now > job->entry.deadline)
        reply_late(s, job);
    else
        scheduler_reply(s, job, job->status, job->message);
}

static void begin_batch(struct hone_scheduler *s, uint64_t now, bool fast)
{
    for (size_t i = 0; i < s->n_slices; i++) {
        struct job *job = (struct job *)s->slices[i].entry;
        if (!job->started)
            job->started = now;
    }
    count(&s->counters.batches, 1);
    count(&s->counters.fast, fast);
}

static void end_batch(struct hone_scheduler *s, const struct hone_stats *stats, uint64_t started)
{
    uint64_t now = scheduler_clock();
    struct counters *c = &s->counters;
    count_batch(c, s->n_slices, stats, now - started);
    if (stats->n_tokens > 0) {
        double ns = (double)(now - started) / (double)stats->n_tokens;
        s->ns_a_token = s->ns_a_token > 0 ? 0.8 * s->ns_a_token + 0.2 * ns : ns;
    }
    policy_done(&s->policy, now, s->n_slices);
    /* First all are taken out, so that nobody else finds one. The others go on. */
    struct job *done[POLICY_SLICES];
    size_t n_done = 0;
    for (size_t i = 0; i < s->n_slices; i++) {
        struct job *job = (struct job *)s->slices[i].entry;
        if (!is_done(job))
            continue;
        policy_remove(&s->policy, &job->entry);
        done[n_done++] = job;
    }
    s->n_slices = 0;
    pthread_mutex_unlock(&s->lock);
    for (size_t i = 0; i < n_done; i++)
        reply_done(s, done[i], now);
    pthread_mutex_lock(&s->lock);
}

static bool run_batch(struct hone_scheduler *s)
{
    struct hone_stats stats = {0};
    uint64_t now = scheduler_clock();
    bool fast = false;
    s->n_slices = policy_take(&s->policy, now, s->slices, &fast);
    if (s->n_slices == 0)
        return false;
    begin_batch(s, now, fast);
    pthread_mutex_unlock(&s->lock);
    jobs_compute(s->model, s->slices, s->n_slices, &stats);
    pthread_mutex_lock(&s->lock);
    end_batch(s, &stats, now);
    return true;
}

static void cancel_waiting(struct hone_scheduler *s)
{
    for (size_t c = 0; c < HONE_N_PRIORITIES; c++)
        while (s->policy.queues[c].first) {
            struct entry *e = s->policy.queues[c].first;
            policy_remove(&s->policy, e);
            pthread_mutex_unlock(&s->lock);
            scheduler_reply(s, (struct job *)e, HONE_CANCELLED, "the scheduler was closed");
            pthread_mutex_lock(&s->lock);
        }
}

static void wait_for_work(struct hone_scheduler *s)
{
    uint64_t until = policy_wake(&s->policy);
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    if (until == POLICY_NEVER)
        pthread_cond_wait(&s->work, &s->lock);
    else
        pthread_cond_timedwait(&s->work, &s->lock, &t);
}

void *scheduler_thread(void *scheduler)
{
    struct hone_scheduler *s = scheduler;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        reply_expired(s);
        if (!s->closing && !run_batch(s) && !s->closing)
            wait_for_work(s);
    }
    cancel_waiting(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
