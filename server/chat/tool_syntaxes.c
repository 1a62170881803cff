/* Calls whose arguments are JSON. */
#include "server/chat/tool_reader.h"

#include "server/http/json_text.h"

#include <stdlib.h>
#include <string.h>

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

/* The name in an object of a call: its only key is one, where the form has no key for it. */
static const json_t *name_in(const struct tool_reader *r, const json_t *written)
{
    if (*r->form->name)
        return json_object_get(written, r->form->name);
    void *first = json_object_size(written) == 1 ? json_object_iter((json_t *)written) : NULL;
    const json_t *function = first ? tool_offered(r->tools, json_object_iter_key(first)) : NULL;
    return json_object_get(function, "name");
}

/* One call as the model wrote it: its arguments keep their numbers. */
static bool add_written(struct tool_reader *r, const json_t *written, struct hone_text text)
{
    const json_t *name = name_in(r, written), *said;
    const char *key = *r->form->arguments ? r->form->arguments : json_string_value(name);
    said = json_object_get(written, key);
    if (!tool_offered(r->tools, json_string_value(name)) || (said && !json_is_object(said)))
        return false;
    return tool_add(r, name, said ? json_text_compact(json_text_member(text, key)) : strdup("{}"));
}

/* Whether more text could make JSON of what was none: it ends too early, be it within a word or a number. */
static bool ends_early(const struct tool_reader *r, size_t i, const json_error_t *error)
{
    return json_error_code(error) == json_error_premature_end_of_input ||
           (json_error_code(error) == json_error_invalid_syntax && error->position >= 0 &&
            i + (size_t)error->position >= r->size);
}

/* An object that the text ends within, where the name is its only key: what there is of its arguments. */
static enum tool_found begin_keyed(struct tool_reader *r, struct hone_text object)
{
    for (size_t k = 0; k < json_array_size(r->tools); k++) {
        const char *name = tool_name_of(r->tools, k);
        struct hone_text arguments =
            name ? json_text_member(object, name) : (struct hone_text){object.data, 0};
        if (arguments.size > 0 && arguments.data[0] == '{')
            return tool_add_begun(r, json_object_get(tool_offered(r->tools, name), "name"),
                                  json_text_compact(arguments));
    }
    return TOOL_MAYBE;
}

/* The object that the text ends within, or that is no JSON: what there is of its arguments, once they have begun behind
 * the name of a tool. */
static enum tool_found begin_object(struct tool_reader *r, size_t i)
{
    struct hone_text object = {r->text + i, r->size - i};
    if (!*r->form->name)
        return begin_keyed(r, object);
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
