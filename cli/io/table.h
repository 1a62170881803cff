/* Tables for the eye: aligned columns, no wider than the terminal, a plain heading. */
#ifndef CLI_IO_TABLE_H
#define CLI_IO_TABLE_H

#include "cli/io/output.h"

struct table_column {
    const char *title;
    size_t width; /* columns; the last one takes what is left */
    bool right;   /* numbers */
};

struct table {
    struct output *o;
    const struct table_column *columns;
    size_t n_columns;
    size_t at;    /* the next cell's column */
    size_t width; /* of the terminal; SIZE_MAX where the output is none */
    size_t used;  /* columns of the row so far */
    bool bold;    /* in the heading */
};

/* `columns` must live as long as the table. Their titles are written above it, with `heading`. */
void table_begin(struct table *t, struct output *o, const struct table_column *columns, size_t n_columns,
                 bool heading);

/* The next cell, from left to right; the last column's ends the row. Control characters do not get through. */
void table_cell(struct table *t, struct hone_text text);
void table_format(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether o is a terminal that takes colours, and how wide it is (SIZE_MAX: no terminal). */
bool table_has_colour(const struct output *o);
size_t table_width(const struct output *o);

#endif
