#include "server/figures/snapshot.h"

#include <stdlib.h>

const char *const priority_names[HONE_N_PRIORITIES] = {"interactive", "bulk"};
const char *const stage_names[STAGE_N] = {"receive", "tokenize", "queue", "infer", "send"};
const char *const outcome_names[OUTCOME_N] = {"ok", "failed", "late", "cancelled"};
const char *const cache_names[HONE_N_CACHES] = {"tokens", "embeddings", "scores"};
const char *const task_names[] = {"none",   "embed",      "classify", "generate", "classify-tokens",
                                  "answer", "find-spans", "rerank"};

struct snapshot *snapshot_take(const struct models *models, const struct clock *clock)
{
    struct snapshot *s = calloc(1, sizeof *s);
    if (s)
        s->models = calloc(models->n + 1, sizeof *s->models);
    if (!s || !s->models) {
        free(s);
        return NULL;
    }
    s->n = models->n;
    process_read(&s->process);
    s->budget = manager_budget(models->manager);
    s->used = manager_used(models->manager);
    for (size_t i = 0; i < s->n; i++) {
        struct model_figures *m = &s->models[i];
        m->model = models->items[i];
        models_stats(models, models->items[i], &m->stats);
        manager_status(models->manager, &models->items[i]->managed, &m->status);
        breaker_status(&models->items[i]->breaker, clock_now(clock), &m->breaker);
        for (size_t k = 0; k < ENDPOINT_N; k++)
            endpoint_stats_read(&m->model->endpoints[k], &m->endpoints[k], clock_now(clock));
    }
    return s;
}

void snapshot_free(struct snapshot *s)
{
    if (s)
        free(s->models);
    free(s);
}
