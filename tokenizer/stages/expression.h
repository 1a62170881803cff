/* Regular expressions in Ruby's syntax, as Oniguruma reads them, in PCRE2's. */
#ifndef TOKENIZER_STAGES_EXPRESSION_H
#define TOKENIZER_STAGES_EXPRESSION_H

#include "runtime/base/buffer.h"
#include "tokenizer/component.h"

/* Appends the expression as PCRE2 is to have it (UTF, UCP, MULTILINE). What means something else there is rewritten;
 * what cannot be is refused. *categories: whether it asks for kinds of characters, so that tok_expression_subject is needed. */
bool tok_expression_translate(struct hone_text expression, struct buffer *out, bool *categories,
                              struct complaint *c);

/* PCRE2 may know fewer characters than Oniguruma, or count one as white space that is none. Such characters in a text
 * are replaced by others of the same category and as many bytes. Returns text, or a copy in `work`. */
const char *tok_expression_subject(const char *text, size_t size, struct buffer *work);

#endif
