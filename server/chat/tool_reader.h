/* Reads calls in an answer's text, at places where they may be: for tools.c. */
#ifndef SERVER_CHAT_TOOL_READER_H
#define SERVER_CHAT_TOOL_READER_H

#include "server/chat/tools.h"

struct tool_reader {
    const struct tool_form *form;
    const json_t *tools;
    const char *id, *text;
    size_t size, n_before;
    bool lenient;
    json_t *calls; /* that were found */
    bool cut;      /* the last of them is not complete */
};

size_t tool_skip_blanks(const struct tool_reader *r, size_t i);
bool tool_is_at(const struct tool_reader *r, size_t i, const char *mark);
/* Where the mark is, from i on; size: nowhere. */
size_t tool_find(const struct tool_reader *r, size_t i, const char *mark);
/* Behind a mark and the blanks before it, where it is there; else i. */
size_t tool_skip_mark(const struct tool_reader *r, size_t i, const char *mark);
/* Whether a letter of a name stands at i. */
bool tool_goes_on(const struct tool_reader *r, size_t i);

/* Whether what the text ends with, from i on, is the beginning of the mark or of an offered name; at the text's end it is. */
bool tool_may_be(const struct tool_reader *r, size_t i, const char *mark);
bool tool_may_be_offered(const struct tool_reader *r, size_t i);

/* Of tools that were offered: the name of the i-th, or NULL; the function with a name, or whose whole name stands at i. */
const char *tool_name_of(const json_t *tools, size_t i);
const json_t *tool_offered(const json_t *tools, const char *name);
const json_t *tool_offered_at(const struct tool_reader *r, size_t i, size_t *size);

/* One more call. The arguments, JSON text or the beginning of one, are taken over; NULL: no memory. */
bool tool_add(struct tool_reader *r, const json_t *name, char *arguments);
/* The same of one that the text ends within. */
enum tool_found tool_add_begun(struct tool_reader *r, const json_t *name, char *arguments);

/* A literal of JSON or Python at i, or a text between the form's marks, as JSON; its end, or 0: there is none, or not
 * yet. depth: 0. */
size_t tool_read_literal(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth);
/* key: at i, which may stand bare where the form has it so; where its value begins, or 0. */
size_t tool_read_key(const struct tool_reader *r, size_t i, struct reply_buffer *out);
/* The schema of the property with this name; NULL: it says nothing of it. */
const json_t *tool_schema_of(const json_t *schema, struct hone_text key);
/* Appends what stands between tags, as JSON: a text where the schema wants one, or else what it can be read as. */
void tool_write_value(struct reply_buffer *out, const json_t *schema, struct hone_text value);

/* A call, or several, of that syntax at i, and where they end. */
enum tool_found tool_read_json(struct tool_reader *r, size_t i, size_t *end);
enum tool_found tool_read_named(struct tool_reader *r, size_t i, size_t *end);
enum tool_found tool_read_nested(struct tool_reader *r, size_t i, size_t *end);
enum tool_found tool_read_tags(struct tool_reader *r, size_t i, size_t *end);
enum tool_found tool_read_bare(struct tool_reader *r, size_t i, size_t *end);
enum tool_found tool_read_python(struct tool_reader *r, size_t i, size_t *end);

#endif
