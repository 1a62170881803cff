#include "server/http/request.h"

#include "runtime/base/assert.h"
#include "server/figures/traffic.h"
#include "server/http/connections.h"
#include "server/http/json_text.h"
#include "server/http/quota.h"
#include "server/http/response.h"
#include "server/http/weigh.h"
#include "server/json_memory.h"
#include "server/manager/flights.h"
#include "server/routes.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define LONG_BODY 16384 /* bytes; reading more takes milliseconds, which a worker has */

static const char no_memory[] = "there is no memory left for the request's body";

/* 16 digits that no other request of this process has. */
static void make_id(struct http_request *r)
{
    static _Atomic uint64_t last;
    if (last == 0) {
        uint64_t seed = 0, none = 0;
        if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
            seed = clock_now(r->service->clock);
        atomic_compare_exchange_strong(&last, &none, seed | 1);
    }
    snprintf(r->id, sizeof r->id, "%016llx",
             (unsigned long long)(atomic_fetch_add(&last, 0x9e3779b97f4a7c15)));
}

struct http_request *request_new(struct front *front, struct client *client)
{
    struct http_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->service = front_service(front);
    r->client = client;
    make_id(r);
    r->began = clock_now(r->service->clock);
    pthread_mutex_init(&r->lock, NULL);
    traffic.requests++;
    return r;
}

void request_free(struct http_request *r)
{
    struct service *service = r->service;
    ASSERT(r->n_pending == 0 && service->n_requests > 0);
    flights_land(r);
    if (r->counted_parallel)
        service->n_parallel--;
    if (r->holds)
        manager_let_go(service->models.manager, &r->model->managed);
    quota_leave(r->quota);
    if (r->release && r->state)
        r->release(r->state);
    free(r->state);
    free(r->ids);
    json_decref(r->json);
    json_decref(r->asked);
    reply_buffer_release(&r->ignored);
    traffic.upload -= r->upload_counted;
    reply_buffer_release(&r->upload);
    reply_buffer_release(&r->out);
    reply_buffer_release(&r->stream);
    response_release(r->response);
    head_release(&r->head);
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
    reply_buffer_release(&r->upload);
}

void request_upload(struct http_request *r, const char *data, size_t size)
{
    traffic.received += size;
    r->n_received += size;
    if (r->is_refused)
        return;
    ASSERT(r->upload.size <= service_max_body(r->service));
    if (size > service_max_body(r->service) - r->upload.size) {
        refuse(r, PROBLEM_BODY);
        return;
    }
    r->upload_counted += size;
    if (atomic_fetch_add(&traffic.upload, size) + size > service_max_uploads(r->service)) {
        refuse(r, PROBLEM_MEMORY);
        return;
    }
    reply_buffer_write(&r->upload, data, size);
    if (r->upload.failed)
        refuse(r, PROBLEM_MEMORY);
}

/* Counts what the body becomes as a tree among what all requests hold. 0: too much, which has been answered. */
static size_t count_json(struct http_request *r)
{
    struct weight w = weigh_json(r->body.data, r->body.size);
    size_t max = service_max_uploads(r->service);
    if (w.depth > JSON_MAX_DEPTH) {
        http_fail(r, PROBLEM_SYNTAX, NULL, "the body has more than %d lists and objects in each other",
                  JSON_MAX_DEPTH);
        return 0;
    }
    if (w.bytes > max / 2) {
        http_fail(r, PROBLEM_BODY, NULL,
                  "the body has so many values that it would take %zu MB of memory, of at most %zu",
                  w.bytes >> 20, max >> 21);
        return 0;
    }
    r->upload_counted += w.bytes;
    if (atomic_fetch_add(&traffic.upload, w.bytes) + w.bytes > max) {
        http_fail(r, PROBLEM_MEMORY, NULL, "%s", no_memory);
        return 0;
    }
    return w.bytes;
}

bool http_hold(struct http_request *r, size_t bytes)
{
    size_t max = service_max_uploads(r->service);
    if (bytes > max - r->upload_counted) /* which others' leaving cannot change */
        http_fail(r, PROBLEM_BODY, NULL,
                  "the answer would take %zu MB of memory, of at most %zu: send less at once", bytes >> 20,
                  max >> 20);
    else if (atomic_fetch_add(&traffic.upload, bytes) + bytes > max) {
        traffic.upload -= bytes;
        http_fail(r, PROBLEM_MEMORY, NULL, "there is no memory left for the answer");
    } else {
        r->upload_counted += bytes;
        return true;
    }
    return false;
}

