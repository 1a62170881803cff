/* A request's work: handed to a scheduler, waited for, given up. */
#include "runtime/base/assert.h"
#include "server/http/connections.h"
#include "server/http/fail.h"
#include "server/http/request.h"
#include "server/http/workers.h"
#include "server/wire/loop.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void request_wake(struct http_request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    loop_wake(r->client->loop, r->client);
}

static struct endpoint_counters *counters_of(const struct http_request *r)
{
    return &r->model->endpoints[r->route->endpoint];
}

/* Under the lock. */
static void note_stages(struct http_request *r, const struct hone_reply *reply)
{
    r->timed_out |= reply->timed_out;
    if (reply->tokenize_ms + reply->queue_ms + reply->infer_ms <
        r->stages.tokenize + r->stages.queue + r->stages.infer)
        return;
    r->stages.tokenize = reply->tokenize_ms;
    r->stages.queue = reply->queue_ms;
    r->stages.infer = reply->infer_ms;
}

/* Takes the failure of the first submission that fails. Under the lock. */
static void note_failure(struct http_request *r, enum hone_status status, const char *message)
{
    if (status == HONE_OK || r->failed)
        return;
    r->failed = true;
    r->failure.status = status;
    snprintf(r->failure.message, sizeof r->failure.message, "%s", message);
}

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct http_request *r = arg;
    struct service *s = r->service;
    endpoint_count_reply(counters_of(r), reply,
                         clock_now(s->clock)); /* before its client can ask for figures */
    pthread_mutex_lock(&r->lock);
    ASSERT(r->n_pending > 0 && s->n_pending > 0);
    note_failure(r, reply->status, reply->message);
    note_stages(r, reply);
    bool last = --r->n_pending == 0, gone = r->gone;
    r->worked = clock_now(s->clock);
    if (last && !gone)
        request_wake(r);
    pthread_mutex_unlock(&r->lock);
    if (last && gone)
        request_free(r);
    s->n_pending--; /* the last thing: a service without work may be closed */
}

void request_hand_over(struct http_request *r, http_handler what)
{
    r->worker = what;
    pthread_mutex_lock(&r->lock);
    r->handed = true;
    r->n_pending++;
    r->service->n_pending++;
    pthread_mutex_unlock(&r->lock);
    workers_take(r);
}

bool request_is_handed(struct http_request *r)
{
    pthread_mutex_lock(&r->lock);
    bool handed = r->handed;
    pthread_mutex_unlock(&r->lock);
    return handed;
}

void request_hand_back(struct http_request *r)
{
    struct service *s = r->service;
    pthread_mutex_lock(&r->lock);
    bool last = --r->n_pending == 0, gone = r->gone;
    r->handed = false;
    r->suspended = !gone;
    request_wake(r);
    pthread_mutex_unlock(&r->lock);
    if (last && gone)
        request_free(r);
    s->n_pending--;
}

static bool add_id(struct http_request *r)
{
    uint64_t *ids = realloc(r->ids, (r->n_ids + 1) * sizeof *ids);
    if (ids) {
        r->ids = ids;
        r->ids[r->n_ids++] = 0;
    }
    return ids;
}

/* A place among those that the server answers at once. */
static enum hone_status take_place(struct http_request *r, struct hone_error *err)
{
    struct service *s = r->service;
    if (s->ending)
        return fail(err, HONE_CANCELLED, "the server is ending");
    if (r->counted_parallel)
        return HONE_OK;
    if (++s->n_parallel > s->settings.max_requests) {
        s->n_parallel--;
        r->retry_ms = 1000;
        return fail(err, HONE_BUSY, "%zu requests are being answered already", s->settings.max_requests);
    }
    r->counted_parallel = true;
    return HONE_OK;
}

static enum hone_status submit(struct http_request *r, const struct hone_request *request, uint64_t *id,
                               struct hone_error *err)
{
    enum hone_status status = take_place(r, err);
    if (status != HONE_OK)
        return status;
    status = hone_submit(r->model->scheduler, request, id, &r->retry_ms, err);
    endpoint_count_submission(counters_of(r), status);
    return status;
}

