/* Lines that somebody types, with editing and a history on a terminal (libedit), or lines of standard input. */
#ifndef CLI_IO_LINE_EDITOR_H
#define CLI_IO_LINE_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

struct line_editor;

/* NULL: out of memory. */
struct line_editor *line_editor_open(void);
void line_editor_close(struct line_editor *e); /* NULL is allowed */

bool line_editor_is_terminal(const struct line_editor *e);

enum line_end { LINE_READ, LINE_INTERRUPTED, LINE_END };

/* The next line without its end, NUL-terminated, until the next call. The prompt is for terminals. LINE_INTERRUPTED: a
 * signal came, and what was typed is gone; LINE_END: there are no more. */
enum line_end line_editor_read(struct line_editor *e, const char *prompt, const char **line, size_t *size);

#endif
