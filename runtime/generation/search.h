/* Beam searches of a generator: one text from its beginning to its end. */
#ifndef RUNTIME_GENERATION_SEARCH_H
#define RUNTIME_GENERATION_SEARCH_H

#include "runtime/generation/writer.h"

/* The results of w->g->beams. HONE_USAGE: its beams need more room than there can be. */
enum hone_status search_run(struct writer *w, struct stepper *stepper, struct sampler_scratch *scratch,
                            struct hone_error *err);

#endif
