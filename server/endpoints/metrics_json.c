/* GET /metrics.json: the same figures with percentiles, for people and the dashboard. */
#include "server/endpoints/endpoints.h"
#include "server/figures/figures.h"
#include "server/figures/snapshot.h"
#include "server/figures/traffic.h"
#include "server/routes.h"
#include "server/service.h"

#include <time.h>

/* Of the last minutes, and beside them of all since the start. */
static void write_latency(struct reply_buffer *out, const char *name, const struct hone_latency *l)
{
    static const char form[] =
        "\"n\":%llu,\"mean_ms\":%.6g,\"p50_ms\":%.6g,\"p95_ms\":%.6g,\"p99_ms\":%.6g,\"max_ms\":%.6g";
    reply_buffer_format(out, ",\"%s\":{", name);
    reply_buffer_format(out, form, (unsigned long long)l->recent.n, l->recent.mean_ms, l->recent.p50_ms,
                        l->recent.p95_ms, l->recent.p99_ms, l->recent.max_ms);
    reply_buffer_text(out, ",\"all\":{");
    reply_buffer_format(out, form, (unsigned long long)l->n, l->mean_ms, l->p50_ms, l->p95_ms, l->p99_ms,
                        l->max_ms);
    reply_buffer_text(out, "}}");
}

static void write_sizes(struct reply_buffer *out, const char *name, const struct hone_sizes *s)
{
    static const char form[] = "\"n\":%llu,\"mean\":%.6g,\"p50\":%.6g,\"p95\":%.6g,\"p99\":%.6g,\"max\":%.6g";
    reply_buffer_format(out, ",\"%s\":{", name);
    reply_buffer_format(out, form, (unsigned long long)s->recent.n, s->recent.mean, s->recent.p50,
                        s->recent.p95, s->recent.p99, s->recent.max);
    reply_buffer_text(out, ",\"all\":{");
    reply_buffer_format(out, form, (unsigned long long)s->n, s->mean, s->p50, s->p95, s->p99, s->max);
    reply_buffer_text(out, "}}");
}

static void write_figures(struct reply_buffer *out, const struct figure *list, const void *stats,
                          bool generates)
{
    for (const struct figure *f = list; f->name; f++)
        if (generates || !f->generates)
            reply_buffer_format(out, ",\"%s\":%.15g", f->name, figure_of(f, stats));
}

static void write_endpoint(struct reply_buffer *out, const char *name, const struct endpoint_stats *e)
{
    reply_buffer_format(out, "\"%s\":{\"taken\":%llu,\"refused\":%llu,\"texts\":%llu,\"tokens\":%llu", name,
                        (unsigned long long)e->n_taken, (unsigned long long)e->n_busy,
                        (unsigned long long)e->n_texts, (unsigned long long)e->n_tokens);
    reply_buffer_text(out, ",\"stages\":{\"unit\":\"ms\"");
    for (size_t k = 0; k < STAGE_N; k++)
        write_latency(out, stage_names[k], &e->stages[k]);
    reply_buffer_text(out, "},\"total\":{\"unit\":\"ms\"");
    for (size_t k = 0; k < OUTCOME_N; k++)
        write_latency(out, outcome_names[k], &e->total[k]);
    reply_buffer_text(out, "}}");
}

static void write_endpoints(struct reply_buffer *out, const struct model_figures *m)
{
    bool first = true;
    reply_buffer_text(out, ",\"endpoints\":{");
    for (size_t i = 0; i < ENDPOINT_N; i++) {
        if (m->endpoints[i].n_taken == 0)
            continue;
        reply_buffer_text(out, first ? "" : ",");
        write_endpoint(out, endpoint_names[i], &m->endpoints[i]);
        first = false;
    }
    reply_buffer_text(out, "}");
}

static unsigned long long n_degraded(const struct served_model *m)
{
    unsigned long long n = 0;
    for (size_t i = 0; i < DEGRADED_N; i++)
        n += m->degraded[i];
    return n;
}

