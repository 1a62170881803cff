#include "tokenizer/template/chat/call_text.h"

#include "runtime/base/buffer.h"
#include "runtime/base/json.h"

#include <stdlib.h>
#include <string.h>

enum syntax { CALLS_PYTHON, CALLS_LIST, CALLS_OBJECTS };

/* What stands around all calls, or around each where these are objects by themselves. */
struct call_form_text {
    const char *instructions; /* what the template says of tools */
    enum syntax syntax;
    const char *open, *close;
};

static const struct call_form_text forms[] = {
    {"List of tools: ", CALLS_PYTHON, "<|tool_call_start|>[", "]<|tool_call_end|>"}, /* LFM2, LFM2.5 */
    {"<|tool_call|> followed by a JSON list", CALLS_LIST, "<|tool_call|>[", "]"},    /* Granite 3 */
    {"within <tool_call></tool_call> XML tags", CALLS_OBJECTS, "<tool_call>\n",
     "\n</tool_call>"}, /* SmolLM3 */
};

const struct call_form_text *call_text_form(const char *instructions)
{
    for (size_t i = 0; instructions && i < sizeof forms / sizeof *forms; i++)
        if (strstr(instructions, forms[i].instructions))
            return &forms[i];
    return NULL;
}

static void put(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

static void put_json(struct buffer *out, const json_t *value)
{
    char *text = json_write(value, JSON_ENCODE_ANY);
    if (text)
        put(out, text);
    out->failed = out->failed || !text;
    free(text);
}

/* JSON but for three words. */
static void put_python(struct buffer *out, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i, n = 0;
    if (json_is_object(value)) {
        put(out, "{");
        json_object_foreach ((json_t *)value, key, item) {
            json_t *name = json_string(key);
            put(out, n++ ? ", " : "");
            put_json(out, name);
            put(out, ": ");
            put_python(out, item);
            json_decref(name);
        }
        put(out, "}");
    } else if (json_is_array(value)) {
        put(out, "[");
        json_array_foreach (value, i, item) {
            put(out, i ? ", " : "");
            put_python(out, item);
        }
        put(out, "]");
    } else if (json_is_true(value) || json_is_false(value) || json_is_null(value)) {
        put(out, json_is_true(value) ? "True" : json_is_false(value) ? "False" : "None");
    } else {
        put_json(out, value);
    }
}

/* name(key=value, ...); arguments that are no object are text. */
static void put_python_call(struct buffer *out, const char *name, const json_t *arguments)
{
    const char *key;
    json_t *value;
    size_t n = 0;
    put(out, name);
    put(out, "(");
    if (json_is_string(arguments))
        put(out, json_string_value(arguments));
    json_object_foreach ((json_t *)arguments, key, value) {
        put(out, n++ ? ", " : "");
        put(out, key);
        put(out, "=");
        put_python(out, value);
    }
    put(out, ")");
}

/* Arguments that are JSON text stay as they were written. */
static void put_object(struct buffer *out, const char *name, const json_t *arguments)
{
    json_t *said = json_string(name);
    put(out, "{\"name\": ");
    put_json(out, said);
    put(out, ", \"arguments\": ");
    if (json_is_string(arguments))
        put(out, json_string_length(arguments) > 0 ? json_string_value(arguments) : "{}");
    else
        put_json(out, arguments);
    put(out, "}");
    json_decref(said);
}

static void put_call(struct buffer *out, enum syntax syntax, const json_t *function)
{
    const char *name = json_string_value(json_object_get(function, "name"));
    const json_t *given = json_object_get(function, "arguments");
    json_t *read =
        json_is_string(given) && syntax == CALLS_PYTHON
            ? json_read(json_string_value(given), json_string_length(given), JSON_LONG_INTEGERS, NULL)
            : NULL;
    if (syntax == CALLS_PYTHON)
        put_python_call(out, name ? name : "", read ? read : given);
    else
        put_object(out, name ? name : "", given);
    json_decref(read);
}

static void put_calls(struct buffer *out, const struct call_form_text *form, const json_t *calls)
{
    bool each = form->syntax == CALLS_OBJECTS;
    size_t i;
    json_t *call;
    put(out, each ? "" : form->open);
    json_array_foreach (calls, i, call) {
        put(out, each ? (i ? "\n" : "") : (i ? ", " : ""));
        put(out, each ? form->open : "");
        put_call(out, form->syntax, json_object_get(call, "function"));
        put(out, each ? form->close : "");
    }
    put(out, each ? "" : form->close);
}

/* What the message says, be it a text or parts. */
static void put_content(struct buffer *out, const json_t *content)
{
    size_t i;
    json_t *part;
    if (json_is_string(content))
        put(out, json_string_value(content));
    json_array_foreach (content, i, part) {
        const json_t *text = json_is_string(part) ? part : json_object_get(part, "text");
        put(out, i ? "\n" : "");
        put(out, json_is_string(text) ? json_string_value(text) : "");
    }
    if (out->size > 0)
        put(out, "\n");
}

bool call_text_write(const struct call_form_text *form, json_t *message)
{
    struct buffer out = {0};
    put_content(&out, json_object_get(message, "content"));
    put_calls(&out, form, json_object_get(message, "tool_calls"));
    json_t *text = out.failed ? NULL : json_stringn(out.data, out.size);
    bool done =
        text && json_object_set(message, "content", text) == 0 && json_object_del(message, "tool_calls") == 0;
    json_decref(text);
    buffer_release(&out);
    return done;
}
