/* The single numbers that schedulers count, each described once. Prometheus knows "batches" as hone_batches_total, since
 * it is a counter; in JSON it is "batches". */
#ifndef SERVER_FIGURES_FIGURES_H
#define SERVER_FIGURES_FIGURES_H

#include <hone.h>

struct figure {
    const char *name, *type, *help; /* type: "counter" or "gauge" */
    size_t offset;
    enum { FIGURE_U64, FIGURE_SIZE, FIGURE_DOUBLE, FIGURE_MS } number; /* MS: a double, told in seconds */
    bool generates;                                                    /* only of models that do */
};

extern const struct figure figures[];       /* of struct hone_scheduler_stats; name is NULL at the end */
extern const struct figure cache_figures[]; /* of struct hone_cache_stats */

/* The number in such a struct. */
double figure_of(const struct figure *f, const void *stats);

#endif
