#include "cli/io/table_row.h"
#include "cli/io/text.h"

#include <stdlib.h>
#include <string.h>

/* A quote opens a field only at its start; a line break ends a row only outside. */
const char *table_row_end(struct row_scan *scan, const char *data, size_t n, char between)
{
    for (; scan->at < n; scan->at++) {
        char c = data[scan->at];
        if (scan->state == ROW_QUOTED)
            scan->state = c == '"' ? ROW_CLOSED : ROW_QUOTED;
        else if (c == '"' && scan->state != ROW_PLAIN)
            scan->state = ROW_QUOTED; /* it opens a field, or is the second of two inside */
        else if (c == '\n')
            return data + scan->at;
        else
            scan->state = c == between ? ROW_START : ROW_PLAIN;
    }
    return NULL;
}

/* The field at *p up to `end`, unquoted, into out; *p ends behind it. */
static const char *read_field(const char **p, const char *end, char between, char *out, size_t *n)
{
    const char *s = *p;
    *n = 0;
    if (s < end && *s == '"') {
        for (s++;; s++) {
            if (s == end)
                return "a quote that begins a field is never closed";
            if (*s == '"' && s + 1 < end && s[1] == '"')
                s++;
            else if (*s == '"')
                break;
            out[(*n)++] = *s;
        }
        s++;
        if (s < end && *s != between && !(*s == '\r' && s + 1 == end))
            return "behind the quote that ends a field there is more than a separator";
    } else {
        for (; s < end && *s != between; s++)
            out[(*n)++] = *s;
    }
    *p = s;
    return NULL;
}

static bool add(json_t *row, const json_t *names, size_t i, const char *text, size_t n)
{
    char *valid = text_valid((struct hone_text){text, n}, &n);
    json_t *value = valid ? json_stringn_nocheck(valid, n) : NULL;
    free(valid);
    return names ? json_object_set_new_nocheck(row, json_string_value(json_array_get(names, i)), value) == 0
                 : json_array_append_new(row, value) == 0;
}

json_t *table_row_read(const char *data, size_t n, char between, const json_t *names, const char **why)
{
    const char *p = data, *end = data + n;
    json_t *row = names ? json_object() : json_array();
    char *field = malloc(n + 1);
    size_t i = 0, size;
    if (n > 0 && end[-1] == '\r')
        end--;
    *why = row && field ? NULL : "out of memory";
    for (bool more = true; more && !*why; i++) {
        *why = read_field(&p, end, between, field, &size);
        if (!*why && names && i >= json_array_size(names))
            *why = "there are more fields than the header has names";
        if (!*why && !add(row, names, i, field, size))
            *why = "out of memory, or a name that comes twice";
        more = p < end;
        p += more;
    }
    if (!*why && names && i < json_array_size(names))
        *why = "there are fewer fields than the header has names";
    free(field);
    if (!*why)
        return row;
    json_decref(row);
    return NULL;
}
