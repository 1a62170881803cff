/* A tensor's values in another type: a window at a time, the window's pieces on all threads, so that memory stays
 * bounded however large the tensor is. */
#ifndef RUNTIME_TOOLS_RECAST_H
#define RUNTIME_TOOLS_RECAST_H

#include "runtime/gguf/gguf.h"

struct recaster {
    int n_threads;
    float *floats; /* two pieces a thread */
    char *blocks;  /* a window in the new type */
    double *sums;  /* two a piece */
};

/* n_threads 0, or too many: as many as there are. On failure there is nothing to free. */
enum hone_status recaster_init(struct recaster *r, int n_threads, struct hone_error *err);
void recaster_free(struct recaster *r);

struct recast {
    const struct gguf_tensor *tensor;
    const struct quant_type *to;
    const float *importance; /* [dims[2]][dims[0]], or NULL */
    uint64_t n_done;         /* elements so far */
    /* Sums over these, the same whatever the number of threads: of squared values, and of squared changes. */
    double squares, changes;
};

/* Converts the next window: its bytes are in r->blocks, and their number is returned. 0: that was all. */
size_t recast_next(struct recaster *r, struct recast *job);

#endif
