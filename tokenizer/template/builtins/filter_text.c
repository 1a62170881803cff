/* Filters that make texts and numbers. */
#include "runtime/base/text.h"
#include "runtime/base/utf8.h"
#include "tokenizer/template/builtins/strings.h"
#include "tokenizer/template/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What soft_str keeps of a text marked safe. */
static struct jinja_value soft(struct jinja_run *r, struct jinja_value v)
{
    return v.kind == VALUE_STRING ? v : jinja_to_string(r, v);
}

static struct jinja_value filter_upper(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_upper(r, soft(r, v[0]));
}

static struct jinja_value filter_lower(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_lower(r, soft(r, v[0]));
}

static struct jinja_value filter_capitalize(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_capitalize(r, soft(r, v[0]));
}

/* Other than str.title: words begin behind white space, hyphens and opening brackets only. */
static struct jinja_value filter_title(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value text = jinja_to_string(r, v[0]);
    const char *p = text.text, *end = p + text.size;
    struct buffer out = {0};
    jinja_run_work(r, RUN_CHARACTER_WORK * text.size);
    while (p < end && !r->failed) {
        const char *start = p;
        for (bool in_word = true; p < end;) {
            const char *next = p;
            uint32_t c = utf8_next(&next);
            in_word = !jinja_text_is_space(c) && (c >= 0x80 || !c || !strchr("-({[<", (int)c));
            if (!in_word)
                break;
            p = next;
        }
        struct hone_text word = {start, (size_t)(p - start)};
        size_t first = word.size ? utf8_size(*start) : 0;
        jinja_text_convert(&out, (struct hone_text){start, first}, TEXT_UPPER);
        jinja_text_convert(&out, (struct hone_text){start + first, word.size - first}, TEXT_LOWER);
        if (p < end) {
            buffer_append(&out, p, utf8_size(*p));
            p += utf8_size(*p);
        }
    }
    return jinja_run_take(r, &out);
}

static struct jinja_value filter_trim(struct jinja_run *r, const struct jinja_value *v)
{
    return jinja_string_strip(r, soft(r, v[0]), v[1], STRIP_START | STRIP_END);
}

static struct jinja_value filter_string(struct jinja_run *r, const struct jinja_value *v)
{
    return soft(r, v[0]);
}

static struct jinja_value filter_replace(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value text = jinja_to_string(r, v[0]), from = jinja_to_string(r, v[1]),
                       to = jinja_to_string(r, v[2]);
    int64_t count = v[3].kind == VALUE_NONE ? -1 : jinja_integer_or(r, v[3], -1);
    return r->failed ? text : jinja_string_replace(r, text, from, to, count);
}

static struct jinja_value filter_safe(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value text = jinja_to_string(r, v[0]);
    text.safe = true;
    return text;
}

static struct jinja_value filter_escape(struct jinja_run *r, const struct jinja_value *v)
{
    struct buffer out = {0};
    if (v[0].kind == VALUE_STRING && v[0].safe)
        return v[0];
    struct jinja_value text = jinja_to_string(r, v[0]);
    jinja_print_escaped(&out, value_string(text));
    text = jinja_run_take(r, &out);
    text.safe = true;
    return text;
}

static struct jinja_value spaces(struct jinja_run *r, int64_t n)
{
    return jinja_operate(r, OP_MULTIPLY, value_literal(" "), value_int(n));
}

static struct jinja_value filter_indent(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value with = v[1].kind == VALUE_STRING ? v[1] : spaces(r, jinja_integer_or(r, v[1], 4));
    bool first = jinja_value_is_true(v[2]), blank = jinja_value_is_true(v[3]);
    struct buffer out = {0};
    if (!jinja_is_text(r, v[0], "indent"))
        return v[0];
    struct jinja_value lines =
        jinja_string_lines(r, jinja_operate(r, OP_ADD, v[0], value_literal("\n")), false);
    for (size_t i = 0; i < lines.list->n && !r->failed; i++) {
        struct jinja_value line = lines.list->items[i];
        if (i)
            buffer_byte(&out, '\n');
        if (i == 0 ? first : blank || line.size)
            jinja_print(r, &out, with);
        jinja_print(r, &out, line);
    }
    return jinja_run_take(r, &out);
}

static struct jinja_value filter_center(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value text = jinja_to_string(r, v[0]);
    int64_t n = (int64_t)jinja_value_length(r, text), width = jinja_integer_or(r, v[1], 80);
    if (r->failed || width <= n)
        return text;
    int64_t margin = width - n, left = margin / 2 + (margin & width & 1);
    text = jinja_operate(r, OP_ADD, spaces(r, left), text);
    return jinja_operate(r, OP_ADD, text, spaces(r, margin - left));
}

/* ---- numbers ------------------------------------------------------------------------------------------- */

