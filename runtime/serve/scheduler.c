/* The public functions of schedulers. */
#include "runtime/base/sizes.h"
#include "runtime/serve/cache/redis.h"
#include "runtime/serve/state.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_QUEUE 1024 /* requests; some seconds of a small model's work, and nobody waits for more */
/* Texts that are generated together: more share a step's weights, but each has its part of the room for keys and values. */
#define DEFAULT_WRITING 16
#define TUNE_LEAST      0.25 /* of what is set, where no bound is */
#define TUNE_MOST       2

static uint64_t after(uint64_t now, double ms)
{
    return ms > 0 && ms < 1e12 ? now + (uint64_t)(1e6 * ms) : POLICY_NEVER;
}

/* ---- options ---- */

static enum hone_status fill_lengths(struct policy_options *out, const struct hone_scheduler_options *o,
                                     struct hone_error *err)
{
    static const size_t usual[] = {64, 128, 256, 512};
    const size_t *lengths = o->lengths ? o->lengths : usual;
    out->n_lengths = o->lengths ? o->n_lengths : sizeof usual / sizeof *usual;
    if (out->n_lengths > POLICY_LENGTHS)
        return hone_fail(err, HONE_USAGE, "there are %zu classes of length, expected at most %d",
                         out->n_lengths, POLICY_LENGTHS);
    for (size_t i = 0; i < out->n_lengths; i++) {
        if (i > 0 && lengths[i] <= lengths[i - 1])
            return hone_fail(err, HONE_USAGE, "the classes of length do not rise: %zu after %zu", lengths[i],
                             lengths[i - 1]);
        out->lengths[i] = lengths[i];
    }
    return HONE_OK;
}

static enum hone_status fill_policy(struct policy_options *out, size_t batch_tokens,
                                    const struct hone_scheduler_options *o, struct hone_error *err)
{
    *out = (struct policy_options){
        .batch_tokens = o->batch_tokens ? o->batch_tokens : batch_tokens,
        .max_queue = o->max_queue ? o->max_queue : DEFAULT_QUEUE,
        .max_parallel = o->max_parallel ? o->max_parallel : POLICY_SLICES,
        .window = o->window_ms > 0 ? after(0, o->window_ms) : 0,
        .starvation = o->starvation_ms > 0 ? after(0, o->starvation_ms) : 0,
        .adaptive_window = o->adaptive_window,
        .adaptive_batch = o->adaptive_batch,
        .few = o->few_waiting,
        .many = o->many_waiting,
    };
    const double windows[] = {o->low_window_ms, o->medium_window_ms, o->high_window_ms};
    for (size_t i = 0; i < 3; i++)
        out->windows[i] = windows[i] > 0 ? after(0, windows[i]) : 0;
    if (o->many_waiting > 0 && o->many_waiting <= o->few_waiting)
        return hone_fail(err, HONE_USAGE, "many_waiting is %zu, which is no more than few_waiting, %zu",
                         o->many_waiting, o->few_waiting);
    if (out->max_parallel > POLICY_SLICES)
        out->max_parallel = POLICY_SLICES;
    if (o->n_tokenizers < 0 || o->n_tokenizers > SCHEDULER_MAX_TOKENIZERS)
        return hone_fail(err, HONE_USAGE, "%d threads that tokenize, expected at most %d", o->n_tokenizers,
                         SCHEDULER_MAX_TOKENIZERS);
    return fill_lengths(out, o, err);
}

static uint64_t or_else(uint64_t value, double otherwise)
{
    return value > 0 ? value : otherwise > 1 ? (uint64_t)otherwise : 1;
}

static enum hone_status fill_tuner(struct tuner *out, struct policy_options *policy,
                                   const struct hone_scheduler_options *o, struct hone_error *err)
{
    double window = (double)policy->window, batch = (double)policy->batch_tokens;
    struct tuner_bounds b = {
        .min_window = or_else(o->min_window_ms > 0 ? after(0, o->min_window_ms) : 0, TUNE_LEAST * window),
        .max_window = or_else(o->max_window_ms > 0 ? after(0, o->max_window_ms) : 0, TUNE_MOST * window),
        .min_batch = or_else(o->min_batch_tokens, TUNE_LEAST * batch),
        .max_batch = or_else(o->max_batch_tokens, TUNE_MOST * batch),
        .p99_goal = o->p99_goal_ms > 0 ? after(0, o->p99_goal_ms) : 0};
    if (o->tune && (b.min_window > b.max_window || b.min_batch > b.max_batch))
        return hone_fail(err, HONE_USAGE,
                         "the bounds between which a scheduler is tuned are the wrong way round");
    tuner_init(out, &b);
    return HONE_OK;
}

/* ---- opening and closing ---- */

