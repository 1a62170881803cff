/* The jobs of a scheduler, from hone_submit to the reply. */
#include "runtime/base/assert.h"
#include "runtime/serve/prepare.h"
#include "runtime/serve/state.h"

void jobs_add(struct hone_scheduler *s, struct job *job)
{
    job->id = ++s->last_id;
    job->next = s->jobs;
    if (s->jobs)
        s->jobs->prev = job;
    s->jobs = job;
    s->n_jobs++;
}

struct job *jobs_find(struct hone_scheduler *s, uint64_t id)
{
    struct job *job = s->jobs;
    while (job && job->id != id)
        job = job->next;
    return job;
}

static void forget(struct hone_scheduler *s, struct job *job)
{
    *(job->prev ? &job->prev->next : &s->jobs) = job->next;
    if (job->next)
        job->next->prev = job->prev;
}

/* ---- lines ---- */

void jobs_line_up(struct job_line *line, struct job *job)
{
    ASSERT(!job->line);
    job->next_in_line = NULL;
    job->line = line;
    *line->end = job;
    line->end = &job->next_in_line;
}

void jobs_leave_line(struct job *job)
{
    if (!job->line)
        return;
    struct job **at = &job->line->first;
    while (*at != job)
        at = &(*at)->next_in_line;
    *at = job->next_in_line;
    if (!*at)
        job->line->end = at;
    job->line = NULL;
}

struct job *jobs_next_texts(struct hone_scheduler *s, size_t *first, size_t *n)
{
    struct job *job = s->to_tokenize.first;
    if (!job)
        return NULL;
    *first = job->n_begun;
    *n = prepare_share(job, job->n_begun);
    job->n_begun += *n;
    job->n_holders++;
    jobs_leave_line(job);
    if (job->n_begun < job->request.n_texts) /* others are not to wait for all of it */
        jobs_line_up(&s->to_tokenize, job);
    return job;
}

/* ---- replies ---- */

/* Whether a request that is late is answered with the texts that are done, which its out_done names, instead of an error. */
static bool gives_what_is_there(const struct job *job)
{
    return job->ending == HONE_LATE && job->request.partial && job->request.out_done && !job_has_failed(job);
}

static void reply(struct hone_scheduler *s, struct job *job)
{
    ASSERT(job->n_holders == 0 && !job->line && job->entry.place == ENTRY_OUT);
    ASSERT(job->n_done <= job->entry.n_texts);
    if ((job->ending == HONE_OK || gives_what_is_there(job)) && !job_has_failed(job))
        job_finish(job, &s->caches);
    bool timed_out = gives_what_is_there(job);
    uint64_t now = clock_now(s->clock), tokenized = job->tokenized ? job->tokenized : now,
             started = job->started ? job->started : now;
    struct hone_reply r = {
        .id = job->id,
        .status = timed_out                ? HONE_OK
                  : job->ending != HONE_OK ? job->ending
                  : job_has_failed(job)    ? job->status
                                           : HONE_OK,
        .message = timed_out                ? ""
                   : job->ending != HONE_OK ? job->why_ending
                   : job_has_failed(job)    ? job->message
                                            : "",
        .timed_out = timed_out || job->generation.timed_out,
        .n_texts = job_n_given(job),
        .n_tokens = job->n_tokens,
        .n_cached = job->n_found - (job->compared && job->found[0]), /* a query is no text of the request */
        .tokenize_ms = 1e-6 * (double)(tokenized - job->arrived),
        .queue_ms = started > tokenized ? 1e-6 * (double)(started - tokenized) : 0,
        .infer_ms = 1e-6 * (double)(now - started),
        .total_ms = 1e-6 * (double)(now - job->arrived),
    };
    counters_add_reply(&s->counters, job, r.status, now);
    if (job->request.on_reply)
        job->request.on_reply(job->request.arg, &r);
    job_free(job);
}

static bool is_due(const struct job *job)
{
    return job->n_holders == 0 &&
           (job->ending != HONE_OK || job_has_failed(job) || job->n_done == job->entry.n_texts);
}

void jobs_reply_if_due(struct hone_scheduler *s, struct job *job)
{
    if (!is_due(job))
        return;
    policy_remove(&s->policy, &job->entry);
    jobs_leave_line(job);
    forget(s, job);
    if (s->tunes && job->started && !job->entry.generates)
        tuner_reply(&s->tuner, &s->policy.options, clock_now(s->clock) - job->arrived);
    pthread_mutex_unlock(&s->lock);
    reply(s, job);
    pthread_mutex_lock(&s->lock);
    ASSERT(s->n_jobs > 0);
    if (--s->n_jobs == 0)
        pthread_cond_broadcast(&s->idle);
}

void jobs_release(struct hone_scheduler *s, struct job *job)
{
    ASSERT(job->n_holders > 0);
    job->n_holders--;
    jobs_reply_if_due(s, job);
}

void jobs_end(struct hone_scheduler *s, struct job *job, enum hone_status status, const char *why)
{
    policy_remove(&s->policy, &job->entry);
    jobs_leave_line(job);
    if (job->ending != HONE_OK)
        return;
    job->ending = status;
    job->why_ending = why;
}
