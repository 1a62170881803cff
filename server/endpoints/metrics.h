#ifndef SERVER_ENDPOINTS_METRICS_H
#define SERVER_ENDPOINTS_METRICS_H

#include "server/figures/snapshot.h"

/* What schedulers count, in Prometheus' form. */
void metrics_write_models(struct reply_buffer *out, const struct snapshot *s);

#endif
