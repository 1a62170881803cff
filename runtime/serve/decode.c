/* Texts that are generated, all together, a token each with every step. */
#include "runtime/base/average.h"
#include "runtime/nn/step.h"
#include "runtime/serve/state.h"

#define LATE_WRITING "the request's time was over before its text was complete"

bool decode_waits(const struct hone_scheduler *s)
{
    const struct entry_queue *ready = s->policy.queues[ENTRY_PROMPT_READY];
    return s->n_writing > 0 || ready[HONE_PRIORITY_INTERACTIVE].n + ready[HONE_PRIORITY_BULK].n > 0;
}

/* ---- tokens, from generator_step ---- */

static bool on_token(void *arg, const struct hone_token *token)
{
    struct job *job = arg;
    struct generation *own = &job->generation;
    if (token->id >= 0) {
        uint64_t now = clock_now(own->clock);
        if (own->last_token)
            histogram_add_ns(&own->counters->between_tokens, now - own->last_token, now);
        else
            histogram_add_ns(&own->counters->first_token, now - job->arrived, now);
        own->last_token = now;
        own->timed_out = job->request.partial && now > job->entry.deadline;
    }
    return (!own->on_token || own->on_token(own->arg, token)) && !own->timed_out;
}

static void on_end(void *arg, struct hone_generation *g, enum hone_status status, const char *message)
{
    struct job *job = g->arg;
    (void)arg;
    if (status != HONE_OK)
        job_fail(job, status, message);
    job->generation.is_over = true;
}

/* ---- joining and leaving; without the scheduler's lock, with the model's ---- */

static enum hone_status add(struct hone_scheduler *s, struct job *job, struct hone_error *err)
{
    struct hone_generation *g = job->request.generation;
    const int32_t *ids = g->ids;
    size_t n_ids = g->n_ids;
    if (!s->generator) {
        enum hone_status status = generator_new(&s->generator, s->model, s->clock, on_end, s, err);
        if (status != HONE_OK)
            return status;
    }
    if (job_has_tokens(job)) { /* made already */
        g->ids = job->runs[0].ids;
        g->n_ids = job->runs[0].n;
    }
    job->generation.on_token = g->on_token;
    job->generation.arg = g->arg;
    job->generation.counters = &s->counters;
    job->generation.clock = s->clock;
    g->on_token = on_token;
    g->arg = job;
    enum hone_status status = generator_add(s->generator, g, job->generation.compiled, err);
    g->ids = ids;
    g->n_ids = n_ids;
    return status;
}

static void join(struct hone_scheduler *s, struct job *job)
{
    struct hone_error err;
    job->generation.is_new = false;
    if (add(s, job, &err) != HONE_OK) {
        job_fail(job, err.status, err.message);
        job->generation.is_over = true;
    }
}

static void leave(struct hone_scheduler *s, struct job *job)
{
    generator_remove(s->generator, job->request.generation);
    job->generation.is_over = true;
}

/* Gives the request back its own callbacks, and counts what came of it. */
static void settle(struct hone_scheduler *s, struct job *job)
{
    struct hone_generation *g = job->request.generation;
    if (g->arg == job) {
        g->on_token = job->generation.on_token;
        g->arg = job->generation.arg;
    }
    job->n_done = job->entry.n_texts;
    job->n_tokens = 0;
    if (job_has_failed(job))
        return;
    if (job->generation.timed_out && g->finish == HONE_FINISH_CANCELLED && g->n_results > 0)
        g->finish = g->results[0].finish = HONE_FINISH_TIME;
    job->generation.timed_out &= g->finish == HONE_FINISH_TIME;
    for (size_t i = 0; i < g->n_results; i++)
        job->n_tokens += g->results[i].n_ids;
    counters_add(&s->counters.prompt_tokens, g->n_prompt);
    counters_add(&s->counters.cached_tokens, g->n_cached);
    counters_add(&s->counters.generated, job->n_tokens);
}

/* ---- steps; with the scheduler's lock ---- */

static void admit(struct hone_scheduler *s, uint64_t now)
{
    struct policy_entry *e;
    while (s->n_writing < s->max_writing && (e = policy_generate(&s->policy, now))) {
        struct job *job = (struct job *)e;
        job->n_holders++;
        job->started = now;
        job->generation.is_new = true;
        s->writing[s->n_writing++] = job;
    }
}

