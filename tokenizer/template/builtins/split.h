/* Texts in parts. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_SPLIT_H
#define TOKENIZER_TEMPLATE_BUILTINS_SPLIT_H

#include "tokenizer/template/run.h"

/* What stands before and behind the first place where `by` is, which is not empty, or the last one; false: it is
 * nowhere. */
bool text_cut(struct tok_text text, struct tok_text by, bool backward, struct tok_text *before,
              struct tok_text *behind);

/* Methods of texts, as method_text.c has them. v: the text, the separator, for splits how often at most. */
struct value string_split(struct run *r, const struct value *v);
struct value string_rsplit(struct run *r, const struct value *v);
struct value string_partition(struct run *r, const struct value *v);
struct value string_rpartition(struct run *r, const struct value *v);

#endif
