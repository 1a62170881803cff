/* How a handler answers. */
#include "server/http/answers.h"
#include "server/http/fields.h"
#include "server/http/request.h"
#include "server/http/response.h"
#include "server/json_memory.h"
#include "server/manager/degrade.h"
#include "server/manager/flights.h"
#include "server/routes.h"
#include "server/service.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
    bool routed = !r->describing && router_has(&r->service->router, &r->service->models, name);
    r->model = routed ? router_choose(r, name, task) : models_find(&r->service->models, name, task);
    if (!r->model && r->describing)
        r->model = models_find(&r->service->models, name, HONE_TASK_NONE);
    if (r->describing)
        return r->model;
    if (!r->model && routed)
        http_fail(r, PROBLEM_TASK, "model", "no rule of the route '%.*s' fits this request",
                  (int)(name.size < 200 ? name.size : 200), name.data);
    else if (!r->model && name.size > 0)
        http_fail(r, PROBLEM_MODEL, "model", "there is no model '%.*s' here",
                  (int)(name.size < 200 ? name.size : 200), name.data);
    else if (!r->model)
        http_fail(r, PROBLEM_TASK, "model", "no model here is for this");
    else if (!models_can(r->model, task))
        http_fail(r, PROBLEM_TASK, "model", "the model '%s' is not for this", r->model->name);
    return r->phase != REQUEST_ANSWERED && degrade_choose(r);
}

const char *http_header(const struct http_request *r, const char *name)
{
    return r->client ? head_value(&r->head, name) : NULL;
}

const char *http_query(const struct http_request *r, const char *name)
{
    return r->client ? head_argument(&r->head, name) : NULL;
}

/* Of "text/plain;q=0.5, application/json". */
double http_wants(const struct http_request *r, const char *type)
{
    const char *accept = http_header(r, "Accept");
    size_t n = strlen(type);
    for (const char *p = accept ? accept : ""; *p; p += *p == ',') {
        p += strspn(p, " \t");
        size_t length = strcspn(p, ",");
        const char *q = memmem(p, length, "q=", 2);
        if (strncasecmp(p, type, n) == 0 && strchr(" \t;,", p[n]))
            return q ? strtod(q + 2, NULL) : 1;
        p += length;
    }
    return 0;
}

bool http_wants_raw(const struct http_request *r)
{
    return http_wants(r, "application/octet-stream") > http_wants(r, "application/json");
}

/* ---- the answer's head ---- */

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {421, "Misdirected Request"},
        {422, "Unprocessable Content"},
        {424, "Failed Dependency"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
        {505, "HTTP Version Not Supported"},
    };
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Other";
}

static void write_date(struct reply_buffer *out)
{
    static _Thread_local time_t last;
    static _Thread_local char text[64];
    time_t now = time(NULL);
    struct tm utc;
    if (now != last) {
        last = now;
        gmtime_r(&now, &utc);
        strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &utc);
    }
    reply_buffer_text(out, text);
}

/* fetch.spec.whatwg.org/#http-cors-protocol */
static void write_cors(const struct http_request *r, struct reply_buffer *out)
{
    const char *origin = r->service->settings.cors;
    if (!origin)
        return;
    reply_buffer_format(out, "Access-Control-Allow-Origin: %s\r\n", origin);
    if (strcmp(origin, "*") != 0)
        reply_buffer_text(out, "Vary: Origin\r\n");
    if (r->preflight)
        reply_buffer_text(out,
                          "Access-Control-Allow-Methods: GET, POST\r\n"
                          "Access-Control-Allow-Headers: Authorization, Content-Type, X-API-Key, X-Priority, "
                          "X-Request-Id, X-Timeout-Ms, traceparent\r\n"
                          "Access-Control-Max-Age: 86400\r\n");
    else
        reply_buffer_text(
            out,
            "Access-Control-Expose-Headers: X-Request-Id, Server-Timing, X-Hone-Degraded, X-Hone-Route\r\n");
}

/* How long the body is, and whether anything may follow it. */
static void write_length(const struct http_request *r, struct reply_buffer *out, bool closes)
{
    if (r->response && r->status != 204)
        reply_buffer_format(out, "Content-Length: %zu\r\n", r->response->body.size);
    if (r->streaming && !r->head.old)
        reply_buffer_text(out, "Transfer-Encoding: chunked\r\n");
    if (closes)
        reply_buffer_text(out, "Connection: close\r\n");
    else if (r->head.old)
        reply_buffer_text(out, "Connection: keep-alive\r\n");
}

/* www.w3.org/TR/server-timing, in ms. What comes after the head, its sender cannot know yet: of a stream all but how long it
 * took to receive the request. */
static void write_timing(const struct http_request *r, struct reply_buffer *out)
{
    if (!r->dispatched || !r->model)
        return;
    reply_buffer_format(out, "Server-Timing: receive;dur=%.3f", 1e-6 * (double)(r->dispatched - r->began));
    const bool is_done = !r->streaming && r->worked; /* of a stream, work may be going on that writes these */
    if (is_done && r->stages.load > 0)
        reply_buffer_format(out, ", load;dur=%.3f", r->stages.load);
    if (is_done)
        reply_buffer_format(out, ", tokenize;dur=%.3f, queue;dur=%.3f, infer;dur=%.3f", r->stages.tokenize,
                            r->stages.queue, r->stages.infer);
    if (is_done && r->stages.first_token)
        reply_buffer_format(out, ", first;dur=%.3f", 1e-6 * (double)(r->stages.first_token - r->dispatched));
    reply_buffer_text(out, "\r\n");
}

