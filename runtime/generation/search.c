#include "runtime/generation/search.h"

#include "runtime/beams.h"

#include <stdlib.h>

enum hone_status search_run(struct writer *w, struct stepper *stepper, struct sampler_scratch *scratch,
                            struct hone_error *err)
{
    const struct hone_generation *g = w->g;
    struct source *source = w->source.kv ? &w->source : NULL;
    struct beams_call call = {.model = w->model,
                              .stepper = stepper,
                              .scratch = scratch,
                              .source = source,
                              .given = w->tokens,
                              .n_given = w->n_given,
                              .params = {.n_beams = g->beams->n,
                                         .max_length = w->max - w->n_given,
                                         .length_penalty = g->beams->length_penalty,
                                         .stop = g->beams->stop_early ? BEAM_STOP_FIRST : BEAM_STOP_LIKELY,
                                         .end_ids = w->vocabulary->ends,
                                         .n_end_ids = g->past_end ? 0 : w->vocabulary->n_ends,
                                         .ignore_end = g->ignore_end}};
    size_t n = 0;
    int32_t *ids = malloc(call.params.max_length * sizeof *ids);
    if (!ids)
        return hone_no_memory(err, "tokens", call.params.max_length * sizeof *ids);
    enum hone_status status = beams_run(&call, ids, &n, err);
    if (status == HONE_OK)
        status = writer_add_result(w, ids, n, 0, err);
    free(ids);
    return status;
}
