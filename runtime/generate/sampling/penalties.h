/* What makes a sequence's own past less likely (chain and sources: sampler.h). */
#ifndef RUNTIME_GENERATE_SAMPLING_PENALTIES_H
#define RUNTIME_GENERATE_SAMPLING_PENALTIES_H

#include "runtime/generate/sampling/sampler.h"

/* Change logits [n_vocab] by the sequence tokens[n_tokens]; ids outside the vocabulary count for nothing. false: out
 * of memory. */
bool penalties_apply(const struct hone_sampling *p, const int32_t *tokens, size_t n_tokens, float *logits,
                     size_t n_vocab);
bool dry_apply(const struct sampler_params *p, const int32_t *tokens, size_t n_tokens, float *logits,
               size_t n_vocab);

#endif
