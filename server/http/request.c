#include "server/http/request.h"
#include "server/figures/traffic.h"
#include "server/http/connections.h"
#include "server/http/loop.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct http_request *request_new(struct front *front, struct MHD_Connection *mhd)
{
    struct http_request *r = calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->service = front_service(front);
    r->mhd = mhd;
    r->loop = loop_current();
    r->began = clock_now(r->service->clock);
    pthread_mutex_init(&r->lock, NULL);
    traffic.requests++;
    return r;
}

void request_free(struct http_request *r)
{
    struct service *service = r->service;
    if (r->release && r->state)
        r->release(r->state);
    free(r->state);
    free(r->ids);
    json_decref(r->json);
    traffic.upload -= r->upload_counted;
    reply_buffer_release(&r->upload);
    reply_buffer_release(&r->out);
    reply_buffer_release(&r->stream);
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
    reply_buffer_write(&r->upload, data, size);
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
    case PROBLEM_SYNTAX:
        return "the headers say in more than one way how long the body is, or in one that is not known here";
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
    r->dispatched = clock_now(r->service->clock);
    r->body = (struct hone_text){r->upload.data, r->upload.size};
    if (r->preflight)
        http_reply(r, 204);
    else if (r->is_refused)
        http_fail(r, r->refused, NULL, "%s", sentence_of(r, sentence, sizeof sentence));
    else if (!request_repeat(r) && (!(r->route->flags & ROUTE_JSON) || read_json(r)))
        r->route->handle(r);
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
    if (r->counted_parallel)
        r->service->n_parallel--;
    pthread_mutex_lock(&r->lock);
    r->gone = true;
    bool last = r->n_pending == 0;
    pthread_mutex_unlock(&r->lock);
    if (last)
        request_free(r);
}
