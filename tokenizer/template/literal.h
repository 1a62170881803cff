/* The literals of a template: Python's numbers and strings. */
#ifndef TOKENIZER_TEMPLATE_LITERAL_H
#define TOKENIZER_TEMPLATE_LITERAL_H

#include "tokenizer/template/value.h"

/* Each reads what starts at p, before end, and returns what is behind it, or NULL with what is wrong in *error.
 * A string starts with its quote; a number with a digit, and p[-1] can be read. */
const char *jinja_literal_string(struct arena *arena, const char *p, const char *end, struct jinja_value *out,
                                 const char **error);
const char *jinja_literal_number(struct arena *arena, const char *p, const char *end, struct jinja_value *out,
                                 const char **error);

#endif
