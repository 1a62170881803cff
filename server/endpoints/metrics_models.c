#include "server/endpoints/metrics.h"
#include "server/figures/exposition.h"
#include "server/figures/figures.h"
#include "server/manager/degrade.h"
#include "server/routes.h"

#include <stdio.h>

#define LABELS 512 /* bytes, as exposition_label writes them */

static void model_label(char labels[LABELS], const struct model_figures *m)
{
    *labels = '\0';
    exposition_label(labels, LABELS, "model", m->model->name);
}

static void label(char labels[LABELS], const struct model_figures *m, const char *name, const char *value)
{
    model_label(labels, m);
    exposition_label(labels, LABELS, name, value);
}

static bool generates(const struct model_figures *m)
{
    return m->model->info->task == HONE_TASK_GENERATE;
}

/* "hone_batches_total" of a counter "batches" */
static void begin(struct reply_buffer *out, const char *prefix, const struct figure *f, char name[96])
{
    snprintf(name, 96, "%s%s%s", prefix, f->name, *f->type == 'c' ? "_total" : "");
    exposition_family(out, name, f->type, f->help);
}

static void write_figures(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS], name[96];
    for (const struct figure *f = figures; f->name; f++) {
        begin(out, "hone_", f, name);
        for (size_t i = 0; i < s->n; i++) {
            if (f->generates && !generates(&s->models[i]))
                continue;
            model_label(labels, &s->models[i]);
            exposition_sample(out, name, labels, figure_of(f, &s->models[i].stats));
        }
    }
}

static void write_info(struct reply_buffer *out, const struct snapshot *s)
{
    exposition_family(out, "hone_model_info", "gauge", "The models that are served; always 1.");
    for (size_t i = 0; i < s->n; i++) {
        const struct hone_model_info *info = s->models[i].model->info;
        char labels[LABELS];
        label(labels, &s->models[i], "architecture", info->architecture);
        exposition_label(labels, LABELS, "task", task_names[info->task]);
        exposition_label(labels, LABELS, "compute", info->compute);
        exposition_sample(out, "hone_model_info", labels, 1);
    }
}

/* ---- what has more labels ---- */

static void write_replies(struct reply_buffer *out, const struct snapshot *s)
{
    static const char *const name = "hone_replies_total";
    exposition_family(out, name, "counter", "Requests that got their reply, by what became of them.");
    for (size_t i = 0; i < s->n; i++) {
        const struct hone_scheduler_stats *stats = &s->models[i].stats;
        uint64_t n[OUTCOME_N] = {stats->n_ok, stats->n_failed, stats->n_late, stats->n_cancelled};
        char labels[LABELS];
        for (size_t k = 0; k < OUTCOME_N; k++) {
            label(labels, &s->models[i], "outcome", outcome_names[k]);
            exposition_sample(out, name, labels, (double)n[k]);
        }
    }
}

static void write_queues(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS];
    exposition_family(out, "hone_queue_length", "gauge", "Requests that wait, by class.");
    for (size_t i = 0; i < s->n * HONE_N_PRIORITIES; i++) {
        const struct model_figures *m = &s->models[i / HONE_N_PRIORITIES];
        label(labels, m, "priority", priority_names[i % HONE_N_PRIORITIES]);
        exposition_sample(out, "hone_queue_length", labels,
                          (double)m->stats.n_waiting[i % HONE_N_PRIORITIES]);
    }
    exposition_family(out, "hone_queue_max_length", "gauge", "Requests that may wait; more get 429.");
    for (size_t i = 0; i < s->n; i++) {
        model_label(labels, &s->models[i]);
        exposition_sample(out, "hone_queue_max_length", labels,
                          (double)s->models[i].model->schedule.max_queue);
    }
    exposition_family(out, "hone_queue_seconds", "histogram", "How long requests waited, by class.");
    for (size_t i = 0; i < s->n * HONE_N_PRIORITIES; i++) {
        const struct model_figures *m = &s->models[i / HONE_N_PRIORITIES];
        label(labels, m, "priority", priority_names[i % HONE_N_PRIORITIES]);
        exposition_latency(out, "hone_queue_seconds", labels, &m->stats.queue[i % HONE_N_PRIORITIES]);
    }
}