/* A text as Python's float() reads it; false: it does not. */
static bool read_float(struct hone_text text, double *number)
{
    char copy[400], *end;
    const char *start = jinja_text_skip_space(text.data, text.data + text.size);
    size_t size = (size_t)(jinja_text_trim_end(start, text.data + text.size) - start), n = 0;
    if (!size || size >= sizeof copy || memchr(start, 'x', size) || memchr(start, 'X', size) ||
        memchr(start, '(', size))
        return false;
    for (size_t i = 0; i < size; i++) {
        bool between = i && i + 1 < size && start[i - 1] >= '0' && start[i - 1] <= '9' &&
                       start[i + 1] >= '0' && start[i + 1] <= '9';
        if (start[i] != '_')
            copy[n++] = start[i];
        else if (!between)
            return false;
    }
    copy[n] = '\0';
    *number = strtod(copy, &end);
    return end == copy + n && n;
}

/* A text as Python's int() reads it, in base 10. */
static bool read_integer(struct jinja_run *r, struct hone_text text, int64_t *integer)
{
    double number;
    char copy[64], *end;
    size_t n = 0;
    if (!read_float(text, &number))
        return false;
    const char *start = jinja_text_skip_space(text.data, text.data + text.size);
    for (const char *p = start; p < jinja_text_trim_end(start, text.data + text.size) && n + 1 < sizeof copy;
         p++)
        if (*p != '_')
            copy[n++] = *p;
    copy[n] = '\0';
    if (n && !(copy[n - 1] >= '0' && copy[n - 1] <= '9'))
        return false;
    errno = 0;
    *integer = strtoll(copy, &end, 10);
    if (errno)
        jinja_run_fail(r, "an integer of more than 64 bits");
    return *end == '\0';
}

static struct jinja_value truncated(struct jinja_run *r, double number, struct jinja_value otherwise)
{
    if (!isfinite(number))
        return otherwise;
    if (fabs(number) >= 9223372036854775808.0)
        return jinja_run_fail(r, "an integer of more than 64 bits");
    return value_int((int64_t)number);
}

static struct jinja_value filter_int(struct jinja_run *r, const struct jinja_value *v)
{
    struct jinja_value otherwise = v[1].kind == VALUE_MISSING ? value_int(0) : v[1];
    int64_t integer;
    double number;
    if (jinja_integer_or(r, v[2], 10) != 10)
        return jinja_run_fail(r, "'int' with another base than 10 is not supported");
    if (v[0].kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, v[0]);
    if (value_is_integer(v[0]))
        return value_int(value_integer(v[0]));
    if (v[0].kind == VALUE_FLOAT)
        return isinf(v[0].number) ? jinja_run_fail(r, "infinity is no integer")
                                  : truncated(r, v[0].number, otherwise);
    if (v[0].kind != VALUE_STRING)
        return otherwise;
    if (read_integer(r, value_string(v[0]), &integer))
        return value_int(integer);
    return read_float(value_string(v[0]), &number) ? truncated(r, number, otherwise) : otherwise;
}

static struct jinja_value filter_float(struct jinja_run *r, const struct jinja_value *v)
{
    double number;
    if (v[0].kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, v[0]);
    if (value_is_number(v[0]))
        return value_float(value_number(v[0]));
    if (v[0].kind == VALUE_STRING && read_float(value_string(v[0]), &number))
        return value_float(number);
    return v[1].kind == VALUE_MISSING ? value_float(0) : v[1];
}

static struct jinja_value filter_abs(struct jinja_run *r, const struct jinja_value *v)
{
    if (v[0].kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, v[0]);
    if (!value_is_number(v[0]))
        return jinja_run_fail(r, "'abs' needs a number");
    if (v[0].kind == VALUE_FLOAT)
        return value_float(fabs(v[0].number));
    return value_integer(v[0]) < 0 ? jinja_negate(r, v[0]) : value_int(value_integer(v[0]));
}

/* To the decimal that is nearest to the number itself, as printf and Python do it. */
static struct jinja_value round_float(double number, int64_t precision)
{
    char text[400];
    if (!isfinite(number) || precision > 17)
        return value_float(number);
    snprintf(text, sizeof text, "%.*f", (int)precision, number);
    return value_float(strtod(text, NULL));
}

