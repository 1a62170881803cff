#include "server/chat/tools.h"

#include "server/http/json_text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read: a text, and what is known of the calls in it. */
struct reader {
    const struct tool_form *form;
    const json_t *tools;
    const char *id, *text;
    size_t size;
    json_t *calls;
};

static size_t skip_blanks(const struct reader *r, size_t i)
{
    while (i < r->size && strchr(" \t\r\n", r->text[i]))
        i++;
    return i;
}

static bool is_at(const struct reader *r, size_t i, const char *mark)
{
    size_t n = strlen(mark);
    return n > 0 && i + n <= r->size && memcmp(r->text + i, mark, n) == 0;
}

/* Where the mark is, from i on; size: nowhere. */
static size_t find(const struct reader *r, size_t i, const char *mark)
{
    const char *found = *mark && i < r->size ? memmem(r->text + i, r->size - i, mark, strlen(mark)) : NULL;
    return found ? (size_t)(found - r->text) : r->size;
}

/* Behind a mark and the blanks before it, where it is there. */
static size_t skip_mark(const struct reader *r, size_t i, const char *mark)
{
    size_t at = skip_blanks(r, i);
    return is_at(r, at, mark) ? at + strlen(mark) : i;
}

/* ---- tools that were offered -------------------------------------------------------------------------------------- */

static const json_t *function_of(const json_t *tool)
{
    const json_t *function = json_object_get(tool, "function");
    return function ? function : tool;
}

static const char *name_of(const json_t *tools, size_t i)
{
    const char *name = json_string_value(json_object_get(function_of(json_array_get(tools, i)), "name"));
    return name && *name ? name : NULL;
}

/* The function with that name; NULL: none was offered. */
static const json_t *offered(const json_t *tools, const char *name)
{
    for (size_t i = 0; name && i < json_array_size(tools); i++)
        if (name_of(tools, i) && strcmp(name_of(tools, i), name) == 0)
            return function_of(json_array_get(tools, i));
    return NULL;
}

static bool goes_on(const struct reader *r, size_t i)
{
    return i < r->size && (isalnum((unsigned char)r->text[i]) || r->text[i] == '_' || r->text[i] == '-');
}

/* The one whose whole name stands at i. */
static const json_t *offered_at(const struct reader *r, size_t i, size_t *size)
{
    const json_t *found = NULL;
    *size = 0;
    for (size_t k = 0; k < json_array_size(r->tools); k++) {
        const char *name = name_of(r->tools, k);
        if (name && is_at(r, i, name) && !goes_on(r, i + strlen(name))) {
            found = function_of(json_array_get(r->tools, k));
            *size = strlen(name);
        }
    }
    return found;
}

/* The arguments are taken over. */
static bool add(struct reader *r, const json_t *name, char *arguments)
{
    char id[16];
    snprintf(id, sizeof id, "%.6s%03zu", r->id, json_array_size(r->calls) % 1000);
    bool added =
        arguments &&
        json_array_append_new(r->calls, json_pack("{s:s, s:s, s:{s:O, s:s}}", "id", id, "type", "function",
                                                  "function", "name", name, "arguments", arguments)) == 0;
    free(arguments);
    return added;
}

/* ---- JSON --------------------------------------------------------------------------------------------------------- */

/* One call as the model wrote it: its arguments keep their numbers. */
static bool add_written(struct reader *r, const json_t *written, struct hone_text text)
{
    const json_t *name = json_object_get(written, r->form->name);
    const json_t *arguments = json_object_get(written, r->form->arguments);
    if (!offered(r->tools, json_string_value(name)) || (arguments && !json_is_object(arguments)))
        return false;
    return add(r, name,
               arguments ? json_text_compact(json_text_member(text, r->form->arguments)) : strdup("{}"));
}

/* The JSON at i, several calls where it is a list; its end, or i: that is no call. */
static size_t read_json(struct reader *r, size_t i)
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