static void write_stages(struct reply_buffer *out, const struct snapshot *s)
{
    exposition_family(out, "hone_stage_seconds", "histogram",
                      "Where the time of requests goes, by endpoint.");
    for (size_t i = 0; i < s->n; i++)
        for (size_t e = 0; e < ENDPOINT_N; e++)
            for (size_t k = 0; k < STAGE_N; k++) {
                const struct endpoint_stats *stats = &s->models[i].endpoints[e];
                char labels[LABELS];
                if (stats->n_taken == 0)
                    continue;
                label(labels, &s->models[i], "endpoint", endpoint_names[e]);
                exposition_label(labels, LABELS, "stage", stage_names[k]);
                exposition_latency(out, "hone_stage_seconds", labels, &stats->stages[k]);
            }
}

static void write_totals(struct reply_buffer *out, const struct snapshot *s)
{
    exposition_family(out, "hone_request_seconds", "histogram",
                      "From a request's submission to its reply, by endpoint and outcome.");
    for (size_t i = 0; i < s->n; i++)
        for (size_t e = 0; e < ENDPOINT_N; e++)
            for (size_t k = 0; k < OUTCOME_N; k++) {
                const struct hone_latency *total = &s->models[i].endpoints[e].total[k];
                char labels[LABELS];
                if (total->n == 0)
                    continue;
                label(labels, &s->models[i], "endpoint", endpoint_names[e]);
                exposition_label(labels, LABELS, "outcome", outcome_names[k]);
                exposition_latency(out, "hone_request_seconds", labels, total);
            }
}

#define STAT(field) offsetof(struct hone_scheduler_stats, field)

/* Durations and sizes with no label but the model's. */
static const struct {
    const char *name, *help;
    size_t offset;
    bool is_sizes, generates;
} distributions[] = {
    {"hone_batch_seconds", "Computing a batch.", STAT(batch), false, false},
    {"hone_batch_requests", "Requests in a batch.", STAT(batch_requests), true, false},
    {"hone_batch_texts", "Texts in a batch.", STAT(batch_texts), true, false},
    {"hone_batch_tokens", "Tokens in a batch.", STAT(batch_tokens), true, false},
    {"hone_generation_first_token_seconds", "Until a text's first token.", STAT(generation.first_token),
     false, true},
    {"hone_generation_between_tokens_seconds", "Between two tokens of a text.",
     STAT(generation.between_tokens), false, true},
    {"hone_generation_step_seconds", "Computing a step.", STAT(generation.step), false, true},
};

static void write_distributions(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS];
    for (size_t k = 0; k < sizeof distributions / sizeof *distributions; k++) {
        exposition_family(out, distributions[k].name, distributions[k].is_sizes ? "summary" : "histogram",
                          distributions[k].help);
        for (size_t i = 0; i < s->n; i++) {
            const void *p = (const char *)&s->models[i].stats + distributions[k].offset;
            if (distributions[k].generates && !generates(&s->models[i]))
                continue;
            model_label(labels, &s->models[i]);
            if (distributions[k].is_sizes)
                exposition_sizes(out, distributions[k].name, labels, p);
            else
                exposition_latency(out, distributions[k].name, labels, p);
        }
    }
}

/* ---- caches ---- */

static void write_caches(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS], name[96];
    for (const struct figure *f = cache_figures; f->name; f++) {
        begin(out, "hone_cache_", f, name);
        for (size_t i = 0; i < s->n * HONE_N_CACHES; i++) {
            const struct model_figures *m = &s->models[i / HONE_N_CACHES];
            label(labels, m, "cache", cache_names[i % HONE_N_CACHES]);
            exposition_sample(out, name, labels, figure_of(f, &m->stats.caches[i % HONE_N_CACHES]));
        }
    }
}

