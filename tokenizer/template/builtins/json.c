/* JSON in, and out as Python's json.dumps writes it. */
#include "tokenizer/template/builtins/json.h"

#include "runtime/base/json.h"
#include "runtime/base/utf8.h"
#include "tokenizer/template/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct jinja_value from_json(struct jinja_run *r, const json_t *json, unsigned depth);

static struct jinja_value from_array(struct jinja_run *r, const json_t *json, unsigned depth)
{
    struct list *list = jinja_run_list(r, json_array_size(json));
    for (size_t i = 0; i < list->n; i++)
        list->items[i] = from_json(r, json_array_get(json, i), depth);
    return jinja_make_list(r, VALUE_LIST, list);
}

static struct jinja_value from_object(struct jinja_run *r, const json_t *json, unsigned depth)
{
    const char *key;
    json_t *item;
    struct dict *d = jinja_dict_new(&r->arena, json_object_size(json));
    json_object_foreach ((json_t *)json, key, item) {
        struct jinja_value name = jinja_run_string(r, key, strlen(key));
        if (r->failed)
            break;
        jinja_put(r, d, name, from_json(r, item, depth));
    }
    return jinja_value_dict(d);
}

static struct jinja_value from_digits(struct jinja_run *r, const char *digits)
{
    struct jinja_value text = jinja_run_string(r, digits, strlen(digits));
    return value_is(text, VALUE_STRING) ? value_long(text.text, text.size) : text;
}

