#include "server/http/workers.h"

#include "runtime/base/assert.h"
#include "server/http/fail.h"
#include "server/http/request.h"

#define N_WORKERS                                                                                            \
    4 /* long requests at once: so many can take all of them, and the short ones go on nevertheless */

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct http_request *first, **last;
    bool stopped;
    pthread_t threads[N_WORKERS];
    size_t n;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .filled = PTHREAD_COND_INITIALIZER};

static struct http_request *next(void)
{
    pthread_mutex_lock(&pool.lock);
    while (!pool.first && !pool.stopped)
        pthread_cond_wait(&pool.filled, &pool.lock);
    struct http_request *r = pool.first;
    if (r) {
        pool.first = r->later;
        pool.last = pool.first ? pool.last : &pool.first;
    }
    pthread_mutex_unlock(&pool.lock);
    return r;
}

/* Nobody needs what was asked by a client that has left meanwhile. */
static void work_on(struct http_request *r)
{
    pthread_mutex_lock(&r->lock);
    bool gone = r->gone;
    pthread_mutex_unlock(&r->lock);
    if (!gone)
        r->worker(r);
    request_hand_back(r);
}

static void *run(void *arg)
{
    for (struct http_request *r = next(); r; r = next())
        work_on(r);
    return arg;
}

enum hone_status workers_start(struct hone_error *err)
{
    pool.last = &pool.first;
    pool.stopped = false;
    while (pool.n < N_WORKERS && pthread_create(&pool.threads[pool.n], NULL, run, NULL) == 0)
        pool.n++;
    return pool.n > 0 ? HONE_OK : fail_errno(err, HONE_FAILED, "there is no thread for long requests");
}

void workers_stop(void)
{
    pthread_mutex_lock(&pool.lock);
    pool.stopped = true;
    pthread_cond_broadcast(&pool.filled);
    pthread_mutex_unlock(&pool.lock);
    while (pool.n > 0)
        pthread_join(pool.threads[--pool.n], NULL);
}

void workers_take(struct http_request *r)
{
    ASSERT(r->worker && r->handed);
    r->later = NULL;
    pthread_mutex_lock(&pool.lock);
    *pool.last = r;
    pool.last = &r->later;
    pthread_cond_signal(&pool.filled);
    pthread_mutex_unlock(&pool.lock);
}