/* ---- memory ---- */

static void write_states(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS];
    exposition_family(out, "hone_model_state", "gauge",
                      "Whether a model is in memory; 1: it is in this state.");
    for (size_t i = 0; i < s->n; i++) {
        label(labels, &s->models[i], "state", model_state_names[s->models[i].status.state]);
        exposition_sample(out, "hone_model_state", labels, 1);
    }
}

#define STATUS(field) offsetof(struct model_status, field)

static const struct figure status_figures[] = {
    {"memory_bytes", "gauge", "Memory that is counted for it now.", STATUS(held), FIGURE_SIZE, false},
    {"need_bytes", "gauge", "Memory that it needs at least.", STATUS(need), FIGURE_SIZE, false},
    {"waiting", "gauge", "Requests that wait until it is in memory.", STATUS(n_waiting), FIGURE_SIZE, false},
    {"load_seconds", "gauge", "How long loading it took the last time.", STATUS(load_seconds), FIGURE_DOUBLE,
     false},
    {"loads", "counter", "How often it was loaded.", STATUS(n_loads), FIGURE_U64, false},
    {"unloads", "counter", "How often it was unloaded.", STATUS(n_unloads), FIGURE_U64, false},
    {"load_failures", "counter", "How often it could not be loaded.", STATUS(n_failures), FIGURE_U64, false},
    {0},
};

static void write_memory(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS], name[96];
    exposition_family(out, "hone_memory_budget_bytes", "gauge", "Memory that all of it may take.");
    exposition_sample(out, "hone_memory_budget_bytes", "", (double)s->budget);
    exposition_family(out, "hone_memory_used_bytes", "gauge", "Of that, what is spoken for.");
    exposition_sample(out, "hone_memory_used_bytes", "", (double)s->used);
    write_states(out, s);
    for (const struct figure *f = status_figures; f->name; f++) {
        begin(out, "hone_model_", f, name);
        for (size_t i = 0; i < s->n; i++) {
            model_label(labels, &s->models[i]);
            exposition_sample(out, name, labels, figure_of(f, &s->models[i].status));
        }
    }
}

/* ---- what fails ---- */

static void write_breakers(struct reply_buffer *out, const struct snapshot *s)
{
    char labels[LABELS];
    exposition_family(out, "hone_breaker_state", "gauge",
                      "Whether requests reach a model; 1: it is in this state.");
    for (size_t i = 0; i < s->n; i++) {
        label(labels, &s->models[i], "state", breaker_state_names[s->models[i].breaker.state]);
        exposition_sample(out, "hone_breaker_state", labels, 1);
    }
    exposition_family(out, "hone_breaker_opened_total", "counter", "How often a model failed so often.");
    for (size_t i = 0; i < s->n; i++) {
        model_label(labels, &s->models[i]);
        exposition_sample(out, "hone_breaker_opened_total", labels, (double)s->models[i].breaker.n_opened);
    }
    exposition_family(out, "hone_degraded_total", "counter",
                      "Answers that a model should have given, by what was given instead.");
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = DEGRADED_NOT + 1; k < DEGRADED_N; k++) {
            label(labels, &s->models[i], "by", degraded_names[k]);
            exposition_sample(out, "hone_degraded_total", labels, (double)s->models[i].model->degraded[k]);
        }
}

void metrics_write_models(struct reply_buffer *out, const struct snapshot *s)
{
    write_memory(out, s);
    write_breakers(out, s);
    write_info(out, s);
    write_figures(out, s);
    write_replies(out, s);
    write_queues(out, s);
    write_stages(out, s);
    write_totals(out, s);
    write_distributions(out, s);
    write_caches(out, s);
}
