/* Grapheme clusters: what a reader takes for one character (UAX #29, extended). */
#ifndef TOKENIZER_TEXT_GRAPHEME_H
#define TOKENIZER_TEXT_GRAPHEME_H

#include <stddef.h>

/* The end of the cluster that begins at `at` < size, which is the start of a cluster; text is valid UTF-8. */
size_t tok_grapheme_end(const char *text, size_t size, size_t at);

#endif
