/* Beam search through a model: sampling/beam.h chooses, the beams' pasts share the blocks of the KV cache. */
#ifndef RUNTIME_BEAMS_H
#define RUNTIME_BEAMS_H

#include "runtime/sampling/beam.h"
#include "runtime/step.h"

struct beams_call {
    struct hone_model *model;
    struct stepper *stepper;
    struct sampler_scratch *scratch;
    struct source *source; /* encoded, or NULL */
    const int32_t *given;  /* [n_given] what they all begin with */
    size_t n_given;
    struct beam_params params;
};

/* The best result; ids: room for params.max_length, *n of them, its end token included where it has one. No other
 * sequence may be in the cache. */
enum hone_status beams_run(const struct beams_call *call, int32_t *ids, size_t *n, struct hone_error *err);

#endif
