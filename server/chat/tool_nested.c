/* Calls whose arguments are elements, and what is in these, too: <key>value</key>, <key><item>1</item></key>, with a mark
 * of the template's own before each tag. */
#include "server/chat/tool_reader.h"

#include "runtime/base/text.h"

#include <string.h>

#define MOST_NESTED  64 /* elements within each other: the reader calls itself */
#define MOST_BETWEEN 16 /* bytes between a name and its arguments: what closes the name's own tag */

/* A tag's name at i, behind key_open, and where the tag ends; 0: there is none, or not yet. */
static size_t read_tag(const struct tool_reader *r, size_t i, struct hone_text *name)
{
    size_t end = i;
    while (end < r->size && !strchr("<>/", r->text[end]))
        end++;
    *name = (struct hone_text){r->text + i, end - i};
    return end > i && end < r->size && r->text[end] == '>' ? end + 1 : 0;
}

/* The mark, and behind it the closing tag of that name, at i; its end, or 0. */
static size_t read_end(const struct tool_reader *r, size_t i, struct hone_text name)
{
    size_t at = i + strlen(r->form->key_open);
    if (!tool_is_at(r, i, r->form->key_open) || at + name.size + 2 > r->size || r->text[at] != '/' ||
        memcmp(r->text + at + 1, name.data, name.size) != 0 || r->text[at + 1 + name.size] != '>')
        return 0;
    return at + name.size + 2;
}

static size_t read_element(const struct tool_reader *r, size_t i, const json_t *schema,
                           struct hone_text *name, struct reply_buffer *out, int depth);

/* Elements, from i on; a list where they are called so and no object is wanted. Where they end, or 0. */
static size_t read_elements(const struct tool_reader *r, size_t i, const json_t *schema,
                            struct reply_buffer *out, int depth)
{
    struct reply_buffer inner = {0};
    const json_t *items = json_object_get(schema, "items");
    bool list = true;
    size_t next = 0;
    for (size_t n = 0;; n++) {
        struct hone_text name;
        struct reply_buffer value = {0};
        size_t start = tool_skip_blanks(r, i);
        next = tool_is_at(r, start, r->form->key_open) && r->text[start + strlen(r->form->key_open)] != '/'
                   ? read_element(r, start, items ? items : schema, &name, &value, depth)
                   : 0;
        if (next) {
            bool item = text_is(name, "item");
            list = n == 0 ? item && !json_object_get(schema, "properties") : list;
            reply_buffer_text(&inner, n ? "," : "");
            if (!list) {
                reply_buffer_json_text(&inner, name);
                reply_buffer_text(&inner, ":");
            }
            reply_buffer_write(&inner, value.data, value.size);
        }
        inner.failed = inner.failed || value.failed;
        reply_buffer_release(&value);
        if (!next)
            break;
        i = next;
    }
    reply_buffer_text(out, list ? "[" : "{");
    reply_buffer_write(out, inner.data, inner.size);
    reply_buffer_text(out, list ? "]" : "}");
    out->failed = out->failed || inner.failed;
    reply_buffer_release(&inner);
    return tool_skip_blanks(r, i);
}

/* The element whose mark stands at i, its name and its value as JSON; its end, or 0: there is none, or not yet. schema: of
 * its own, where a list is read, or of the object that it is in. */
static size_t read_element(const struct tool_reader *r, size_t i, const json_t *schema,
                           struct hone_text *name, struct reply_buffer *out, int depth)
{
    size_t at = read_tag(r, i + strlen(r->form->key_open), name), end;
    if (!at || depth > MOST_NESTED)
        return 0;
    const json_t *own = tool_schema_of(schema, *name);
    if (!own && text_is(*name, "item"))
        own = schema;
    size_t first = tool_skip_blanks(r, at), mark = first + strlen(r->form->key_open);
    if (tool_is_at(r, first, r->form->key_open) && mark < r->size && r->text[mark] != '/') {
        end = read_elements(r, first, own, out, depth + 1);
        return read_end(r, end, *name);
    }
    for (end = tool_find(r, at, r->form->key_open); end < r->size && !read_end(r, end, *name);)
        end = tool_find(r, end + 1, r->form->key_open);
    if (end == r->size)
        return 0;
    tool_write_value(out, own, (struct hone_text){r->text + at, end - at});
    return read_end(r, end, *name);
}

/* "key": value of the argument at i; its end, or 0. */
static size_t read_argument(const struct tool_reader *r, size_t i, const json_t *function,
                            struct reply_buffer *out)
{
    struct reply_buffer value = {0};
    struct hone_text name;
    size_t end = read_element(r, i, json_object_get(function, "parameters"), &name, &value, 0);
    if (end) {
        reply_buffer_text(out, out->size > 1 ? "," : "");
        reply_buffer_json_text(out, name);
        reply_buffer_text(out, ":");
        reply_buffer_write(out, value.data, value.size);
    }
    out->failed = out->failed || value.failed;
    reply_buffer_release(&value);
    return end;
}

enum tool_found tool_read_nested(struct tool_reader *r, size_t i, size_t *end)
{
    struct reply_buffer out = {0};
    size_t n, next;
    const json_t *function = tool_offered_at(r, i, &n), *name = json_object_get(function, "name");
    if (tool_may_be_offered(r, i)) /* or a longer name that begins so */
        return TOOL_MAYBE;
    if (!function)
        return TOOL_NONE;
    size_t at = tool_find(r, i + n, r->form->key_open);
    if (at == r->size)
        return r->size - i - n < MOST_BETWEEN + strlen(r->form->key_open) ? TOOL_MAYBE : TOOL_NONE;
    if (at - i - n > MOST_BETWEEN)
        return TOOL_NONE;
    reply_buffer_text(&out, "{");
    while (tool_is_at(r, at, r->form->key_open) && !tool_is_at(r, at, r->form->close) &&
           (next = read_argument(r, at, function, &out)))
        at = tool_skip_blanks(r, next);
    bool whole = tool_is_at(r, at, r->form->close);
    reply_buffer_write(&out, "}", whole);
    reply_buffer_write(&out, "", 1);
    *end = at + (whole ? strlen(r->form->close) : 0);
    if (out.failed) {
        reply_buffer_release(&out);
        return TOOL_NONE;
    }
    if (!whole)
        return tool_add_begun(r, name, out.data);
    return tool_add(r, name, out.data) ? TOOL_WHOLE : TOOL_NONE;
}
