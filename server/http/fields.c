#include "server/http/fields.h"
#include "runtime/base/text.h"
#include "server/http/describe.h"
#include "server/service.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_IGNORED 1900 /* bytes of a header that names fields */

/* How long the client will wait, where something is computed. */
static void read_timeout(struct fields *f)
{
    double seconds = 0;
    field_number(f, "timeout", 0.001, 1e6, &seconds);
    if (seconds > 0 && (f->r->timeout_ms == 0 || seconds * 1e3 < f->r->timeout_ms))
        f->r->timeout_ms = seconds * 1e3;
}

struct fields fields_of(struct http_request *r)
{
    struct fields f = {.r = r, .object = r->json, .describing = r->describing, .asked = r->asked};
    if (r->route->endpoint != ENDPOINT_NONE)
        read_timeout(&f);
    return f;
}

struct fields fields_in(struct http_request *r, const json_t *object)
{
    return (struct fields){.r = r, .object = object};
}

void field_fail(struct fields *f, enum problem problem, const char *name, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (f->r->describing)
        return;
    if (!f->failed)
        http_fail(f->r, problem, name, "'%s' %s", name, sentence);
    f->failed = true;
}

const json_t *field_get(const struct fields *f, const char *name)
{
    if (f->describing)
        describe_field(f->describing, name, NULL);
    if (f->asked)
        json_object_set_new(f->asked, name, json_true());
    const json_t *value = f->failed ? NULL : json_object_get(f->object, name);
    return json_is_null(value) ? NULL : value;
}

void field_required(struct fields *f, const char *name)
{
    if (f->r->describing)
        describe_required(f->describing, name);
    else if (!field_get(f, name))
        field_fail(f, PROBLEM_FIELD, name, "is missing");
}

void field_bool(struct fields *f, const char *name, bool *out)
{
    if (f->describing)
        describe_field(f->describing, name, json_pack("{s:s}", "type", "boolean"));
    const json_t *value = field_get(f, name);
    if (!value)
        return;
    if (json_is_boolean(value))
        *out = json_is_true(value);
    else
        field_fail(f, PROBLEM_FIELD, name, "must be true or false");
}

void field_number(struct fields *f, const char *name, double min, double max, double *out)
{
    if (f->describing)
        describe_field(f->describing, name, describe_number("number", min, max));
    const json_t *value = field_get(f, name);
    if (!value)
        return;
    double x = json_is_number(value) ? json_number_value(value) : NAN;
    if (x >= min && x <= max)
        *out = x;
    else
        field_fail(f, PROBLEM_FIELD, name, "must be a number from %g to %g", min, max);
}

void field_count(struct fields *f, const char *name, size_t min, size_t max, size_t *out)
{
    if (f->describing)
        describe_field(f->describing, name, describe_number("integer", (double)min, (double)max));
    const json_t *value = field_get(f, name);
    if (!value)
        return;
    json_int_t n = json_is_integer(value) ? json_integer_value(value) : -1;
    if (n >= 0 && (uint64_t)n >= min && (uint64_t)n <= max)
        *out = (size_t)n;
    else
        field_fail(f, PROBLEM_FIELD, name, "must be a whole number from %zu to %zu", min, max);
}

void field_text(struct fields *f, const char *name, struct hone_text *out)
{
    if (f->describing)
        describe_field(f->describing, name, json_pack("{s:s}", "type", "string"));
    const json_t *value = field_get(f, name);
    if (!value)
        return;
    if (json_is_string(value))
        *out = (struct hone_text){json_string_value(value), json_string_length(value)};
    else
        field_fail(f, PROBLEM_FIELD, name, "must be a string");
}

void field_name(struct fields *f, const char *name, const char **out)
{
    struct hone_text text = {NULL, 0};
    field_text(f, name, &text);
    if (text.data && strlen(text.data) != text.size)
        field_fail(f, PROBLEM_FIELD, name, "must have no NUL in it");
    else if (text.data)
        *out = text.data;
}

void field_choice(struct fields *f, const char *name, const char *choices, int *out)
{
    struct hone_text word = {NULL, 0};
    field_text(f, name, &word);
    if (f->describing)
        describe_field(f->describing, name, describe_choice(choices));
    if (!word.data)
        return;
    int i = 0;
    for (const char *c = choices; c; c = strchr(c, '|') ? strchr(c, '|') + 1 : NULL, i++)
        if (text_equal(word, (struct hone_text){c, strcspn(c, "|")})) {
            *out = i;
            return;
        }
    field_fail(f, PROBLEM_FIELD, name, "must be one of %s", choices);
}

