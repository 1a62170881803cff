/* The formats of strings that are understood, as regular expressions. */
#ifndef RUNTIME_GENERATE_GRAMMAR_SCHEMA_FORMATS_H
#define RUNTIME_GENERATE_GRAMMAR_SCHEMA_FORMATS_H

#include <stddef.h>

/* Matches a whole text, of at most *max characters (0: any number); NULL: the format is unknown. */
const char *format_expression(const char *name, size_t size, unsigned *max);

#endif