static struct jinja_value filter_round(struct jinja_run *r, const struct jinja_value *v)
{
    int64_t precision = jinja_integer_or(r, v[1], 0);
    struct hone_text method =
        v[2].kind == VALUE_STRING ? value_string(v[2]) : (struct hone_text){"common", 6};
    bool up = text_is(method, "ceil"), down = text_is(method, "floor");
    if (r->failed || v[0].kind == VALUE_UNDEFINED)
        return jinja_run_fail_undefined(r, v[0]);
    if (!value_is_number(v[0]) || precision < 0 || (!up && !down && !text_is(method, "common")))
        return jinja_run_fail(r, "'round' with these arguments is not supported");
    if (!up && !down)
        return v[0].kind == VALUE_FLOAT ? round_float(v[0].number, precision)
                                        : value_int(value_integer(v[0]));
    if (v[0].kind == VALUE_FLOAT && !isfinite(v[0].number))
        return jinja_run_fail(r, "'round' of a number that is not finite");
    double scale = pow(10, (double)precision), scaled = value_number(v[0]) * scale;
    return value_float((up ? ceil(scaled) : floor(scaled)) / scale);
}

/* ---- JSON ---------------------------------------------------------------------------------------------- */

static bool set_separators(struct jinja_run *r, struct jinja_value v, struct json_style *style)
{
    bool several = style->indent.data != NULL;
    style->comma = (struct hone_text){",", 1};
    style->colon = (struct hone_text){": ", 2};
    if (!several)
        style->comma = (struct hone_text){", ", 2};
    if (v.kind == VALUE_MISSING || v.kind == VALUE_NONE)
        return true;
    struct list *pair = jinja_iterate(r, v);
    if (pair->n != 2 || !jinja_is_text(r, pair->items[0], "tojson") ||
        !jinja_is_text(r, pair->items[1], "tojson")) {
        jinja_run_fail(r, "the separators of 'tojson' must be two texts");
        return false;
    }
    style->comma = value_string(pair->items[0]);
    style->colon = value_string(pair->items[1]);
    return true;
}

/* As transformers defines it, not as Jinja does: nothing is escaped for HTML. */
static struct jinja_value filter_tojson(struct jinja_run *r, const struct jinja_value *v)
{
    struct json_style style = {.ascii = jinja_value_is_true(v[1]), .sort_keys = jinja_value_is_true(v[4])};
    struct buffer out = {0};
    if (v[2].kind == VALUE_STRING) {
        style.indent = value_string(v[2]);
    } else if (v[2].kind != VALUE_MISSING && v[2].kind != VALUE_NONE) {
        style.indent = value_string(spaces(r, jinja_integer_or(r, v[2], 0)));
    }
    if (r->failed || !set_separators(r, v[3], &style))
        return value_none();
    jinja_print_json(r, &out, v[0], &style, 0);
    return jinja_run_take(r, &out);
}

/* "%s and %d" | format(a, b): Python's %, as far as chat templates have it. */
static struct jinja_value filter_format(struct jinja_run *r, struct jinja_value self,
                                        const struct jinja_call *call)
{
    struct buffer out = {0};
    size_t n = 0;
    struct jinja_value text = soft(r, self);
    const char *end = text.kind == VALUE_STRING ? text.text + text.size : NULL;
    for (const char *p = text.text; end && p < end && !r->failed; p++) {
        char sign = *p == '%' && p + 1 < end ? *++p : '\0';
        bool whole = sign == 'd' && n < call->n_args && value_is_integer(call->args[n]);
        if (sign == '\0' || sign == '%')
            buffer_byte(&out, *p);
        else if (n >= call->n_args)
            jinja_run_fail(r, "'format' has not as many values as its text wants");
        else if (sign == 's' || whole)
            jinja_print(r, &out, call->args[n++]);
        else if (sign == 'r')
            jinja_print_repr(r, &out, call->args[n++]);
        else
            jinja_run_fail(r, "'format' with '%%%c' is not supported", sign);
    }
    if (!r->failed && (n < call->n_args || call->n_keywords > 0))
        jinja_run_fail(r, "'format' has more values than its text wants");
    return jinja_run_take(r, &out);
}

const struct builtin jinja_text_filters[] = {
    {"format", NULL, filter_format, 0, NULL},
    {"upper", filter_upper, NULL, 0, ""},
    {"lower", filter_lower, NULL, 0, ""},
    {"capitalize", filter_capitalize, NULL, 0, ""},
    {"title", filter_title, NULL, 0, ""},
    {"trim", filter_trim, NULL, 0, "chars"},
    {"string", filter_string, NULL, 0, ""},
    {"replace", filter_replace, NULL, 2, "old new count"},
    {"safe", filter_safe, NULL, 0, ""},
    {"escape", filter_escape, NULL, 0, ""},
    {"e", filter_escape, NULL, 0, ""},
    {"indent", filter_indent, NULL, 0, "width first blank"},
    {"center", filter_center, NULL, 0, "width"},
    {"int", filter_int, NULL, 0, "default base"},
    {"float", filter_float, NULL, 0, "default"},
    {"abs", filter_abs, NULL, 0, ""},
    {"round", filter_round, NULL, 0, "precision method"},
    {"tojson", filter_tojson, NULL, 0, "ensure_ascii indent separators sort_keys"},
    {0},
};
