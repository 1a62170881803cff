#include "cli/io/records.h"
#include "cli/io/report.h"
#include "cli/io/table_row.h"
#include "cli/io/text.h"
#include "runtime/base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WHY_SIZE 512 /* as hone_error's sentence */

/* ---- what the options say ---- */

const enum input_format *records_format(const struct options *options)
{
    static const enum input_format formats[] = {INPUT_TEXT, INPUT_JSONL, INPUT_CSV, INPUT_TSV};
    static const char *const names[] = {"text", "jsonl", "csv", "tsv"};
    const char *name = options->input_format ? options->input_format : options->jsonl ? "jsonl" : "auto";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0)
            return &formats[i];
    return NULL;
}

enum hone_status records_read_options(struct records *r, const struct options *options)
{
    *r = (struct records){.id = options->id_column,
                          .keep = options->keep,
                          .rows = options->errors && strcmp(options->errors, "rows") == 0};
    r->n_columns = options->columns.n;
    memcpy(r->columns, options->columns.items, sizeof r->columns);
    if (r->n_columns == 0)
        r->columns[r->n_columns++] = "text";
    if (options->pair)
        r->pair = options->pair_column ? options->pair_column : "text_pair";
    else if (options->pair_column)
        return report_error(HONE_USAGE, "--pair-column is for --pair");
    return HONE_OK;
}

/* ---- texts of a row ---- */

static void name_columns(const json_t *row, char *out, size_t size)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    out[0] = '\0';
    json_object_foreach ((json_t *)row, key, value) {
        int k = snprintf(out + n, size - n, "%s'%.60s'", n ? ", " : "", key);
        if (k < 0 || (size_t)k >= size - n)
            break;
        n += (size_t)k;
    }
}

static bool refuse_missing(struct lines *l, size_t i, const char *column)
{
    char why[WHY_SIZE], names[WHY_SIZE - 160];
    const json_t *value = json_object_get(l->rows[i], column);
    name_columns(l->rows[i], names, sizeof names);
    if (value)
        snprintf(why, sizeof why, "the column '%.60s' is %s, expected a string", column,
                 json_is_null(value) ? "null" : "no string");
    else
        snprintf(why, sizeof why, "there is no column '%.60s' (--column names another); there are: %s",
                 column, names);
    lines_refuse(l, i, why);
    return false;
}

static bool take_column(struct lines *l, size_t i, const char *column, struct hone_text *text)
{
    const json_t *value = json_object_get(l->rows[i], column);
    if (!json_is_string(value))
        return refuse_missing(l, i, column);
    *text = (struct hone_text){json_string_value(value), json_string_length(value)};
    return true;
}

#define JOINED                                                                                               \
    "\n" /* the key of what was put together, in the row that holds it: none that a header can have */

/* Several columns as one text, which the row keeps. */
static bool join_columns(const struct records *r, struct lines *l, size_t i, struct hone_text *text)
{
    struct hone_text parts[OPTION_LIST_MAX];
    size_t size = 0, n = 0;
    for (size_t k = 0; k < r->n_columns; k++) {
        if (!take_column(l, i, r->columns[k], &parts[k]))
            return false;
        size += parts[k].size + 1;
    }
    char *joined = malloc(size + 1);
    for (size_t k = 0; joined && k < r->n_columns; k++) {
        /* An empty title leaves no space behind. */
        if (n > 0 && parts[k].size > 0)
            joined[n++] = ' ';
        text_put(joined + n, parts[k]);
        n += parts[k].size;
    }
    json_t *kept = joined ? json_stringn_nocheck(joined, n) : NULL;
    free(joined);
    if (!kept || json_object_set_new_nocheck(l->rows[i], JOINED, kept) != 0) {
        lines_refuse(l, i, "out of memory");
        return false;
    }
    *text = (struct hone_text){json_string_value(kept), n};
    return true;
}

static void find_in_object(const struct records *r, struct lines *l, size_t i)
{
    struct hone_text text, pair = {"", 0};
    if (r->chats && json_is_array(json_object_get(l->rows[i], "messages"))) {
        l->texts[i] = pair;
        return;
    }
    bool found = r->n_columns == 1 ? take_column(l, i, r->columns[0], &text) : join_columns(r, l, i, &text);
    if (!found || (r->pair && !take_column(l, i, r->pair, &pair)))
        return;
    l->texts[i] = text;
    l->pairs[i] = pair;
}

