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

#define MOST_NESTED 32

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

/* name(key=value, ...) at i; its end, or 0. */
static size_t read_python_call(struct tool_reader *r, size_t i)
{
    struct reply_buffer out = {0};
    size_t n, at;
    const json_t *function = tool_offered_at(r, i, &n);
    if (!function || i + n >= r->size || r->text[i + n] != '(')
        return 0;
    reply_buffer_text(&out, "{");
    for (at = tool_skip_blanks(r, i + n + 1); at && at < r->size && r->text[at] != ')';) {
        size_t key = at;
        while (tool_goes_on(r, at))
            at++;
        size_t equals = tool_skip_blanks(r, at);
        if (at == key || equals == r->size || r->text[equals] != '=') {
            at = 0;
            break;
        }
        reply_buffer_text(&out, out.size > 1 ? "," : "");
        reply_buffer_json_text(&out, (struct hone_text){r->text + key, at - key});
        reply_buffer_text(&out, ":");
        at = read_value(r, tool_skip_blanks(r, equals + 1), &out, 0);
        at = at ? tool_skip_blanks(r, at) : 0;
        if (at && at < r->size && r->text[at] == ',')
            at = tool_skip_blanks(r, at + 1);
        else if (at && (at == r->size || r->text[at] != ')'))
            at = 0;
    }
    reply_buffer_write(&out, "}", 2); /* with the NUL */
    if (at && at < r->size && !out.failed && tool_add(r, json_object_get(function, "name"), out.data))
        return at + 1;
    if (!at || at >= r->size || out.failed)
        reply_buffer_release(&out);
    return 0;
}

/* The list of calls at i; its end, or i. */
size_t tool_read_python(struct tool_reader *r, size_t i)
{
    size_t before = json_array_size(r->calls), at = i;
    if (r->text[at] != '[')
        return i;
    do {
        at = read_python_call(r, tool_skip_blanks(r, at + 1));
        at = at ? tool_skip_blanks(r, at) : 0;
    } while (at && at < r->size && r->text[at] == ',');
    if (at && at < r->size && r->text[at] == ']')
        return at + 1;
    while (json_array_size(r->calls) > before)
        json_array_remove(r->calls, json_array_size(r->calls) - 1);
    return i;
}
