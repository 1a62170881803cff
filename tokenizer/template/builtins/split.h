/* Texts in parts. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_SPLIT_H
#define TOKENIZER_TEMPLATE_BUILTINS_SPLIT_H

#include "tokenizer/template/run.h"

/* What stands before and behind the first place where `by` is, which is not empty, or the last one; false: it is
 * nowhere. */
bool jinja_text_cut(struct hone_text text, struct hone_text by, bool backward, struct hone_text *before,
                    struct hone_text *behind);

/* Methods of texts, as method_text.c has them. v: the text, the separator, for splits how often at most. */
struct jinja_value jinja_string_split(struct jinja_run *r, const struct jinja_value *v);
struct jinja_value jinja_string_rsplit(struct jinja_run *r, const struct jinja_value *v);
struct jinja_value jinja_string_partition(struct jinja_run *r, const struct jinja_value *v);
struct jinja_value jinja_string_rpartition(struct jinja_run *r, const struct jinja_value *v);

#endif
