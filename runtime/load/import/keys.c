#include "runtime/load/import/keys.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"
#include "runtime/load/import/folder.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void keys_release(struct keys *k)
{
    for (size_t i = 0; i < k->n_remarks; i++)
        free(k->remarks[i]);
    k->n_remarks = 0;
}

enum hone_status keys_write_remarks(const struct keys *k, struct gguf *g, struct hone_error *err)
{
    struct hone_text texts[KEYS_MAX_REMARKS];
    for (size_t i = 0; i < k->n_remarks; i++)
        texts[i] = (struct hone_text){k->remarks[i], strlen(k->remarks[i])};
    bool ok = k->n_remarks == 0 || gguf_set_texts(g, "hone.ignored_keys", texts, k->n_remarks);
    return ok ? HONE_OK : hone_no_memory(err, "remarks", sizeof texts);
}

/* 10000 and 10000.0 are one number. */
bool keys_are_same(const json_t *a, const json_t *b)
{
    return json_equal(a, b) ||
           (json_is_number(a) && json_is_number(b) && json_number_value(a) == json_number_value(b));
}

/* "[1...]": each element of a list is 1. */
static bool is_list_of(struct hone_text only, const json_t *value)
{
    static const char end[] = "...]";
    const size_t n_end = sizeof end - 1;
    if (only.size <= n_end || *only.data != '[' || strncmp(only.data + only.size - n_end, end, n_end) != 0)
        return false;
    json_t *element = json_loadb(only.data + 1, only.size - 1 - n_end, JSON_DECODE_ANY, NULL);
    bool same = element && json_is_array(value);
    for (size_t i = 0; same && i < json_array_size(value); i++)
        same = keys_are_same(json_array_get(value, i), element);
    json_decref(element);
    return same;
}

/* Whether a value, which is `text` as JSON, is one of those that a table knows (struct key_spec). */
static bool is_known(const char *only, const json_t *value, const char *text, const json_t *object)
{
    if (*only == '=')
        return keys_are_same(value, json_at((json_t *)object, only + 1));
    bool known = false;
    for (const char *at = only; at && !known;) {
        const struct hone_text one = {at, strcspn(at, "|")};
        known = text_is(one, text) || is_list_of(one, value);
        at = at[one.size] ? at + one.size + 1 : NULL;
    }
    return known;
}

static const struct key_spec *find(const struct key_spec *const *tables, const char *name)
{
    for (; *tables; tables++)
        for (const struct key_spec *s = *tables; s->name; s++) {
            size_t n = strlen(s->name);
            bool start = n > 0 && s->name[n - 1] == '*' && strncmp(name, s->name, n - 1) == 0;
            if (start || strcmp(name, s->name) == 0)
                return s;
        }
    return NULL;
}

enum hone_status keys_refuse(struct keys *k, struct hone_error *err, const char *format, ...)
{
    char sentence[512];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    if (!k->force)
        return hone_fail(err, HONE_BAD_MODEL, "%s; --force passes it over", sentence);
    char *remark = k->n_remarks < KEYS_MAX_REMARKS ? strdup(sentence) : NULL;
    if (remark)
        k->remarks[k->n_remarks++] = remark;
    return HONE_OK;
}

static enum hone_status complain(struct keys *k, const char *path, const char *name, const char *value,
                                 const struct key_spec *spec, struct hone_error *err)
{
    const int most = strlen(value) > 60 ? 60 : (int)strlen(value);
    if (spec && *spec->only == '=')
        return keys_refuse(k, err, "%s: '%s' is %.*s, which is not supported; expected the same as '%s'",
                           path, name, most, value, spec->only + 1);
    return spec ? keys_refuse(k, err, "%s: '%s' is %.*s, which is not supported; expected %s", path, name,
                              most, value, spec->only)
                : keys_refuse(k, err, "%s: the key '%s' (%.*s) is not known and could change results", path,
                              name, most, value);
}

enum hone_status keys_check(struct keys *k, const char *path, const json_t *object,
                            const struct key_spec *const *tables, struct hone_error *err)
{
    const char *name;
    json_t *value;
    json_object_foreach ((json_t *)object, name, value) {
        const struct key_spec *spec = find(tables, name);
        if (json_is_null(value) || (spec && !spec->only))
            continue;
        char *text = json_write(value, JSON_ENCODE_ANY | JSON_COMPACT);
        if (!text)
            return hone_no_memory(err, name, strlen(name));
        enum hone_status status = spec && is_known(spec->only, value, text, object)
                                      ? HONE_OK
                                      : complain(k, path, name, text, spec, err);
        free(text);
        if (status != HONE_OK)
            return status;
    }
    return HONE_OK;
}
