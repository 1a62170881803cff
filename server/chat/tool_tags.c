/* Calls whose arguments stand between tags. */
#include "server/chat/tool_reader.h"

#include <string.h>

#define MOST_BETWEEN 64 /* bytes between a name and its arguments */

/* Appends "key": value. */
static void write_argument(struct reply_buffer *out, const json_t *function, struct hone_text key,
                           struct hone_text value)
{
    const json_t *schema = tool_schema_of(json_object_get(function, "parameters"), key);
    if (value.size > 0 && value.data[0] == '\n') {
        value.data++;
        value.size--;
    }
    if (value.size > 0 && value.data[value.size - 1] == '\n')
        value.size--;
    reply_buffer_text(out, out->size > 1 ? "," : "");
    reply_buffer_json_text(out, key);
    reply_buffer_text(out, ":");
    tool_write_value(out, schema, value);
}

/* Where the value ends that begins at *value, which goes on behind the mark of XML's plain text (MiniCPM5). */
static size_t find_value_end(const struct tool_reader *r, size_t *value)
{
    static const char plain[] = "<![CDATA[", plain_end[] = "]]>";
    size_t at = tool_skip_blanks(r, *value);
    if (!tool_is_at(r, at, plain))
        return tool_find(r, *value, r->form->value_close);
    *value = at + strlen(plain);
    return tool_find(r, *value, plain_end);
}

/* The next argument, from i on; its end, or i: there is none. */
static size_t read_argument(struct tool_reader *r, size_t i, const json_t *function, struct reply_buffer *out)
{
    const struct tool_form *form = r->form;
    size_t key = tool_skip_mark(r, i, form->key_open), key_end = tool_find(r, key, form->key_close);
    if (key == i || key_end == r->size)
        return i;
    size_t value = key_end + strlen(form->key_close), tag = form->attributes ? tool_find(r, value, ">") : 0;
    if (form->attributes && tag == r->size)
        return i;
    value = form->attributes ? tag + 1 : value;
    size_t end = find_value_end(r, &value), close = tool_find(r, end, form->value_close);
    if (close == r->size)
        return i;
    write_argument(out, function, (struct hone_text){r->text + key, key_end - key},
                   (struct hone_text){r->text + value, end - value});
    return close + strlen(form->value_close);
}

enum tool_found tool_read_tags(struct tool_reader *r, size_t i, size_t *end)
{
    struct reply_buffer out = {0};
    size_t n, next;
    const json_t *function = tool_offered_at(r, i, &n);
    if (tool_may_be_offered(r, i)) /* or a longer name that begins so */
        return TOOL_MAYBE;
    if (!function)
        return TOOL_NONE;
    size_t at = i + n, tag = tool_find(r, at, r->form->key_open), close = tool_find(r, at, r->form->close);
    size_t first = tag < close ? tag : close, longest = strlen(r->form->key_open) > strlen(r->form->close)
                                                            ? strlen(r->form->key_open)
                                                            : strlen(r->form->close);
    if (first == r->size) /* either may have begun where it still counts */
        return r->size - at < MOST_BETWEEN + longest ? TOOL_MAYBE : TOOL_NONE;
    if (first - at > MOST_BETWEEN)
        return TOOL_NONE;
    if (tag < close)
        at = tag; /* what closes the name's own tag is passed over */
    reply_buffer_text(&out, "{");
    while ((next = read_argument(r, at, function, &out)) > at)
        at = next;
    /* An argument that has not ended may hold anything, the mark behind the call, too. */
    bool inside = tool_skip_mark(r, at, r->form->key_open) > at;
    close = inside ? r->size : tool_find(r, at, r->form->close);
    bool goes_on = close == r->size, far = !goes_on && close - at > MOST_BETWEEN;
    reply_buffer_write(&out, "}", goes_on ? 0 : 1);
    reply_buffer_write(&out, "", 1);
    if (far || out.failed) {
        reply_buffer_release(&out);
        return TOOL_NONE;
    }
    if (goes_on)
        return tool_add_begun(r, json_object_get(function, "name"), out.data);
    at = close + strlen(r->form->close);
    *end = tool_skip_mark(r, at, r->form->wrap_close);
    return tool_add(r, json_object_get(function, "name"), out.data) ? TOOL_WHOLE : TOOL_NONE;
}
