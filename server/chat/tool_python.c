/* Calls as Python writes them. */
#include "server/chat/tool_reader.h"

#include <string.h>

/* A text between the quotes at i, as JSON; its end, or 0. */
static size_t read_quoted(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    static const char names[] = "ntr", values[] = "\n\t\r";
    struct reply_buffer said = {0};
    char quote = r->text[i++];
    for (; i < r->size && r->text[i] != quote; i++) {
        char c = r->text[i];
        if (c == '\\' && i + 1 < r->size) {
            const char *name = r->text[++i] ? strchr(names, r->text[i]) : NULL;
            c = name ? values[name - names] : r->text[i];
        }
        reply_buffer_write(&said, &c, 1);
    }
    reply_buffer_json_text(out, (struct hone_text){said.data ? said.data : "", said.size});
    out->failed = out->failed || said.failed;
    reply_buffer_release(&said);
    return i < r->size ? i + 1 : 0;
}

#define MOST_NESTED 32 /* lists and dictionaries: the reader calls itself */

static size_t read_value(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth);

/* [1, 2] or {'a': 1}, and (1, 2) as a list; its end, or 0. */
static size_t read_nested(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth)
{
    char open = r->text[i++], close = open == '{' ? '}' : open == '[' ? ']' : ')';
    reply_buffer_text(out, open == '{' ? "{" : "[");
    for (bool first = true;; first = false) {
        i = tool_skip_blanks(r, i);
        if (i < r->size && r->text[i] == close)
            break;
        if (!first && (i == r->size || r->text[i++] != ','))
            return 0;
        i = first ? i : tool_skip_blanks(r, i);
        reply_buffer_text(out, first ? "" : ",");
        if (open == '{') {
            i = i < r->size && strchr("'\"", r->text[i]) ? read_quoted(r, i, out) : 0;
            i = i ? tool_skip_blanks(r, i) : 0;
            if (!i || i == r->size || r->text[i++] != ':')
                return 0;
            reply_buffer_text(out, ":");
        }
        i = read_value(r, tool_skip_blanks(r, i), out, depth + 1);
        if (!i)
            return 0;
    }
    reply_buffer_text(out, open == '{' ? "}" : "]");
    return i + 1;
}

/* A literal of Python as JSON; its end, or 0: it is none. */
static size_t read_value(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth)
{
    static const char *const words[][2] = {{"True", "true"},   {"true", "true"}, {"False", "false"},
                                           {"false", "false"}, {"None", "null"}, {"null", "null"}};
    if (i >= r->size || depth > MOST_NESTED)
        return 0;
    if (strchr("'\"", r->text[i]))
        return read_quoted(r, i, out);
    if (strchr("[{(", r->text[i]))
        return read_nested(r, i, out, depth);
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (tool_is_at(r, i, words[k][0]) && !tool_goes_on(r, i + strlen(words[k][0]))) {
            reply_buffer_text(out, words[k][1]);
            return i + strlen(words[k][0]);
        }
    json_error_t error;
    json_t *number = json_loadb(r->text + i, r->size - i,
                                JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    size_t n = json_is_number(number) ? (size_t)error.position : 0;
    json_decref(number);
    reply_buffer_write(out, r->text + i, n);
    return n ? i + n : 0;
}

/* key=value at i; its end, or 0: there is none, or not yet. */
static size_t read_keyword(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    struct reply_buffer value = {0};
    size_t at = i;
    while (tool_goes_on(r, at))
        at++;
    size_t equals = tool_skip_blanks(r, at);
    if (at == i || equals == r->size || r->text[equals] != '=')
        return 0;
    size_t end = read_value(r, tool_skip_blanks(r, equals + 1), &value, 0);
    end = end ? tool_skip_blanks(r, end) : 0;
    bool whole = end && end < r->size && strchr(",)", r->text[end]);
    if (whole) {
        reply_buffer_text(out, out->size > 1 ? "," : "");
        reply_buffer_json_text(out, (struct hone_text){r->text + i, at - i});
        reply_buffer_text(out, ":");
        reply_buffer_write(out, value.data, value.size);
    }
    out->failed = out->failed || value.failed;
    reply_buffer_release(&value);
    return whole ? tool_skip_blanks(r, end + (r->text[end] == ',')) : 0;
}

/* name(key=value, ...) at i. */
static enum tool_found read_call(struct tool_reader *r, size_t i, size_t *end)
{
    struct reply_buffer out = {0};
    size_t n, next;
    const json_t *function = tool_offered_at(r, i, &n);
    if (tool_may_be_offered(r, i)) /* or a longer name that begins so */
        return TOOL_MAYBE;
    if (!function)
        return TOOL_NONE;
    if (r->text[i + n] != '(')
        return TOOL_NONE;
    size_t at = tool_skip_blanks(r, i + n + 1);
    reply_buffer_text(&out, "{");
    while (at < r->size && r->text[at] != ')' && (next = read_keyword(r, at, &out)))
        at = next;
    bool whole = at < r->size && r->text[at] == ')';
    reply_buffer_write(&out, "}", whole);
    reply_buffer_write(&out, "", 1);
    *end = at + whole;
    if (out.failed) {
        reply_buffer_release(&out);
        return TOOL_NONE;
    }
    const json_t *name = json_object_get(function, "name");
    if (!whole)
        return tool_add_begun(r, name, out.data);
    return tool_add(r, name, out.data) ? TOOL_WHOLE : TOOL_NONE;
}

/* The list of calls at i. */
enum tool_found tool_read_python(struct tool_reader *r, size_t i, size_t *end)
{
    enum tool_found found;
    if (r->text[i] != '[')
        return TOOL_NONE;
    *end = i;
    do {
        found = read_call(r, tool_skip_blanks(r, *end + 1), end);
        if (found != TOOL_WHOLE)
            return found == TOOL_MAYBE && json_array_size(r->calls) > 0 ? TOOL_BEGUN : found;
        *end = tool_skip_blanks(r, *end);
        if (*end == r->size)
            return TOOL_BEGUN;
    } while (r->text[*end] == ',');
    if (r->text[*end] != ']')
        return TOOL_NONE;
    ++*end;
    return TOOL_WHOLE;
}
