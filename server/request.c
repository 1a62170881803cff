#include "server/request.h"
#include "server/connections.h"
#include "server/fail.h"
#include "server/loop.h"
#include "server/traffic.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_request *request_new(struct service *service, struct MHD_Connection *mhd)
{
    struct http_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->service = service;
    r->mhd = mhd;
    r->loop = loop_current();
    r->began = clock_ns();
    pthread_mutex_init(&r->lock, NULL);
    service->n_requests++;
    traffic.requests++;
    return r;
}

static void request_free(struct http_request *r)
{
    struct service *service = r->service;
    if (r->release && r->state)
        r->release(r->state);
    free(r->state);
    free(r->ids);
    json_decref(r->json);
    traffic.upload -= r->upload_counted;
    buffer_release(&r->upload);
    buffer_release(&r->out);
    buffer_release(&r->stream);
    pthread_mutex_destroy(&r->lock);
    free(r);
    traffic.requests--;
    service->n_requests--;
}

/* ---- coming in ---- */

static void refuse(struct http_request *r, enum problem problem)
{
    r->refused = problem;
    r->is_refused = true;
    traffic.upload -= r->upload_counted;
    r->upload_counted = 0;
    buffer_release(&r->upload);
}

void request_upload(struct http_request *r, const char *data, size_t size)
{
    traffic.received += size;
    if (r->is_refused)
        return;
    if (size > service_max_body(r->service) - r->upload.size) {
        refuse(r, PROBLEM_BODY);
        return;
    }
    r->upload_counted += size;
    if (atomic_fetch_add(&traffic.upload, size) + size > service_max_uploads(r->service)) {
        refuse(r, PROBLEM_MEMORY);
        return;
    }
    buffer_write(&r->upload, data, size);
    if (r->upload.failed)
        refuse(r, PROBLEM_MEMORY);
}

static bool read_json(struct http_request *r)
{
    json_error_t error;
    r->json = json_loadb(r->body.size ? r->body.data : "", r->body.size, JSON_ALLOW_NUL, &error);
    if (!r->json)
        http_fail(r, PROBLEM_SYNTAX, NULL, "the body is not JSON: %s, at byte %d", error.text,
                  error.position);
    else if (!json_is_object(r->json))
        http_fail(r, PROBLEM_FIELD, NULL, "the body must be a JSON object");
    return r->phase != REQUEST_ANSWERED;
}

static const char *sentence_of(const struct http_request *r, char *out, size_t size)
{
    switch (r->refused) {
    case PROBLEM_KEY:
        return "a valid API key is needed: Authorization: Bearer KEY";
    case PROBLEM_PATH:
        return "there is no such path here";
    case PROBLEM_METHOD:
        return "this path takes another method";
    case PROBLEM_BODY:
        snprintf(out, size, "the body has more than %zu bytes", service_max_body(r->service));
        return out;
    case PROBLEM_MEMORY:
        return "there is no memory left for the request's body";
    default:
        return "the server is ending";
    }
}

void request_dispatch(struct http_request *r)
{
    char sentence[128];
    r->phase = REQUEST_WORKING;
    r->dispatched = clock_ns();
    r->body = (struct hone_text){r->upload.data, r->upload.size};
    if (r->preflight)
        http_reply(r, 204);
    else if (r->is_refused)
        http_fail(r, r->refused, NULL, "%s", sentence_of(r, sentence, sizeof sentence));
    else if (!request_repeat(r) && (!(r->route->flags & ROUTE_JSON) || read_json(r)))
        r->route->handle(r);
    pthread_mutex_lock(&r->lock);
    bool waits = r->n_pending > 0;
    if (waits) {
        r->suspended = true;
        MHD_suspend_connection(r->mhd);
    }
    pthread_mutex_unlock(&r->lock);
    if (waits)
        connection_waits(&r->service->connections, r->connection, r);
    else
        request_finish(r);
}

/* ---- work ---- */

void request_wake(struct http_request *r)
{
    if (!r->suspended)
        return;
    r->suspended = false;
    MHD_resume_connection(r->mhd);
    loop_wake(r->loop);
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
    pthread_mutex_lock(&r->lock);
    note_failure(r, reply->status, reply->message);
    bool last = --r->n_pending == 0, gone = r->gone;
    r->worked = clock_ns();
    if (last && !gone)
        request_wake(r);
    pthread_mutex_unlock(&r->lock);
    if (last && gone)
        request_free(r);
    s->n_pending--; /* the last thing: a service without work may be closed */
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
    return status == HONE_OK ? hone_submit(r->model->scheduler, request, id, &r->retry_ms, err) : status;
}

void http_submit(struct http_request *r, struct hone_request *request)
{
    struct hone_error err = {HONE_FAILED, "out of memory for a request"};
    const struct settings *s = &r->service->settings;
    uint64_t id = 0;
    if (r->describing)
        return;
    request->endpoint = r->route->endpoint;
    request->priority = r->bulk ? HONE_BULK : HONE_INTERACTIVE;
    request->queue_timeout_ms = s->queue_timeout * 1e3;
    request->timeout_ms = s->request_timeout * 1e3;
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
    if (status != HONE_OK) {
        r->n_pending--;
        r->service->n_pending--;
        note_failure(r, status, err.message);
    }
    pthread_mutex_unlock(&r->lock);
}

void request_finish(struct http_request *r)
{
    connection_waits(&r->service->connections, r->connection, NULL);
    if (r->phase == REQUEST_ANSWERED)
        return;
    if (r->failed)
        http_fail_with(r, &r->failure);
    else if (r->then)
        r->then(r);
    if (r->phase != REQUEST_ANSWERED)
        http_fail(r, PROBLEM_FAILED, NULL, "the server has no answer");
}

/* ---- the end ---- */

size_t request_abandon(struct http_request *r, struct abandoned *out)
{
    pthread_mutex_lock(&r->lock);
    *out = (struct abandoned){.scheduler = r->model ? r->model->scheduler : NULL};
    if (r->n_pending > 0 && out->scheduler)
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

void request_leave(struct http_request *r)
{
    struct abandoned work;
    size_t n = request_abandon(r, &work);
    pthread_mutex_lock(&r->lock);
    r->gone = true;
    bool last = r->n_pending == 0;
    pthread_mutex_unlock(&r->lock);
    if (r->counted_parallel)
        r->service->n_parallel--;
    if (n)
        abandoned_cancel(&work);
    if (last)
        request_free(r);
}
