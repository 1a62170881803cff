/* All figures at one moment, for /metrics and /metrics.json. */
#ifndef SERVER_FIGURES_SNAPSHOT_H
#define SERVER_FIGURES_SNAPSHOT_H

#include "runtime/base/clock.h"
#include "server/http/http.h"
#include "server/models.h"
#include "server/process.h"

struct snapshot {
    struct process process;
    size_t budget, used; /* bytes, of memory */
    struct model_figures {
        const struct served_model *model;
        struct hone_scheduler_stats stats; /* zeros while it is not in memory */
        struct model_status status;
        struct breaker_status breaker;
        struct endpoint_stats endpoints[ENDPOINT_N];
    } * models; /* [n] */
    size_t n;
};

/* clock: the one that requests are counted by. NULL: out of memory. To be freed with snapshot_free. */
struct snapshot *snapshot_take(const struct models *models, const struct clock *clock);
void snapshot_free(struct snapshot *s);

extern const char *const priority_names[HONE_N_PRIORITIES];
extern const char *const stage_names[STAGE_N];
extern const char *const outcome_names[OUTCOME_N];
extern const char *const cache_names[HONE_N_CACHES];
extern const char *const task_names[];

#endif
