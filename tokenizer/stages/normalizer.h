/* What is done to text before it is cut into words: the "normalizer" of a pipeline. */
#ifndef TOKENIZER_STAGES_NORMALIZER_H
#define TOKENIZER_STAGES_NORMALIZER_H

#include "tokenizer/stages/bert.h"
#include "tokenizer/stages/charsmap.h"
#include "tokenizer/stages/pattern.h"
#include "tokenizer/stages/piece.h"
#include "tokenizer/text/effort.h"
#include "tokenizer/text/origins.h"

struct normalizer {
    struct normalizer_step *steps;
    size_t n_steps;
};

/* What a thread needs to normalize; zero-initialise. */
struct normalizer_scratch {
    struct buffer work[2];
    struct origins origins[2];
    struct pattern_scratch pattern;
    struct tok_effort *effort; /* of the text; not its own */
    bool failed;               /* no memory, too much effort, or an expression that takes too long */
};
void tok_normalizer_scratch_release(struct normalizer_scratch *s);

/* spec: NULL or null for none. charsmap: for a Precompiled that brings none. */
bool tok_normalizer_init(struct normalizer *n, const json_t *spec, struct hone_text charsmap,
                         struct complaint *c);
void tok_normalizer_release(struct normalizer *n);

/* Normalizes a piece (valid UTF-8), which from then on points to what it did or into the scratch, whose `failed` must be
 * looked at, as its effort must be set. Where its first character was dropped it is not in front anymore. */
void tok_normalizer_run(const struct normalizer *n, struct tok_piece *piece, struct normalizer_scratch *s);

#endif
