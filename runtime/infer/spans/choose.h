/* Which spans are told, of all that a label fits. */
#ifndef RUNTIME_INFER_SPANS_CHOOSE_H
#define RUNTIME_INFER_SPANS_CHOOSE_H

#include "runtime/base/error.h"

/* What a text's logits are of, as nn/spans.h says. */
struct span_logits {
    const float *rows; /* [n_words, longest, n_labels] */
    size_t n_words, longest, n_labels;
};

struct chosen_span {
    uint32_t start, length; /* words; length 1 to longest */
    uint32_t label;
    float score;
};

/* The surest first, each unless it overlaps one that was taken before; by rising start, of those that begin together the surest
 * first. *out [*n] is to be freed with free. False: there is no memory, and *out is NULL. */
bool span_choose(const struct span_logits *logits, const struct hone_span_options *options,
                 struct chosen_span **out, size_t *n);

#endif
