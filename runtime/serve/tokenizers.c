/* The threads that prepare texts while others compute. */
#include "runtime/serve/compared.h"
#include "runtime/serve/prepare.h"
#include "runtime/serve/state.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define NICENESS 10 /* a tenth of what another thread gets of a core that both want */

/* All texts are prepared: it waits to be computed, if there is something to compute. */
static void prepared(struct hone_scheduler *s, struct job *job)
{
    size_t n = job->request.n_texts;
    job->tokenized = clock_now(s->clock);
    for (size_t i = 0; i < n; i++) {
        job->n_tokens += job->runs[i].n;
        job->n_found += job->found[i];
    }
    bool scored = job->compared && compared_is_scored(job->compared);
    if (job->n_found == n || scored)
        job->n_done = n;
    if (job->found[0]) /* a query that is known needs no batch of its own kind */
        job->entry.n_first = 0;
    if (job->ending != HONE_OK || job_has_failed(job) || job->n_done == n)
        return;
    compile_or_ready(s, job);
}

bool tokenizers_work(struct hone_scheduler *s, struct tok_encoding *encodings, int n_threads)
{
    size_t first, n;
    struct job *job = jobs_next_texts(s, &first, &n);
    if (!job)
        return false;
    pthread_mutex_unlock(&s->lock);
    prepare_texts(job, &s->caches, first, n, encodings, n_threads);
    pthread_mutex_lock(&s->lock);
    job->n_tokenized += n;
    if (job->n_tokenized == job->request.n_texts)
        prepared(s, job);
    jobs_release(s, job);
    return true;
}

static void *tokenizer_thread(void *scheduler)
{
    struct hone_scheduler *s = scheduler;
    struct tok_encoding encoding = {0};
    /* Threads that compute wait for each other: one that has to give its core away holds up all. Of the calling thread
     * alone, on Linux; where that is refused nothing is lost but time. */
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICENESS);
    pthread_mutex_lock(&s->lock);
    while (!s->closing)
        if (!tokenizers_work(s, &encoding, 1) && !s->closing)
            pthread_cond_wait(&s->texts, &s->lock);
    pthread_mutex_unlock(&s->lock);
    tok_encoding_release(&encoding);
    return NULL;
}

void tokenizers_wake(struct hone_scheduler *s)
{
    if (s->waiting) { /* it has nothing else to do, and goes on with them at once */
        s->waiting = false;
        pthread_cond_signal(&s->work);
    } else {
        pthread_cond_signal(&s->texts);
    }
}

enum hone_status tokenizers_start(struct hone_scheduler *s, int n, struct hone_error *err)
{
    for (; s->n_tokenizers < n; s->n_tokenizers++) {
        int error = pthread_create(&s->tokenizers[s->n_tokenizers], NULL, tokenizer_thread, s);
        if (error)
            return hone_fail(err, HONE_FAILED, "cannot start a thread of the scheduler: %s", strerror(error));
    }
    return HONE_OK;
}

void tokenizers_stop(struct hone_scheduler *s)
{
    for (int i = 0; i < s->n_tokenizers; i++)
        pthread_join(s->tokenizers[i], NULL);
}
