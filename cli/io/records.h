/* The texts of records: which columns of a row they are, what it is called, and what goes through as it is. */
#ifndef CLI_IO_RECORDS_H
#define CLI_IO_RECORDS_H

#include "cli/io/lines.h"
#include "cli/io/output.h"
#include "cli/options.h"

struct records {
    const char
        *columns[OPTION_LIST_MAX]; /* of the text; several are put together with a space between them */
    size_t n_columns;
    const char *pair; /* the column of the second text; NULL: there is none */
    const char *id;   /* the column that names a row; NULL: "id", or "_id" */
    bool chats;       /* a row may have "messages" instead of a text, which the caller looks at */
    bool keep;        /* all other columns are carried through, too */
    bool rows;        /* what is refused has a row, with "error" */
};

/* What the options say: --column, --pair, --pair-column, --id-column, --keep, --errors. HONE_USAGE has been reported. */
enum hone_status records_read_options(struct records *r, const struct options *options);
/* The format that they tell; NULL: none. */
const enum input_format *records_format(const struct options *options);

/* Finds the texts of a window of jsonl, csv or tsv; of plain text it splits pairs, where these are asked for. Rows that
 * have none are refused. A text lives as long as the window. */
void records_find(const struct records *r, struct lines *l);

/* What row i is called; NULL: nothing. */
const json_t *records_id(const struct records *r, const struct lines *l, size_t i);

/* Writes '{"index": 3, "id": ...' and, where r->keep says so, the other columns: the beginning of row i's result. */
void records_write_begin(const struct records *r, struct output *o, const struct lines *l, size_t i);
/* The same of a row that outlived its window: number `index`, NULL where it is a text alone. */
void records_write_row(const struct records *r, struct output *o, size_t index, json_t *row);
/* Where row i was refused, its row of the results, if there is to be one. False: it was not refused. */
bool records_write_refused(const struct records *r, struct output *o, const struct lines *l, size_t i);

#endif
