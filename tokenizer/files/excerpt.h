/* The beginning of a text that is far too long. Between an ASCII letter and a lone space with a letter behind it, most
 * pipelines cut text in any case, and what follows has no effect on what is before: the ids of the beginning are those
 * that the whole text's begin with. */
#ifndef TOKENIZER_FILES_EXCERPT_H
#define TOKENIZER_FILES_EXCERPT_H

#include "tokenizer/component.h"
#include "tokenizer/models/vocab.h"

/* Whether that is so: no token spans such a place, and no part of the pipeline looks across it. */
bool tok_excerpt_is_exact(const json_t *pipeline, const struct vocab *vocab);

/* The last such place at or before byte `at`, which is less than text.size, and not long before; 0: there is none. */
size_t tok_excerpt_end(struct hone_text text, size_t at);

#endif
