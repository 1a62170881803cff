#include "server/chat/tools.h"

#include "server/chat/tool_reader.h"
#include "server/http/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- answers ------------------------------------------------------------------------------------------------------ */

bool tool_form_is_unmarked(const struct tool_form *form)
{
    return !*form->open && (form->syntax == TOOL_JSON || form->syntax == TOOL_PYTHON);
}

/* Whether a list stands at i, and not the mark in brackets. */
static bool is_list(const struct tool_reader *r, size_t i)
{
    size_t n = r->size - i, mark = strlen(r->form->open);
    return n > 0 && r->text[i] == '[' && memcmp(r->text + i, r->form->open, n < mark ? n : mark) != 0;
}

/* Where the wrap begins that stands right before `end`, from i on; end: there is none. */
static size_t wrap_before(const struct tool_reader *r, size_t i, size_t end)
{
    size_t n = strlen(r->form->wrap), at = end;
    while (at > i && r->text[at - 1] && strchr(" \t\r\n", r->text[at - 1]))
        at--;
    return n > 0 && at - i >= n && memcmp(r->text + at - n, r->form->wrap, n) == 0 ? at - n : end;
}

/* Where a call may begin, from i on: the mark before it, or what stands for one; *body: what follows. size: nowhere.
 * fresh: one without a mark may stand at i, behind blanks. */
static size_t find_call(const struct tool_reader *r, size_t i, bool fresh, size_t *body)
{
    const struct tool_form *form = r->form;
    size_t first, n;
    if (form->bare && fresh && is_list(r, tool_skip_blanks(r, i)))
        return *body = tool_skip_blanks(r, i);
    if (*form->open) {
        first = tool_find(r, i, form->open);
        *body = first + strlen(form->open);
        return first < r->size ? wrap_before(r, i, first) : first;
    }
    if (tool_form_is_unmarked(form)) {
        while (fresh && i < r->size &&
               (strchr(" \t\r\n", r->text[i]) || (r->n_before > 0 && r->text[i] == ';')))
            i++; /* nothing but JSON at the beginning is a call, or right behind another one */
        first = fresh && i < r->size && (r->text[i] == '{' || r->text[i] == '[') ? i : r->size;
    } else {
        for (first = i; first < r->size && !tool_offered_at(r, first, &n);)
            first++;
    }
    *body = first;
    return first;
}

static enum tool_found read_call(struct tool_reader *r, size_t i, size_t *end)
{
    i = tool_skip_blanks(r, i);
    *end = i;
    if (i == r->size)
        return TOOL_MAYBE;
    return r->form->syntax == TOOL_JSON     ? tool_read_json(r, i, end)
           : r->form->syntax == TOOL_NAMED  ? tool_read_named(r, i, end)
           : r->form->syntax == TOOL_PYTHON ? tool_read_python(r, i, end)
           : r->form->syntax == TOOL_BARE   ? tool_read_bare(r, i, end)
           : r->form->syntax == TOOL_NESTED ? tool_read_nested(r, i, end)
                                            : tool_read_tags(r, i, end);
}

/* How many bytes at the end of the text, from i on, may be the beginning of the mark. */
static size_t begun(const struct tool_reader *r, size_t i, const char *mark)
{
    size_t n = strlen(mark) < r->size - i ? strlen(mark) : r->size - i;
    while (n > 0 && memcmp(r->text + r->size - n, mark, n) != 0)
        n--;
    return n;
}

/* How many bytes at the end of a text, in which there is no call from i on, may be the beginning of one. */
static size_t held_back(const struct tool_reader *r, size_t i)
{
    size_t held = begun(r, i, r->form->open), wrap = begun(r, i, r->form->wrap);
    held = wrap > held ? wrap : held;
    /* A wrap that is whole, before a mark that is not. */
    wrap = tool_find(r, i, r->form->wrap);
    size_t behind = tool_skip_blanks(r, wrap < r->size ? wrap + strlen(r->form->wrap) : r->size);
    if (wrap < r->size && tool_may_be(r, behind, r->form->open))
        held = r->size - wrap > held ? r->size - wrap : held;
    for (size_t k = 0; !*r->form->open && k < json_array_size(r->tools); k++) {
        size_t n = tool_name_of(r->tools, k) ? begun(r, i, tool_name_of(r->tools, k)) : 0;
        held = n > held ? n : held;
    }
    return held;
}

/* Where the call's closing mark ends, too; *settled: it is there, or will not come. */
static size_t skip_close(const struct tool_reader *r, size_t end, bool *settled)
{
    const char *const marks[] = {r->form->close, r->form->wrap_close};
    *settled = true;
    for (size_t i = 0; i < 2; i++) {
        size_t rest = tool_skip_blanks(r, end = tool_skip_mark(r, end, marks[i]));
        *settled = *settled && !tool_may_be(r, rest, marks[i]);
    }
    return end;
}

struct tool_next tools_next(const struct tool_text *t, size_t from)
{
    struct tool_reader r = {t->form,     t->tools,   t->id,        t->text, t->size,
                            t->n_before, t->lenient, json_array(), false};
    size_t body, at = from;
    bool settled = true;
    while (r.calls && at < r.size) {
        size_t begin = find_call(&r, at, t->fresh && at == from, &body), end = r.size;
        if (begin == r.size)
            break;
        enum tool_found found = read_call(&r, body, &end);
        if (found == TOOL_WHOLE)
            end = skip_close(&r, end, &settled);
        found = found == TOOL_WHOLE && !settled ? TOOL_BEGUN : found;
        if (found != TOOL_NONE)
            return (struct tool_next){found, begin, end, r.calls, r.cut};
        json_array_clear(r.calls);
        r.cut = false;
        at = body > begin ? body : begin + 1;
    }
    json_decref(r.calls);
    size_t held = held_back(&r, at);
    return (struct tool_next){held ? TOOL_MAYBE : TOOL_NONE, r.size - held, r.size, NULL, false};
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
    if (form->syntax == TOOL_JSON && !*form->name)
        return json_pack("{s:s, s:{s:o}, s:[s], s:b}", "type", "object", "properties",
                         json_string_value(name), wanted, "required", json_string_value(name),
                         "additionalProperties", 0);
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
