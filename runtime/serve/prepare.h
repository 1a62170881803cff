/* What is done to a request's texts before they can be computed: looked for in the caches, and tokenized. */
#ifndef RUNTIME_SERVE_PREPARE_H
#define RUNTIME_SERVE_PREPARE_H

#include "runtime/serve/job.h"

#define PREPARE_TEXTS 32    /* that a thread takes at once, */
#define PREPARE_BYTES 65536 /* or so many, and at least one text */

/* How many of the job's texts from `first` on one thread takes at once. */
size_t prepare_share(const struct job *job, size_t first);

/* Prepares texts first to first + n by n_threads threads, each with one of the encodings. Different texts of a job may
 * be prepared by several callers at once. */
void prepare_texts(struct job *job, struct caches *caches, size_t first, size_t n,
                   struct tok_encoding *encodings, int n_threads);

#endif