static void init_locks(struct hone_scheduler *s)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, &attr);
    pthread_cond_init(&s->texts, &attr);
    pthread_cond_init(&s->grammars, &attr);
    pthread_cond_init(&s->deadlines, &attr);
    pthread_cond_init(&s->idle, &attr);
    pthread_condattr_destroy(&attr);
}

static void free_scheduler(struct hone_scheduler *s)
{
    for (int i = 0; s->encodings && i < s->model->options.n_threads; i++)
        tok_encoding_release(&s->encodings[i]);
    free(s->encodings);
    caches_release(&s->caches);
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->deadlines);
    pthread_cond_destroy(&s->grammars);
    pthread_cond_destroy(&s->texts);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* Threads that prepare stop. */
static void stop_preparing(struct hone_scheduler *s)
{
    pthread_mutex_lock(&s->lock);
    s->draining = s->closing = true;
    pthread_cond_signal(&s->work);
    pthread_cond_broadcast(&s->texts);
    pthread_cond_broadcast(&s->grammars);
    pthread_cond_broadcast(&s->deadlines);
    pthread_mutex_unlock(&s->lock);
    tokenizers_stop(s);
    compile_stop(s);
    expire_stop(s);
}

static enum hone_status start(struct hone_scheduler *s, int n_tokenizers, struct hone_error *err)
{
    enum hone_status status = tokenizers_start(s, n_tokenizers ? n_tokenizers : 1, err);
    if (status == HONE_OK)
        status = expire_start(s, err);
    if (status != HONE_OK)
        return status;
    int error = pthread_create(&s->thread, NULL, scheduler_thread, s);
    s->has_thread = error == 0;
    return error ? hone_fail(err, HONE_FAILED, "cannot start a thread of the scheduler: %s", strerror(error))
                 : HONE_OK;
}

enum hone_status scheduler_new(struct hone_scheduler **out, struct hone_model *model,
                               const struct hone_scheduler_options *options, const struct clock *clock,
                               struct hone_error *err)
{
    struct hone_scheduler_options o = HONE_SCHEDULER_DEFAULTS;
    struct policy_options policy;
    struct tuner tuner;
    o = options ? *options : o;
    *out = NULL;
    enum hone_status status = fill_policy(&policy, model->options.batch_tokens, &o, err);
    if (status == HONE_OK)
        status = fill_tuner(&tuner, &policy, &o, err);
    if (status != HONE_OK)
        return status;
    struct hone_scheduler *s = calloc(1, sizeof *s);
    if (!s)
        return hone_no_memory(err, "a scheduler", sizeof *s);
    counters_touch(&s->counters);
    s->model = model;
    s->clock = clock;
    s->compute_lock = &ticket_lock_of_process;
    s->to_tokenize.end = &s->to_tokenize.first;
    s->to_compile.end = &s->to_compile.first;
    s->max_writing = o.max_parallel == 0                      ? DEFAULT_WRITING
                     : o.max_parallel < SCHEDULER_MAX_WRITING ? o.max_parallel
                                                              : SCHEDULER_MAX_WRITING;
    policy_init(&s->policy, &policy);
    s->tuner = tuner;
    s->tunes = o.tune;
    init_locks(s);
    s->encodings = calloc((size_t)model->options.n_threads, sizeof *s->encodings);
    status = s->encodings ? caches_init(&s->caches, model, &o, clock, err)
                          : hone_no_memory(err, "a scheduler", sizeof *s->encodings);
    if (status == HONE_OK)
        *out = s;
    else
        free_scheduler(s);
    return status;
}

enum hone_status hone_scheduler_check(const struct hone_scheduler_options *options, struct hone_error *err)
{
    struct hone_scheduler_options o = HONE_SCHEDULER_DEFAULTS;
    struct policy_options policy;
    enum hone_status status = sizes_take(&o, sizeof o, options, "hone_scheduler_options", err);
    if (status == HONE_OK)
        status = fill_policy(&policy, 1, &o, err);
    return status == HONE_OK && o.redis ? redis_check(o.redis, err) : status;
}

enum hone_status hone_scheduler_open(struct hone_scheduler **out, struct hone_model *model,
                                     const struct hone_scheduler_options *options, struct hone_error *err)
{
    struct hone_scheduler_options taken = HONE_SCHEDULER_DEFAULTS;
    *out = NULL;
    enum hone_status status = sizes_take(&taken, sizeof taken, options, "hone_scheduler_options", err);
    if (status == HONE_OK)
        status = scheduler_new(out, model, &taken, &clock_monotonic, err);
    if (status == HONE_OK)
        status = start(*out, taken.n_tokenizers, err);
    if (status != HONE_OK)
        hone_scheduler_close(out);
    return status;
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
    stop_preparing(s);
    if (s->has_thread)
        pthread_join(s->thread, NULL);
    else
        scheduler_thread(s); /* which ends what waits */
    hone_scheduler_drain(s); /* replies that another thread is giving */
    free_scheduler(s);
}

