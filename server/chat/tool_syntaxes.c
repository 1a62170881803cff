/* Calls whose arguments are JSON, or stand between tags. */
#include "server/chat/tool_reader.h"

#include "server/http/json_text.h"

#include <stdlib.h>
#include <string.h>

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

/* One call as the model wrote it: its arguments keep their numbers. */
static bool add_written(struct tool_reader *r, const json_t *written, struct hone_text text)
{
    const json_t *name = json_object_get(written, r->form->name);
    const json_t *arguments = json_object_get(written, r->form->arguments);
    if (!tool_offered(r->tools, json_string_value(name)) || (arguments && !json_is_object(arguments)))
        return false;
    return tool_add(r, name,
                    arguments ? json_text_compact(json_text_member(text, r->form->arguments)) : strdup("{}"));
}

/* Whether more text could make JSON of what was none: it ends too early, be it within a word or a number. */
static bool ends_early(const struct tool_reader *r, size_t i, const json_error_t *error)
{
    return json_error_code(error) == json_error_premature_end_of_input ||
           (json_error_code(error) == json_error_invalid_syntax && error->position >= 0 &&
            i + (size_t)error->position >= r->size);
}

/* The object that the text ends within, or that is no JSON: what there is of its arguments, once they have begun behind
 * the name of a tool. */
static enum tool_found begin_object(struct tool_reader *r, size_t i)
{
    struct hone_text object = {r->text + i, r->size - i};
    struct hone_text named = json_text_member(object, r->form->name);
    struct hone_text arguments = json_text_member(object, r->form->arguments);
    json_t *name = json_loadb(named.data, named.size, JSON_DECODE_ANY, NULL);
    enum tool_found found = TOOL_MAYBE;
    if (arguments.size > 0 && arguments.data[0] == '{' && tool_offered(r->tools, json_string_value(name)))
        found = tool_add_begun(r, name, json_text_compact(arguments));
    else if (json_is_string(name) && !tool_offered(r->tools, json_string_value(name)))
        found = TOOL_NONE;
    json_decref(name);
    return found;
}

/* One object at i. */
static enum tool_found read_object(struct tool_reader *r, size_t i, size_t *end)
{
    json_error_t error = {0};
    /* Reals have room for numbers of any size, which are not looked at here. */
    json_t *written =
        json_loadb(r->text + i, r->size - i, JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &error);
    enum tool_found found = TOOL_NONE;
    *end = i;
    if (!written)
        return r->text[i] == '{' && (r->lenient || ends_early(r, i, &error)) ? begin_object(r, i) : TOOL_NONE;
    if (add_written(r, written, (struct hone_text){r->text + i, (size_t)error.position})) {
        *end = i + (size_t)error.position;
        found = TOOL_WHOLE;
    }
    json_decref(written);
    return found;
}

/* [{...}, {...}] at i. */
static enum tool_found read_list(struct tool_reader *r, size_t i, size_t *end)
{
    for (*end = i + 1;; (*end)++) {
        *end = tool_skip_blanks(r, *end);
        if (*end == r->size)
            return json_array_size(r->calls) > 0 ? TOOL_BEGUN : TOOL_MAYBE;
        enum tool_found found = read_object(r, *end, end);
        if (found != TOOL_WHOLE)
            return found == TOOL_MAYBE && json_array_size(r->calls) > 0 ? TOOL_BEGUN : found;
        *end = tool_skip_blanks(r, *end);
        if (*end == r->size)
            return TOOL_BEGUN;
        if (r->text[*end] != ',')
            break;
    }
    *end += r->text[*end] == ']';
    return *end <= r->size && r->text[*end - 1] == ']' ? TOOL_WHOLE : TOOL_NONE;
}

