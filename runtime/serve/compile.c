/* The thread that compiles what texts must look like. A hostile schema keeps it for some tenths of a second, and with it
 * those that come with one; all others are tokenized and computed meanwhile. */
#include "runtime/generate/compiled.h"
#include "runtime/serve/state.h"

#include <string.h>

struct compiling {
    struct hone_scheduler *s;
    struct job *job;
};

static bool is_over(void *arg)
{
    const struct compiling *c = arg;
    pthread_mutex_lock(&c->s->lock);
    bool over = c->s->closing || c->job->ending != HONE_OK;
    pthread_mutex_unlock(&c->s->lock);
    return over;
}

static void ready(struct hone_scheduler *s, struct job *job)
{
    policy_ready(&s->policy, &job->entry, clock_now(s->clock));
    if (s->waiting)
        pthread_cond_signal(&s->work);
}

/* Compiles the first of the line's; the lock is given up meanwhile. */
static void compile_first(struct hone_scheduler *s)
{
    struct job *job = s->to_compile.first;
    struct compiling compiling = {s, job};
    struct schema_waiting waiting = {is_over, &compiling};
    struct hone_error err;
    jobs_leave_line(job);
    job->n_holders++;
    pthread_mutex_unlock(&s->lock);
    if (compiled_of(&job->generation.compiled, job->request.generation, &waiting, &err) != HONE_OK)
        job_fail(job, err.status, err.message);
    pthread_mutex_lock(&s->lock);
    if (job->ending == HONE_OK && !job_has_failed(job))
        ready(s, job);
    jobs_release(s, job);
}

static void *compiler_thread(void *scheduler)
{
    struct hone_scheduler *s = scheduler;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        if (s->to_compile.first)
            compile_first(s);
        else
            pthread_cond_wait(&s->grammars, &s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

void compile_or_ready(struct hone_scheduler *s, struct job *job)
{
    if (!job_has_grammar(job)) {
        ready(s, job);
        return;
    }
    int error = s->has_compiler ? 0 : pthread_create(&s->compiler, NULL, compiler_thread, s);
    if (error) {
        struct hone_error err;
        hone_fail(&err, HONE_FAILED, "cannot start a thread of the scheduler: %s", strerror(error));
        job_fail(job, err.status, err.message);
        return;
    }
    s->has_compiler = true;
    jobs_line_up(&s->to_compile, job);
    pthread_cond_signal(&s->grammars);
}

void compile_stop(struct hone_scheduler *s)
{
    if (s->has_compiler)
        pthread_join(s->compiler, NULL);
}
