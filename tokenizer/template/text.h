/* Text as Python's str sees it: white space, characters, upper and lower case. All text is valid UTF-8. */
#ifndef TOKENIZER_TEMPLATE_TEXT_H
#define TOKENIZER_TEMPLATE_TEXT_H

#include "runtime/base/buffer.h"
#include "runtime/base/error.h"

/* str.isspace of one character. */
bool jinja_text_is_space(uint32_t point);
/* What str.splitlines splits at. */
bool jinja_text_is_line_end(uint32_t point);

/* The first byte from p on that does not belong to white space. */
const char *jinja_text_skip_space(const char *p, const char *end);
/* The end of the text start..end without the white space at its end. */
const char *jinja_text_trim_end(const char *start, const char *end);

/* Characters. */
size_t jinja_text_length(struct hone_text text);
/* The bytes before character i; all of them where there are fewer. */
size_t jinja_text_offset(struct hone_text text, size_t i);

enum text_case { TEXT_UPPER, TEXT_LOWER, TEXT_TITLE };

/* Appends the text in another case, each character by itself, but for the final sigma. */
void jinja_text_convert(struct buffer *out, struct hone_text text, enum text_case to);
/* str.capitalize: the first character in title case, the others lower. */
void jinja_text_capitalize(struct buffer *out, struct hone_text text);
/* str.title: each run of letters capitalised. */
void jinja_text_title(struct buffer *out, struct hone_text text);

/* Has upper and lower case: 1 upper (or title), -1 lower, 0 neither. */
int jinja_text_case_of(uint32_t point);

#endif
