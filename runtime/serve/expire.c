/* The thread that answers those whose time is over while they wait. The one that computes may be in the middle of a batch of
 * others, or wait for its turn behind another model: up to a quarter of a second, in which a client that gave 100 ms has long
 * turned elsewhere. */
#include "runtime/serve/state.h"

#include <string.h>
#include <time.h>

#define LATE_WAITING "the request's time was over while it waited"

void expire_now(struct hone_scheduler *s)
{
    struct policy_entry *e;
    while ((e = policy_expire(&s->policy, clock_now(s->clock)))) {
        struct job *job = (struct job *)e;
        jobs_end(s, job, HONE_LATE, job->started ? LATE_RUNNING : LATE_WAITING);
        jobs_reply_if_due(s, job);
    }
}

/* Of the system's clock, as init_locks has it. */
static void wait_for_deadline(struct hone_scheduler *s)
{
    uint64_t until = s->watched = s->policy.next_deadline;
    struct timespec t = {(time_t)(until / 1000000000u), (long)(until % 1000000000u)};
    if (until == POLICY_NEVER)
        pthread_cond_wait(&s->deadlines, &s->lock);
    else
        pthread_cond_timedwait(&s->deadlines, &s->lock, &t);
}

static void *expire_thread(void *scheduler)
{
    struct hone_scheduler *s = scheduler;
    pthread_mutex_lock(&s->lock);
    while (!s->closing) {
        expire_now(s);
        if (!s->closing) /* while a reply was given */
            wait_for_deadline(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

enum hone_status expire_start(struct hone_scheduler *s, struct hone_error *err)
{
    int error = pthread_create(&s->expirer, NULL, expire_thread, s);
    s->has_expirer = error == 0;
    return error ? hone_fail(err, HONE_FAILED, "cannot start a thread of the scheduler: %s", strerror(error))
                 : HONE_OK;
}

void expire_stop(struct hone_scheduler *s)
{
    if (s->has_expirer)
        pthread_join(s->expirer, NULL);
}

/* The next deadline is mostly that of an earlier request, so that this seldom wakes anybody. */
void expire_sooner(struct hone_scheduler *s)
{
    if (s->has_expirer && s->policy.next_deadline < s->watched)
        pthread_cond_signal(&s->deadlines);
}
