/* The public functions of schedulers. */
#include "runtime/scheduler/state.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_QUEUE 1024

static uint64_t after(uint64_t now, double ms)
{
    return ms > 0 && ms < 1e12 ? now + (uint64_t)(1e6 * ms) : POLICY_NEVER;
}

/* ---- opening and closing ---- */

static void init_locks(struct hone_scheduler *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, &attr);
    pthread_cond_init(&s->idle, &attr);
    pthread_condattr_destroy(&attr);
}

static void free_scheduler(struct hone_scheduler *s)
{
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

enum hone_status hone_scheduler_open(struct hone_scheduler **out, struct hone_model *model,
                                     const struct hone_scheduler_options *options, struct hone_error *err)
{
    struct hone_scheduler_options o = HONE_SCHEDULER_DEFAULTS;
    o = options ? *options : o;
    *out = NULL;
    struct hone_scheduler *s = calloc(1, sizeof *s);
    if (!s)
        return hone_no_memory(err, "a scheduler", sizeof *s);
    struct policy_options policy = {
        .batch_tokens = o.batch_tokens ? o.batch_tokens : model->options.batch_tokens,
        .max_queue = o.max_queue ? o.max_queue : DEFAULT_QUEUE,
        .window = o.window_ms > 0 ? after(0, o.window_ms) : 0,
        .starvation = o.starvation_ms > 0 ? after(0, o.starvation_ms) : 0,
    };
    policy_init(&s->policy, &policy);
    s->model = model;
    init_locks(s);
    int error = pthread_create(&s->thread, NULL, scheduler_thread, s);
    if (error) {
        free_scheduler(s);
        return hone_fail(err, HONE_FAILED, "cannot start the scheduler's thread: %s", strerror(error));
    }
    *out = s;
    return HONE_OK;
}

void hone_scheduler_drain(struct hone_scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    s->draining = true;
    while (s->n_jobs > 0)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void hone_scheduler_close(struct hone_scheduler **scheduler)
{
    struct hone_scheduler *s = scheduler ? *scheduler : NULL;
    if (!s)
        return;
    *scheduler = NULL;
    pthread_mutex_lock(&s->lock);
    s->draining = s->closing = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    hone_scheduler_drain(s); /* replies that another thread is giving */
    free_scheduler(s);
}

/* ---- requests ---- */

static enum hone_status busy(struct hone_scheduler *s, const struct job *job, double *retry_ms,
                             struct hone_error *err)
{
    const struct entry_queue *q = &s->policy.queues[job->request.priority];
    double ms = 1e-6 * s->ns_a_token * (double)q->n_tokens / 2;
    count(&s->counters.endpoints[job->request.endpoint].busy, 1);
    if (s->draining)
        return hone_fail(err, HONE_BUSY, "the scheduler takes no more requests, since it is being closed");
    ms = ms > 1 ? ms : 1;
    if (retry_ms)
        *retry_ms = ms;
    return hone_fail(err, HONE_BUSY, "the queue of %s requests is full: %zu wait, half of them for %.0f ms",
                     job->request.priority == HONE_BULK ? "bulk" : "interactive", q->n, ms);
}

enum hone_status hone_submit(struct hone_scheduler *s, const struct hone_request *request, uint64_t *id,
                             double *retry_ms, struct hone_error *err)
{
    struct job *job;
    enum hone_status status = job_new(&job, s->model, request, err);
    if (status != HONE_OK)
        return status;
    job->arrived = scheduler_clock();
    job->entry.queue_deadline = after(job->arrived, request->queue_timeout_ms);
    job->entry.deadline = after(job->arrived, request->timeout_ms);
    pthread_mutex_lock(&s->lock);
    if (s->draining || !policy_add(&s->policy, &job->entry, job->arrived)) {
        status = busy(s, job, retry_ms, err);
    } else {
        s->n_jobs++;
        job->id = ++s->last_id;
        if (id)
            *id = job->id;
        count(&s->counters.endpoints[job->request.endpoint].taken, 1);
        pthread_cond_signal(&s->work);
    }
    pthread_mutex_unlock(&s->lock);
    if (status != HONE_OK)
        job_free(job);
    return status;
}

/* The job of that id which has no reply yet, or NULL. */
static struct job *find(struct hone_scheduler *s, uint64_t id)
{
    for (size_t i = 0; i < s->n_slices; i++)
        if (((struct job *)s->slices[i].entry)->id == id)
            return (struct job *)s->slices[i].entry;
    for (size_t c = 0; c < HONE_N_PRIORITIES; c++)
        for (struct entry *e = s->policy.queues[c].first; e; e = e->next)
            if (((struct job *)e)->id == id)
                return (struct job *)e;
    return NULL;
}

static bool is_running(const struct hone_scheduler *s, const struct job *job)
{
    for (size_t i = 0; i < s->n_slices; i++)
        if (s->slices[i].entry == &job->entry)
            return true;
    return false;
}

void hone_cancel(struct hone_scheduler *s, uint64_t id)
{
    pthread_mutex_lock(&s->lock);
    struct job *job = find(s, id);
    bool running = job && is_running(s, job);
    if (job) {
        job->cancelled = true;
        policy_remove(&s->policy, &job->entry);
    }
    pthread_mutex_unlock(&s->lock);
    if (job && !running)
        scheduler_reply(s, job, HONE_CANCELLED, "the request was cancelled");
}

void hone_scheduler_stats(struct hone_scheduler *s, struct hone_scheduler_stats *out)
{
    counters_read(&s->counters, out);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < HONE_N_PRIORITIES; i++)
        out->n_waiting[i] = s->policy.queues[i].n;
    out->n_running = s->n_slices;
    out->tokens_per_s = s->ns_a_token > 0 ? 1e9 / s->ns_a_token : 0;
    out->window_ms = 1e-6 * (double)s->policy.options.window;
    out->max_batch_tokens = s->policy.options.batch_tokens;
    pthread_mutex_unlock(&s->lock);
}

void hone_endpoint_stats(struct hone_scheduler *s, unsigned endpoint, struct hone_endpoint_stats *out)
{
    *out = (struct hone_endpoint_stats){0};
    if (endpoint < HONE_MAX_ENDPOINTS)
        endpoint_read(&s->counters.endpoints[endpoint], out);
}

void hone_record(struct hone_scheduler *s, unsigned endpoint, enum hone_stage stage, double ms)
{
    if (endpoint < HONE_MAX_ENDPOINTS && (stage == HONE_STAGE_RECEIVE || stage == HONE_STAGE_SEND) && ms >= 0)
        histogram_add_ns(&s->counters.endpoints[endpoint].stages[stage], (uint64_t)(1e6 * ms));
}
