/* Values as text: Python's str and repr. */
#include "runtime/base/utf8.h"
#include "tokenizer/template/run.h"
#include "tokenizer/text/unicode.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest digits that read back as the same number; an exponent from 1e16 on and below 1e-4. */
static void print_float(struct buffer *out, double number)
{
    char text[40];
    if (!isfinite(number)) {
        const char *name = isnan(number) ? "nan" : number < 0 ? "-inf" : "inf";
        buffer_append(out, name, strlen(name));
        return;
    }
    int precision = 1, exponent;
    do
        snprintf(text, sizeof text, "%.*e", precision - 1, number);
    while (strtod(text, NULL) != number && precision++ < 17);
    exponent = atoi(strchr(text, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        buffer_append(out, text, strlen(text));
        return;
    }
    int decimals = precision - 1 - exponent;
    snprintf(text, sizeof text, "%.*f", decimals > 1 ? decimals : 1, number);
    buffer_append(out, text, strlen(text));
}

void jinja_print_number(struct buffer *out, struct jinja_value v)
{
    char text[24];
    if (v.kind == VALUE_FLOAT) {
        print_float(out, v.number);
    } else if (v.kind == VALUE_INT) {
        int size = snprintf(text, sizeof text, "%" PRId64, v.integer);
        buffer_append(out, text, (size_t)size);
    } else {
        buffer_append(out, v.truth ? "True" : "False", v.truth ? 4 : 5);
    }
}

static bool is_printable(uint32_t point)
{
    enum unicode_category c = unicode_category(unicode_properties(point));
    if (point < 0x80)
        return point >= 0x20 && point < 0x7f;
    return c != UC_CC && c != UC_CF && c != UC_CO && c != UC_CN && c != UC_ZL && c != UC_ZP && c != UC_ZS;
}

static void print_quoted_point(struct buffer *out, uint32_t point, char quote)
{
    static const char from[] = "\n\r\t\\", to[] = "nrt\\";
    const char *known = point && point < 0x80 ? strchr(from, (int)point) : NULL;
    char text[16];
    if (known || point == (unsigned char)quote) {
        buffer_byte(out, '\\');
        buffer_byte(out, known ? to[known - from] : quote);
    } else if (is_printable(point)) {
        buffer_point(out, point);
    } else {
        char letter = point < 0x100 ? 'x' : point < 0x10000 ? 'u' : 'U';
        int width = point < 0x100 ? 2 : point < 0x10000 ? 4 : 8;
        buffer_append(out, text, (size_t)snprintf(text, sizeof text, "\\%c%0*" PRIx32, letter, width, point));
    }
}

static void print_quoted(struct buffer *out, struct hone_text text)
{
    bool single = text.size && memchr(text.data, '\'', text.size);
    bool twice = text.size && memchr(text.data, '"', text.size);
    char quote = single && !twice ? '"' : '\'';
    buffer_byte(out, quote);
    for (const char *p = text.data; p < text.data + text.size;)
        print_quoted_point(out, utf8_next(&p), quote);
    buffer_byte(out, quote);
}

static void print_items(struct jinja_run *r, struct buffer *out, struct jinja_value v)
{
    bool tuple = v.kind == VALUE_TUPLE;
    buffer_byte(out, tuple ? '(' : '[');
    for (size_t i = 0; i < v.list->n && !r->failed; i++) {
        if (i)
            buffer_append(out, ", ", 2);
        jinja_print_repr(r, out, v.list->items[i]);
    }
    if (tuple && v.list->n == 1)
        buffer_byte(out, ',');
    buffer_byte(out, tuple ? ')' : ']');
}

static void print_dict(struct jinja_run *r, struct buffer *out, const struct dict *d)
{
    buffer_byte(out, '{');
    for (size_t i = 0; i < d->n && !r->failed; i++) {
        if (i)
            buffer_append(out, ", ", 2);
        jinja_print_repr(r, out, d->entries[i].key);
        buffer_append(out, ": ", 2);
        jinja_print_repr(r, out, d->entries[i].value);
    }
    buffer_byte(out, '}');
}

static void print_range(struct buffer *out, const struct list *range)
{
    char text[80];
    int size = snprintf(text, sizeof text, "range(%" PRId64 ", %" PRId64, range->start, range->stop);
    if (range->step != 1)
        size += snprintf(text + size, sizeof text - (size_t)size, ", %" PRId64, range->step);
    buffer_append(out, text, (size_t)size);
    buffer_byte(out, ')');
}

static void print_view(struct jinja_run *r, struct buffer *out, struct jinja_value v)
{
    buffer_append(out, v.list->name, strlen(v.list->name));
    buffer_byte(out, '(');
    v.kind = VALUE_LIST;
    print_items(r, out, v);
    buffer_byte(out, ')');
}

void jinja_print_repr(struct jinja_run *r, struct buffer *out, struct jinja_value v)
{
    if (!jinja_run_work(r, 8) || !jinja_run_fits(r, out))
        return;
    if (v.kind == VALUE_STRING && v.safe)
        jinja_run_fail(r, "a text marked as safe inside of a list cannot be printed");
    else if (v.kind == VALUE_STRING && jinja_run_work(r, v.size))
        print_quoted(out, value_string(v));
    else if (v.kind == VALUE_LIST || v.kind == VALUE_TUPLE)
        print_items(r, out, v);
    else if (v.kind == VALUE_RANGE)
        print_range(out, v.list);
    else if (v.kind == VALUE_VIEW)
        print_view(r, out, v);
    else if (v.kind == VALUE_DICT)
        print_dict(r, out, v.dict);
    else if (v.kind == VALUE_UNDEFINED)
        buffer_append(out, "Undefined", 9);
    else if (v.kind == VALUE_NONE)
        buffer_append(out, "None", 4);
    else if (value_is_number(v))
        jinja_print_number(out, v);
    else if (v.kind == VALUE_LONG)
        buffer_append(out, v.text, v.size);
    else
        jinja_run_fail(r, "a value of type %s cannot be printed", jinja_value_type_name(v));
}

void jinja_print(struct jinja_run *r, struct buffer *out, struct jinja_value v)
{
    if (r->failed || v.kind == VALUE_UNDEFINED)
        return;
    if (v.kind != VALUE_STRING)
        jinja_print_repr(r, out, v);
    else if (jinja_run_work(r, v.size))
        buffer_append(out, v.text, v.size);
    jinja_run_fits(r, out);
}

struct jinja_value jinja_to_string(struct jinja_run *r, struct jinja_value v)
{
    struct buffer text = {0};
    if (v.kind == VALUE_STRING) {
        v.safe = false;
        return v;
    }
    jinja_print(r, &text, v);
    return jinja_run_take(r, &text);
}

void jinja_print_escaped(struct buffer *out, struct hone_text text)
{
    static const char special[] = "&<>'\"";
    static const char *const names[] = {"&amp;", "&lt;", "&gt;", "&#39;", "&#34;"};
    for (size_t i = 0; i < text.size; i++) {
        const char *at = text.data[i] ? strchr(special, text.data[i]) : NULL;
        if (at)
            buffer_append(out, names[at - special], strlen(names[at - special]));
        else
            buffer_byte(out, text.data[i]);
    }
}
