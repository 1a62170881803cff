/* Log-probabilities of tokens, from the model's own logits: before any bias, penalty, filter or temperature. */
#ifndef RUNTIME_GENERATE_SAMPLING_LOGPROBS_H
#define RUNTIME_GENERATE_SAMPLING_LOGPROBS_H

#include "runtime/generate/sampling/sampler.h"

#include <hone/generate.h>

/* top: the n_top most probable of logits[n_vocab], best first, equal ones by rising id (-1 and -infinity where there
 * are fewer); *chosen: that of token id. n_top may be 0. The scratch may be shared with a sampler's. */
enum hone_status logprobs_of(const float *logits, size_t n_vocab, int32_t id, struct hone_logprob *top,
                             size_t n_top, float *chosen, struct sampler_scratch *scratch,
                             struct hone_error *err);

#endif
