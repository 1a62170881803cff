/* A request's work: handed to a scheduler, waited for, given up. */
#include "runtime/base/assert.h"
#include "server/http/connections.h"
#include "server/http/fail.h"
#include "server/http/fields.h"
#include "server/http/request.h"
#include "server/http/workers.h"
#include "server/json_memory.h"
#include "server/manager/degrade.h"
#include "server/manager/flights.h"
#include "server/model_draft.h"
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
    r->n_tokens += reply->n_tokens;
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

void http_note_failure(struct http_request *r, enum hone_status status, const char *sentence)
{
    pthread_mutex_lock(&r->lock);
    note_failure(r, status, sentence);
    pthread_mutex_unlock(&r->lock);
}

static void on_reply(void *arg, const struct hone_reply *reply)
{
    struct http_request *r = arg;
    struct service *s = r->service;
    endpoint_count_reply(counters_of(r), reply,
                         clock_now(s->clock)); /* before its client can ask for figures */
    degrade_note(r, reply->status);
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

/* A place among r->ids for one submission more; SIZE_MAX: out of memory. Under the lock. */
static size_t add_id(struct http_request *r)
{
    uint64_t *ids = realloc(r->ids, (r->n_ids + 1) * sizeof *ids);
    if (!ids)
        return SIZE_MAX;
    r->ids = ids;
    r->ids[r->n_ids] = 0;
    return r->n_ids++;
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

static bool holds_model(struct http_request *r)
{
    pthread_mutex_lock(&r->lock);
    bool holds = r->holds;
    pthread_mutex_unlock(&r->lock);
    return holds;
}

/* The model was entered once more for r, which holds it once: others of its submissions come in on the manager's thread. */
static void hold_once(struct http_request *r)
{
    pthread_mutex_lock(&r->lock);
    bool held = r->holds;
    r->holds = true;
    pthread_mutex_unlock(&r->lock);
    if (held)
        manager_let_go(r->service->models.manager, &r->model->managed);
}

/* The model is there, and held for r. */
static enum hone_status hand_to_scheduler(struct http_request *r, const struct hone_request *request,
                                          size_t place, struct hone_error *err)
{
    uint64_t id = 0;
    double retry_ms = 0;
    if (request->generation)
        model_draft_use(r->model, request->generation);
    enum hone_status status = hone_submit(r->model->scheduler, request, &id, &retry_ms, err);
    endpoint_count_submission(counters_of(r), status);
    pthread_mutex_lock(&r->lock);
    r->ids[place] = id;
    r->retry_ms = status == HONE_OK ? r->retry_ms : retry_ms;
    bool gone = r->gone;
    pthread_mutex_unlock(&r->lock);
    if (gone && status == HONE_OK) /* meanwhile */
        hone_cancel(r->model->scheduler, id);
    return status;
}

/* ---- work that waits until its model is in memory ---- */

struct parked {
    struct waiting waiting; /* first, so that what the manager gives back is one of these */
    struct http_request *r;
    struct hone_request request;
    size_t place;
};

void request_let_go_on(struct http_request *r)
{
    struct service *s = r->service;
    pthread_mutex_lock(&r->lock);
    bool last = --r->n_pending == 0, gone = r->gone;
    if (last && !gone)
        request_wake(r);
    pthread_mutex_unlock(&r->lock);
    if (last && gone)
        request_free(r);
    s->n_pending--;
}

/* What is left of a time after `waited` ms; a limit that was there stays one. */
static double less(double limit_ms, double waited)
{
    double left = limit_ms - waited;
    return limit_ms <= 0 ? 0 : left > 0.1 ? left : 0.1;
}

static void note_retry(struct http_request *r, double retry_ms)
{
    pthread_mutex_lock(&r->lock);
    r->retry_ms = retry_ms;
    pthread_mutex_unlock(&r->lock);
}

static void reply_without(struct parked *p, enum hone_status status, const char *message, double retry_ms)
{
    struct http_request *r = p->r;
    double waited = 1e-6 * (double)(clock_now(r->service->clock) - p->waiting.since);
    note_retry(r, retry_ms);
    const struct hone_reply reply = {.status = status,
                                     .message = message,
                                     .n_texts = p->request.n_texts,
                                     .tokenize_ms = waited, /* as far as it came */
                                     .total_ms = waited};
    on_reply(r, &reply);
    free(p);
}

/* On the manager's thread, or on that of whoever cancels. */
static void go(struct waiting *waiting, enum hone_status status, const char *message, double retry_ms)
{
    struct parked *p = (struct parked *)waiting;
    struct http_request *r = p->r;
    struct hone_error err;
    if (status != HONE_OK) {
        reply_without(p, status, message, retry_ms);
        return;
    }
    double waited = 1e-6 * (double)(clock_now(r->service->clock) - p->waiting.since);
    p->request.queue_timeout_ms = less(p->request.queue_timeout_ms, waited);
    p->request.timeout_ms = less(p->request.timeout_ms, waited);
    pthread_mutex_lock(&r->lock);
    r->stages.load = waited > r->stages.load ? waited : r->stages.load;
    r->n_pending++;
    r->service->n_pending++;
    pthread_mutex_unlock(&r->lock);
    hold_once(r);
    status = hand_to_scheduler(r, &p->request, p->place, &err);
    if (status != HONE_OK)
        reply_without(p, status, err.message, r->retry_ms);
    else
        free(p);
    request_let_go_on(r);
}

/* It is to wait. Under r's lock, so that its number is there before it can go. */
static enum manager_answer park(struct http_request *r, const struct hone_request *request, size_t place,
                                double until_ms, struct hone_error *err)
{
    struct parked *p = calloc(1, sizeof *p);
    if (!p) {
        fail(err, HONE_FAILED, "out of memory for a request");
        return MANAGER_REFUSED;
    }
    *p = (struct parked){.r = r, .request = *request, .place = place};
    p->waiting.until = until_ms > 0 ? clock_now(r->service->clock) + (uint64_t)(until_ms * 1e6) : 0;
    p->waiting.go = go;
    pthread_mutex_lock(&r->lock);
    enum manager_answer answer =
        manager_enter(r->service->models.manager, &r->model->managed, &p->waiting, &r->retry_ms, err);
    if (answer == MANAGER_WAITS)
        r->ids[place] = p->waiting.ticket;
    pthread_mutex_unlock(&r->lock);
    if (answer == MANAGER_THERE)
        hold_once(r);
    if (answer != MANAGER_WAITS)
        free(p);
    return answer;
}

/* 0: never */
static double sooner(double a, double b)
{
    return a > 0 && (b == 0 || a < b) ? a : b;
}

static enum hone_status submit(struct http_request *r, const struct hone_request *request, size_t place,
                               struct hone_error *err)
{
    enum hone_status status = take_place(r, err);
    if (status != HONE_OK)
        return status;
    enum manager_answer answer = MANAGER_THERE;
    if (!holds_model(r)) {
        double retry_ms = 0;
        answer = manager_enter(r->service->models.manager, &r->model->managed, NULL, &retry_ms, err);
        if (answer == MANAGER_THERE)
            hold_once(r);
        else if (answer == MANAGER_REFUSED)
            note_retry(r, retry_ms);
    }
    if (answer == MANAGER_WAITS)
        answer = park(r, request, place, sooner(request->queue_timeout_ms, request->timeout_ms), err);
    if (answer == MANAGER_THERE)
        return hand_to_scheduler(r, request, place, err);
    return answer == MANAGER_WAITS ? HONE_OK : err->status;
}

void http_submit(struct http_request *r, struct hone_request *request)
{
    struct hone_error err = {HONE_FAILED, "out of memory for a request"};
    const struct settings *s = &r->service->settings;
    if (r->describing || !fields_check_unknown(r, NULL, NULL))
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
    size_t place = add_id(r);
    r->n_pending++;
    r->service->n_pending++;
    pthread_mutex_unlock(&r->lock);
    enum hone_status status =
        place != SIZE_MAX && !json_memory_ran_out() ? submit(r, request, place, &err) : HONE_FAILED;
    if (status == HONE_OK)
        return;
    degrade_note(r, status);
    pthread_mutex_lock(&r->lock);
    r->n_pending--;
    r->service->n_pending--;
    note_failure(r, status, err.message);
    pthread_mutex_unlock(&r->lock);
}

static void answer_long(struct http_request *r)
{
    http_handler then = r->then;
    r->then = NULL;
    json_memory_watch();
    then(r);
}

/* All work has its reply. */
static void finish(struct http_request *r)
{
    connection_waits(&r->client->front->connections, r->client->connection, NULL);
    if (r->phase == REQUEST_ANSWERED)
        return;
    if (r->follows) {
        flights_go_on(r);
        return;
    }
    if (r->streams) { /* whose reader calls `then` at its end */
        request_stream(r);
        return;
    }
    if (r->failed && degrade_again(r))
        return;
    if (r->failed)
        http_fail_with(r, &r->failure);
    else if (r->then && r->long_answer) {
        request_hand_over(r, answer_long);
        return;
    } else if (r->then) {
        json_memory_watch();
        r->then(r);
    }
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
    *out = (struct abandoned){.manager = r->service->models.manager};
    if (r->n_ids > 0 && r->n_pending > 0)
        out->ids = calloc(r->n_ids, sizeof *out->ids);
    if (out->ids) { /* and so a model, which a worker chooses before there is work */
        out->model = r->model;
        memcpy(out->ids, r->ids, r->n_ids * sizeof *out->ids);
        out->n_ids = r->n_ids;
        out->holds = r->holds;
        if (out->holds) /* r's work may end before it is cancelled, and then the model might leave */
            manager_hold(out->manager, &out->model->managed);
    }
    pthread_mutex_unlock(&r->lock);
    return out->ids != NULL;
}

void abandoned_cancel(struct abandoned *a)
{
    for (size_t i = 0; i < a->n_ids; i++)
        if (!manager_cancel(a->manager, &a->model->managed, a->ids[i]) && a->holds)
            hone_cancel(a->model->scheduler, a->ids[i]);
    if (a->holds)
        manager_let_go(a->manager, &a->model->managed);
    free(a->ids);
}