enum tool_found tool_read_json(struct tool_reader *r, size_t i, size_t *end)
{
    enum tool_found found = r->text[i] == '[' ? read_list(r, i, end) : read_object(r, i, end);
    /* Several objects between one pair of marks (MiniMax). */
    for (size_t next; *r->form->open && r->text[i] == '{' && found == TOOL_WHOLE;) {
        next = tool_skip_blanks(r, *end);
        if (next == r->size || r->text[next] != '{')
            break;
        found = read_object(r, next, end);
        if (found == TOOL_NONE)
            return TOOL_WHOLE;
        found = found == TOOL_MAYBE ? TOOL_BEGUN : found;
    }
    return found;
}

/* ---- the name, and what follows it -------------------------------------------------------------------------------- */

#define MOST_BETWEEN                                                                                         \
    64 /* bytes between a name and its arguments: a call's id, the language of a block of code */

enum tool_found tool_read_named(struct tool_reader *r, size_t i, size_t *end)
{
    json_error_t error = {0};
    size_t n, at = i;
    const json_t *function = tool_offered_at(r, i, &n);
    if (tool_may_be_offered(r, i)) /* or a longer name that begins so */
        return TOOL_MAYBE;
    if (!function)
        return TOOL_NONE;
    at += n;
    while (at < r->size && at < i + n + MOST_BETWEEN && r->text[at] != '{')
        at++;
    if (at == r->size || r->text[at] != '{')
        return at == r->size ? TOOL_MAYBE : TOOL_NONE;
    json_t *written =
        json_loadb(r->text + at, r->size - at, JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &error);
    struct hone_text read = {r->text + at, written ? (size_t)error.position : r->size - at};
    const json_t *name = json_object_get(function, "name");
    enum tool_found found = TOOL_NONE;
    if (written)
        found = tool_add(r, name, json_text_compact(read)) ? TOOL_WHOLE : TOOL_NONE;
    else if (r->lenient || ends_early(r, at, &error))
        found = tool_add_begun(r, name, json_text_compact(read));
    json_decref(written);
    *end = at + read.size;
    return found;
}

/* ---- tags --------------------------------------------------------------------------------------------------------- */

/* Whether the schema says that it is a text; else it is JSON where it can be read as such. */
static bool is_text(const json_t *function, const char *key)
{
    const json_t *properties = json_object_get(json_object_get(function, "parameters"), "properties");
    const char *type = json_string_value(json_object_get(json_object_get(properties, key), "type"));
    return type && strcmp(type, "string") == 0;
}

/* Templates print what is no text as Python does, so models write it so, too; NULL: it is none of its words. */
static const char *python_word(struct hone_text value)
{
    static const char *const words[][2] = {{"True", "true"}, {"False", "false"}, {"None", "null"}};
    for (size_t i = 0; i < 3; i++)
        if (value.size == strlen(words[i][0]) && memcmp(value.data, words[i][0], value.size) == 0)
            return words[i][1];
    return NULL;
}

/* Appends "key": value. */
static void write_argument(struct reply_buffer *out, const json_t *function, struct hone_text key,
                           struct hone_text value)
{
    char *name = strndup(key.data, key.size);
    json_t *json = NULL;
    char *compact = NULL;
    const char *word = NULL;
    if (value.size > 0 && value.data[0] == '\n') {
        value.data++;
        value.size--;
    }
    if (value.size > 0 && value.data[value.size - 1] == '\n')
        value.size--;
    if (name && !is_text(function, name))
        json = json_loadb(value.data, value.size, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    if (json)
        compact = json_text_compact(value);
    else if (name && !is_text(function, name))
        word = python_word(value);
    reply_buffer_text(out, out->size > 1 ? "," : "");
    reply_buffer_json_text(out, key);
    reply_buffer_text(out, ":");
    if (compact || word)
        reply_buffer_text(out, compact ? compact : word);
    else
        reply_buffer_json_text(out, value);
    out->failed = out->failed || !name;
    json_decref(json);
    free(compact);
    free(name);
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
    size_t end = tool_find(r, value, form->value_close);
    if (end == r->size)
        return i;
    write_argument(out, function, (struct hone_text){r->text + key, key_end - key},
                   (struct hone_text){r->text + value, end - value});
    return end + strlen(form->value_close);
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
