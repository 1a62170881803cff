/* Text that may hold anything, as JSON and for the eye. */
#ifndef CLI_IO_TEXT_H
#define CLI_IO_TEXT_H

#include "cli/io/output.h"

/* The character that s (n > 0 bytes) begins with: its length in bytes, and in *c its code point, or U+FFFD with the
 * length of the maximal invalid part. */
size_t text_next(const char *s, size_t n, int32_t *c);

/* As a JSON string, quotes included; invalid UTF-8 is written as U+FFFD. */
void text_write_json(struct output *o, struct hone_text text);

/* As a JSON number that reads back as the same float32; null for what is not finite. */
void text_write_json_float(struct output *o, float x);
/* Of a logit the score. */
void text_write_json_sigmoid(struct output *o, float logit);

/* For a terminal: control characters, tabs and line breaks become spaces. At most `columns` wide (an ellipsis ends
 * what was cut). Returns the columns taken. */
size_t text_write_plain(struct output *o, struct hone_text text, size_t columns);

/* Columns that text_write_plain would take without a limit. */
size_t text_columns(struct hone_text text);

struct hone_text text_from(const char *s);

/* Whether it is spaces, tabs and carriage returns alone. */
bool text_is_blank(struct hone_text text);

/* A copy with U+FFFD in place of what is not UTF-8, *size bytes, NUL-terminated, to be freed; NULL: out of memory. */
char *text_valid(struct hone_text text, size_t *size);

#endif
