/* Calls whose arguments stand in brackets behind the name: name(key='text', other=1), as Python writes them, and
 * name{key:<|"|>text<|"|>,other:[1,2]}, with marks of its own around texts. */
#include "server/chat/tool_reader.h"

#include <string.h>

/* An argument at i as "key":value, whose end is at a comma or the closing bracket; 0: there is none, or not yet. */
typedef size_t (*argument_reader)(const struct tool_reader *r, size_t i, struct reply_buffer *out);

/* The argument at i, and the comma behind it; its end, or 0. */
static size_t read_argument(const struct tool_reader *r, size_t i, char close, argument_reader read,
                            struct reply_buffer *out)
{
    struct reply_buffer pair = {0};
    size_t end = read(r, i, &pair);
    end = end ? tool_skip_blanks(r, end) : 0;
    bool whole = end && end < r->size && (r->text[end] == ',' || r->text[end] == close);
    if (whole) {
        reply_buffer_text(out, out->size > 1 ? "," : "");
        reply_buffer_write(out, pair.data, pair.size);
    }
    out->failed = out->failed || pair.failed;
    reply_buffer_release(&pair);
    return whole ? tool_skip_blanks(r, end + (r->text[end] == ',')) : 0;
}

/* The call at i, between brackets of two letters. */
static enum tool_found read_call(struct tool_reader *r, size_t i, const char *brackets, argument_reader read,
                                 size_t *end)
{
    struct reply_buffer out = {0};
    size_t n, next;
    const json_t *function = tool_offered_at(r, i, &n);
    if (tool_may_be_offered(r, i)) /* or a longer name that begins so */
        return TOOL_MAYBE;
    if (!function || r->text[i + n] != brackets[0])
        return TOOL_NONE;
    size_t at = tool_skip_blanks(r, i + n + 1);
    reply_buffer_text(&out, "{");
    while (at < r->size && r->text[at] != brackets[1] &&
           (next = read_argument(r, at, brackets[1], read, &out)))
        at = next;
    bool whole = at < r->size && r->text[at] == brackets[1];
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

/* ---- name{key:value} ---------------------------------------------------------------------------------------------- */

static size_t read_pair(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    size_t at = tool_read_key(r, i, out);
    reply_buffer_text(out, ":");
    return at ? tool_read_literal(r, tool_skip_blanks(r, at), out, 0) : 0;
}

enum tool_found tool_read_bare(struct tool_reader *r, size_t i, size_t *end)
{
    return read_call(r, i, "{}", read_pair, end);
}

/* ---- [name(key=value)] -------------------------------------------------------------------------------------------- */

static size_t read_keyword(const struct tool_reader *r, size_t i, struct reply_buffer *out)
{
    size_t at = i;
    while (tool_goes_on(r, at))
        at++;
    size_t equals = tool_skip_blanks(r, at);
    if (at == i || equals == r->size || r->text[equals] != '=')
        return 0;
    reply_buffer_json_text(out, (struct hone_text){r->text + i, at - i});
    reply_buffer_text(out, ":");
    return tool_read_literal(r, tool_skip_blanks(r, equals + 1), out, 0);
}

/* The list of calls at i. */
enum tool_found tool_read_python(struct tool_reader *r, size_t i, size_t *end)
{
    enum tool_found found;
    if (r->text[i] != '[')
        return TOOL_NONE;
    *end = i;
    do {
        found = read_call(r, tool_skip_blanks(r, *end + 1), "()", read_keyword, end);
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
