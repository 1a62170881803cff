/* A part of each item of a list, by the name of an attribute. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_PICK_H
#define TOKENIZER_TEMPLATE_BUILTINS_PICK_H

#include "tokenizer/template/run.h"

/* "a.b.0" names an attribute of an attribute's first item; an integer an item; none or missing the value itself. */
struct jinja_value jinja_pick(struct jinja_run *r, struct jinja_value item, struct jinja_value attribute);

/* A list of what jinja_pick() gives for each, of the same length. ignore_case: texts in lower case. */
struct list *jinja_pick_all(struct jinja_run *r, const struct list *list, struct jinja_value attribute,
                            bool ignore_case);

#endif
