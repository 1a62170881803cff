#include "tokenizer/template/chat/messages.h"

#include "runtime/base/json.h"
#include "tokenizer/text/fail.h"

#include <stdio.h>
#include <string.h>

struct failure {
    struct hone_error *err;
    size_t message; /* from 1 */
};

static json_t *fail(const struct failure *f, const char *what)
{
    tok_fail(f->err, HONE_USAGE, "message %zu: %s", f->message, what);
    return NULL;
}

/* ---- contents ----------------------------------------------------------------------------------------------------- */

/* The text of a part, which may be a text itself; borrowed. */
static json_t *part_text(const json_t *part, const struct failure *f)
{
    const json_t *type = json_object_get(part, "type");
    json_t *text = json_is_string(part) ? (json_t *)part : json_object_get(part, "text");
    bool is_text = json_is_string(part) || !type ||
                   (json_is_string(type) && strcmp(json_string_value(type), "text") == 0);
    if (!is_text && json_is_string(type)) {
        tok_fail(f->err, HONE_USAGE, "message %zu: a part of type '%.40s' cannot be read, only text",
                 f->message, json_string_value(type));
        return NULL;
    }
    return is_text && json_is_string(text) ? text : fail(f, "a part of the content is no text");
}

/* Parts as parts, each an object. */
static json_t *parts_as_parts(const json_t *parts, const struct failure *f)
{
    json_t *all = json_array();
    for (size_t i = 0; i < json_array_size(parts); i++) {
        json_t *text = part_text(json_array_get(parts, i), f);
        if (!text || json_array_append_new(all, json_pack("{s:s,s:O}", "type", "text", "text", text))) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

static json_t *parts_as_text(const json_t *parts, const struct failure *f)
{
    json_t *joined = json_string("");
    for (size_t i = 0; i < json_array_size(parts) && joined; i++) {
        json_t *text = part_text(json_array_get(parts, i), f);
        json_t *longer =
            text ? json_sprintf("%s%s%s", json_string_value(joined), i ? "\n" : "", json_string_value(text))
                 : NULL;
        json_decref(joined);
        joined = longer;
    }
    return joined;
}

/* A new reference. Who says nothing says an empty text. */
static json_t *convert_content(const struct abilities *a, enum chat_role role, json_t *content,
                               const struct failure *f)
{
    role = role == CHAT_ROLES ? CHAT_USER : role;
    if (json_is_array(content))
        return a->content[role].parts ? parts_as_parts(content, f) : parts_as_text(content, f);
    if (content && !json_is_string(content) && !json_is_null(content))
        return fail(f, "the content is neither a text nor a list of parts");
    json_t *text = json_is_string(content) ? json_incref(content) : json_string("");
    return a->content[role].text ? text : json_pack("[{s:s,s:o}]", "type", "text", "text", text);
}

/* ---- calls -------------------------------------------------------------------------------------------------------- */

/* As the template wants them: an object, or JSON text. A text that is no object of JSON stays as it is. */
static bool convert_arguments(const struct abilities *a, json_t *function)
{
    json_t *given = json_object_get(function, "arguments");
    if (json_is_string(given) && json_string_length(given) == 0)
        return json_object_set_new(function, "arguments",
                                   a->argument_text ? json_string("{}") : json_object()) == 0;
    if (json_is_object(given) && a->argument_text) {
        char *text = json_write(given, 0);
        json_t *written = text ? json_string(text) : NULL;
        free(text);
        return written && json_object_set_new(function, "arguments", written) == 0;
    }
    if (!json_is_string(given) || a->argument_text)
        return true;
    json_t *object = json_read(json_string_value(given), json_string_length(given), JSON_LONG_INTEGERS, NULL);
    bool fits = !json_is_object(object) || json_object_set(function, "arguments", object) == 0;
    json_decref(object);
    return fits;
}

/* Nine letters and digits: those that were so stay, others become the digits of their hash, so that a call and its
 * result still have the same. */
static bool shorten_id(json_t *holder, const char *name)
{
    const char *id = json_string_value(json_object_get(holder, name));
    char letters[10];
    if (!id || (strlen(id) == 9 &&
                strspn(id, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") == 9))
        return true;
    uint64_t hash = 14695981039346656037u; /* FNV-1a */
    for (const char *at = id; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 1099511628211u;
    snprintf(letters, sizeof letters, "%09llx", (unsigned long long)(hash >> 28));
    return json_object_set_new(holder, name, json_string(letters)) == 0;
}

/* The calls of a message, and what stands beside them. */
static bool convert_calls(const struct abilities *a, json_t *message)
{
    json_t *call, *content = json_object_get(message, "content");
    size_t i;
    json_array_foreach (json_object_get(message, "tool_calls"), i, call)
        if (!convert_arguments(a, json_object_get(call, "function")) ||
            (a->calls && a->short_ids && !shorten_id(call, "id")))
            return false;
    if (json_is_string(content) ? json_string_length(content) > 0 : json_array_size(content) > 0)
        return true;
    enum empty_content said = json_is_string(content) ? CONTENT_TEXT : CONTENT_NULL;
    enum empty_content form =
        a->calls ? said : CONTENT_TEXT; /* or so that the calls are said to be left out */
    for (int k = 0; a->calls && k < CONTENT_FORMS && !a->empty[form]; k++)
        form = (enum empty_content)k;
    if (form == CONTENT_ABSENT)
        return json_object_del(message, "content") == 0 || !content;
    return json_object_set_new(message, "content", form == CONTENT_NULL ? json_null() : json_string("")) == 0;
}

/* The name of the tool that a call with this id called; borrowed. */
static json_t *name_called(const json_t *messages, size_t before, const char *id)
{
    for (size_t i = before; id && i-- > 0;) {
        json_t *call, *calls = json_object_get(json_array_get(messages, i), "tool_calls");
        size_t k;
        json_array_foreach (calls, k, call) {
            const char *its = json_string_value(json_object_get(call, "id"));
            if (its && strcmp(its, id) == 0)
                return json_object_get(json_object_get(call, "function"), "name");
        }
    }
    return NULL;
}

/* messages: the client's, in which this is number `at`. */
static bool convert_result(const struct abilities *a, json_t *message, const json_t *messages, size_t at)
{
    json_t *name = name_called(messages, at, json_string_value(json_object_get(message, "tool_call_id")));
    if (a->calls && a->result_names && name && !json_object_get(message, "name") &&
        json_object_set(message, "name", name))
        return false;
    return !a->calls || !a->short_ids || shorten_id(message, "tool_call_id");
}

/* ---- messages ----------------------------------------------------------------------------------------------------- */

/* Fields that say "none" are not there: clients write down all that a message could have. */
static void drop_nothings(json_t *message)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(message, next, key, value) if (json_is_null(value) ||
                                                            (strcmp(key, "tool_calls") == 0 &&
                                                             json_is_array(value) && !json_array_size(value)))
        json_object_del(message, key);
}

static bool alias_reasoning(json_t *message)
{
    static const char *const names[] = {"reasoning_content", "thinking", "reasoning"};
    json_t *said = NULL;
    for (size_t i = 0; i < 3 && !said; i++)
        said = json_object_get(message, names[i]);
    if (!said)
        return true;
    if (!json_object_get(message, "thinking") && json_object_set(message, "thinking", said))
        return false;
    return json_object_set(message, "reasoning_content", said) == 0;
}

/* A new object; NULL after a failure, with a sentence where it is not for lack of memory. */
static json_t *convert_message(const struct abilities *a, const json_t *messages, size_t at,
                               const struct failure *f)
{
    const json_t *message = json_array_get(messages, at);
    if (!json_is_object(message))
        return fail(f, "not an object");
    json_t *copy = json_copy_all(message);
    enum chat_role role = chat_role_named(json_string_value(json_object_get(message, "role")));
    bool done = copy != NULL;
    if (done)
        drop_nothings(copy);
    if (done && role == CHAT_DEVELOPER && !a->knows_developer) {
        role = CHAT_SYSTEM;
        done = json_object_set_new(copy, "role", json_string("system")) == 0;
    }
    if (done && a->call_text && json_object_get(copy, "tool_calls"))
        done = call_text_write(a->call_text, copy);
    json_t *content = json_object_get(copy, "content");
    bool calls = json_object_get(copy, "tool_calls") != NULL;
    if (done && (content || !calls)) {
        content = convert_content(a, role, content, f);
        done = content && json_object_set_new(copy, "content", content) == 0;
    }
    done = done && alias_reasoning(copy) && (!calls || convert_calls(a, copy)) &&
           (role != CHAT_TOOL || convert_result(a, copy, messages, at));
    if (done)
        return copy;
    json_decref(copy);
    return NULL;
}

static bool is_system(const json_t *message)
{
    return chat_role_named(json_string_value(json_object_get(message, "role"))) == CHAT_SYSTEM;
}

/* A system message right behind another one goes on with that one's text, where the template shows one alone. */
static bool join_systems(json_t *before, const json_t *message)
{
    json_t *had = json_object_get(before, "content"), *more = json_object_get(message, "content");
    if (json_is_array(had))
        return json_array_extend(had, more) == 0;
    json_t *joined = json_sprintf("%s\n\n%s", json_string_value(had), json_string_value(more));
    return joined && json_object_set_new(before, "content", joined) == 0;
}

/* A text beside calls becomes a message before them, where the template would drop it else. */
static bool split(const struct abilities *a, json_t *all, json_t *message)
{
    json_t *text = json_copy_all(message);
    bool done = text && json_object_del(text, "tool_calls") == 0 && json_array_append(all, text) == 0 &&
                json_object_set_new(message, "content", json_null()) == 0 && convert_calls(a, message);
    json_decref(text);
    return done;
}

/* Takes the message over. */
static bool append(const struct abilities *a, json_t *all, json_t *message)
{
    json_t *content = json_object_get(message, "content"),
           *last = json_array_get(all, json_array_size(all) - 1);
    bool says = json_is_string(content) ? json_string_length(content) > 0 : json_array_size(content) > 0;
    bool calls = json_object_get(message, "tool_calls") != NULL, done = true;
    if (!a->two_systems && is_system(message) && is_system(last)) {
        done = join_systems(last, message);
    } else {
        if (says && calls && a->calls && a->text_before_calls)
            done = split(a, all, message);
        done = done && json_array_append(all, message) == 0;
    }
    json_decref(message);
    return done;
}

json_t *messages_convert(const struct abilities *a, const json_t *messages, struct hone_error *err)
{
    json_t *all = json_array();
    if (!json_is_array(messages)) {
        tok_fail(err, HONE_USAGE, "the messages are no list");
        json_decref(all);
        return NULL;
    }
    for (size_t i = 0; i < json_array_size(messages); i++) {
        struct failure f = {err, i + 1};
        json_t *message = convert_message(a, messages, i, &f);
        if (!message || !append(a, all, message)) {
            json_decref(all);
            return NULL;
        }
    }
    return all;
}

json_t *messages_convert_tools(const struct abilities *a, const json_t *tools)
{
    json_t *copy = json_copy_all(tools), *tool;
    size_t i;
    bool done = copy != NULL;
    json_array_foreach (copy, i, tool) {
        json_t *function = json_object_get(tool, "function");
        if (!a->whole_tools || !json_is_object(function))
            continue;
        if (!json_is_string(json_object_get(function, "description")))
            done = done && json_object_set_new(function, "description", json_string("")) == 0;
        if (!json_is_object(json_object_get(function, "parameters")))
            done = done && json_object_set_new(function, "parameters",
                                               json_pack("{s:s,s:{}}", "type", "object", "properties")) == 0;
    }
    if (done)
        return copy;
    json_decref(copy);
    return NULL;
}
