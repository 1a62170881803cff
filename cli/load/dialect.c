#include "cli/load/dialect.h"
#include "cli/io/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct load_dialect dialects[] = {
    /* kind, name, path, shape, field, length, extra, has, count, text, tokens, end */
    {"embed", "openai", "/v1/embeddings", LOAD_TEXTS, "input", NULL, NULL, "embedding", "total_tokens", {NULL}, NULL, NULL},
    {"embed", "hone", "/api/v1/embed", LOAD_TEXTS, "texts", NULL, NULL, "embeddings", "total_tokens", {NULL}, NULL, NULL},
    {"embed", "tei", "/embed", LOAD_TEXTS, "inputs", NULL, "\"truncate\":true", NULL, NULL, {NULL}, NULL, NULL},
    {"embed", "ollama", "/api/embed", LOAD_TEXTS, "input", NULL, NULL, "embeddings", "prompt_eval_count", {NULL}, NULL, NULL},
    {"rerank", "jina", "/v1/rerank", LOAD_DOCUMENTS, "documents", NULL, NULL, "results", "total_tokens", {NULL}, NULL, NULL},
    {"rerank", "cohere", "/v2/rerank", LOAD_DOCUMENTS, "documents", NULL, NULL, "results", NULL, {NULL}, NULL, NULL},
    {"rerank", "tei", "/rerank", LOAD_DOCUMENTS, "texts", NULL, "\"truncate\":true", NULL, NULL, {NULL}, NULL, NULL},
    {"classify", "tei", "/predict", LOAD_TEXTS, "inputs", NULL, "\"truncate\":true", NULL, NULL, {NULL}, NULL, NULL},
    {"chat", "openai", "/v1/chat/completions", LOAD_MESSAGES, "messages", "max_tokens",
     "\"stream\":true,\"stream_options\":{\"include_usage\":true}", NULL, NULL,
     {"choices.0.delta.content", "choices.0.delta.reasoning_content", "choices.0.delta.tool_calls"}, "usage.completion_tokens", NULL},
    {"chat", "responses", "/v1/responses", LOAD_MESSAGES, "input", "max_output_tokens", "\"stream\":true", NULL, NULL,
     {"delta", NULL}, "response.usage.output_tokens", "type=response.completed|type=response.incomplete"},
    {"chat", "anthropic", "/v1/messages", LOAD_MESSAGES, "messages", "max_tokens", "\"stream\":true", NULL, NULL,
     {"delta.text", "delta.thinking", "delta.partial_json"}, "usage.output_tokens", "type=message_stop"},
    {"chat", "ollama", "/api/chat", LOAD_MESSAGES, "messages", "options.num_predict", "\"stream\":true", NULL, NULL,
     {"message.content", "message.thinking", "message.tool_calls"}, "eval_count", "done"},
    {"completion", "openai", "/v1/completions", LOAD_PROMPT, "prompt", "max_tokens",
     "\"stream\":true,\"stream_options\":{\"include_usage\":true}", NULL, NULL, {"choices.0.text", NULL},
     "usage.completion_tokens", NULL},
    {"completion", "llama.cpp", "/completion", LOAD_PROMPT, "prompt", "n_predict", "\"stream\":true", NULL, NULL, {"content", NULL},
     "tokens_predicted", "stop"},
    {"completion", "ollama", "/api/generate", LOAD_PROMPT, "prompt", "options.num_predict", "\"stream\":true", NULL, NULL,
     {"response", "thinking", NULL}, "eval_count", "done"},
};
/* clang-format on */
#define N_DIALECTS (sizeof dialects / sizeof *dialects)

/* Whether path ends in the row's, and what of it stands before. "/v1/rerank" ends in "/rerank", too, so the longest counts. */
static bool ends_in(const char *path, const char *end, size_t *prefix)
{
    size_t n = strlen(path), n_end = strlen(end);
    *prefix = n >= n_end ? n - n_end : 0;
    return n >= n_end && strcmp(path + *prefix, end) == 0;
}

const struct load_dialect *load_dialect_find(const char *path, const char *kind, const char *name,
                                             size_t *prefix)
{
    const struct load_dialect *found = NULL;
    for (size_t i = 0; i < N_DIALECTS; i++) {
        size_t before;
        if (ends_in(path, dialects[i].path, &before) &&
            (!found || strlen(dialects[i].path) > strlen(found->path))) {
            found = &dialects[i];
            *prefix = before;
        }
    }
    if (found && ((kind && strcmp(kind, found->kind) != 0) || (name && strcmp(name, found->name) != 0))) {
        report_error(HONE_USAGE, "%s is %s in the dialect %s, which is not what the options say", found->path,
                     found->kind, found->name);
        return NULL;
    }
    if (found)
        return found;
    *prefix = strlen(path);
    for (size_t i = 0; i < N_DIALECTS; i++)
        if (strcmp(dialects[i].kind, kind   ? kind
                                     : name ? dialects[i].kind
                                            : "embed") == 0 &&
            (!name || strcmp(dialects[i].name, name) == 0))
            return &dialects[i];
    report_error(HONE_USAGE, "the dialect %s has no path for %s", name, kind);
    return NULL;
}

bool load_dialect_streams(const struct load_dialect *d)
{
    return d->text[0] != NULL;
}

/* ---- requests ---- */

static json_t *list_of(const char *const *texts, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(texts[i]));
    return list;
}