/* ---- requests ---- */

static enum hone_status busy(struct hone_scheduler *s, const struct job *job, double *retry_ms,
                             struct hone_error *err)
{
    enum hone_priority class = job->request.priority;
    double ms = 1e-6 * s->ns_a_token * (double)s->policy.queues[ENTRY_READY][class].n_tokens / 2;
    counters_add(&s->counters.busy, 1);
    if (s->draining)
        return hone_fail(err, HONE_BUSY, "the scheduler takes no more requests, since it is being closed");
    ms = ms > 1 ? ms : 1;
    if (retry_ms)
        *retry_ms = ms;
    return hone_fail(err, HONE_BUSY, "the queue of %s requests is full: %zu wait, half of them for %.0f ms",
                     class == HONE_PRIORITY_BULK ? "bulk" : "interactive",
                     policy_n_waiting(&s->policy, class), ms);
}

static void begin(struct hone_scheduler *s, struct job *job)
{
    jobs_add(s, job);
    counters_add(&s->counters.taken, 1);
    if (job_has_tokens(job)) {
        jobs_line_up(&s->to_tokenize, job);
        tokenizers_wake(s);
    } else {
        job->tokenized = job->arrived;
        compile_or_ready(s, job);
    }
}

enum hone_status hone_submit(struct hone_scheduler *s, const struct hone_request *request, uint64_t *id,
                             double *retry_ms, struct hone_error *err)
{
    struct job *job;
    enum hone_status status = sizes_check(request->size, sizeof *request, "hone_request", err);
    if (status == HONE_OK)
        status = sizes_check(request->how.size, sizeof request->how, "hone_run_options", err);
    if (status == HONE_OK && request->generation)
        status = sizes_check(request->generation->size, sizeof *request->generation, "hone_generation", err);
    if (status == HONE_OK)
        status = job_new(&job, s->model, request, &s->caches, err);
    if (status != HONE_OK)
        return status;
    job->arrived = clock_now(s->clock);
    job->entry.queue_deadline = after(job->arrived, request->queue_timeout_ms);
    job->entry.deadline = after(job->arrived, request->timeout_ms);
    pthread_mutex_lock(&s->lock);
    if (s->draining || !policy_add(&s->policy, &job->entry, job->arrived)) {
        status = busy(s, job, retry_ms, err);
    } else {
        begin(s, job);
        expire_sooner(s);
        if (id)
            *id = job->id;
        jobs_reply_if_due(s, job); /* where it failed already */
    }
    pthread_mutex_unlock(&s->lock);
    if (status != HONE_OK)
        job_free(job);
    return status;
}

void hone_cancel(struct hone_scheduler *s, uint64_t id)
{
    pthread_mutex_lock(&s->lock);
    struct job *job = jobs_find(s, id);
    if (job) {
        jobs_end(s, job, HONE_CANCELLED, "the request was cancelled");
        jobs_reply_if_due(s, job);
    }
    pthread_mutex_unlock(&s->lock);
}

/* ---- statistics ---- */

static void writing_stats(const struct hone_scheduler *s, struct hone_scheduler_stats *out)
{
    const struct entry_queue *ready = s->policy.queues[ENTRY_PROMPT_READY];
    out->generation.n_active = s->n_writing;
    out->generation.n_waiting = ready[HONE_PRIORITY_INTERACTIVE].n + ready[HONE_PRIORITY_BULK].n;
    out->generation.tokens_per_s = 1e9 * s->tokens_a_ns;
    out->generation.kv_blocks = s->kv.n_blocks;
    out->generation.kv_used = s->kv.n_used;
    out->generation.kv_known = s->kv.n_known;
    out->generation.n_preempted = s->n_preempted;
}

void hone_scheduler_stats(struct hone_scheduler *s, struct hone_scheduler_stats *out)
{
    counters_read(&s->counters, out, clock_now(s->clock));
    caches_stats(&s->caches, out->caches);
    pthread_mutex_lock(&s->lock);
    for (size_t i = 0; i < HONE_N_PRIORITIES; i++) {
        out->n_waiting[i] = policy_n_waiting(&s->policy, (enum hone_priority)i);
        out->n_tokenizing +=
            s->policy.queues[ENTRY_PENDING][i].n + s->policy.queues[ENTRY_PROMPT_PENDING][i].n;
    }
    out->n_running = s->n_slices;
    out->tokens_per_s = s->ns_a_token > 0 ? 1e9 / s->ns_a_token : 0;
    out->window_ms = 1e-6 * (double)policy_window(&s->policy);
    out->max_batch_tokens = policy_batch_tokens(&s->policy);
    out->n_tuned = s->tuner.n_steps;
    out->n_untuned = s->tuner.n_undone;
    writing_stats(s, out);
    pthread_mutex_unlock(&s->lock);
}
