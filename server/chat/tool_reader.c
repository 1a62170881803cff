#include "server/chat/tool_reader.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t tool_skip_blanks(const struct tool_reader *r, size_t i)
{
    while (i < r->size && strchr(" \t\r\n", r->text[i]))
        i++;
    return i;
}

bool tool_is_at(const struct tool_reader *r, size_t i, const char *mark)
{
    size_t n = strlen(mark);
    return n > 0 && i + n <= r->size && memcmp(r->text + i, mark, n) == 0;
}

/* Where the mark is, from i on; size: nowhere. */
size_t tool_find(const struct tool_reader *r, size_t i, const char *mark)
{
    const char *found = *mark && i < r->size ? memmem(r->text + i, r->size - i, mark, strlen(mark)) : NULL;
    return found ? (size_t)(found - r->text) : r->size;
}

/* Behind a mark and the blanks before it, where it is there. */
size_t tool_skip_mark(const struct tool_reader *r, size_t i, const char *mark)
{
    size_t at = tool_skip_blanks(r, i);
    return tool_is_at(r, at, mark) ? at + strlen(mark) : i;
}

/* ---- tools that were offered -------------------------------------------------------------------------------------- */

static const json_t *function_of(const json_t *tool)
{
    const json_t *function = json_object_get(tool, "function");
    return function ? function : tool;
}

const char *tool_name_of(const json_t *tools, size_t i)
{
    const char *name = json_string_value(json_object_get(function_of(json_array_get(tools, i)), "name"));
    return name && *name ? name : NULL;
}

/* The function with that name; NULL: none was offered. */
const json_t *tool_offered(const json_t *tools, const char *name)
{
    for (size_t i = 0; name && i < json_array_size(tools); i++)
        if (tool_name_of(tools, i) && strcmp(tool_name_of(tools, i), name) == 0)
            return function_of(json_array_get(tools, i));
    return NULL;
}

bool tool_goes_on(const struct tool_reader *r, size_t i)
{
    return i < r->size && (isalnum((unsigned char)r->text[i]) || r->text[i] == '_' || r->text[i] == '-');
}

/* The one whose whole name stands at i. */
const json_t *tool_offered_at(const struct tool_reader *r, size_t i, size_t *size)
{
    const json_t *found = NULL;
    *size = 0;
    for (size_t k = 0; k < json_array_size(r->tools); k++) {
        const char *name = tool_name_of(r->tools, k);
        if (name && tool_is_at(r, i, name) && !tool_goes_on(r, i + strlen(name))) {
            found = function_of(json_array_get(r->tools, k));
            *size = strlen(name);
        }
    }
    return found;
}

bool tool_may_be(const struct tool_reader *r, size_t i, const char *mark)
{
    size_t n = r->size - i;
    return n < strlen(mark) && memcmp(r->text + i, mark, n) == 0;
}

bool tool_may_be_offered(const struct tool_reader *r, size_t i)
{
    bool may = false;
    for (size_t k = 0; k < json_array_size(r->tools) && !may; k++) {
        const char *name = tool_name_of(r->tools, k);
        may = name && (tool_may_be(r, i, name) || (r->size == i + strlen(name) && tool_is_at(r, i, name)));
    }
    return may;
}

/* ---- calls that were found ---------------------------------------------------------------------------------------- */

bool tool_add(struct tool_reader *r, const json_t *name, char *arguments)
{
    char id[16];
    snprintf(id, sizeof id, "%.6s%03zu", r->id, (r->n_before + json_array_size(r->calls)) % 1000);
    bool added =
        arguments &&
        json_array_append_new(r->calls, json_pack("{s:s, s:s, s:{s:O, s:s}}", "id", id, "type", "function",
                                                  "function", "name", name, "arguments", arguments)) == 0;
    free(arguments);
    return added;
}

enum tool_found tool_add_begun(struct tool_reader *r, const json_t *name, char *arguments)
{
    r->cut = tool_add(r, name, arguments);
    return r->cut ? TOOL_BEGUN : TOOL_NONE;
}
