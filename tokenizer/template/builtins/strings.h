/* What both filters and methods do with texts. */
#ifndef TOKENIZER_TEMPLATE_BUILTINS_STRINGS_H
#define TOKENIZER_TEMPLATE_BUILTINS_STRINGS_H

#include "tokenizer/template/run.h"

enum strip_sides { STRIP_START = 1, STRIP_END = 2 };

/* Without the characters of `chars` at its sides; none or missing: white space. */
struct value string_strip(struct run *r, struct value text, struct value chars, int sides);

/* At most `count` times, always where it is negative. */
struct value string_replace(struct run *r, struct value text, struct value from, struct value to,
                            int64_t count);

/* With one of text_convert, text_capitalize, text_title (text.h). */
struct value string_upper(struct run *r, struct value text);
struct value string_lower(struct run *r, struct value text);
struct value string_capitalize(struct run *r, struct value text);
struct value string_title(struct run *r, struct value text);

/* str.isupper of the value as a text (sign 1), str.islower (-1): a letter of that case, and none of the other. */
struct value string_has_case(struct run *r, struct value v, int sign);

/* Lines without their ends, as str.splitlines. keep: with them. */
struct value string_lines(struct run *r, struct value text, bool keep);

/* A list of texts with `glue` between them; each item as print() has it where `any`, else all must be texts. */
struct value string_join(struct run *r, struct value glue, const struct list *list, bool any);

/* Fails unless the value is a text. */
bool is_text(struct run *r, struct value v, const char *who);
/* An integer argument, or `otherwise` where it is missing; fails for other kinds. */
int64_t integer_or(struct run *r, struct value v, int64_t otherwise);

#endif
