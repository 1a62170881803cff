/* Submitting and waiting in one call. */
#include "runtime/base/error.h"

#include <hone/scheduler.h>
#include <pthread.h>

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t replied;
    bool done;
    enum hone_status status;
    struct hone_error *err;
};

static void wake(void *arg, const struct hone_reply *reply)
{
    struct waiter *w = arg;
    pthread_mutex_lock(&w->lock);
    w->status = reply->status;
    if (reply->status != HONE_OK)
        hone_fail(w->err, reply->status, "%s", reply->message);
    w->done = true;
    pthread_cond_signal(&w->replied);
    pthread_mutex_unlock(&w->lock);
}

enum hone_status hone_submit_and_wait(struct hone_scheduler *scheduler, const struct hone_request *request,
                                      struct hone_error *err)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .replied = PTHREAD_COND_INITIALIZER, .err = err};
    struct hone_request own = *request;
    own.on_reply = wake;
    own.arg = &w;
    enum hone_status status = hone_submit(scheduler, &own, NULL, NULL, err);
    if (status != HONE_OK)
        return status;
    pthread_mutex_lock(&w.lock);
    while (!w.done)
        pthread_cond_wait(&w.replied, &w.lock);
    pthread_mutex_unlock(&w.lock);
    return w.status;
}
