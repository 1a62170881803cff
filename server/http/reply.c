/* How a handler answers. */
#include "server/http/answers.h"
#include "server/http/request.h"
#include "server/routes.h"

#include <math.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *http_state(struct http_request *r, size_t size, void (*release)(void *state))
{
    r->state = calloc(1, size);
    r->release = release;
    if (!r->state)
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for a request");
    return r->state;
}

bool http_model(struct http_request *r, struct hone_text name, enum hone_task task)
{
    r->model = models_find(&r->service->models, name, task);
    if (!r->model && r->describing)
        r->model = models_find(&r->service->models, name, HONE_TASK_NONE);
    if (r->describing)
        return r->model;
    if (!r->model && name.size > 0)
        http_fail(r, PROBLEM_MODEL, "model", "there is no model '%.*s' here",
                  (int)(name.size < 200 ? name.size : 200), name.data);
    else if (!r->model)
        http_fail(r, PROBLEM_TASK, "model", "no model here is for this");
    else if (!models_can(r->model, task))
        http_fail(r, PROBLEM_TASK, "model", "the model '%s' is not for this", r->model->name);
    return r->phase != REQUEST_ANSWERED;
}

const char *http_header(const struct http_request *r, const char *name)
{
    return r->mhd ? MHD_lookup_connection_value(r->mhd, MHD_HEADER_KIND, name) : NULL;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return r->mhd ? MHD_lookup_connection_value(r->mhd, MHD_GET_ARGUMENT_KIND, name) : NULL;
}

static void add(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

/* fetch.spec.whatwg.org/#http-cors-protocol */
static void add_cors(const struct http_request *r, struct MHD_Response *response)
{
    const char *origin = r->service->settings.cors;
    if (!origin)
        return;
    add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    if (strcmp(origin, "*") != 0)
        add(response, MHD_HTTP_HEADER_VARY, "Origin");
    if (r->preflight) {
        add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_METHODS, "GET, POST");
        add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_HEADERS,
            "Authorization, Content-Type, X-API-Key, X-Priority");
        add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_MAX_AGE, "86400");
    }
}

static void add_headers(const struct http_request *r, struct MHD_Response *response, int status)
{
    char seconds[32];
    if (status != MHD_HTTP_NO_CONTENT)
        add(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type ? r->type : "application/json");
    add_cors(r, response);
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED && r->other)
        add(response, MHD_HTTP_HEADER_ALLOW, route_methods(r->other));
    if (status == MHD_HTTP_UNAUTHORIZED)
        add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    if (status == MHD_HTTP_TOO_MANY_REQUESTS) {
        snprintf(seconds, sizeof seconds, "%.0f", r->retry_ms > 1000 ? ceil(r->retry_ms / 1000) : 1);
        add(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
    }
    if (r->service->draining || (r->abrupt && r->is_refused))
        add(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

/* Out of memory, MHD closes the connection, which is all that can be said then. */
static void queue(struct http_request *r, struct MHD_Response *response, int status)
{
    struct service *s = r->service;
    r->status = status;
    r->phase = REQUEST_ANSWERED;
    if (!response)
        return;
    add_headers(r, response, status);
    MHD_queue_response(r->mhd, (unsigned)status, response);
    bool worth = status == MHD_HTTP_OK && r->route && (r->route->flags & ROUTE_KEPT) && !s->draining;
    if (!worth || !answers_keep(s->answers, r->route, r->body, response, r->n_sent))
        MHD_destroy_response(response);
}

bool request_repeat(struct http_request *r)
{
    struct service *s = r->service;
    if (!(r->route->flags & ROUTE_KEPT) || s->draining ||
        !answers_queue(s->answers, r->route, r->body, r->mhd, &r->n_sent))
        return false;
    r->status = MHD_HTTP_OK;
    r->phase = REQUEST_ANSWERED;
    return true;
}

void http_reply(struct http_request *r, int status)
{
    if (r->phase == REQUEST_ANSWERED || r->describing)
        return;
    if (r->out.failed) {
        reply_buffer_release(&r->out);
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for an answer");
        return;
    }
    r->n_sent = r->out.size;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(r->out.size, r->out.data, MHD_RESPMEM_MUST_FREE);
    if (response)
        r->out = (struct reply_buffer){0};
    queue(r, response, status);
}

void http_fail(struct http_request *r, enum problem problem, const char *field, const char *format, ...)
{
    char sentence[sizeof r->failure.message + 128];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (r->phase == REQUEST_ANSWERED || r->describing)
        return;
    reply_buffer_release(&r->out);
    r->type = NULL;
    problem_write(&r->out, problem, r->dialect, field, sentence);
    if (r->out.failed) { /* without a body */
        reply_buffer_release(&r->out);
        r->out.failed = false;
    }
    http_reply(r, problem_status(problem, r->dialect));
}

/* The library calls a model by its path, which is none of the client's business. */
void http_fail_with(struct http_request *r, const struct hone_error *err)
{
    const char *path = r->model ? r->model->path : "", *message = err->message;
    size_t n = strlen(path);
    if (n > 0 && strncmp(message, path, n) == 0)
        http_fail(r, problem_of(err->status), NULL, "the model '%s'%s", r->model->name, message + n);
    else
        http_fail(r, problem_of(err->status), NULL, "%s", message);
}

static ssize_t read_stream(void *request, uint64_t position, char *out, size_t max)
{
    (void)position;
    long n = request_read_stream(request, out, max);
    return n < 0 ? MHD_CONTENT_READER_END_OF_STREAM : n;
}

void request_stream(struct http_request *r)
{
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 16384, read_stream, r, NULL);
    if (response)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    queue(r, response, MHD_HTTP_OK);
}