/* ---- rows ---- */

static struct hone_text text_of(const json_t *json)
{
    return (struct hone_text){json_string_value(json), json_string_length(json)};
}

static void read_json(const struct records *r, struct lines *l, size_t i)
{
    json_error_t error;
    char why[sizeof error.text + 32];
    if (text_is_blank(l->texts[i])) {
        lines_skip(l, i);
        return;
    }
    json_t *json = json_loadb(l->texts[i].data, l->texts[i].size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    l->rows[i] = json;
    if (!json) {
        snprintf(why, sizeof why, "this is not JSON: %s", error.text);
        lines_refuse(l, i, why);
    } else if (json_is_object(json)) {
        find_in_object(r, l, i);
    } else if (!r->pair && json_is_string(json)) {
        l->texts[i] = text_of(json);
    } else if (r->pair && json_array_size(json) == 2 && json_is_string(json_array_get(json, 0)) &&
               json_is_string(json_array_get(json, 1))) {
        l->texts[i] = text_of(json_array_get(json, 0));
        l->pairs[i] = text_of(json_array_get(json, 1));
    } else {
        lines_refuse(l, i,
                     r->pair ? "expected a JSON object, or an array of two strings"
                             : "expected a JSON object, or a string");
    }
}

static void read_row(const struct records *r, struct lines *l, size_t i)
{
    const char *why;
    if (l->texts[i].size == 0 && json_array_size(l->header) > 1) {
        lines_skip(l, i);
        return;
    }
    l->rows[i] = table_row_read(l->texts[i].data, l->texts[i].size, l->format == INPUT_TSV ? '\t' : ',',
                                l->header, &why);
    if (l->rows[i])
        find_in_object(r, l, i);
    else
        lines_refuse(l, i, why);
}

void records_find(const struct records *r, struct lines *l)
{
    if (l->format == INPUT_TEXT && r->pair)
        lines_split_pairs(l);
    for (size_t i = 0; i < l->n && l->format != INPUT_TEXT; i++)
        if (!l->refused[i])
            (l->format == INPUT_JSONL ? read_json : read_row)(r, l, i);
}

/* ---- what goes through ---- */

static void write_json(struct output *o, const json_t *json)
{
    char *text = json_dumps(json, JSON_ENCODE_ANY | JSON_COMPACT);
    output_text(o, text ? text : "null");
    free(text);
}

static const json_t *id_of(const struct records *r, const json_t *row)
{
    if (r->id)
        return json_object_get(row, r->id);
    const json_t *id = json_object_get(row, "id");
    return id ? id : json_object_get(row, "_id");
}

const json_t *records_id(const struct records *r, const struct lines *l, size_t i)
{
    return id_of(r, l->rows[i]);
}

/* What hone itself writes under that name, or has written already. */
static bool is_own(const char *key, const json_t *value, const json_t *id)
{
    static const char *const ours[] = {"index",  "id",       "embedding", "tokens", "sparse",
                                       "labels", "entities", "score",     "error",  JOINED};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (strcmp(key, ours[i]) == 0)
            return true;
    return value == id;
}

void records_write_row(const struct records *r, struct output *o, size_t index, json_t *row)
{
    const char *key;
    json_t *value;
    const json_t *id = id_of(r, row);
    output_format(o, "{\"index\": %zu", index);
    if (id) {
        output_text(o, ", \"id\": ");
        write_json(o, id);
    }
    if (!r->keep || !json_is_object(row))
        return;
    json_object_foreach (row, key, value) {
        if (is_own(key, value, id))
            continue;
        output_text(o, ", ");
        text_write_json(o, text_from(key));
        output_text(o, ": ");
        write_json(o, value);
    }
}

void records_write_begin(const struct records *r, struct output *o, const struct lines *l, size_t i)
{
    records_write_row(r, o, l->index[i], l->rows[i]);
}

bool records_write_refused(const struct records *r, struct output *o, const struct lines *l, size_t i)
{
    if (!l->refused[i])
        return false;
    if (!r->rows || !l->why[i])
        return true;
    records_write_begin(r, o, l, i);
    output_text(o, ", \"error\": ");
    text_write_json(o, text_from(l->why[i]));
    output_text(o, "}\n");
    return true;
}
