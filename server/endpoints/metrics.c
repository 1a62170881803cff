/* GET /metrics: process, HTTP, and (metrics_models.c) models. docs/http-api.md has the names. */
#include "server/endpoints/metrics.h"
#include "server/endpoints/endpoints.h"
#include "server/figures/exposition.h"
#include "server/figures/log.h"
#include "server/figures/traffic.h"
#include "server/http/answers.h"
#include "server/routes.h"
#include "server/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void one(struct reply_buffer *out, const char *name, const char *type, const char *help, double value)
{
    exposition_family(out, name, type, help);
    exposition_sample(out, name, "", value);
}

static void write_process(struct reply_buffer *out, const struct process *p, bool ready)
{
    char labels[256] = "";
    exposition_label(labels, sizeof labels, "version", HONE_VERSION);
    exposition_label(labels, sizeof labels, "cpu", hone_machine()->level);
    exposition_label(labels, sizeof labels, "compiler", __VERSION__);
    exposition_family(out, "hone_build_info", "gauge",
                      "The program and the instruction set it uses; always 1.");
    exposition_sample(out, "hone_build_info", labels, 1);
    one(out, "process_cpu_seconds_total", "counter", "Processor time, of the user and of the system.",
        p->cpu_seconds);
    one(out, "process_resident_memory_bytes", "gauge", "Memory in use.", p->resident);
    one(out, "process_memory_limit_bytes", "gauge",
        "Memory that it may use: of its control groups, or the machine's.", (double)hone_machine()->memory);
    one(out, "process_virtual_memory_bytes", "gauge", "Address space in use.", p->virtual);
    one(out, "process_open_fds", "gauge", "Open descriptors.", p->n_fds);
    one(out, "process_max_fds", "gauge", "Descriptors that may be open.", p->max_fds);
    one(out, "process_threads", "gauge", "Threads.", p->n_threads);
    one(out, "process_start_time_seconds", "gauge", "When it started, in seconds since 1970.",
        traffic.started);
    one(out, "hone_ready", "gauge", "1: it takes requests; 0: it is starting or ending.", ready);
}

static const char *path_of(size_t route)
{
    return route < n_routes ? routes[route].path : "other";
}

static void write_counts(struct reply_buffer *out)
{
    static const char *const codes[] = {"left", "1xx", "2xx", "3xx", "4xx", "5xx"};
    exposition_family(out, "hone_http_requests_total", "counter",
                      "Answers by path and status; left: the client did not wait for its answer.");
    for (size_t i = 0; i <= n_routes; i++)
        for (size_t k = 0; k < 6; k++) {
            char labels[160] = "";
            if (traffic.routes[i].n[k] == 0)
                continue;
            exposition_label(labels, sizeof labels, "path", path_of(i));
            exposition_label(labels, sizeof labels, "code", codes[k]);
            exposition_sample(out, "hone_http_requests_total", labels, (double)traffic.routes[i].n[k]);
        }
    exposition_family(out, "hone_http_limited_total", "counter", "Answers with 429, by path.");
    for (size_t i = 0; i <= n_routes; i++) {
        char labels[160] = "";
        if (traffic.routes[i].n_limited == 0)
            continue;
        exposition_label(labels, sizeof labels, "path", path_of(i));
        exposition_sample(out, "hone_http_limited_total", labels, (double)traffic.routes[i].n_limited);
    }
}

static void write_duration(struct reply_buffer *out, size_t route)
{
    static const char *const name = "hone_http_request_duration_seconds";
    const struct traffic_route *t = &traffic.routes[route];
    char path[160] = "";
    uint64_t n = 0;
    exposition_label(path, sizeof path, "path", path_of(route));
    for (size_t i = 0; i <= TRAFFIC_BUCKETS; i++) {
        char labels[200], bound[32];
        n += t->buckets[i];
        snprintf(bound, sizeof bound, i < TRAFFIC_BUCKETS ? "%g" : "+Inf",
                 traffic_bounds[i % TRAFFIC_BUCKETS]);
        snprintf(labels, sizeof labels, "%s", path);
        exposition_label(labels, sizeof labels, "le", bound);
        reply_buffer_format(out, "%s_bucket{%s} %llu\n", name, labels, (unsigned long long)n);
    }
    reply_buffer_format(out, "%s_sum{%s} %.9g\n%s_count{%s} %llu\n", name, path, (double)t->ns / 1e9, name,
                        path, (unsigned long long)n);
}

