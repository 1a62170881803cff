/* The sentence of a failure. */
#ifndef TOKENIZER_TEXT_FAIL_H
#define TOKENIZER_TEXT_FAIL_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the sentence to why (cut to why_size) and returns false. */
bool tok_fail(char *why, size_t why_size, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool tok_no_memory(char *why, size_t why_size);

#endif
