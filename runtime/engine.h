/* Texts through the model: tokenized, sorted by length, computed in ragged batches, each result handed to a sink. */
#ifndef RUNTIME_ENGINE_H
#define RUNTIME_ENGINE_H

#include "runtime/tokens.h"

struct request {
    struct inputs inputs;
    bool head;            /* the classification head's row instead of a pooled embedding */
    bool raw;             /* logits instead of scores */
    enum pooling pooling; /* of embeddings */
    bool normalize;
    size_t n_dims; /* of embeddings: their first ones */
    const struct hone_run_options *run;
    /* Gets row i once, from any thread; row: [n_labels] with a head, else [n_dims]. A refused text's is NULL. */
    void (*sink)(void *arg, size_t i, const float *row);
    void *arg;
};

/* Calls on one model must not overlap: the caller holds its lock. */
enum hone_status engine_run(struct hone_model *model, const struct request *request, struct hone_stats *stats,
                            struct hone_error *err);

#endif