static void write_http(struct reply_buffer *out, const struct answers_stats *answers,
                       const struct answers_stats *completions, uint64_t n_joined)
{
    write_counts(out);
    exposition_family(out, "hone_http_request_duration_seconds", "histogram",
                      "From a request's first line to the end of its answer, by path.");
    for (size_t i = 0; i <= n_routes; i++)
        if (traffic.routes[i].ns > 0)
            write_duration(out, i);
    one(out, "hone_http_connections", "gauge", "Clients that are connected.", (double)traffic.open);
    one(out, "hone_http_connections_total", "counter", "Connections that were accepted.",
        (double)traffic.connections);
    one(out, "hone_http_requests_in_flight", "gauge", "Requests without an answer.",
        (double)traffic.requests);
    one(out, "hone_http_slow_clients_total", "counter",
        "Connections closed since a request did not come in time.", (double)traffic.slow);
    one(out, "hone_http_received_bytes_total", "counter", "Bytes of requests' bodies.",
        (double)traffic.received);
    one(out, "hone_http_sent_bytes_total", "counter", "Bytes of answers' bodies.", (double)traffic.sent);
    one(out, "hone_http_answers_repeated_total", "counter", "Answers that were kept of the same request.",
        (double)answers->n_hits);
    one(out, "hone_http_answers_kept", "gauge", "Answers that are kept.", (double)answers->n_entries);
    one(out, "hone_http_answers_kept_bytes", "gauge", "Memory that they take.", (double)answers->n_bytes);
    one(out, "hone_completions_repeated_total", "counter",
        "Texts that were generated for the same request before.", (double)completions->n_hits);
    one(out, "hone_completions_kept", "gauge", "Such answers that are kept.", (double)completions->n_entries);
    one(out, "hone_completions_kept_bytes", "gauge", "Memory that they take.", (double)completions->n_bytes);
    one(out, "hone_completions_joined_total", "counter",
        "Requests that waited for an equal one that was computed.", (double)n_joined);
    one(out, "hone_log_lines_lost_total", "counter", "Lines of the log that nobody read.",
        (double)log_lost());
    exposition_family(out, "hone_reloads_total", "counter", "How often settings were read anew.");
    exposition_sample(out, "hone_reloads_total", "outcome=\"ok\"", (double)traffic.reloads);
    exposition_sample(out, "hone_reloads_total", "outcome=\"failed\"", (double)traffic.failed_reloads);
}

static void write_routes(struct reply_buffer *out, const struct service *s)
{
    const struct router *router = &s->router;
    exposition_family(out, "hone_routes_total", "counter", "Requests whose model a route chose, by rule.");
    for (size_t i = 0; i < router->n + s->models.n; i++) {
        const struct router_rule *rule = i < router->n ? &router->rules[i] : NULL;
        const struct served_model *m = rule ? rule->model : s->models.items[i - router->n];
        uint64_t n = rule ? rule->n_taken : router->by_auto[i - router->n];
        char labels[512] = "", number[24];
        if (!rule && n == 0)
            continue;
        snprintf(number, sizeof number, "%zu", i + 1);
        exposition_label(labels, sizeof labels, "route", rule ? rule->route : ROUTER_AUTO);
        exposition_label(labels, sizeof labels, "model", m->name);
        exposition_label(labels, sizeof labels, "rule", rule ? number : "none");
        exposition_sample(out, "hone_routes_total", labels, (double)n);
    }
}

void metrics_handle(struct http_request *r)
{
    if (http_wants(r, "application/json") > http_wants(r, "text/plain")) {
        metrics_json_handle(r);
        return;
    }
    struct answers_stats answers, completions;
    struct snapshot *s = snapshot_take(&r->service->models, r->service->clock);
    if (!s) {
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for figures");
        return;
    }
    write_process(&r->out, &s->process, service_is_ready(r->service));
    answers_stats(r->service->answers, &answers);
    answers_stats(r->service->completions, &completions);
    write_http(&r->out, &answers, &completions, r->service->flights.n_joined);
    metrics_write_models(&r->out, s);
    write_routes(&r->out, r->service);
    snapshot_free(s);
    r->type = "text/plain; version=0.0.4; charset=utf-8";
    http_reply(r, 200);
}
