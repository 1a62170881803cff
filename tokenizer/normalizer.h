/* What is done to text before it is cut into words: the "normalizer" of a pipeline. */
#ifndef TOKENIZER_NORMALIZER_H
#define TOKENIZER_NORMALIZER_H

#include "tokenizer/bert.h"

struct normalizer {
    struct normalizer_step *steps;
    size_t n_steps;
};

/* spec: NULL or null for none. */
bool normalizer_init(struct normalizer *n, const json_t *spec, struct complaint *c);
void normalizer_release(struct normalizer *n);

/* Normalizes text (valid UTF-8). *out points into text or into one of the work buffers, whose `failed` must be looked
 * at. *front: cleared where the text's first character was dropped. */
void normalizer_run(const struct normalizer *n, struct tok_text text, struct buffer work[2],
                    struct tok_text *out, bool *front);

#endif
