#include "server/generate/openai_messages.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Calls of functions had no ids: a result was that of the last call of its name. */
static void write_id(char id[32], size_t message)
{
    snprintf(id, 32, "call%05zu", message);
}

static json_t *called_by(const json_t *message)
{
    json_t *call = json_object_get(message, "function_call");
    return json_is_object(call) && json_array_size(json_object_get(message, "tool_calls")) == 0 ? call : NULL;
}

static bool is_result(const json_t *message)
{
    const char *role = json_string_value(json_object_get(message, "role"));
    return role && strcmp(role, "function") == 0;
}

static bool is_refusal(const json_t *part)
{
    const char *type = json_string_value(json_object_get(part, "type"));
    return type && strcmp(type, "refusal") == 0;
}

static bool has_refusal(const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    bool found = json_is_string(json_object_get(message, "refusal")) && !json_is_string(content) &&
                 json_array_size(content) == 0;
    for (size_t i = 0; i < json_array_size(content) && !found; i++)
        found = is_refusal(json_array_get(content, i));
    return found;
}

/* ---- in the usual form ---- */

static bool write_call(json_t *message, json_t *call, size_t number)
{
    char id[32];
    write_id(id, number);
    json_t *calls = json_pack("[{s:s, s:s, s:O}]", "id", id, "type", "function", "function", call);
    return calls && json_object_set_new(message, "tool_calls", calls) == 0 &&
           json_object_del(message, "function_call") == 0;
}

static bool write_result(json_t *message, const json_t *messages, size_t number)
{
    const char *name = json_string_value(json_object_get(message, "name"));
    char id[32];
    for (size_t i = number; name && i-- > 0;) {
        const char *its = json_string_value(json_object_get(called_by(json_array_get(messages, i)), "name"));
        if (!its || strcmp(its, name) != 0)
            continue;
        write_id(id, i);
        if (json_object_set_new(message, "tool_call_id", json_string(id)))
            return false;
        break;
    }
    return json_object_set_new(message, "role", json_string("tool")) == 0;
}

static bool write_refusal(json_t *message)
{
    json_t *said = json_object_get(message, "content"), *parts;
    bool done = true;
    if (json_array_size(said) == 0)
        return json_object_set(message, "content", json_object_get(message, "refusal")) == 0;
    parts = json_array();
    for (size_t i = 0; i < json_array_size(said); i++) {
        json_t *part = json_array_get(said, i), *text = json_object_get(part, "refusal");
        part = is_refusal(part) && text ? json_pack("{s:s, s:O}", "type", "text", "text", text)
                                        : json_incref(part);
        done = json_array_append_new(parts, part) == 0 && done;
    }
    return json_object_set_new(message, "content", parts) == 0 && done;
}

json_t *openai_messages_read(json_t *messages)
{
    json_t *all = json_is_array(messages) ? json_copy(messages) : json_incref(messages);
    for (size_t i = 0; all && i < json_array_size(messages); i++) {
        json_t *message = json_array_get(messages, i), *call = called_by(message);
        bool result = is_result(message), refusal = has_refusal(message);
        if (!call && !result && !refusal)
            continue;
        json_t *copy = json_copy(message);
        bool done = copy && (!call || write_call(copy, call, i)) &&
                    (!result || write_result(copy, messages, i)) && (!refusal || write_refusal(copy));
        if (json_array_set_new(all, i, copy) || !done) {
            json_decref(all);
            all = NULL;
        }
    }
    return all;
}