static struct jinja_value from_json(struct jinja_run *r, const json_t *json, unsigned depth)
{
    if (depth > VALUE_MAX_DEPTH)
        return jinja_run_fail(r, "the data is nested too deeply");
    if (!jinja_run_work(r, RUN_NODE_WORK))
        return value_none();
    switch (json ? json_typeof(json) : JSON_NULL) {
    case JSON_OBJECT:
        return from_object(r, json, depth + 1);
    case JSON_ARRAY:
        return from_array(r, json, depth + 1);
    case JSON_STRING:
        if (json_long_digits(json))
            return from_digits(r, json_long_digits(json));
        return jinja_run_string(r, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        return value_int(json_integer_value(json));
    case JSON_REAL:
        return value_float(json_real_value(json));
    case JSON_TRUE:
    case JSON_FALSE:
        return value_bool(json_is_true(json));
    default:
        return value_none();
    }
}

struct jinja_value jinja_value_from_json(struct jinja_run *r, const json_t *json)
{
    return from_json(r, json, 0);
}

/* ---- out ----------------------------------------------------------------------------------------------- */

static void print_unit(struct buffer *out, uint32_t unit)
{
    char text[8];
    buffer_append(out, text, (size_t)snprintf(text, sizeof text, "\\u%04" PRIx32, unit & 0xffff));
}

static void print_json_point(struct buffer *out, uint32_t point, bool ascii)
{
    static const char from[] = "\"\\\n\r\t\f\b", to[] = "\"\\nrtfb";
    const char *known = point && point < 0x80 ? strchr(from, (int)point) : NULL;
    if (known) {
        buffer_byte(out, '\\');
        buffer_byte(out, to[known - from]);
    } else if (point < 0x20 || (ascii && point >= 0x7f && point < 0x10000)) {
        print_unit(out, point);
    } else if (ascii && point >= 0x10000) {
        print_unit(out, 0xd800 + ((point - 0x10000) >> 10));
        print_unit(out, 0xdc00 + (point & 0x3ff));
    } else {
        buffer_point(out, point);
    }
}

static void print_json_text(struct buffer *out, struct hone_text text, bool ascii)
{
    buffer_byte(out, '"');
    for (const char *p = text.data; p < text.data + text.size;)
        print_json_point(out, utf8_next(&p), ascii);
    buffer_byte(out, '"');
}

/* What has one text as a value and as a key. */
static void print_json_plain(struct jinja_run *r, struct buffer *out, struct jinja_value v)
{
    if (v.kind == VALUE_NONE)
        buffer_append(out, "null", 4);
    else if (v.kind == VALUE_BOOL)
        buffer_append(out, v.truth ? "true" : "false", v.truth ? 4 : 5);
    else if (v.kind == VALUE_FLOAT && isnan(v.number))
        buffer_append(out, "NaN", 3);
    else if (v.kind == VALUE_FLOAT && isinf(v.number))
        buffer_append(out, v.number < 0 ? "-Infinity" : "Infinity", v.number < 0 ? 9 : 8);
    else if (value_is_number(v))
        jinja_print_number(out, v);
    else if (v.kind == VALUE_LONG)
        buffer_append(out, v.text, v.size);
    else
        jinja_run_fail(r, "a value of type %s cannot be written as JSON", jinja_value_type_name(v));
}

/* What stands between values is the template's choice, and can be long. */
static void put_mark(struct jinja_run *r, struct buffer *out, struct hone_text mark)
{
    if (jinja_run_work(r, mark.size))
        buffer_append(out, mark.data, mark.size);
}

static void new_line(struct jinja_run *r, struct buffer *out, const struct json_style *style, unsigned level)
{
    if (!style->indent.data)
        return;
    buffer_byte(out, '\n');
    for (unsigned i = 0; i < level && jinja_run_work(r, style->indent.size); i++)
        buffer_append(out, style->indent.data, style->indent.size);
}

static void print_json_list(struct jinja_run *r, struct buffer *out, const struct list *list,
                            const struct json_style *style, unsigned level)
{
    buffer_byte(out, '[');
    for (size_t i = 0; i < list->n && !r->failed; i++) {
        if (i)
            put_mark(r, out, style->comma);
        new_line(r, out, style, level + 1);
        jinja_print_json(r, out, list->items[i], style, level + 1);
    }
    if (list->n)
        new_line(r, out, style, level);
    buffer_byte(out, ']');
}

static void print_json_key(struct jinja_run *r, struct buffer *out, struct jinja_value key, bool ascii)
{
    if (key.kind == VALUE_STRING) {
        if (jinja_run_work(r, key.size))
            print_json_text(out, value_string(key), ascii);
        return;
    }
    buffer_byte(out, '"');
    print_json_plain(r, out, key);
    buffer_byte(out, '"');
}

struct sort_context {
    struct jinja_run *r;
    const struct jinja_entry *entries;
};

static int by_key(const void *a, const void *b, void *arg)
{
    const struct sort_context *c = arg;
    struct jinja_value x = c->entries[*(const size_t *)a].key, y = c->entries[*(const size_t *)b].key;
    return jinja_value_less(c->r, x, y) ? -1 : jinja_value_less(c->r, y, x) ? 1 : 0;
}

/* The order in which to write the entries. */
static size_t *entry_order(struct jinja_run *r, const struct dict *d, bool sorted)
{
    size_t *order = jinja_arena_alloc(&r->arena, d->n, sizeof *order);
    struct sort_context context = {r, d->entries};
    for (size_t i = 0; order && i < d->n; i++)
        order[i] = i;
    if (order && sorted)
        qsort_r(order, d->n, sizeof *order, by_key, &context);
    return order;
}

static void print_json_dict(struct jinja_run *r, struct buffer *out, const struct dict *d,
                            const struct json_style *style, unsigned level)
{
    size_t *order = entry_order(r, d, style->sort_keys);
    buffer_byte(out, '{');
    for (size_t i = 0; order && i < d->n && !r->failed; i++) {
        const struct jinja_entry *entry = &d->entries[order[i]];
        if (i)
            put_mark(r, out, style->comma);
        new_line(r, out, style, level + 1);
        print_json_key(r, out, entry->key, style->ascii);
        put_mark(r, out, style->colon);
        jinja_print_json(r, out, entry->value, style, level + 1);
    }
    if (d->n)
        new_line(r, out, style, level);
    buffer_byte(out, '}');
}

void jinja_print_json(struct jinja_run *r, struct buffer *out, struct jinja_value v,
                      const struct json_style *style, unsigned level)
{
    if (!jinja_run_work(r, 8) || !jinja_run_fits(r, out))
        return;
    if (v.kind == VALUE_STRING && jinja_run_work(r, v.size))
        print_json_text(out, value_string(v), style->ascii);
    else if (v.kind == VALUE_LIST || v.kind == VALUE_TUPLE)
        print_json_list(r, out, v.list, style, level);
    else if (v.kind == VALUE_DICT)
        print_json_dict(r, out, v.dict, style, level);
    else
        print_json_plain(r, out, v);
}