static size_t read_named(struct reader *r, size_t i)
{
    json_error_t error;
    size_t n, at = i;
    const json_t *function = offered_at(r, i, &n);
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
        json_is_object(written) && add(r, json_object_get(function, "name"), json_text_compact(read));
    json_decref(written);
    if (!added)
        return i;
    at += read.size;
    return skip_mark(r, at, "```");
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
static size_t read_argument(struct reader *r, size_t i, const json_t *function, struct reply_buffer *out)
{
    const struct tool_form *form = r->form;
    size_t key = skip_mark(r, i, form->key_open), key_end = find(r, key, form->key_close);
    if (key == i || key_end == r->size)
        return i;
    size_t value = key_end + strlen(form->key_close), end = find(r, value, form->value_close);
    if (end == r->size)
        return i;
    write_argument(out, function, (struct hone_text){r->text + key, key_end - key},
                   (struct hone_text){r->text + value, end - value});
    return end + strlen(form->value_close);
}

static size_t read_tags(struct reader *r, size_t i)
{
    struct reply_buffer out = {0};
    size_t n, end;
    const json_t *function = offered_at(r, i, &n);
    if (!function)
        return i;
    size_t at = i + n, tag = find(r, at, r->form->key_open), close = find(r, at, r->form->close);
    if (tag < close && tag - at < MOST_BETWEEN)
        at = tag; /* what closes the name's own tag is passed over */
    reply_buffer_text(&out, "{");
    while ((end = read_argument(r, at, function, &out)) > at)
        at = end;
    close = find(r, at, r->form->close);
    reply_buffer_write(&out, "}", 2); /* with the NUL */
    if (close == r->size || close - at > MOST_BETWEEN || out.failed) {
        reply_buffer_release(&out);
        return i;
    }
    at = close + strlen(r->form->close);
    return add(r, json_object_get(function, "name"), out.data) ? skip_mark(r, at, r->form->wrap_close) : i;
}

/* ---- answers ------------------------------------------------------------------------------------------------------ */

/* Whether the answer begins with a list, and not with the mark in brackets. */
static bool is_list(const struct reader *r)
{
    size_t i = skip_blanks(r, 0), n = r->size - i, mark = strlen(r->form->open);
    return n > 0 && r->text[i] == '[' && memcmp(r->text + i, r->form->open, n < mark ? n : mark) != 0;
}

/* Where a call may begin, from i on: the mark before it, or what stands for one; *body: what follows. size: nowhere. */
static size_t find_call(const struct reader *r, size_t i, size_t *body)
{
    const struct tool_form *form = r->form;
    size_t first = r->size, n;
    if (form->bare && i == 0 && is_list(r))
        return *body = skip_blanks(r, 0);
    if (*form->open) {
        first = find(r, i, form->open);
        *body = first + strlen(form->open);
        size_t wrap = find(r, i, form->wrap);
        return wrap < first && skip_blanks(r, wrap + strlen(form->wrap)) == first ? wrap : first;
    }
    if (form->syntax == TOOL_JSON) {
        while (i < r->size && (strchr(" \t\r\n", r->text[i]) || r->text[i] == ';'))
            i++; /* nothing but JSON at the beginning is a call, or right behind another one */
        first = i < r->size && (r->text[i] == '{' || r->text[i] == '[') ? i : r->size;
    } else {
        for (first = i; first < r->size && !offered_at(r, first, &n);)
            first++;
    }
    *body = first;
    return first;
}

static size_t read_call(struct reader *r, size_t i)
{
    i = skip_blanks(r, i);
    if (i == r->size)
        return i;
    return r->form->syntax == TOOL_JSON    ? read_json(r, i)
           : r->form->syntax == TOOL_NAMED ? read_named(r, i)
                                           : read_tags(r, i);
}

json_t *tools_parse(const struct tool_form *form, const json_t *tools, const char *id, const char *text,
                    size_t size, size_t *plain, size_t *rest)
{
    struct reader r = {form, tools, id, text, size, json_array()};
    size_t body, at = 0;
    *plain = *rest = size;
    while (r.calls && at < size) {
        size_t begin = find_call(&r, at, &body);
        if (begin == size)
            break;
        size_t start = skip_blanks(&r, body), end = read_call(&r, body);
        if (end > start) {
            *plain = *plain == size ? begin : *plain;
            at = *rest = skip_mark(&r, end, form->close);
        } else if (!*form->open && form->syntax == TOOL_JSON) {
            break;
        } else {
            at = body > begin ? body : begin + 1;
        }
    }
    if (skip_blanks(&r, *rest) == size)
        *rest = size;
    if (json_array_size(r.calls) > 0)
        return r.calls;
    json_decref(r.calls);
    *plain = *rest = size;
    return NULL;
}

/* How many bytes at the end of the text may be the beginning of the mark. */
static size_t begun(const struct reader *r, const char *mark)
{
    size_t n = strlen(mark) < r->size ? strlen(mark) : r->size;
    while (n > 0 && memcmp(r->text + r->size - n, mark, n) != 0)
        n--;
    return n;
}

size_t tools_plain(const struct tool_form *form, const json_t *tools, const char *text, size_t size)
{
    struct reader r = {form, tools, "", text, size, NULL};
    size_t body, plain = find_call(&r, 0, &body), held = begun(&r, form->open),
                 wrap = find(&r, 0, form->wrap);
    plain = wrap < plain ? wrap : plain;
    if (plain < size)
        return plain;
    if (!*form->open && form->syntax == TOOL_JSON)
        return skip_blanks(&r, 0) < size ? size : 0;
    held = begun(&r, form->wrap) > held ? begun(&r, form->wrap) : held;
    for (size_t i = 0; !*form->open && i < json_array_size(tools); i++) {
        size_t n = name_of(tools, i) ? begun(&r, name_of(tools, i)) : 0;
        held = n > held ? n : held;
    }
    return size - held;
}

/* ---- calls that are wanted ---- */

/* The parameters' references are about themselves: with an $id of their own they stay so within the schema of the call. */
static json_t *schema_of(const struct tool_form *form, const json_t *function, size_t number)
{
    json_t *parameters = json_object_get(function, "parameters"), *name = json_object_get(function, "name");
    json_t *wanted =
        json_is_object(parameters) ? json_copy(parameters) : json_pack("{s:s}", "type", "object");
    char id[48];
    snprintf(id, sizeof id, "urn:hone:parameters:%zu", number);
    if (!json_object_get(wanted, "$id"))
        json_object_set_new(wanted, "$id", json_string(id));
    const char *named = form->syntax == TOOL_JSON ? form->name : "name";
    const char *arguments = form->syntax == TOOL_JSON ? form->arguments : "arguments";
    return json_pack("{s:s, s:{s:{s:O}, s:o}, s:[s,s], s:b}", "type", "object", "properties", named, "const",
                     name, arguments, wanted, "required", named, arguments, "additionalProperties", 0);
}

char *tools_schema(const struct tool_form *form, const json_t *tools, const char *name)
{
    json_t *schema = json_object(), *any = json_array();
    char *text = NULL;
    for (size_t i = 0; i < json_array_size(tools); i++) {
        const json_t *function = json_object_get(json_array_get(tools, i), "function");
        const char *its = json_string_value(json_object_get(function, "name"));
        if (its && (!name || strcmp(name, its) == 0))
            json_array_append_new(any, schema_of(form, function, i));
    }
    if (json_array_size(any) > 0 && json_object_set(schema, "anyOf", any) == 0)
        text = json_text(schema);
    json_decref(any);
    json_decref(schema);
    return text;
}
