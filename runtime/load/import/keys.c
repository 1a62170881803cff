#include "runtime/load/import/keys.h"

#include "runtime/base/json.h"
#include "runtime/base/text.h"

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

/* Whether a value, as JSON, is one of those that a table knows: JSON texts with "|" between them; NULL: any. */
static bool is_known(const char *only, const char *value)
{
    bool known = !only;
    for (const char *at = only; at && !known;) {
        size_t n = strcspn(at, "|");
        known = text_is((struct hone_text){at, n}, value);
        at = at[n] ? at + n + 1 : NULL;
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
        enum hone_status status =
            spec && is_known(spec->only, text) ? HONE_OK : complain(k, path, name, text, spec, err);
        free(text);
        if (status != HONE_OK)
            return status;
    }
    return HONE_OK;
}
