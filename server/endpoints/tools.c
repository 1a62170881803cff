#include "server/endpoints/tools.h"

#include "server/http/json_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- forms ---- */

static const struct tool_form forms[] = {
    {"<tool_call>", "</tool_call>", "arguments", false}, /* Hermes, Qwen */
    {"[TOOL_CALLS]", "", "arguments", true},             /* Mistral: a special token, which is no text */
    {"", "", "parameters", false},                       /* Llama 3 */
};

/* A conversation with a call in it, whose names are found again. */
static const char probe_messages[] =
    "[{\"role\":\"user\",\"content\":\"x\"},{\"role\":\"assistant\",\"content\":\"\",\"tool_calls\":[{"
    "\"id\":\"call00001\",\"type\":\"function\",\"function\":{\"name\":\"probe_name\",\"arguments\":{"
    "\"probe_key\":1}}}]}]";
static const char probe_tools[] =
    "[{\"type\":\"function\",\"function\":{\"name\":\"probe_name\",\"description\":\"\",\"parameters\":{"
    "\"type\":\"object\",\"properties\":{\"probe_key\":{\"type\":\"integer\"}}}}}]";

/* Whether the call, which is the last mention of the tool, looks like this. */
static bool has_form(const char *rendered, const struct tool_form *form)
{
    const char *open = strstr(rendered, form->open), *call = NULL;
    char wanted[64];
    for (const char *p = rendered; (p = strstr(p, "\"probe_name\"")); p++)
        call = p;
    snprintf(wanted, sizeof wanted, "\"%s\": {\"probe_key\": 1", form->arguments);
    return open && call && open < call && strstr(call, wanted);
}

const struct tool_form *tool_form_of(const struct hone_model *model)
{
    struct hone_chat chat = {.json_messages = probe_messages, .tools = probe_tools};
    char *rendered;
    size_t size;
    const struct tool_form *found = NULL;
    if (hone_chat_prompt(model, &chat, &rendered, &size, NULL) != HONE_OK)
        return NULL;
    for (size_t i = 0; i < sizeof forms / sizeof *forms && !found; i++)
        if (has_form(rendered, &forms[i]))
            found = &forms[i];
    hone_free(rendered);
    return found;
}

/* ---- answers ---- */

static size_t skip_blanks(const char *text, size_t size, size_t i)
{
    while (i < size && strchr(" \t\r\n", text[i]))
        i++;
    return i;
}

/* Where the first call may begin; `size`: nowhere. */
static size_t find_call(const struct tool_form *form, const char *text, size_t size)
{
    bool tagged = *form->close;
    const char *found = tagged ? memmem(text, size, form->open, strlen(form->open)) : NULL;
    if (tagged)
        return found ? (size_t)(found - text) : size;
    size_t first = skip_blanks(text, size, 0);
    return first < size && (text[first] == '{' || text[first] == '[') ? 0 : size;
}

size_t tools_plain(const struct tool_form *form, const char *text, size_t size)
{
    size_t plain = find_call(form, text, size), n_open = strlen(form->open);
    if (plain < size)
        return plain;
    if (!*form->close)
        return skip_blanks(text, size, 0) < size ? size : 0;
    for (size_t n = n_open < size ? n_open : size; n > 0; n--)
        if (memcmp(text + size - n, form->open, n) == 0)
            return size - n;
    return size;
}

/* One call as the model wrote it: its arguments keep their numbers. */
static bool add_call(json_t *calls, const struct tool_form *form, const char *name, const json_t *written,
                     struct hone_text text)
{
    char id[16];
    const json_t *function = json_object_get(written, "name");
    const json_t *arguments = json_object_get(written, form->arguments);
    if (!json_is_string(function) || (arguments && !json_is_object(arguments)))
        return false;
    char *compact = arguments ? json_text_compact(json_text_member(text, form->arguments)) : strdup("{}");
    snprintf(id, sizeof id, "%.6s%03zu", name, json_array_size(calls));
    if (compact)
        json_array_append_new(calls, json_pack("{s:s, s:s, s:{s:O, s:s}}", "id", id, "type", "function",
                                               "function", "name", function, "arguments", compact));
    free(compact);
    return true;
}

/* The JSON at text, several calls where it is a list; how many bytes were read, 0: that is no call. */
static size_t parse_one(json_t *calls, const struct tool_form *form, const char *name, const char *text,
                        size_t size)
{
    json_error_t error;
    /* Reals have room for numbers of any size, which are not looked at here. */
    json_t *written = json_loadb(text, size, JSON_DISABLE_EOF_CHECK | JSON_DECODE_INT_AS_REAL, &error);
    bool valid = written != NULL;
    struct hone_text read = {text, valid ? (size_t)error.position : 0};
    if (json_is_array(written))
        for (size_t i = 0; valid && i < json_array_size(written); i++)
            valid = add_call(calls, form, name, json_array_get(written, i), json_text_item(read, i));
    else
        valid = valid && add_call(calls, form, name, written, read);
    json_decref(written);
    return valid ? read.size : 0;
}

json_t *tools_parse(const struct tool_form *form, const char *name, const char *text, size_t size,
                    size_t *plain)
{
    json_t *calls = json_array();
    size_t n_open = *form->close ? strlen(form->open) : 0;
    *plain = find_call(form, text, size);
    for (size_t at = *plain; calls && at < size;) {
        size_t start = skip_blanks(text, size, at + n_open), n = 0;
        if (start < size)
            n = parse_one(calls, form, name, text + start, size - start);
        if (n == 0)
            break;
        at = start + n;
        size_t next = n_open ? find_call(form, text + at, size - at) : skip_blanks(text, size, at) - at;
        at += next;
    }
    if (calls && json_array_size(calls) > 0)
        return calls;
    json_decref(calls);
    *plain = size;
    return NULL;
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
    return json_pack("{s:s, s:{s:{s:O}, s:o}, s:[s,s], s:b}", "type", "object", "properties", "name", "const",
                     name, form->arguments, wanted, "required", "name", form->arguments,
                     "additionalProperties", 0);
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
