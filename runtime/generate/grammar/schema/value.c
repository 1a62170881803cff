/* Looking at JSON values, and writing them. */
#include "runtime/generate/grammar/schema/json.h"

#include "runtime/base/hash.h"
#include "runtime/base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- members ---- */

const struct schema_value *schema_value_find(struct schema_work *w, const struct schema_value *of,
                                             struct hone_text name)
{
    if (!of || of->kind != VALUE_OBJECT)
        return NULL;
    if (!of->slots) {
        for (uint32_t i = 0; i < of->n; i++)
            if (text_equal(of->names[i], name))
                return of->items[i];
        return NULL;
    }
    size_t slot = hash_bytes(name.data, name.size) & (of->n_slots - 1);
    for (; of->slots[slot]; slot = (slot + 1) & (of->n_slots - 1)) {
        if (text_equal(of->names[of->slots[slot] - 1], name))
            return of->items[of->slots[slot] - 1];
        if (!schema_pay(w, 1))
            return NULL;
    }
    return NULL;
}

const struct schema_value *schema_value_get(struct schema_work *w, const struct schema_value *of,
                                            const char *name)
{
    return schema_value_find(w, of, (struct hone_text){name, strlen(name)});
}

bool schema_value_equal(struct schema_work *w, const struct schema_value *a, const struct schema_value *b)
{
    if (a == b)
        return true;
    if (a->hash != b->hash || a->kind != b->kind || !schema_pay(w, 1))
        return false;
    if (a->kind == VALUE_NUMBER)
        return decimal_compare(a->number, b->number) == 0;
    if (a->kind == VALUE_STRING)
        return text_equal(a->text, b->text);
    if (a->n != b->n)
        return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const struct schema_value *other =
            a->kind == VALUE_ARRAY ? b->items[i] : schema_value_find(w, b, a->names[i]);
        if (!other || !schema_value_equal(w, a->items[i], other))
            return false;
    }
    return true;
}

/* ---- where it stands ---- */

static void add_step(char *out, size_t size, size_t *n, struct hone_text name)
{
    if (*n + 1 < size)
        out[(*n)++] = '/';
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (*n + 2 >= size)
            return;
        if (c == '~' || c == '/')
            out[(*n)++] = '~';
        out[(*n)++] = c == '~' ? '0' : c == '/' ? '1' : c;
    }
}

void schema_value_pointer(const struct schema_value *at, char *out, size_t size)
{
    const struct schema_value *path[64];
    size_t depth = 0, n = 0;
    for (; at && at->parent && depth < 64; at = at->parent)
        path[depth++] = at;
    while (depth > 0) {
        const struct schema_value *v = path[--depth];
        char number[16];
        int n_number = snprintf(number, sizeof number, "%u", v->place);
        add_step(out, size, &n,
                 v->parent->kind == VALUE_OBJECT ? v->parent->names[v->place]
                                                 : (struct hone_text){number, (size_t)n_number});
    }
    out[n] = 0;
}

bool schema_fail_at(struct schema_work *w, const struct schema_value *at, const char *format, ...)
{
    char what[300], pointer[120];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    schema_value_pointer(at, pointer, sizeof pointer);
    return schema_fail(w, "%s%s: %s", *pointer ? ", at " : "", pointer, what);
}

/* ---- texts ---- */

void schema_text_add(struct schema_text *t, const char *data, size_t size)
{
    if (t->size + size + 1 > t->capacity) {
        size_t wanted = 2 * (t->size + size) + 64;
        char *grown = schema_alloc(t->w, wanted, 1);
        if (!grown)
            return;
        if (t->size > 0)
            memcpy(grown, t->data, t->size);
        t->data = grown;
        t->capacity = wanted;
    }
    if (size > 0)
        memcpy(t->data + t->size, data, size);
    t->size += size;
    t->data[t->size] = 0;
}

void schema_text_put_list(struct schema_text *t, const char *format, va_list args)
{
    char line[256];
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(line, sizeof line, format, args);
    if (n >= 0 && (size_t)n < sizeof line) {
        schema_text_add(t, line, (size_t)n);
    } else if (n >= 0) {
        char *more = schema_alloc(t->w, (size_t)n + 1, 1);
        if (more) {
            vsnprintf(more, (size_t)n + 1, format, again);
            schema_text_add(t, more, (size_t)n);
        }
    }
    va_end(again);
}

void schema_text_put(struct schema_text *t, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    schema_text_put_list(t, format, args);
    va_end(args);
}

static void text_string(struct schema_text *t, struct hone_text s)
{
    static const char names[] = "btnvfr";
    schema_text_add(t, "\"", 1);
    for (size_t i = 0; i < s.size; i++) {
        unsigned char c = (unsigned char)s.data[i];
        if (c == '"' || c == '\\')
            schema_text_put(t, "\\%c", c);
        else if (c >= 8 && c <= 13 && c != 11)
            schema_text_put(t, "\\%c", names[c - 8]);
        else if (c < 0x20 || c == 0x7f)
            schema_text_put(t, "\\u%04x", c);
        else
            schema_text_add(t, (const char *)&s.data[i], 1);
    }
    schema_text_add(t, "\"", 1);
}

void schema_text_value(struct schema_text *t, const struct schema_value *v)
{
    static const char *const words[] = {
        [VALUE_NULL] = "null", [VALUE_FALSE] = "false", [VALUE_TRUE] = "true"};
    if (v->kind == VALUE_STRING)
        text_string(t, v->text);
    else if (v->kind == VALUE_NUMBER)
        schema_text_add(t, v->text.data, v->text.size);
    if (v->kind < VALUE_NUMBER)
        schema_text_add(t, words[v->kind], strlen(words[v->kind]));
    if (v->kind < VALUE_ARRAY)
        return;
    schema_text_add(t, v->kind == VALUE_ARRAY ? "[" : "{", 1);
    for (uint32_t i = 0; i < v->n; i++) {
        if (i > 0)
            schema_text_add(t, ",", 1);
        if (v->kind == VALUE_OBJECT) {
            text_string(t, v->names[i]);
            schema_text_add(t, ":", 1);
        }
        schema_text_value(t, v->items[i]);
    }
    schema_text_add(t, v->kind == VALUE_ARRAY ? "]" : "}", 1);
}
