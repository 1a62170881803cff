/* JSON as it was written: what a client or a model says goes on with its own numbers, and not with those that a double
 * prints. Everything returned is to be freed; NULL: no memory. */
#ifndef SERVER_HTTP_JSON_TEXT_H
#define SERVER_HTTP_JSON_TEXT_H

#include <hone.h>

#include <jansson.h>

/* A value, compact; reals as the shortest text that reads back as the same double, and what json_text_with_reals kept as it was
 * written. */
char *json_text(const json_t *value);

/* The text of valid JSON without blanks outside strings. */
char *json_text_compact(struct hone_text json);

/* The text of a member of an object, or of item i of a list, which are valid JSON; size 0: there is none. */
struct hone_text json_text_member(struct hone_text object, const char *name);
struct hone_text json_text_item(struct hone_text list, size_t i);

/* The same JSON, in which whole numbers that do not fit in 64 bits are reals: jansson takes these. The bounds of unsigned
 * integers in schemas are such. Those that a template is shown (in the arguments of a message's call, in tools, documents and
 * chat_template_kwargs) are digits that mean themselves, such as ids: they go on as they are, by way of json_text. */
char *json_text_with_reals(struct hone_text json, size_t *size);

#endif
