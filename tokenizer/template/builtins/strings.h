/* What both filters and methods do with texts. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_STRINGS_H
#define TOKENIZER_TEMPLATE_BUILTINS_STRINGS_H

#include "tokenizer/template/run.h"

enum strip_sides { STRIP_START = 1, STRIP_END = 2 };

/* Without the characters of `chars` at its sides; none or missing: white space. */
struct jinja_value jinja_string_strip(struct jinja_run *r, struct jinja_value text, struct jinja_value chars,
                                      int sides);

/* At most `count` times, always where it is negative. */
struct jinja_value jinja_string_replace(struct jinja_run *r, struct jinja_value text, struct jinja_value from,
                                        struct jinja_value to, int64_t count);

/* With one of jinja_text_convert, jinja_text_capitalize, jinja_text_title (text.h). */
struct jinja_value jinja_string_upper(struct jinja_run *r, struct jinja_value text);
struct jinja_value jinja_string_lower(struct jinja_run *r, struct jinja_value text);
struct jinja_value jinja_string_capitalize(struct jinja_run *r, struct jinja_value text);
struct jinja_value jinja_string_title(struct jinja_run *r, struct jinja_value text);

/* str.isupper of the value as a text (sign 1), str.islower (-1): a letter of that case, and none of the other. */
struct jinja_value jinja_string_has_case(struct jinja_run *r, struct jinja_value v, int sign);

/* Lines without their ends, as str.splitlines. keep: with them. */
struct jinja_value jinja_string_lines(struct jinja_run *r, struct jinja_value text, bool keep);

/* A list of texts with `glue` between them; each item as jinja_print() has it where `any`, else all must be texts. */
struct jinja_value jinja_string_join(struct jinja_run *r, struct jinja_value glue, const struct list *list,
                                     bool any);

/* Fails unless the value is a text. */
bool jinja_is_text(struct jinja_run *r, struct jinja_value v, const char *who);
/* An integer argument, or `otherwise` where it is missing; fails for other kinds. */
int64_t jinja_integer_or(struct jinja_run *r, struct jinja_value v, int64_t otherwise);

#endif
