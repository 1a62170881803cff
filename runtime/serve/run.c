/* The thread of a scheduler. The lock is held but while something is computed or prepared, and replies are given. */
#include "runtime/base/average.h"
#include "runtime/serve/batch.h"
#include "runtime/serve/state.h"

#include <math.h>
#include <time.h>

#define BATCH_SHARE 0.5 /* of the bound of starvation, that a batch may take, */
#define BATCH_STEPS 2   /* and steps, while texts are generated, */
#define LEAST_CAP   64  /* but so many tokens it may have; */
#define MOST_CAP    1e9 /* more are no limit */
#define LEAST_TIME  5e6 /* ns of a batch that some deadline is near: smaller ones cost more than they help */
#define SOON        1e9 /* ns */
#define FIRST_CAP   512 /* tokens of a batch before a deadline, as long as nobody knows how long it takes */

/* ---- batches ---- */

static void begin_batch(struct hone_scheduler *s, uint64_t now, bool fast)
{
    for (size_t i = 0; i < s->n_slices; i++) {
        struct job *job = (struct job *)s->slices[i].entry;
        job->n_holders++;
        if (!job->started)
            job->started = now;
    }
    counters_add(&s->counters.batches, 1);
    counters_add(&s->counters.fast, fast);
}

static void measure(struct hone_scheduler *s, const struct hone_stats *stats, uint64_t ns)
{
    counters_add_batch(&s->counters, s->n_slices, stats, ns, clock_now(s->clock));
    s->spent_batches += ns;
    if (stats->n_tokens == 0)
        return;
    s->ns_a_token = average_lately(s->ns_a_token, (double)ns / (double)stats->n_tokens);
}

static void end_batch(struct hone_scheduler *s, const struct hone_stats *stats, uint64_t started)
{
    uint64_t now = clock_now(s->clock);
    size_t n = s->n_slices;
    measure(s, stats, now - started);
    policy_done(&s->policy, now, n);
    s->n_slices = 0;
    /* First all are counted, so that none is lost to a reply that takes long. */
    for (size_t i = 0; i < n; i++) {
        struct job *job = (struct job *)s->slices[i].entry;
        job->n_done += s->slices[i].n;
        if (job_has_failed(job))
            policy_remove(&s->policy, &job->entry);
        else if (now > job->entry.deadline)
            jobs_end(s, job, HONE_LATE, LATE_RUNNING);
    }
    for (size_t i = 0; i < n; i++)
        jobs_release(s, (struct job *)s->slices[i].entry);
}

/* A batch is put together when it is this scheduler's turn, so that it holds all that came until then. */
static bool run_batch(struct hone_scheduler *s)
{
    struct hone_stats stats = {0};
    bool fast = false;
    pthread_mutex_unlock(&s->lock);
    ticket_lock_acquire(s->compute_lock);
    pthread_mutex_lock(&s->lock);
    uint64_t now = clock_now(s->clock);
    s->n_slices = s->closing ? 0 : policy_take(&s->policy, now, s->slices, &fast);
    if (s->n_slices > 0) {
        begin_batch(s, now, fast);
        pthread_mutex_unlock(&s->lock);
        if (!job_has_tokens((struct job *)s->slices[0].entry))
            decode_pause(s);
        batch_compute(&s->caches, s->slices, s->n_slices, &stats);
        clock_computed(s->clock, stats.n_tokens);
        ticket_lock_release(s->compute_lock);
        pthread_mutex_lock(&s->lock);
        end_batch(s, &stats, now);
        return true;
    }
    ticket_lock_release(s->compute_lock);
    return false;
}

/* ---- batches beside texts that are generated ---- */

/* ns until the next deadline of whatever waits; INFINITY: there is none. */
static double time_left(const struct hone_scheduler *s)
{
    uint64_t now = clock_now(s->clock), end = s->policy.next_deadline;
    double left = end == POLICY_NEVER ? INFINITY : end > now ? (double)(end - now) : 0;
    return left < LEAST_TIME ? LEAST_TIME : left;
}

/* A batch takes no longer than a part of the time that anybody may be passed over for, no longer than a few steps where texts
 * are generated, and ends before the next deadline, so that who is late is told so in time. */
static void cap_batches(struct hone_scheduler *s)
{
    double most = BATCH_SHARE * (double)s->policy.options.starvation, left = time_left(s);
    bool soon = left < SOON;
    if (s->n_writing > 0 && (most == 0 || BATCH_STEPS * s->ns_a_step < most))
        most = BATCH_STEPS * s->ns_a_step;
    if (most == 0 || left < most)
        most = left;
    double n = s->ns_a_token > 0 ? most / s->ns_a_token : soon ? FIRST_CAP : 0;
    bool capped = s->n_writing > 0 || n > 0;
    s->policy.cap = !capped ? 0 : n < LEAST_CAP ? LEAST_CAP : n < MOST_CAP ? (size_t)n : 0;
}

/* Where there are both, each gets half of the time. What was computed while there was nothing of the other kind is not
 * held against it: a batch without a cap that was begun a moment before a text came would keep all others waiting. */
static bool compute(struct hone_scheduler *s)
{
    cap_batches(s);
    bool steps = decode_waits(s), batches = policy_wake(&s->policy) <= clock_now(s->clock), computed = steps;
    if (batches && (!steps || s->spent_batches <= s->spent_steps))
        computed = run_batch(s);
    else if (steps)
        decode_step(s);
    if (!steps || !batches)
        s->spent_steps = s->spent_batches = 0;
    return computed;
}

/* ---- the thread ---- */

/* All threads help where nobody else computes. */
static bool help_tokenizers(struct hone_scheduler *s)
{
    if (!s->to_tokenize.first)
        return false;
    bool alone = ticket_lock_try(s->compute_lock);
    bool worked = tokenizers_work(s, s->encodings, alone ? s->model->options.n_threads : 1);
    if (alone)
        ticket_lock_release(s->compute_lock);
    return worked;
}

/* Of the system's clock, as init_locks has it. */
static void wait_for_work(struct hone_scheduler *s)
{
    uint64_t until = policy_wake(&s->policy);
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    s->waiting = true;
    if (until == POLICY_NEVER)
        pthread_cond_wait(&s->work, &s->lock);
    else
        pthread_cond_timedwait(&s->work, &s->lock, &t);
    s->waiting = false;
}

static void cancel_all(struct hone_scheduler *s)
{
    for (struct job *job = s->jobs; job; job = job->next)
        jobs_end(s, job, HONE_CANCELLED, "the scheduler was closed");
    struct job *job = s->jobs;
    while (job) {
        if (job->n_holders > 0) { /* who holds it replies */
            job = job->next;
            continue;
        }
        jobs_reply_if_due(s, job);
        job = s->jobs; /* the list may be another one now */
    }
}

bool scheduler_work(struct hone_scheduler *s)
{
    expire_now(s);
    return s->closing || compute(s) || help_tokenizers(s) || s->closing;
}

void *scheduler_thread(void *scheduler)
{
    struct hone_scheduler *s = scheduler;
    pthread_mutex_lock(&s->lock);
    while (!s->closing)
        if (!scheduler_work(s))
            wait_for_work(s);
    cancel_all(s);
    decode_close(s);
    pthread_mutex_unlock(&s->lock);
    return NULL;
}
