#include "cli/io/table.h"
#include "cli/io/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define GAP 2 /* columns between two cells */

bool table_has_colour(const struct output *o)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(o->fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}

size_t table_width(const struct output *o)
{
    struct winsize size;
    if (ioctl(o->fd, TIOCGWINSZ, &size) != 0)
        return SIZE_MAX;
    return size.ws_col ? size.ws_col : 80;
}

static void spaces(struct output *o, size_t n)
{
    output_format(o, "%*s", (int)n, "");
}

void table_begin(struct table *t, struct output *o, const struct table_column *columns, size_t n_columns,
                 bool heading)
{
    *t = (struct table){.o = o, .columns = columns, .n_columns = n_columns, .width = table_width(o)};
    if (!heading)
        return;
    t->bold = table_has_colour(o);
    output_text(o, t->bold ? "\033[1m" : "");
    for (size_t i = 0; i < n_columns; i++)
        table_cell(t, text_from(columns[i].title));
}

void table_cell(struct table *t, struct hone_text text)
{
    const struct table_column *column = &t->columns[t->at];
    bool last = ++t->at == t->n_columns;
    size_t room = column->width, width = text_columns(text);
    if (last)
        room = t->width > t->used ? t->width - t->used : 0;
    width = width < room ? width : room;
    if (column->right && !last)
        spaces(t->o, room - width);
    text_write_plain(t->o, text, room);
    t->used += room + GAP;
    if (!last) {
        spaces(t->o, (column->right ? 0 : room - width) + GAP);
        return;
    }
    output_text(t->o, t->bold ? "\033[0m\n" : "\n");
    t->at = t->used = 0;
    t->bold = false;
}

void table_format(struct table *t, const char *format, ...)
{
    char text[128];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    table_cell(t, text_from(text));
}
