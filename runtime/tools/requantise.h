/* A model file written anew with its tensors in other types: a window at a time, the window's parts on all threads, so that
 * memory stays bounded however large a tensor is. */
#ifndef RUNTIME_TOOLS_REQUANTISE_H
#define RUNTIME_TOOLS_REQUANTISE_H

#include "runtime/gguf/gguf.h"

struct requantisation {
    gguf_type_of type_of; /* NULL from it: the tensor stays as it is */
    void *arg;            /* of all functions here; the others may be NULL */
    /* How much a column's errors count: [dims[2]][dims[0]]; NULL from it: all the same. */
    const float *(*importance_of)(const struct gguf_tensor *tensor, void *arg);
    /* Bytes of tensors read so far. */
    bool (*on_progress)(void *arg, uint64_t n_done); /* false: enough */
    /* A tensor is written: as what, and the root of the mean squared change over that of the mean square. */
    void (*on_tensor)(const struct gguf_tensor *tensor, const struct gguf_tensor *written, double error,
                      void *arg);
    int n_threads; /* 0: as many as there are */
};

/* As gguf_write. HONE_BAD_MODEL: a tensor holds what its new type cannot (infinities, NaN, too large numbers). */
enum hone_status requantise(const struct gguf *g, const char *path, const struct requantisation *how,
                            struct hone_error *err);

#endif
