/* What is done to text before it is cut into words: the "normalizer" of a pipeline. */
#ifndef TOKENIZER_STAGES_NORMALIZER_H
#define TOKENIZER_STAGES_NORMALIZER_H

#include "tokenizer/stages/bert.h"
#include "tokenizer/stages/origins.h"
#include "tokenizer/stages/piece.h"
#include "tokenizer/text/charsmap.h"
#include "tokenizer/text/pattern.h"

struct normalizer {
    struct normalizer_step *steps;
    size_t n_steps;
};

/* What a thread needs to normalize; zero-initialise. */
struct normalizer_scratch {
    struct buffer work[2];
    struct origins origins[2];
    struct pattern_scratch pattern;
    bool failed; /* no memory, or an expression that takes too long */
};
void normalizer_scratch_release(struct normalizer_scratch *s);

/* spec: NULL or null for none. charsmap: for a Precompiled that brings none. */
bool normalizer_init(struct normalizer *n, const json_t *spec, struct tok_text charsmap, struct complaint *c);
void normalizer_release(struct normalizer *n);

/* Normalizes a piece (valid UTF-8), which from then on points to what it did or into the scratch, whose `failed` must be
 * looked at. Where its first character was dropped it is not in front anymore. */
void normalizer_run(const struct normalizer *n, struct piece *piece, struct normalizer_scratch *s);

#endif
