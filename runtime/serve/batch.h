/* The texts of several requests, computed together. */
#ifndef RUNTIME_SERVE_BATCH_H
#define RUNTIME_SERVE_BATCH_H

#include "runtime/serve/job.h"

/* Computes the texts of slices, which are all of one kind. What fails is told by each job's status; one request's
 * failure is none of the others'. Rows go into the caches. */
void batch_compute(struct caches *caches, const struct slice *slices, size_t n, struct hone_stats *stats);

#endif
