#include "server/chat/tools.h"

#include "server/chat/tool_reader.h"
#include "server/http/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ------------------------------------------------------------------------------------------------------ */

/* Whether the answer begins with a list, and not with the mark in brackets. */
static bool is_list(const struct tool_reader *r)
{
    size_t i = tool_skip_blanks(r, 0), n = r->size - i, mark = strlen(r->form->open);
    return n > 0 && r->text[i] == '[' && memcmp(r->text + i, r->form->open, n < mark ? n : mark) != 0;
}

/* Where a call may begin, from i on: the mark before it, or what stands for one; *body: what follows. size: nowhere. */
static size_t find_call(const struct tool_reader *r, size_t i, size_t *body)
{
    const struct tool_form *form = r->form;
    size_t first, n;
    if (form->bare && i == 0 && is_list(r))
        return *body = tool_skip_blanks(r, 0);
    if (*form->open) {
        first = tool_find(r, i, form->open);
        *body = first + strlen(form->open);
        size_t wrap = tool_find(r, i, form->wrap);
        return wrap < first && tool_skip_blanks(r, wrap + strlen(form->wrap)) == first ? wrap : first;
    }
    if (form->syntax == TOOL_JSON || form->syntax == TOOL_PYTHON) {
        while (i < r->size && (strchr(" \t\r\n", r->text[i]) || r->text[i] == ';'))
            i++; /* nothing but JSON at the beginning is a call, or right behind another one */
        first = i < r->size && (r->text[i] == '{' || r->text[i] == '[') ? i : r->size;
    } else {
        for (first = i; first < r->size && !tool_offered_at(r, first, &n);)
            first++;
    }
    *body = first;
    return first;
}

static size_t read_call(struct tool_reader *r, size_t i)
{
    i = tool_skip_blanks(r, i);
    if (i == r->size)
        return i;
    return r->form->syntax == TOOL_JSON     ? tool_read_json(r, i)
           : r->form->syntax == TOOL_NAMED  ? tool_read_named(r, i)
           : r->form->syntax == TOOL_PYTHON ? tool_read_python(r, i)
                                            : tool_read_tags(r, i);
}

json_t *tools_parse(const struct tool_form *form, const json_t *tools, const char *id, const char *text,
                    size_t size, size_t *plain, size_t *rest)
{
    struct tool_reader r = {form, tools, id, text, size, json_array()};
    size_t body, at = 0;
    *plain = *rest = size;
    while (r.calls && at < size) {
        size_t begin = find_call(&r, at, &body);
        if (begin == size)
            break;
        size_t start = tool_skip_blanks(&r, body), end = read_call(&r, body);
        if (end > start) {
            *plain = *plain == size ? begin : *plain;
            at = *rest = tool_skip_mark(&r, end, form->close);
        } else if (!*form->open && (form->syntax == TOOL_JSON || form->syntax == TOOL_PYTHON)) {
            break;
        } else {
            at = body > begin ? body : begin + 1;
        }
    }
    if (tool_skip_blanks(&r, *rest) == size)
        *rest = size;
    if (json_array_size(r.calls) > 0)
        return r.calls;
    json_decref(r.calls);
    *plain = *rest = size;
    return NULL;
}

/* How many bytes at the end of the text may be the beginning of the mark. */
static size_t begun(const struct tool_reader *r, const char *mark)
{
    size_t n = strlen(mark) < r->size ? strlen(mark) : r->size;
    while (n > 0 && memcmp(r->text + r->size - n, mark, n) != 0)
        n--;
    return n;
}

size_t tools_plain(const struct tool_form *form, const json_t *tools, const char *text, size_t size)
{
    struct tool_reader r = {form, tools, "", text, size, NULL};
    size_t body, plain = find_call(&r, 0, &body), held = begun(&r, form->open),
                 wrap = tool_find(&r, 0, form->wrap);
    plain = wrap < plain ? wrap : plain;
    if (plain < size)
        return plain;
    if (!*form->open && (form->syntax == TOOL_JSON || form->syntax == TOOL_PYTHON))
        return tool_skip_blanks(&r, 0) < size ? size : 0;
    held = begun(&r, form->wrap) > held ? begun(&r, form->wrap) : held;
    for (size_t i = 0; !*form->open && i < json_array_size(tools); i++) {
        size_t n = tool_name_of(tools, i) ? begun(&r, tool_name_of(tools, i)) : 0;
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
