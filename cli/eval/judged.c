#include "cli/eval/judged.h"
#include "cli/io/records.h"
#include "cli/io/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FIELDS 8 /* a line of TREC has four, or six; what is behind them is let alone */

/* Parts of a line with spaces or tabs between them, NUL-terminated, in `copy`. */
static size_t split(char *copy, char *fields[MAX_FIELDS])
{
    size_t n = 0;
    char *rest = NULL;
    for (char *f = strtok_r(copy, " \t\r", &rest); f && n < MAX_FIELDS; f = strtok_r(NULL, " \t\r", &rest))
        fields[n++] = f;
    return n;
}

/* One that a double holds exactly, and an integer, too. */
static bool is_whole(double x)
{
    return fabs(x) < 1e15 && x == trunc(x);
}

static bool put(json_t *all, const char *query, const char *document, const char *number, bool whole)
{
    char *end;
    json_t *of_query = json_object_get(all, query);
    double x = strtod(number, &end);
    if (end == number || *end || (whole && !is_whole(x)))
        return false;
    if (!of_query) {
        of_query = json_object();
        if (json_object_set_new(all, query, of_query) != 0)
            return false;
    }
    return json_object_set_new(of_query, document, whole ? json_integer((json_int_t)x) : json_real(x)) == 0;
}

static bool put_qrel(json_t *all, char *const *f, size_t n)
{
    return (n == 4 && put(all, f[0], f[2], f[3], true)) || (n == 3 && put(all, f[0], f[1], f[2], true));
}

static bool put_result(json_t *all, char *const *f, size_t n)
{
    return n == 6 && put(all, f[0], f[2], f[4], false);
}

static enum hone_status read_table(json_t *all, const char *path,
                                   bool (*take)(json_t *, char *const *, size_t), const char *form)
{
    static const enum input_format text = INPUT_TEXT;
    static struct lines l;
    char *const paths[] = {(char *)path};
    enum hone_status status = lines_open(&l, paths, 1, &text);
    if (status != HONE_OK)
        return status;
    while (status == HONE_OK && lines_next(&l))
        for (size_t i = 0; i < l.n && status == HONE_OK; i++) {
            char *fields[MAX_FIELDS], *copy = strndup(l.texts[i].data, l.texts[i].size);
            size_t n = copy ? split(copy, fields) : 0;
            bool names = l.numbers[i] == 1 && n == 3 && strcmp(fields[2], "score") == 0;
            if (n > 0 && !names && !take(all, fields, n))
                status = report_error(HONE_USAGE, "%s: line %zu: expected %s", path, l.numbers[i], form);
            free(copy);
        }
    if (l.failed && status == HONE_OK)
        status = HONE_FAILED;
    lines_close(&l);
    return status;
}

enum hone_status judged_read_qrels(json_t **out, const char *path)
{
    *out = json_object();
    return read_table(*out, path, put_qrel,
                      "'QUERY 0 DOCUMENT GRADE', or QUERY, DOCUMENT and GRADE with tabs");
}

enum hone_status judged_read_run(json_t **out, const char *path)
{
    *out = json_object();
    return read_table(*out, path, put_result, "'QUERY Q0 DOCUMENT RANK SCORE NAME'");
}

/* ---- texts ---- */

static bool put_text(json_t *all, const json_t *row, const json_t *wanted)
{
    const json_t *id = json_object_get(row, "_id"), *text = json_object_get(row, "text");
    const json_t *title = json_object_get(row, "title");
    id = id ? id : json_object_get(row, "id");
    if (!json_is_string(id) || !json_is_string(text))
        return false;
    if (wanted && !json_object_get(wanted, json_string_value(id)))
        return true;
    bool titled = json_string_length(title) > 0;
    return json_object_set_new(all, json_string_value(id),
                               titled
                                   ? json_sprintf("%s %s", json_string_value(title), json_string_value(text))
                                   : json_string(json_string_value(text))) == 0;
}

enum hone_status judged_read_texts(json_t **out, const char *path, const json_t *wanted)
{
    static struct lines l;
    struct records records = {.columns = {"text"}, .n_columns = 1};
    char *const paths[] = {(char *)path};
    *out = json_object();
    enum hone_status status = lines_open(&l, paths, 1, NULL);
    if (status != HONE_OK)
        return status;
    while (status == HONE_OK && lines_next(&l)) {
        records_find(&records, &l);
        for (size_t i = 0; i < l.n && status == HONE_OK; i++)
            if (l.why[i] || (!l.refused[i] && !put_text(*out, l.rows[i], wanted)))
                status = report_error(HONE_USAGE, "%s: line %zu: expected strings '_id' and 'text'", path,
                                      l.numbers[i]);
    }
    if (l.failed && status == HONE_OK)
        status = HONE_FAILED;
    lines_close(&l);
    return status;
}