/* Which model a route chose, and why. A name may have what a header may not. */
static void write_route(const struct http_request *r, struct reply_buffer *out)
{
    reply_buffer_text(out, "X-Hone-Route: ");
    for (const char *p = r->model->name; *p; p++)
        reply_buffer_write(out, *p > ' ' && *p < 127 && *p != ';' ? p : "?", 1);
    reply_buffer_format(out, "; %s\r\n", r->why);
}

void reply_head(const struct http_request *r, struct reply_buffer *out, bool closes)
{
    const char *type = r->response ? r->response->type : r->type;
    reply_buffer_format(out, "HTTP/1.1 %d %s\r\n", r->status, reason_of(r->status));
    write_date(out);
    if (r->status != 204)
        reply_buffer_format(out, "Content-Type: %s\r\n", type ? type : "application/json");
    write_length(r, out, closes);
    reply_buffer_format(out, "X-Request-Id: %s\r\nX-Content-Type-Options: nosniff\r\n", r->id);
    if (*r->trace)
        reply_buffer_format(out, "traceparent: %s\r\n", r->trace);
    write_timing(r, out);
    degrade_header(r, out);
    if (*r->why && r->model)
        write_route(r, out);
    write_cors(r, out);
    if (r->headers)
        reply_buffer_text(out, r->headers);
    if (r->ignored.size > 0 && !r->ignored.failed)
        reply_buffer_format(out, "X-Ignored-Fields: %.*s\r\n", (int)r->ignored.size, r->ignored.data);
    if (r->streaming)
        reply_buffer_text(out, "Cache-Control: no-cache\r\n");
    if (r->status == 405 && r->other)
        reply_buffer_format(out, "Allow: %s\r\n", route_methods(r->other));
    if (r->status == 401)
        reply_buffer_text(out, "WWW-Authenticate: Bearer\r\n");
    if (r->status == 429 || (r->status == 503 && r->retry_ms > 0))
        reply_buffer_format(out, "Retry-After: %.0f\r\n", r->retry_ms > 1000 ? ceil(r->retry_ms / 1000) : 1);
    reply_buffer_text(out, "\r\n");
}

/* ---- its body ---- */

/* Those that are kept are JSON. */
static bool is_kept(const struct http_request *r)
{
    return r->route && (r->route->flags & ROUTE_KEPT) && !r->service->draining && !http_wants_raw(r);
}

/* Where answers like its own are kept; NULL: nowhere. */
static struct answers *answers_of(const struct http_request *r)
{
    return flights_may(r) ? r->service->completions : is_kept(r) ? r->service->answers : NULL;
}

bool request_repeat(struct http_request *r)
{
    struct answers *answers = answers_of(r);
    r->response = answers ? answers_find(answers, r->route, r->partition, r->body) : NULL;
    if (!r->response)
        return false;
    r->n_sent = r->response->body.size;
    r->status = 200;
    r->phase = REQUEST_ANSWERED;
    return true;
}

void http_reply(struct http_request *r, int status)
{
    if (r->phase == REQUEST_ANSWERED || r->describing)
        return;
    if (status == 200 && !fields_check_unknown(r, NULL, NULL))
        return;
    if (r->out.failed || (json_memory_ran_out() && status < 400)) {
        reply_buffer_release(&r->out);
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for an answer");
        return;
    }
    if (status == 200)
        degrade_tell(r);
    else
        r->degraded = DEGRADED_NOT;
    r->n_sent = r->out.size;
    r->response = response_new(
        r->type, &r->out); /* NULL: the connection is closed, which is all that can be said then */
    r->status = status;
    r->phase = REQUEST_ANSWERED;
    if (r->response && status == 200 && !r->degraded && !r->timed_out && r->ignored.size == 0 &&
        answers_of(r) && (flights_may(r) ? r->repeatable : !r->has_own_name))
        answers_keep(answers_of(r), r->route, r->partition, r->body, r->response);
    flights_land(r);
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
    if (json_memory_ran_out() &&
        problem_status(problem, r->dialect) < 500) { /* the client said all that it lacks */
        problem = PROBLEM_MEMORY;
        field = NULL;
        snprintf(sentence, sizeof sentence, "out of memory for a request");
    }
    reply_buffer_release(&r->out);
    r->type = r->headers = NULL;
    problem_write(&r->out, problem, r->dialect, field, sentence);
    if (problem == PROBLEM_LENGTH && r->dialect == DIALECT_LLAMA && r->n_prompt && r->model &&
        r->out.size > 2) {
        r->out.size -= 2; /* its clients make the prompt shorter by that */
        reply_buffer_format(&r->out, ",\"n_prompt_tokens\":%zu,\"n_ctx\":%zu}}", *r->n_prompt,
                            r->model->info->max_length);
    }
    if (r->out.failed) { /* without a body */
        reply_buffer_release(&r->out);
        r->out.failed = false;
    }
    http_reply(r, problem_status(problem, r->dialect));
}

void http_fail_with(struct http_request *r, const struct hone_error *err)
{
    char sentence[sizeof err->message + 128];
    const char *field = err->status == HONE_USAGE ? r->blamed : NULL;
    http_sentence(r, err, sentence, sizeof sentence);
    /* Most dialects have no place for a field's name but the sentence. */
    if (field && !strstr(sentence, field))
        http_fail(r, problem_of(err->status), field, "'%s': %s", field, sentence);
    else
        http_fail(r, problem_of(err->status), field, "%s", sentence);
}

/* The library calls a model by its path, which is none of the client's business. */
void http_sentence(const struct http_request *r, const struct hone_error *err, char *out, size_t size)
{
    models_sentence(r->model, err, out, size);
}

void request_stream(struct http_request *r)
{
    r->streaming = true;
    r->status = 200;
    r->phase = REQUEST_ANSWERED;
}