static json_t *texts_of(const struct load_dialect *d, const char *const *texts, size_t n)
{
    if (d->shape == LOAD_PROMPT)
        return json_string(texts[0]);
    if (d->shape == LOAD_MESSAGES)
        return json_pack("[{ss ss}]", "role", "user", "content", texts[0]);
    bool has_query = d->shape == LOAD_DOCUMENTS;
    return list_of(texts + has_query, n - has_query);
}

static void set_length(json_t *body, const char *field, size_t n)
{
    json_t *number = json_integer((json_int_t)n);
    if (strncmp(field, "options.", 8) == 0)
        json_object_set_new(body, "options", json_pack("{so}", field + 8, number));
    else
        json_object_set_new(body, field, number);
}

char *load_dialect_body(const struct load_dialect *d, const char *const *texts, size_t n, const char *model,
                        size_t max_tokens)
{
    char extra[256];
    snprintf(extra, sizeof extra, "{%s}", d->extra ? d->extra : "");
    json_t *body = json_loads(extra, 0, NULL), *value = texts_of(d, texts, n);
    bool well = body && value && json_object_set_new(body, d->field, value) == 0;
    for (size_t i = 0; well && d->shape <= LOAD_DOCUMENTS && i < json_array_size(value); i++)
        well = json_is_string(json_array_get(value, i));
    well = well && (d->shape > LOAD_DOCUMENTS || json_array_size(value) == n - (d->shape == LOAD_DOCUMENTS));
    if (well && d->shape == LOAD_DOCUMENTS)
        well = json_object_set_new(body, "query", json_string(texts[0])) == 0;
    if (well && model)
        well = json_object_set_new(body, "model", json_string(model)) == 0;
    if (well && d->length && max_tokens)
        set_length(body, d->length, max_tokens);
    char *text = well ? json_dumps(body, JSON_COMPACT) : NULL;
    json_decref(body);
    return text;
}

/* ---- answers in one piece ---- */

/* Behind "name" and a colon; NULL: it is not there. */
static const char *find_name(const char *body, size_t size, const char *name)
{
    char quoted[64];
    size_t n = (size_t)snprintf(quoted, sizeof quoted, "\"%s\"", name);
    const char *at = body, *end = body + size;
    while ((at = memmem(at, (size_t)(end - at), quoted, n))) {
        at += n;
        at += strspn(at, " \t\r\n");
        if (*at == ':') /* and not a string of that value: "object": "embedding" */
            return at + 1;
    }
    return NULL;
}

/* By search and not by a parser, since reading all numbers of a vector takes the client, on the same machine maybe, as long
 * as a small model takes to make them. The body is NUL-terminated. */
bool load_dialect_check(const struct load_dialect *d, const char *body, size_t size, size_t *n_tokens)
{
    size_t space = strspn(body, " \t\r\n");
    const char *count = d->count ? find_name(body, size, d->count) : NULL;
    *n_tokens = count ? strtoul(count, NULL, 10) : 0;
    if (d->has)
        return body[space] == '{' && find_name(body, size, d->has) != NULL;
    return body[space] == '[' && body[space + 1] != ']';
}

/* ---- streams ---- */

/* The value at "a.0.b"; NULL: there is none. */
static json_t *value_at(json_t *value, const char *path)
{
    while (value && path && *path) {
        char key[64];
        size_t n = strcspn(path, ".");
        snprintf(key, sizeof key, "%.*s", (int)n, path);
        value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
                                     : json_object_get(value, key);
        path += n + (path[n] == '.');
    }
    return value;
}

/* "done": a true one; "type=x": that string; "|": any of them. */
static bool is_end(json_t *object, const char *end)
{
    while (end && *end) {
        size_t n = strcspn(end, "|"), n_key = strcspn(end, "=|");
        char key[32];
        snprintf(key, sizeof key, "%.*s", (int)n_key, end);
        json_t *value = json_object_get(object, key);
        const char *text = json_string_value(value);
        if (n_key == n
                ? json_is_true(value)
                : text && strlen(text) == n - n_key - 1 && memcmp(text, end + n_key + 1, strlen(text)) == 0)
            return true;
        end += n + (end[n] == '|');
    }
    return false;
}

static bool has_text(json_t *value)
{
    return json_is_string(value) ? json_string_length(value) > 0 : json_array_size(value) > 0;
}

struct load_event load_dialect_line(const struct load_dialect *d, const char *line, size_t size)
{
    struct load_event event = {0};
    bool is_data = size >= 5 && memcmp(line, "data:", 5) == 0;
    line += is_data ? 5 : 0;
    size -= is_data ? 5 : 0;
    while (size && *line == ' ') {
        line++;
        size--;
    }
    if (is_data && size >= 6 && memcmp(line, "[DONE]", 6) == 0) {
        event.is_end = d->end == NULL;
        return event;
    }
    if (size == 0 || *line != '{') /* "event: ...", ": a remark" */
        return event;
    json_t *object = json_loadb(line, size, JSON_ALLOW_NUL, NULL), *error = json_object_get(object, "error");
    event.is_error = !object || (error && !json_is_null(error));
    for (size_t i = 0; i < 3 && d->text[i]; i++)
        event.has_text |= has_text(value_at(object, d->text[i]));
    json_t *n = value_at(object, d->tokens);
    event.n_tokens = json_is_integer(n) && json_integer_value(n) > 0 ? (size_t)json_integer_value(n) : 0;
    event.is_end = is_end(object, d->end);
    json_decref(object);
    return event;
}
