/* Which ids of one or two texts are kept. */
#ifndef TOKENIZER_TRUNCATION_H
#define TOKENIZER_TRUNCATION_H

#include "tokenizer/component.h"

/* n[n_texts]: how many ids each text has, and after this keeps, so that they are at most `limit` in all, as tokenizers
 * does it. false with a sentence: not without emptying a text that is to be left alone. */
bool tok_truncation_fit(size_t n[2], size_t n_texts, size_t limit, enum tok_truncation strategy,
                        struct complaint *c);

#endif