/* Whether a text whose time is over ends well, with what it has: at its next token, which it must have had one before. */
static bool ends_with_its_next_token(const struct job *job)
{
    return job->request.partial && job->generation.last_token && !job->request.generation->beams;
}

static void end_late(struct hone_scheduler *s, uint64_t now)
{
    for (size_t i = 0; i < s->n_writing; i++)
        if (now > s->writing[i]->entry.deadline && !ends_with_its_next_token(s->writing[i]))
            jobs_end(s, s->writing[i], HONE_LATE, LATE_WRITING);
}

static void sweep(struct hone_scheduler *s)
{
    struct job *over[SCHEDULER_MAX_WRITING];
    size_t n_over = 0, n_left = 0;
    for (size_t i = 0; i < s->n_writing; i++)
        if (s->writing[i]->generation.is_over)
            over[n_over++] = s->writing[i];
        else
            s->writing[n_left++] = s->writing[i];
    s->n_writing = n_left;
    for (size_t i = 0; i < n_over; i++) {
        settle(s, over[i]);
        jobs_release(s, over[i]);
    }
}

static void measure(struct hone_scheduler *s, uint64_t ns, size_t n_texts)
{
    counters_add(&s->counters.steps, 1);
    histogram_add_ns(&s->counters.step, ns, clock_now(s->clock));
    s->ns_a_step = average_lately(s->ns_a_step, (double)ns);
    s->tokens_a_ns = average_lately(s->tokens_a_ns, (double)n_texts / (double)(ns ? ns : 1));
    s->spent_steps += ns;
}

/* Texts that have ended while they are still in the generator. They are found under the scheduler's lock, which guards why a job
 * ends, and are taken out afterwards under the model's. */
struct leaving {
    struct job *jobs[SCHEDULER_MAX_WRITING];
    size_t n;
};

static void find_leaving(const struct hone_scheduler *s, struct leaving *out)
{
    out->n = 0;
    for (size_t i = 0; i < s->n_writing; i++) {
        struct job *job = s->writing[i];
        if (job->ending == HONE_OK)
            continue;
        if (job->generation.is_new)
            job->generation.is_over = true;
        else
            out->jobs[out->n++] = job;
        job->generation.is_new = false;
    }
}

void decode_step(struct hone_scheduler *s)
{
    struct hone_stats stats = {0};
    struct leaving leaving;
    uint64_t now = clock_now(s->clock);
    admit(s, now);
    end_late(s, now);
    find_leaving(s, &leaving);
    pthread_mutex_unlock(&s->lock);
    ticket_lock_acquire(s->compute_lock);
    pthread_mutex_lock(&s->model->lock);
    now = clock_now(s->clock);
    for (size_t i = 0; i < leaving.n; i++)
        leave(s, leaving.jobs[i]);
    for (size_t i = 0; i < s->n_writing; i++) /* that no other thread changes */
        if (s->writing[i]->generation.is_new)
            join(s, s->writing[i]);
    size_t n_texts = s->generator ? generator_n_texts(s->generator) : 0;
    if (n_texts > 0)
        generator_step(s->generator, &stats);
    uint64_t ns = clock_now(s->clock) - now;
    size_t n_preempted = s->generator ? generator_n_preempted(s->generator) : 0;
    struct kv_stats kv = {0};
    if (s->model->stepper.kv)
        kv = kv_stats(s->model->stepper.kv);
    pthread_mutex_unlock(&s->model->lock);
    ticket_lock_release(s->compute_lock);
    pthread_mutex_lock(&s->lock);
    s->kv = kv;
    s->n_preempted = n_preempted;
    if (n_texts > 0)
        measure(s, ns, n_texts);
    sweep(s);
}

void decode_pause(struct hone_scheduler *s)
{
    if (!s->generator || step_cache_limit(&s->model->stepper) == SIZE_MAX)
        return;
    pthread_mutex_lock(&s->model->lock);
    generator_pause(s->generator);
    pthread_mutex_unlock(&s->model->lock);
}

void decode_close(struct hone_scheduler *s)
{
    for (size_t i = 0; i < s->n_writing; i++)
        s->writing[i]->generation.is_over = true;
    pthread_mutex_unlock(&s->lock);
    pthread_mutex_lock(&s->model->lock);
    generator_free(s->generator);
    pthread_mutex_unlock(&s->model->lock);
    pthread_mutex_lock(&s->lock);
    s->generator = NULL;
    sweep(s);
}
