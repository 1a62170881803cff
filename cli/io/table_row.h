/* Rows of csv and tsv (RFC 4180): fields with commas or tabs between them; one in quotes may hold these, line breaks, and
 * quotes that are doubled. */
#ifndef CLI_IO_TABLE_ROW_H
#define CLI_IO_TABLE_ROW_H

#include <jansson.h>
#include <stddef.h>

/* How far the end of a row has been looked for; zero: not at all. */
struct row_scan {
    size_t at; /* bytes that have been looked at */
    enum {
        ROW_START,
        ROW_PLAIN,
        ROW_QUOTED,
        ROW_CLOSED
    } state; /* of the field; CLOSED: just behind a quote inside one */
};

/* The line feed that ends the first row of data [n]; NULL: it is not there, and *scan goes on where it ended, once there
 * is more. */
const char *table_row_end(struct row_scan *scan, const char *data, size_t n, char between);

/* The row data [n], without its line feed: an array of strings, or with `names` (such an array) an object by them. NULL:
 * *why says what is wrong with it. Invalid UTF-8 becomes U+FFFD. */
json_t *table_row_read(const char *data, size_t n, char between, const json_t *names, const char **why);

#endif
