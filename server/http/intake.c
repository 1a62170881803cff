#include "server/http/intake.h"
#include "server/figures/log.h"
#include "server/figures/traffic.h"
#include "server/http/front.h"
#include "server/http/guard.h"
#include "server/http/quota.h"
#include "server/http/request.h"
#include "server/routes.h"
#include "server/wire/client.h"

#include <stdlib.h>
#include <string.h>

/* ---- who comes in ---- */

static void refuse(struct http_request *r, enum problem problem, const char *sentence)
{
    r->refused = problem;
    r->sentence = sentence;
    r->is_refused = true;
}

void intake_refuse(struct http_request *r, int status, const char *sentence)
{
    enum problem problem = status == 431   ? PROBLEM_HEADERS
                           : status == 414 ? PROBLEM_TARGET
                           : status == 505 ? PROBLEM_VERSION
                           : status == 503 ? PROBLEM_MEMORY
                                           : PROBLEM_SYNTAX;
    r->abrupt = true;
    refuse(r, problem, sentence);
}

static bool has_key(struct http_request *r)
{
    bool is_admin = r->route->flags & ROUTE_ADMIN;
    if (is_admin && r->service->admin.n == 0)
        return false;
    return api_keys_allow(is_admin ? &r->service->admin : &r->service->keys,
                          head_value(&r->head, "Authorization"), head_value(&r->head, "X-API-Key"),
                          &r->partition);
}

static const char *no_admin(const struct http_request *r)
{
    return r->service->admin.n > 0 ? "this needs the key of the setting admin-key: Authorization: Bearer KEY"
                                   : "nobody may do this here: the setting admin-key names no key";
}

static bool take_quota(struct http_request *r)
{
    const struct settings *s = &r->service->settings;
    struct quota_limits limits = {s->client_requests, s->client_rate};
    struct quota_id id = quota_of_key(r->partition);
    if (r->service->keys.n == 0 && !quota_of_address(&id, &r->client->address))
        return true;
    r->quota = quota_enter(id, &limits, r->began, &r->retry_ms);
    return r->retry_ms <= 0;
}

/* A proxy before us may have named it already. What is no plain name stays out of logs. */
static void take_id(struct http_request *r)
{
    const char *id = head_value(&r->head, "X-Request-Id");
    size_t n = id ? strlen(id) : 0;
    bool plain = n > 0 && n < sizeof r->id &&
                 strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:+/=") == n;
    if (plain)
        memcpy(r->id, id, n + 1);
}

/* www.w3.org/TR/trace-context: 00-32 digits-16 digits-2 digits. What is none is as good as absent, as it says. */
static void take_trace(struct http_request *r)
{
    const char *trace = head_value(&r->head, "traceparent");
    static const size_t ends[] = {2, 35, 52};
    bool good = trace && strlen(trace) == sizeof r->trace - 1 && strncmp(trace, "ff", 2) != 0;
    for (size_t i = 0, k = 0; good && i < sizeof r->trace - 1; i++)
        if (k < 3 && i == ends[k])
            good = trace[i] == '-' && ++k;
        else
            good = strchr("0123456789abcdef", trace[i]);
    if (good)
        memcpy(r->trace, trace, sizeof r->trace);
}

/* False: it makes no sense. */
static bool take_timeout(struct http_request *r)
{
    const char *text = head_value(&r->head, "X-Timeout-Ms");
    char *end;
    if (!text)
        return true;
    r->timeout_ms = strtod(text, &end);
    return end != text && !*end && r->timeout_ms >= 1 && r->timeout_ms <= 1e9;
}

static void find_route(struct http_request *r)
{
    r->route = r->head.path ? route_find(r->head.method, r->head.path, &r->other) : NULL;
    if (r->route || r->other)
        r->dialect = (r->route ? r->route : r->other)->dialect;
    r->client->connection->dialect = r->dialect;
    r->bodiless = strcmp(r->head.method, "HEAD") == 0;
}

void intake_head(struct http_request *r)
{
    const char *priority = head_value(&r->head, "X-Priority");
    r->phase = REQUEST_READING;
    take_id(r);
    take_trace(r);
    r->bulk = priority && strcmp(priority, "bulk") == 0;
    find_route(r);
    enum problem problem;
    const char *stranger = guard_check(r, &problem);
    if (r->service->settings.cors && strcmp(r->head.method, "OPTIONS") == 0)
        r->preflight = true;
    else if (stranger)
        refuse(r, problem, stranger);
    else if (!r->route)
        refuse(r, r->other ? PROBLEM_METHOD : PROBLEM_PATH, NULL);
    else if (!(r->route->flags & ROUTE_OPEN) && !has_key(r))
        refuse(r, PROBLEM_KEY, r->route->flags & ROUTE_ADMIN ? no_admin(r) : NULL);
    else if (!(r->route->flags & ROUTE_OPEN) && !take_quota(r))
        refuse(r, PROBLEM_BUSY, "this client has as many requests as it may, at once or in a second");
    else if (!take_timeout(r))
        refuse(r, PROBLEM_FIELD, "X-Timeout-Ms must be a number of milliseconds, 1 or more");
    else if (r->head.length > service_max_body(r->service))
        refuse(r, PROBLEM_BODY, NULL);
}

/* ---- the end ---- */

static void tell(struct http_request *r, int status, uint64_t ns)
{
    char client[INET6_ADDRSTRLEN];
    bool handed = request_is_handed(r);
    client_name(r->client, client);
    log_request(&(struct log_request){
        .id = r->id,
        .method = r->route ? r->route->method : "-",
        .path = r->route ? r->route->path : "-",
        .client = client,
        .model = !handed && r->model ? r->model->name : NULL,
        .status = status,
        .ms = (double)ns / 1e6,
        .n_received = r->n_received,
        .n_sent = r->n_sent,
        .trace = *r->trace ? r->trace : NULL,
        .has_stages = !handed && r->worked,
        .receive_ms = 1e-6 * (double)(r->dispatched - r->began),
        .tokenize_ms = r->stages.tokenize,
        .queue_ms = r->stages.queue,
        .infer_ms = r->stages.infer,
        .send_ms = 1e-6 * (double)(r->began + ns - r->worked),
    });
}

/* What the scheduler cannot know of a request's time. */
static void record(const struct http_request *r)
{
    enum endpoint endpoint = r->route ? r->route->endpoint : ENDPOINT_NONE;
    if (endpoint == ENDPOINT_NONE || !r->model || !r->worked)
        return;
    struct endpoint_counters *c = &r->model->endpoints[endpoint];
    uint64_t now = clock_now(r->service->clock);
    endpoint_count_stage(c, STAGE_RECEIVE, r->dispatched - r->began, now);
    endpoint_count_stage(c, STAGE_SEND, now - r->worked, now);
}

void intake_end(struct http_request *r, bool sent)
{
    struct client *c = r->client;
    uint64_t ns = clock_now(r->service->clock) - r->began;
    int status = sent ? r->status : 0;
    traffic_count(r->route ? (size_t)(r->route - routes) : n_routes, status, ns);
    traffic.sent += r->n_sent;
    if (status)
        record(r);
    if (log_wants_request())
        tell(r, status, ns);
    connection_waits(&c->front->connections, c->connection, NULL);
    c->connection->service = NULL;
    connection_phase(&c->front->connections, c->connection, CONNECTION_IDLE);
    request_leave(r);
}