/* 0: never */
static double sooner(double a, double b)
{
    return a > 0 && (b == 0 || a < b) ? a : b;
}

void http_submit(struct http_request *r, struct hone_request *request)
{
    struct hone_error err = {HONE_FAILED, "out of memory for a request"};
    const struct settings *s = &r->service->settings;
    uint64_t id = 0;
    if (r->describing)
        return;
    request->how.partition = r->partition;
    if (request->generation)
        request->generation->partition = r->partition;
    request->priority = r->bulk ? HONE_PRIORITY_BULK : HONE_PRIORITY_INTERACTIVE;
    request->queue_timeout_ms = s->queue_timeout * 1e3;
    request->timeout_ms = sooner(s->request_timeout * 1e3, r->timeout_ms);
    request->on_reply = on_reply;
    request->arg = r;
    pthread_mutex_lock(&r->lock);
    bool ready = add_id(r);
    r->n_pending++;
    r->service->n_pending++;
    pthread_mutex_unlock(&r->lock);
    enum hone_status status = ready ? submit(r, request, &id, &err) : HONE_FAILED;
    pthread_mutex_lock(&r->lock);
    if (ready)
        r->ids[r->n_ids - 1] = id;
    bool gone = r->gone;
    if (status != HONE_OK) {
        r->n_pending--;
        r->service->n_pending--;
        note_failure(r, status, err.message);
    }
    pthread_mutex_unlock(&r->lock);
    if (gone && status == HONE_OK) /* while a worker read the request */
        hone_cancel(r->model->scheduler, id);
}

static void answer_long(struct http_request *r)
{
    http_handler then = r->then;
    r->then = NULL;
    then(r);
}

/* All work has its reply. */
static void finish(struct http_request *r)
{
    connection_waits(&r->client->front->connections, r->client->connection, NULL);
    if (r->phase == REQUEST_ANSWERED)
        return;
    if (r->streams) { /* whose reader calls `then` at its end */
        request_stream(r);
        return;
    }
    if (r->failed)
        http_fail_with(r, &r->failure);
    else if (r->then && r->long_answer) {
        request_hand_over(r, answer_long);
        return;
    } else if (r->then)
        r->then(r);
    if (r->phase != REQUEST_ANSWERED && r->streams) { /* these were the only words */
        r->stream_ended = true;
        request_stream(r);
    }
    if (r->phase != REQUEST_ANSWERED)
        http_fail(r, PROBLEM_FAILED, NULL, "the server has no answer");
}

void request_go_on(struct http_request *r)
{
    pthread_mutex_lock(&r->lock);
    bool works = r->n_pending > 0, streams = r->streams;
    bool waits = works && !streams && r->phase != REQUEST_ANSWERED;
    if (waits) {
        r->suspended = true;
    }
    pthread_mutex_unlock(&r->lock);
    if (works && r->phase != REQUEST_ANSWERED)
        connection_waits(&r->client->front->connections, r->client->connection, r);
    if (!works)
        finish(r);
    else if (!waits && r->phase != REQUEST_ANSWERED)
        request_stream(r);
}

size_t request_abandon(struct http_request *r, struct abandoned *out)
{
    pthread_mutex_lock(&r->lock);
    *out = (struct abandoned){.scheduler = r->n_ids > 0 ? r->model->scheduler : NULL};
    if (r->n_ids > 0 && r->n_pending > 0)
        out->ids = calloc(r->n_ids, sizeof *out->ids);
    if (out->ids) {
        memcpy(out->ids, r->ids, r->n_ids * sizeof *out->ids);
        out->n_ids = r->n_ids;
    }
    pthread_mutex_unlock(&r->lock);
    return out->ids != NULL;
}

void abandoned_cancel(struct abandoned *a)
{
    for (size_t i = 0; i < a->n_ids; i++)
        hone_cancel(a->scheduler, a->ids[i]);
    free(a->ids);
}
