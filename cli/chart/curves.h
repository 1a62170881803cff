/* Curves over a few places that have names: what a server does at each load, say. */
#ifndef CLI_CHART_CURVES_H
#define CLI_CHART_CURVES_H

#include "cli/io/output.h"

struct curve {
    const char *name;
    const double *y; /* a number a place; those that are not above 0 are left out */
};

/* A chart of at most four curves, the most important last. The places stand side by side at equal distance; the numbers
 * are drawn logarithmically. */
void curves_write(struct output *o, const char *title, const char *subtitle, const char *x_label,
                  const char *y_label, const char *const *places, size_t n_places, const struct curve *curves,
                  size_t n_curves);

#endif