void *field_reserve(struct fields *f, const char *name, size_t n, size_t size)
{
    void *items = NULL;
    size_t max = f->r->service->settings.max_batch;
    if (f->failed)
        return NULL;
    if (f->r->describing)
        return calloc(1, size);
    if (n == 0)
        field_fail(f, PROBLEM_EMPTY, name, "is empty");
    else if (n > max)
        field_fail(f, PROBLEM_BATCH, name, "has %zu entries, of at most %zu", n, max);
    else if (!(items = calloc(n, size)))
        field_fail(f, PROBLEM_MEMORY, name, "is too much for the memory there is");
    return items;
}

void field_texts(struct fields *f, const char *name, struct texts *out)
{
    if (f->describing)
        describe_field(f->describing, name, describe_texts());
    const json_t *value = field_get(f, name);
    if (!value)
        return;
    out->alone = !json_is_array(value);
    out->n = out->alone ? 1 : json_array_size(value);
    out->items = field_reserve(f, name, out->n, sizeof *out->items);
    if (!out->items)
        return;
    for (size_t i = 0; i < out->n; i++) {
        const json_t *text = out->alone ? value : json_array_get(value, i);
        if (!json_is_string(text)) {
            field_fail(f, PROBLEM_FIELD, name, "must be a string or a list of strings");
            return;
        }
        out->items[i] = (struct hone_text){json_string_value(text), json_string_length(text)};
    }
}

void field_ids(struct fields *f, const char *name, const json_t *list, size_t end, struct ids *out)
{
    size_t n = json_array_size(list);
    if (f->failed)
        return;
    if (!json_is_array(list) || n == 0) {
        field_fail(f, json_is_array(list) ? PROBLEM_EMPTY : PROBLEM_FIELD, name,
                   "must be a list of token ids");
        return;
    }
    out->items = calloc(n, sizeof *out->items);
    if (!out->items) {
        field_fail(f, PROBLEM_MEMORY, name, "is too much for the memory there is");
        return;
    }
    out->n = n;
    for (size_t i = 0; i < n; i++) {
        const json_t *id = json_array_get(list, i);
        json_int_t x = json_is_integer(id) ? json_integer_value(id) : -1;
        if (x < 0 || (uint64_t)x >= end) {
            field_fail(f, PROBLEM_FIELD, name, "must hold token ids, whole numbers from 0 to %zu", end - 1);
            return;
        }
        out->items[i] = (int32_t)x;
    }
}

/* ---- fields that nobody has read ---------------------------------------------------------------------------------- */

/* Fields that clients send of themselves, and that change no result. */
static bool is_harmless(const char *name)
{
    static const char *const names[] = {"user",
                                        "store",
                                        "metadata",
                                        "service_tier",
                                        "safety_identifier",
                                        "prompt_cache_key",
                                        "prompt_cache_retention",
                                        "cache_prompt",
                                        "id_slot",
                                        "timings_per_token",
                                        "return_progress",
                                        "request_id",
                                        "priority",
                                        "stream_options",
                                        "guided_decoding_backend",
                                        "keep_alive",
                                        "num_ctx",
                                        "num_keep",
                                        "num_batch",
                                        "num_gpu",
                                        "main_gpu",
                                        "low_vram",
                                        "use_mmap",
                                        "use_mlock",
                                        "num_thread",
                                        "numa",
                                        "encoding_format",
                                        "return_usage",
                                        NULL};
    for (size_t i = 0; names[i]; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Of an object the fields that nobody has read, behind those in the list; or the first one is refused: false. */
static bool list_unknown(struct http_request *r, const json_t *object, const json_t *asked,
                         struct reply_buffer *list)
{
    bool strict = strcmp(r->service->settings.strict_fields, "on") == 0;
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)object, name, value) {
        if (json_is_null(value) || json_object_get(asked, name) || is_harmless(name))
            continue;
        if (strict) {
            http_fail(r, PROBLEM_FIELD, name, "'%.100s' is not known here", name);
            return false;
        }
        reply_buffer_format(list, "%s%.100s", list->size ? ", " : "", name);
    }
    return true;
}

bool fields_check_unknown(struct http_request *r, const json_t *within, const json_t *within_asked)
{
    if (r->fields_checked || r->describing)
        return true;
    r->fields_checked = true;
    struct reply_buffer *list = &r->ignored;
    if (!list_unknown(r, r->json, r->asked, list) || !list_unknown(r, within, within_asked, list)) {
        reply_buffer_release(list);
        return false;
    }
    for (size_t i = 0; i < list->size; i++) /* a header cannot hold everything that a name can */
        if ((unsigned char)list->data[i] < ' ' || (unsigned char)list->data[i] > '~')
            list->data[i] = '?';
    list->size = list->size < MOST_IGNORED ? list->size : MOST_IGNORED;
    return true;
}