static json_t *load(struct hone_text body, json_error_t *error)
{
    const size_t flags = JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES;
    json_t *json = json_loadb(body.size ? body.data : "", body.size, flags, error);
    if (!json && json_error_code(error) == json_error_numeric_overflow) {
        size_t size;
        char *again = json_text_with_reals(body, &size);
        json = again ? json_loadb(again, size, flags, error) : NULL;
        free(again);
    }
    return json;
}

static bool read_json(struct http_request *r)
{
    json_error_t error;
    size_t bytes = count_json(r);
    if (bytes == 0)
        return false;
    bool there = json_memory_begin(bytes);
    r->json = there ? load(r->body, &error) : NULL;
    there = json_memory_end() && there;
    if (!r->json && !there)
        http_fail(r, PROBLEM_MEMORY, NULL, "%s", no_memory);
    else if (!r->json)
        http_fail(r, PROBLEM_SYNTAX, NULL, "the body is not JSON: %s, at byte %d", error.text,
                  error.position);
    else if (!json_is_object(r->json))
        http_fail(r, PROBLEM_FIELD, NULL, "the body must be a JSON object");
    return r->phase != REQUEST_ANSWERED;
}

static const char *sentence_of(const struct http_request *r, char *out, size_t size)
{
    if (r->sentence)
        return r->sentence;
    switch (r->refused) {
    case PROBLEM_KEY:
        return "a valid API key is needed: Authorization: Bearer KEY";
    case PROBLEM_PATH:
        return "there is no such path here";
    case PROBLEM_METHOD:
        snprintf(out, size, "this path takes another method: %s", route_methods(r->other));
        return out;
    case PROBLEM_BODY:
        snprintf(out, size, "the body has more than %zu bytes", service_max_body(r->service));
        return out;
    case PROBLEM_MEMORY:
        return no_memory;
    default:
        return "the server is ending";
    }
}

/* Only answers that are kept, or waited for, need the text once it has been read. A request that begins anew has been. */
static void handle(struct http_request *r)
{
    if (r->json) {
        r->route->handle(r);
        return;
    }
    if (request_repeat(r) || flights_join(r) || ((r->route->flags & ROUTE_JSON) && !read_json(r)))
        return;
    r->asked = r->json ? json_object() : NULL;
    if (!(r->route->flags & ROUTE_KEPT) && !flights_may(r)) {
        reply_buffer_release(&r->upload);
        r->body = (struct hone_text){NULL, 0};
    }
    json_memory_watch();
    r->route->handle(r);
}

void request_begin(struct http_request *r)
{
    if (r->long_answer) {
        request_hand_over(r, handle);
        return;
    }
    handle(r);
    request_go_on(r);
}

void request_again(struct http_request *r)
{
    if (r->holds)
        manager_let_go(r->service->models.manager, &r->model->managed);
    if (r->release && r->state)
        r->release(r->state);
    free(r->state);
    r->state = NULL;
    r->release = NULL;
    r->then = NULL;
    r->n_prompt = NULL;
    r->type = r->headers = NULL;
    r->model = NULL;
    r->holds = r->failed = r->timed_out = false;
    r->n_ids = 0;
    r->repeatable = false;
    reply_buffer_release(&r->out);
    request_begin(r);
}

void request_dispatch(struct http_request *r)
{
    char sentence[128];
    r->phase = REQUEST_WORKING;
    r->dispatched = clock_now(r->service->clock);
    r->body = (struct hone_text){r->upload.data, r->upload.size};
    if (r->preflight)
        http_reply(r, 204);
    else if (r->is_refused)
        http_fail(r, r->refused, NULL, "%s", sentence_of(r, sentence, sizeof sentence));
    else {
        r->rest = r->head.path + strlen(r->route->path);
        r->long_answer = (r->route->flags & ROUTE_LONG) || r->body.size > LONG_BODY;
        request_begin(r);
        return;
    }
    request_go_on(r);
}

/* ---- the end ---- */

/* Cancelled first, and told last: from the moment that `gone` is seen, the last reply may free the request, and with it
 * its service may be closed. Work that is cancelled here replies to this thread, so not under the lock. */
void request_leave(struct http_request *r)
{
    struct abandoned work;
    if (request_abandon(r, &work))
        abandoned_cancel(&work);
    pthread_mutex_lock(&r->lock);
    r->gone = true;
    bool last = r->n_pending == 0;
    pthread_mutex_unlock(&r->lock);
    if (last)
        request_free(r);
}
