/* Figures in Prometheus' text form, version 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). All samples of
 * a family follow its head. */
#ifndef SERVER_FIGURES_EXPOSITION_H
#define SERVER_FIGURES_EXPOSITION_H

#include "server/http/reply_buffer.h"

/* type: "counter", "gauge", "histogram" or "summary" */
void exposition_family(struct reply_buffer *out, const char *name, const char *type, const char *help);

/* labels: `model="a",stage="b"`, made with exposition_label, or "" */
void exposition_sample(struct reply_buffer *out, const char *name, const char *labels, double value);

/* In seconds. */
void exposition_latency(struct reply_buffer *out, const char *name, const char *labels,
                        const struct hone_latency *latency);
/* Quantiles, of the last minutes; sum and number are of all. */
void exposition_sizes(struct reply_buffer *out, const char *name, const char *labels,
                      const struct hone_sizes *sizes);

/* Appends `name="value"`, with a comma in front where there are others. What has no room is left out. */
void exposition_label(char *labels, size_t size, const char *name, const char *value);

#endif