static void write_model(struct reply_buffer *out, const struct model_figures *m)
{
    const struct hone_model_info *info = m->model->info;
    const struct hone_scheduler_stats *s = &m->stats;
    bool generates = info->task == HONE_TASK_GENERATE;
    reply_buffer_text(out, "{\"name\":");
    reply_buffer_json_string(out, m->model->name);
    reply_buffer_format(out, ",\"breaker\":\"%s\",\"degraded\":%llu", breaker_state_names[m->breaker.state],
                        n_degraded(m->model));
    reply_buffer_format(out,
                        ",\"state\":\"%s\",\"memory_bytes\":%zu,\"loads\":%llu,\"architecture\":\"%s\","
                        "\"task\":\"%s\",\"compute\":\"%s\",\"cpu\":\"%s\",\"threads\":%zu,"
                        "\"params\":%zu,\"max_length\":%zu",
                        model_state_names[m->status.state], m->status.held,
                        (unsigned long long)m->status.n_loads, info->architecture, task_names[info->task],
                        info->compute, info->cpu, info->n_threads, info->n_params, info->max_length);
    write_figures(out, figures, s, generates);
    reply_buffer_format(out, ",\"replies\":{\"ok\":%llu,\"failed\":%llu,\"late\":%llu,\"cancelled\":%llu}",
                        (unsigned long long)s->n_ok, (unsigned long long)s->n_failed,
                        (unsigned long long)s->n_late, (unsigned long long)s->n_cancelled);
    reply_buffer_text(out, ",\"queues\":{\"unit\":\"ms\"");
    for (size_t k = 0; k < HONE_N_PRIORITIES; k++) {
        reply_buffer_format(out, ",\"%s_waiting\":%zu", priority_names[k], s->n_waiting[k]);
        write_latency(out, priority_names[k], &s->queue[k]);
    }
    reply_buffer_text(out, "}");
    write_latency(out, "batch", &s->batch);
    write_sizes(out, "batch_requests", &s->batch_requests);
    write_sizes(out, "batch_texts", &s->batch_texts);
    write_sizes(out, "batch_tokens", &s->batch_tokens);
    if (generates) {
        write_latency(out, "first_token", &s->generation.first_token);
        write_latency(out, "between_tokens", &s->generation.between_tokens);
        write_latency(out, "step", &s->generation.step);
    }
    write_endpoints(out, m);
    for (size_t k = 0; k < HONE_N_CACHES; k++) {
        reply_buffer_format(out, k ? ",{\"name\":\"%s\"" : ",\"caches\":[{\"name\":\"%s\"", cache_names[k]);
        write_figures(out, cache_figures, &s->caches[k], false);
        reply_buffer_text(out, "}");
    }
    reply_buffer_text(out, "]}");
}

static void write_process(struct reply_buffer *out, const struct service *service, const struct process *p)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    double time = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    reply_buffer_format(out,
                        "{\"version\":\"" HONE_VERSION
                        "\",\"time\":%.3f,\"uptime_seconds\":%.3f,\"ready\":%s,"
                        "\"process\":{\"cpu_seconds\":%.6g,\"resident_bytes\":%.15g,\"virtual_bytes\":%.15g,"
                        "\"open_fds\":%.15g,\"max_fds\":%.15g,\"threads\":%.15g}",
                        time, time - traffic.started, service_is_ready(service) ? "true" : "false",
                        p->cpu_seconds, p->resident, p->virtual, p->n_fds, p->max_fds, p->n_threads);
}

static void write_http(struct reply_buffer *out)
{
    unsigned long long n[6] = {0};
    for (size_t i = 0; i <= n_routes; i++)
        for (size_t k = 0; k < 6; k++)
            n[k] += traffic.routes[i].n[k];
    reply_buffer_format(out,
                        ",\"http\":{\"connections\":%lld,\"requests_in_flight\":%lld,\"received_bytes\":%llu,"
                        "\"sent_bytes\":%llu,\"slow_clients\":%llu,\"reloads\":%llu",
                        (long long)traffic.open, (long long)traffic.requests,
                        (unsigned long long)traffic.received, (unsigned long long)traffic.sent,
                        (unsigned long long)traffic.slow, (unsigned long long)traffic.reloads);
    reply_buffer_format(out, ",\"answers\":{\"2xx\":%llu,\"4xx\":%llu,\"5xx\":%llu,\"left\":%llu}}", n[2],
                        n[4], n[5], n[0]);
}

void metrics_json_handle(struct http_request *r)
{
    struct snapshot *s = snapshot_take(&r->service->models, r->service->clock);
    if (!s) {
        http_fail(r, PROBLEM_MEMORY, NULL, "out of memory for figures");
        return;
    }
    write_process(&r->out, r->service, &s->process);
    write_http(&r->out);
    for (size_t i = 0; i < s->n; i++) {
        reply_buffer_text(&r->out, i ? "," : ",\"models\":[");
        write_model(&r->out, &s->models[i]);
    }
    reply_buffer_text(&r->out, s->n ? "]}" : ",\"models\":[]}");
    snapshot_free(s);
    http_reply(r, 200);
}
