/* Calls whose keys stand bare, and whose texts stand between marks: call:name{key:<|"|>text<|"|>,other:[1,2]}. */
#include "server/chat/tool_reader.h"

#include <string.h>

#define MOST_NESTED 32 /* lists and objects: the reader calls itself */

static size_t read_value(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth);

/* A text between two marks at i, as JSON; its end, or 0. */
static size_t read_quoted(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    size_t begin = i + strlen(r->form->value_close), end = tool_find(r, begin, r->form->value_close);
    if (end == r->size)
        return 0;
    reply_buffer_json_text(out, (struct hone_text){r->text + begin, end - begin});
    return end + strlen(r->form->value_close);
}

/* key: at i, bare or between marks; where its value begins, or 0. */
static size_t read_key(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    size_t at = i;
    if (tool_is_at(r, i, r->form->value_close)) {
        at = read_quoted(r, i, out);
    } else {
        while (at < r->size && !strchr(":,{}[]", r->text[at]))
            at++;
        reply_buffer_json_text(out, (struct hone_text){r->text + i, at - i});
    }
    return at > i && at < r->size && r->text[at] == ':' ? at + 1 : 0;
}

/* [1, 2] or {a: 1}; its end, or 0. */
static size_t read_nested(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth)
{
    char open = r->text[i++], close = open == '{' ? '}' : ']';
    reply_buffer_write(out, &open, 1);
    for (bool first = true;; first = false) {
        i = tool_skip_blanks(r, i);
        if (i < r->size && r->text[i] == close)
            break;
        if (!first && (i == r->size || r->text[i++] != ','))
            return 0;
        i = tool_skip_blanks(r, i);
        reply_buffer_text(out, first ? "" : ",");
        if (open == '{') {
            i = read_key(r, i, out);
            reply_buffer_text(out, ":");
        }
        i = i || open == '[' ? read_value(r, tool_skip_blanks(r, i), out, depth + 1) : 0;
        if (!i)
            return 0;
    }
    reply_buffer_write(out, &close, 1);
    return i + 1;
}

/* Its end, or 0: there is none, or not yet. */
static size_t read_value(const struct tool_reader *r, size_t i, struct reply_buffer *out, int depth)
{
    if (i >= r->size || depth > MOST_NESTED)
        return 0;
    if (tool_is_at(r, i, r->form->value_close))
        return read_quoted(r, i, out);
    if (strchr("[{", r->text[i]))
        return read_nested(r, i, out, depth);
    json_error_t error;
    json_t *value = json_loadb(r->text + i, r->size - i,
                               JSON_DISABLE_EOF_CHECK | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &error);
    size_t n = value ? (size_t)error.position : 0;
    json_decref(value);
    reply_buffer_write(out, r->text + i, n);
    return n ? i + n : 0;
}

/* key:value at i, and the comma behind it; its end, or 0. */
static size_t read_argument(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    struct reply_buffer pair = {0};
    size_t at = read_key(r, i, &pair);
    reply_buffer_text(&pair, ":");
    size_t end = at ? read_value(r, tool_skip_blanks(r, at), &pair, 0) : 0;
    end = end ? tool_skip_blanks(r, end) : 0;
    bool whole = end && end < r->size && strchr(",}", r->text[end]);
    if (whole) {
        reply_buffer_text(out, out->size > 1 ? "," : "");
        reply_buffer_write(out, pair.data, pair.size);
    }
    out->failed = out->failed || pair.failed;
    reply_buffer_release(&pair);
    return whole ? tool_skip_blanks(r, end + (r->text[end] == ',')) : 0;
}

enum tool_found tool_read_bare(struct tool_reader *r, size_t i, size_t *end)
{
    struct reply_buffer out = {0};
    size_t n, next;
    const json_t *function = tool_offered_at(r, i, &n);
    if (tool_may_be_offered(r, i)) /* or a longer name that begins so */
        return TOOL_MAYBE;
    if (!function || r->text[i + n] != '{')
        return TOOL_NONE;
    size_t at = tool_skip_blanks(r, i + n + 1);
    reply_buffer_text(&out, "{");
    while (at < r->size && r->text[at] != '}' && (next = read_argument(r, at, &out)))
        at = next;
    bool whole = at < r->size && r->text[at] == '}';
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
