#include "tokenizer/template/chat/losses.h"

#include "runtime/base/json.h"
#include "tokenizer/text/fail.h"

#include <stdio.h>
#include <string.h>

struct losses_word {
    char text[64];
};

/* Of part j of the content of message i, call j of it, or tool i. Letters, digits and underscores, which no template
 * escapes, and none is the beginning of another. */
static struct losses_word word_of(const char *kind, size_t i, size_t j)
{
    struct losses_word w;
    snprintf(w.text, sizeof w.text, "hone_%s_%zu_%zu_x", kind, i, j);
    return w;
}

static bool is_blank(const json_t *text)
{
    const char *t = json_string_value(text);
    return !t || t[strspn(t, " \t\r\n")] == '\0';
}

/* ---- what can be left out ----------------------------------------------------------------------------------------- */

/* Calls `each` of what messages say, until that is false: the object or array that holds it, and under which key or at
 * which place. */
struct losses_walk {
    bool (*text)(const struct losses_walk *w, json_t *holder, size_t i, size_t j);
    bool (*call)(const struct losses_walk *w, json_t *function, size_t i, size_t j);
    const char *made; /* for who checks */
    struct hone_error *err;
};

static bool walk_parts(const struct losses_walk *w, json_t *parts, size_t i)
{
    for (size_t j = 0; j < json_array_size(parts); j++) {
        json_t *part = json_array_get(parts, j);
        json_t *text = json_object_get(part, "text");
        if (json_is_string(text) && !is_blank(text) && !w->text(w, part, i, j))
            return false;
    }
    return true;
}

static bool walk(const struct losses_walk *w, const json_t *messages)
{
    for (size_t i = 0; i < json_array_size(messages); i++) {
        json_t *message = json_array_get(messages, i), *content = json_object_get(message, "content");
        json_t *calls = json_object_get(message, "tool_calls");
        bool goes_on = true;
        if (!json_is_string(content))
            goes_on = walk_parts(w, content, i);
        else if (!is_blank(content))
            goes_on = w->text(w, message, i, 0); /* which may put another one in its place */
        if (!goes_on)
            return false;
        for (size_t j = 0; w->call && j < json_array_size(calls); j++) {
            json_t *function = json_object_get(json_array_get(calls, j), "function");
            if (json_is_string(json_object_get(function, "name")) && !w->call(w, function, i, j))
                return false;
        }
    }
    return true;
}

/* ---- marking ------------------------------------------------------------------------------------------------------ */

static bool mark_text(const struct losses_walk *w, json_t *holder, size_t i, size_t j)
{
    const char *key = json_is_string(json_object_get(holder, "content")) ? "content" : "text";
    (void)w;
    return json_object_set_new(holder, key, json_string(word_of("text", i, j).text)) == 0;
}

static bool mark_call(const struct losses_walk *w, json_t *function, size_t i, size_t j)
{
    (void)w;
    return json_object_set_new(function, "name", json_string(word_of("call", i, j).text)) == 0;
}

json_t *losses_mark_messages(const json_t *messages, bool names)
{
    json_t *copy = json_copy_all(messages);
    struct losses_walk w = {.text = mark_text, .call = names ? mark_call : NULL};
    if (copy && walk(&w, copy))
        return copy;
    json_decref(copy);
    return NULL;
}

json_t *losses_mark_tools(const json_t *tools)
{
    json_t *copy = json_copy_all(tools), *tool;
    size_t i;
    json_array_foreach (copy, i, tool) {
        json_t *function = json_object_get(tool, "function");
        function = function ? function : tool;
        if (json_is_string(json_object_get(function, "name")) &&
            json_object_set_new(function, "name", json_string(word_of("tool", i, 0).text))) {
            json_decref(copy);
            return NULL;
        }
    }
    return copy;
}

/* ---- looking for it ----------------------------------------------------------------------------------------------- */

static bool has_text(const struct losses_walk *w, json_t *holder, size_t i, size_t j)
{
    const char *role = json_string_value(json_object_get(holder, "role"));
    if (strstr(w->made, word_of("text", i, j).text))
        return true;
    if (role)
        return tok_fail(w->err, HONE_USAGE,
                        "message %zu: the model's chat template leaves out what the role '%.40s' says there",
                        i + 1, role);
    return tok_fail(w->err, HONE_USAGE,
                    "message %zu: the model's chat template leaves out part %zu of its content", i + 1,
                    j + 1);
}

static bool has_call(const struct losses_walk *w, json_t *function, size_t i, size_t j)
{
    return strstr(w->made, word_of("call", i, j).text) ||
           tok_fail(w->err, HONE_USAGE,
                    "message %zu: the model's chat template leaves out its call of '%.100s'", i + 1,
                    json_string_value(json_object_get(function, "name")));
}

bool losses_check(const json_t *messages, const json_t *tools, bool names, const char *text,
                  struct hone_error *err)
{
    struct losses_walk w = {.text = has_text, .call = names ? has_call : NULL, .made = text, .err = err};
    for (size_t i = 0; names && i < json_array_size(tools); i++) {
        const json_t *tool = json_array_get(tools, i), *function = json_object_get(tool, "function");
        const char *name = json_string_value(json_object_get(function ? function : tool, "name"));
        if (name && !strstr(text, word_of("tool", i, 0).text))
            return tok_fail(err, HONE_USAGE, "tools: the model's chat template has no place for '%.100s'",
                            name);
    }
    return walk(&w, messages);
}
