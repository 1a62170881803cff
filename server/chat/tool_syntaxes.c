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

/* The JSON at i, several calls where it is a list; its end, or i: that is no call. */
size_t tool_read_json(struct tool_reader *r, size_t i)
{
    json_error_t error;
    size_t before = json_array_size(r->calls);
    /* Reals have room for numbers of any size, which are not looked at here. */
    json_t *written =
        json_loadb(r->text + i, r->size - i, JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &error);
    struct hone_text read = {r->text + i, written ? (size_t)error.position : 0};
    bool valid = written != NULL;
    for (size_t k = 0; valid && k < json_array_size(written); k++)
        valid = add_written(r, json_array_get(written, k), json_text_item(read, k));
    if (valid && !json_is_array(written))
        valid = add_written(r, written, read);
    valid = valid && json_array_size(r->calls) > before;
    while (!valid && json_array_size(r->calls) > before)
        json_array_remove(r->calls, json_array_size(r->calls) - 1);
    json_decref(written);
    return valid ? i + read.size : i;
}

/* ---- the name, and what follows it -------------------------------------------------------------------------------- */

#define MOST_BETWEEN                                                                                         \
    64 /* bytes between a name and its arguments: a call's id, the language of a block of code */

size_t tool_read_named(struct tool_reader *r, size_t i)
{
    json_error_t error;
    size_t n, at = i;
    const json_t *function = tool_offered_at(r, i, &n);
    if (!function)
        return i;
    at += n;
    while (at < r->size && at < i + n + MOST_BETWEEN && r->text[at] != '{')
        at++;
    if (at == r->size || r->text[at] != '{')
        return i;
    json_t *written =
        json_loadb(r->text + at, r->size - at, JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &error);
    struct hone_text read = {r->text + at, written ? (size_t)error.position : 0};
    bool added =
        json_is_object(written) && tool_add(r, json_object_get(function, "name"), json_text_compact(read));
    json_decref(written);
    if (!added)
        return i;
    at += read.size;
    return tool_skip_mark(r, at, "```");
}

/* ---- tags --------------------------------------------------------------------------------------------------------- */

/* Whether the schema says that it is a text; else it is JSON where it can be read as such. */
static bool is_text(const json_t *function, const char *key)
{
    const json_t *properties = json_object_get(json_object_get(function, "parameters"), "properties");
    const char *type = json_string_value(json_object_get(json_object_get(properties, key), "type"));
    return type && strcmp(type, "string") == 0;
}

/* Appends "key": value. */
static void write_argument(struct reply_buffer *out, const json_t *function, struct hone_text key,
                           struct hone_text value)
{
    char *name = strndup(key.data, key.size);
    json_t *json = NULL;
    char *compact = NULL;
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
    reply_buffer_text(out, out->size > 1 ? "," : "");
    reply_buffer_json_text(out, key);
    reply_buffer_text(out, ":");
    if (compact)
        reply_buffer_text(out, compact);
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
    size_t value = key_end + strlen(form->key_close), end = tool_find(r, value, form->value_close);
    if (end == r->size)
        return i;
    write_argument(out, function, (struct hone_text){r->text + key, key_end - key},
                   (struct hone_text){r->text + value, end - value});
    return end + strlen(form->value_close);
}

size_t tool_read_tags(struct tool_reader *r, size_t i)
{
    struct reply_buffer out = {0};
    size_t n, end;
    const json_t *function = tool_offered_at(r, i, &n);
    if (!function)
        return i;
    size_t at = i + n, tag = tool_find(r, at, r->form->key_open), close = tool_find(r, at, r->form->close);
    if (tag < close && tag - at < MOST_BETWEEN)
        at = tag; /* what closes the name's own tag is passed over */
    reply_buffer_text(&out, "{");
    while ((end = read_argument(r, at, function, &out)) > at)
        at = end;
    close = tool_find(r, at, r->form->close);
    reply_buffer_write(&out, "}", 2); /* with the NUL */
    if (close == r->size || close - at > MOST_BETWEEN || out.failed) {
        reply_buffer_release(&out);
        return i;
    }
    at = close + strlen(r->form->close);
    return tool_add(r, json_object_get(function, "name"), out.data)
               ? tool_skip_mark(r, at, r->form->wrap_close)
               : i;
}
